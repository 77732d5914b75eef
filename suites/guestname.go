package suites

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf16"

	"wskharness/guest/winname"
)

// maxGuestPath is the longest path that the agent takes, in UTF-16 code units (driver/agent/base/path.h).
const maxGuestPath = 1000

var drive = regexp.MustCompile(`^[A-Za-z]:\\`)

// guestPath reads a path in the guest: an absolute one on a drive, or one below the case's folder. Both slashes will do.
func (p *caseParser) guestPath(n *node, what string) (string, bool) {
	text, ok := p.text(n, what)
	if !ok {
		return "", false
	}
	text = strings.ReplaceAll(text, "/", `\`)
	if err := checkGuestPath(text); err != nil {
		p.r.At(n, `a path in the guest, such as out\result.txt or C:\temp\x`, "%s is %s: %v", what, n.Describe(), err)
		return "", false
	}
	return text, true
}

// checkGuestPath says why the agent would refuse a path, or Windows would take it for another.
func checkGuestPath(path string) error {
	if n := len(utf16.Encode([]rune(path))); n > maxGuestPath {
		return fmt.Errorf("it has %d characters, and may have %d", n, maxGuestPath)
	}
	below := drive.ReplaceAllString(path, "")
	switch {
	case strings.HasPrefix(below, `\`):
		return errors.New("it is neither on a drive nor below the case's folder")
	case below == path && len(path) > 1 && path[1] == ':':
		return errors.New("it has a drive without a backslash behind it, or is a stream of a file")
	}
	for _, name := range strings.Split(below, `\`) {
		if err := winname.Check(name); err != nil {
			return err
		}
	}
	return nil
}
