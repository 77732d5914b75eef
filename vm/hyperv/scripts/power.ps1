# Turns the machine off, or on, or both; neither is a question.
$service = Get-Newest $serviceLog
$worker = Get-Newest $workerLog
if ($p.off) { $worker = Stop-Machine }
if ($p.on) { $worker = Start-Machine }
@{ state = [int](Get-Machine).State; mark = @{ worker = $worker; service = $service } }
