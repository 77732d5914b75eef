package image

import (
	"bytes"
	"strings"
	"sync"

	"wskharness/guest/untrusted"
)

// tail keeps the end of what a program says.
type tail struct {
	mu   sync.Mutex
	data []byte
}

const tailSize = 4096

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.data = append(t.data, b...)
	t.data = t.data[max(0, len(t.data)-tailSize):]
	return len(b), nil
}

// after is what was said, behind a separator; nothing where nothing was.
func (t *tail) after(separator string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if said := strings.TrimSpace(string(t.data)); said != "" {
		return separator + clip(said)
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
