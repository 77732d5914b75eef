# Waits for news of the machine. One call lasts a while, so that nothing is left running for long when whoever has asked is gone.
$clock = [Diagnostics.Stopwatch]::StartNew()
$worker = [long]$p.mark.worker
$service = [long]$p.mark.service
# A log that was cleared begins anew.
if ((Get-Newest $workerLog) -lt $worker) { $worker = 0 }
if ((Get-Newest $serviceLog) -lt $service) { $service = 0 }
while ($true) {
    $fromWorker = @(Get-WorkerNews $worker)
    $fromService = @(Get-News $serviceLog $service 'EventID = 14070')
    if ($fromWorker.Count + $fromService.Count -gt 0 -or $clock.Elapsed.TotalSeconds -ge $p.within) { break }
    Start-Sleep -Milliseconds 500
}
if ($fromWorker.Count -gt 0) { $worker = $fromWorker[-1].record }
if ($fromService.Count -gt 0) { $service = $fromService[-1].record }
$vm = @(Hyper-V\Get-VM | Where-Object { [string]$_.Id -eq $p.vm })
@{ worker = $fromWorker; service = $fromService; mark = @{ worker = $worker; service = $service }; gone = $vm.Count -eq 0 }
