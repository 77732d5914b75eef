package image

import (
	"bytes"
	"strings"

	"wskharness/child"
	"wskharness/guest/untrusted"
)

// tailSize is how much is kept of what a program says, in bytes.
const tailSize = 4096

// after is what a program has said, behind a separator; nothing where it has said nothing.
func after(separator string, said *child.Tail) string {
	if text := said.String(); text != "" {
		return separator + clip(text)
	}
	return ""
}

// lines calls take with each line of what is written to it, without its end, and cut at a bound.
type lines struct {
	take func(string)
	part []byte
}

const longestLine = 4096

func (l *lines) Write(b []byte) (int, error) {
	for rest := b; len(rest) > 0; {
		line, after, whole := bytes.Cut(rest, []byte("\n"))
		l.part = append(l.part, line[:min(len(line), longestLine-min(len(l.part), longestLine))]...)
		if whole {
			l.take(strings.TrimRight(string(l.part), "\r"))
			l.part = l.part[:0]
		}
		rest = after
	}
	return len(b), nil
}

// clip is what a machine or a program has said, as people may see it.
func clip(said string) string { return untrusted.Clip(untrusted.Printable([]byte(said)), 1000) }
