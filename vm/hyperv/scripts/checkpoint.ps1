# Makes a checkpoint of what the machine is now, under a name that no other one has afterwards. Until the new one is there and
# has its name, the old one stays.
$vm = Get-Machine
$unfinished = $p.name + ' (new)'
$before = @(Hyper-V\Get-VMSnapshot -VM $vm)
foreach ($c in $before) {
    if ($c.Name -eq $unfinished) { Hyper-V\Remove-VMSnapshot -VMSnapshot $c -Confirm:$false }
}
Hyper-V\Checkpoint-VM -VM $vm -SnapshotName $unfinished
$made = @(Hyper-V\Get-VMSnapshot -VM $vm | Where-Object { $_.Name -eq $unfinished })
if ($made.Count -ne 1) { return @{ id = '' } }
Hyper-V\Rename-VMSnapshot -VMSnapshot $made[0] -NewName $p.name
foreach ($c in $before) {
    if ($c.Name -eq $p.name) { Hyper-V\Remove-VMSnapshot -VMSnapshot $c -Confirm:$false }
}
@{ id = [string]$made[0].Id }
