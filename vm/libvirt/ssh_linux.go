package libvirt

// installSSH is how the client of ssh is had on this system.
const installSSH = "apt-get install --no-install-recommends openssh-client"
