# What the scripts have in common. $p is what they were given: see script.go.
$workerLog = 'Microsoft-Windows-Hyper-V-Worker-Admin'
$serviceLog = 'Microsoft-Windows-Hyper-V-VMMS-Admin'

# VMState of Microsoft.HyperV.PowerShell, by number: its names are the same in every language, but not in every version.
$running = 2
$off = 3
$saved = 6
$paused = 9
$fleeting = 4, 10, 11, 32773, 32776, 32777, 32780 # stopping, starting, reset, saving, pausing, resuming, saving fast

function Get-Machine { Hyper-V\Get-VM -Id $p.vm }

# The newest record of a log; 0 of an empty one.
function Get-Newest([string]$log) {
    $query = New-Object System.Diagnostics.Eventing.Reader.EventLogQuery $log, 'LogName', '*'
    $query.ReverseDirection = $true
    $reader = New-Object System.Diagnostics.Eventing.Reader.EventLogReader $query
    try {
        $record = $reader.ReadEvent()
        if ($null -eq $record) { [long]0 } else { [long]$record.RecordId }
    } finally {
        $reader.Dispose()
    }
}

function Get-Mark { @{ worker = Get-Newest $workerLog; service = Get-Newest $serviceLog } }

# What a log says of the machine behind a record: at most 100 events, oldest first.
function Get-News([string]$log, [long]$after, [string]$which) {
    $query = New-Object System.Diagnostics.Eventing.Reader.EventLogQuery $log, 'LogName', "*[System[(EventRecordID > $after) and ($which)]]"
    $reader = New-Object System.Diagnostics.Eventing.Reader.EventLogReader $query
    $found = 0
    try {
        while ($found -lt 100) {
            $record = $reader.ReadEvent()
            if ($null -eq $record) { break }
            $xml = $record.ToXml()
            if ($xml.IndexOf([string]$p.vm, [StringComparison]::OrdinalIgnoreCase) -lt 0 -or $xml.Length -gt 20000) { continue }
            $found++
            @{ record = [long]$record.RecordId; id = [int]$record.Id; xml = $xml }
        }
    } finally {
        $reader.Dispose()
    }
}

function Get-WorkerNews([long]$after) { Get-News $workerLog $after '(EventID >= 18500) and (EventID <= 18699)' }

# Waits until the log has what an order of ours has led to, and gives its record: what is behind it is news. The log is written by
# others, a little later.
function Wait-Record([long]$after, [int[]]$ids) {
    foreach ($try in 1..25) {
        foreach ($news in @(Get-WorkerNews $after)) {
            if ($ids -contains $news.id) { return [long]$news.record }
        }
        Start-Sleep -Milliseconds 200
    }
    Get-Newest $workerLog
}

# A state that is about to be another one is waited for.
function Get-Settled {
    foreach ($try in 1..240) {
        $vm = Get-Machine
        if ($fleeting -notcontains [int]$vm.State) { break }
        Start-Sleep -Milliseconds 500
    }
    $vm
}

# Whatever it is doing, the machine is off then, or its state is on the disk. Gives the record in the log that is about that.
function Stop-Machine {
    $before = Get-Newest $workerLog
    $vm = Get-Settled
    if ($off, $saved -contains [int]$vm.State) { return $before }
    Hyper-V\Stop-VM -VM $vm -TurnOff -Force
    Wait-Record $before 18502
}

# The machine runs then. Gives the record in the log that is about that.
function Start-Machine {
    $before = Get-Newest $workerLog
    $vm = Get-Settled
    if ([int]$vm.State -eq $running) { return $before }
    if ([int]$vm.State -eq $paused) { Hyper-V\Resume-VM -VM $vm } else { Hyper-V\Start-VM -VM $vm }
    Wait-Record $before (18500, 18596, 18518)
}
