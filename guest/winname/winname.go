// Package winname says what can be the name of a file in a Windows guest. Suites and configurations are held to it before
// anything starts, the guest's side again when it writes: one rule, in one place, the agent's own (driver/agent/base/path.c).
//
// Source: "Naming Files, Paths, and Namespaces" of the Windows documentation.
package winname

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxName is the most UTF-16 code units that one name may have, on NTFS.
const maxName = 255

// Check says what is wrong with the name of one file or folder.
func Check(name string) error {
	switch {
	case !utf8.ValidString(name):
		return fmt.Errorf("%q is not UTF-8", name)
	case name == "":
		return errors.New("an empty name between two backslashes, or at the end")
	case len(utf16.Encode([]rune(name))) > maxName:
		return fmt.Errorf("a name of more than %d characters", maxName)
	case strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || strings.ContainsRune(`<>:"/\|?*`, r) }):
		return fmt.Errorf("%q has a character that a Windows file name can't have", name)
	case strings.HasSuffix(name, ".") || strings.HasSuffix(name, " "):
		return fmt.Errorf("%q ends in a dot or a space, which Windows drops (or is a relative name)", name)
	case isDevice(name):
		return fmt.Errorf("%q is the name of a device", name)
	}
	return nil
}

// isDevice knows the names that mean a device in every folder, whatever their extension, and with blanks before its dot.
// They are of ASCII, but for the digits of three ports: conın$ is none.
func isDevice(name string) bool {
	base, _, _ := strings.Cut(name, ".")
	base = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r - 'a' + 'A'
		}
		return r
	}, strings.TrimRight(base, " "))
	switch base {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$":
		return true
	}
	port, ok := strings.CutPrefix(base, "COM")
	if !ok {
		port, ok = strings.CutPrefix(base, "LPT")
	}
	return ok && utf8.RuneCountInString(port) == 1 && strings.ContainsAny(port, "0123456789¹²³")
}

// MaxPath is the most UTF-16 code units that the agent takes as a path (driver/agent/base/path.h).
const MaxPath = 1000

// CheckPath says why the agent would not take path as that of a file: it has to be absolute, on a drive, without "..", alternate
// streams or device names.
func CheckPath(path string) error {
	if !utf8.ValidString(path) {
		return errors.New("not UTF-8")
	}
	if n := len(utf16.Encode([]rune(path))); n > MaxPath {
		return fmt.Errorf("%d characters long, the most is %d", n, MaxPath)
	}
	drive := len(path) > 3 && (path[0]|0x20 >= 'a' && path[0]|0x20 <= 'z') && path[1:3] == `:\`
	if !drive {
		return errors.New(`not absolute; write it as C:\folder\file`)
	}
	for _, part := range strings.Split(path[3:], `\`) {
		if err := Check(part); err != nil {
			return err
		}
	}
	return nil
}
