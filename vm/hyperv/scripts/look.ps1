# What there is of the machines and checkpoints that are meant, by name or id; and who asks.
$me = New-Object Security.Principal.WindowsPrincipal ([Security.Principal.WindowsIdentity]::GetCurrent())
$allowed = $false
foreach ($sid in 'S-1-5-32-544', 'S-1-5-32-578') { # Administrators, Hyper-V Administrators
    if ($me.IsInRole((New-Object Security.Principal.SecurityIdentifier $sid))) { $allowed = $true }
}
# Not -Name: its value is a pattern, and a name may have brackets.
$vms = @(Hyper-V\Get-VM | Where-Object { $_.Name -eq $p.name -or [string]$_.Id -eq $p.name })
$machines = @(foreach ($vm in $vms) {
    $checkpoints = @(foreach ($c in @(Hyper-V\Get-VMSnapshot -VM $vm)) {
        @{ id = [string]$c.Id; name = $c.Name; made = $c.CreationTime.ToUniversalTime().ToString('o') }
    })
    @{
        id = [string]$vm.Id
        name = $vm.Name
        state = [int]$vm.State
        automatic = [bool]$vm.AutomaticCheckpointsEnabled
        checkpoints = $checkpoints
    }
})
@{ account = $me.Identity.Name; allowed = $allowed; host = $env:COMPUTERNAME; system = [Environment]::OSVersion.Version.ToString(); machines = $machines; mark = Get-Mark }
