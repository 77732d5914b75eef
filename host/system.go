package host

import (
	"runtime"
	"strings"
	"unicode"
)

// maxSystem bounds what a system calls itself.
const maxSystem = 200

// System names the system that this program runs on, with its version, on one line: "Debian GNU/Linux 12 (bookworm), Linux
// 6.1.0-28-amd64, amd64".
func System() string {
	text := strings.ToValidUTF8(system(), "")
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text[:min(len(text), maxSystem)])
	return strings.ToValidUTF8(text, "") + ", " + runtime.GOARCH
}
