# Interrupts the machine's processors so that its kernel can't help it.
Hyper-V\Debug-VM -VM (Get-Machine) -InjectNonMaskableInterrupt -Force
@{ done = $true }
