package strictyaml

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Mistake is one thing that is wrong in a file. Line and Column count from 1; a mistake that
// belongs to a whole file has Line 0.
type Mistake struct {
	File    string
	Line    int
	Column  int
	Message string
	Want    string // what was expected instead; may be empty
}

func (m Mistake) String() string {
	place := m.File
	if m.Line > 0 {
		place = fmt.Sprintf("%s:%d:%d", m.File, m.Line, m.Column)
	}
	if m.Want == "" {
		return fmt.Sprintf("%s: %s", place, m.Message)
	}
	return fmt.Sprintf("%s: %s (expected %s)", place, m.Message, m.Want)
}

// Mistakes is everything that is wrong in all the files of one load, in the order of the files and
// of the lines in them. It is never empty when it is returned as an error.
type Mistakes []Mistake

// Error prints one mistake a line.
func (m Mistakes) Error() string {
	lines := make([]string, len(m))
	for i, one := range m {
		lines[i] = one.String()
	}
	return strings.Join(lines, "\n")
}

// MaxMistakes is how many a file may have before it is read no further: nobody mends more at a
// time, and each costs a search for what was meant.
const MaxMistakes = 100

// Reporter gathers the mistakes of one file.
type Reporter struct {
	file string
	list Mistakes
}

// NewReporter returns a reporter for the file that mistakes shall name.
func NewReporter(file string) *Reporter { return &Reporter{file: file} }

// File is the name by which mistakes call the file.
func (r *Reporter) File() string { return r.file }

// Full reports whether the file has as many mistakes as are told: reading on is of no use.
func (r *Reporter) Full() bool { return len(r.list) > MaxMistakes }

// At adds a mistake at a node. want, which may be empty, says what was expected instead. What is read more than
// once, by way of an alias, is told once.
func (r *Reporter) At(n *Node, want, format string, args ...any) {
	switch {
	case n.Told, r.Full():
		return
	case len(r.list) == MaxMistakes:
		want, format, args = "", "more mistakes may follow: these are the first %d", []any{MaxMistakes}
	}
	m := Mistake{
		File: r.file, Line: n.Line, Column: n.Column,
		Message: fmt.Sprintf(format, args...), Want: want,
	}
	if !slices.Contains(r.list, m) {
		r.list = append(r.list, m)
	}
}

// Mistakes gives what was reported so far, in the order in which a reader meets it.
func (r *Reporter) Mistakes() Mistakes {
	slices.SortStableFunc(r.list, func(a, b Mistake) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return r.list
}

// Err is Mistakes as an error: nil where there are none.
func (r *Reporter) Err() error {
	if len(r.list) == 0 {
		return nil
	}
	return r.Mistakes()
}
