package driver

import "os"

// installCommand is for Debian and its relatives, the only place where the build is known to work.
func installCommand(pkg string) string {
	cmd := "apt-get install --no-install-recommends " + pkg
	if os.Geteuid() != 0 {
		cmd = "sudo " + cmd
	}
	return cmd
}
