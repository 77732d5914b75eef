//go:build unix

package settings

import (
	"regexp"
	"strings"
)

var windowsDrive = regexp.MustCompile(`^[A-Za-z]:[\\/]`)

// wanted is what is expected in the place of a path that only Windows would take for one; else empty.
func wanted(path string) string {
	switch {
	case windowsDrive.MatchString(path) || strings.HasPrefix(path, `\\`):
		return "a path of this machine, which is not Windows"
	case strings.Contains(path, `\`) && !strings.Contains(path, "/"):
		return "/ between folders"
	}
	return ""
}
