package child

import (
	"strings"
	"sync"
)

// Tail keeps the last bytes that are written to it, of a program that may say things without end. A program's standard output and
// its standard error may both be written to one.
type Tail struct {
	Most int // how many are kept

	mu   sync.Mutex
	kept []byte
}

func (t *Tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, p[max(0, len(p)-t.Most):]...)
	t.kept = t.kept[max(0, len(t.kept)-t.Most):]
	return len(p), nil
}

// String is what is kept, in UTF-8, without white space around it.
func (t *Tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(strings.ToValidUTF8(string(t.kept), "\uFFFD"))
}
