//go:build unix

package disk

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// SharingOf tells what others may do with what was found at a path.
func SharingOf(_ string, info fs.FileInfo) (Sharing, error) {
	mode := info.Mode().Perm()
	s := Sharing{Read: mode&0o077 != 0, Write: mode&0o022 != 0, How: fmt.Sprintf("mode %04o", mode)}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && int(stat.Uid) != os.Geteuid() {
		s.Owner, s.System = fmt.Sprintf("user %d", stat.Uid), stat.Uid == 0
	}
	return s, nil
}

// User is what this user is called where an owner is told.
func User() string { return fmt.Sprintf("user %d", os.Geteuid()) }

// ToClose is a command by which a file, or a folder, becomes this user's alone.
func ToClose(path string, folder bool) string {
	if folder {
		return "chmod 700 " + path
	}
	return "chmod 600 " + path
}

// ToOwn is a command by which a file becomes this user's, and his alone.
func ToOwn(path string) string {
	return fmt.Sprintf("chown %d %s && chmod 600 %s", os.Geteuid(), path, path)
}
