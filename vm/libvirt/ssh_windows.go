package libvirt

// installSSH is how the client of ssh is had on this system.
const installSSH = "Add-WindowsCapability -Online -Name OpenSSH.Client~~~~0.0.1.0 (in PowerShell, as an administrator)"
