package libvirt

// installSSH is how the client of ssh is had on this system.
const installSSH = "it comes with macOS: look for /usr/bin/ssh"
