package host

import (
	"bufio"
	"bytes"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// system is what this system calls itself (os-release(5)), and its kernel (uname(2)).
func system() string {
	name := "Linux"
	for _, path := range []string{"/etc/os-release", "/usr/lib/os-release"} {
		if text, err := os.ReadFile(path); err == nil {
			name = prettyName(text)
			break
		}
	}
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return name
	}
	return name + ", " + unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:])
}

// prettyName is what os-release says that people are to be told.
func prettyName(text []byte) string {
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		value, found := strings.CutPrefix(lines.Text(), "PRETTY_NAME=")
		if !found {
			continue
		}
		if unquoted, err := strconv.Unquote(value); err == nil {
			value = unquoted
		}
		return strings.Trim(value, "'")
	}
	return "Linux"
}
