# Brings the machine back to a checkpoint, and starts it: off before, since a machine that runs is saved first otherwise.
$service = Get-Newest $serviceLog
$worker = Stop-Machine
$checkpoint = @(Hyper-V\Get-VMSnapshot -VM (Get-Machine) | Where-Object { [string]$_.Id -eq $p.checkpoint })
if ($checkpoint.Count -ne 1) { return @{ gone = $true } }
Hyper-V\Restore-VMSnapshot -VMSnapshot $checkpoint[0] -Confirm:$false
$memory = [int](Get-Machine).State -eq $saved # a Production checkpoint has none: the machine boots
$worker = Start-Machine
@{ gone = $false; memory = $memory; state = [int](Get-Machine).State; mark = @{ worker = $worker; service = $service } }
