package suites

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Mistake is one thing that is wrong in a suite file. Line and Column count from 1; a mistake that
// belongs to a whole file has Line 0.
type Mistake struct {
	File    string
	Line    int
	Column  int
	Message string
	Want    string // what was expected instead; may be empty
}

func (m Mistake) String() string {
	var place string
	switch {
	case m.Line > 0:
		place = fmt.Sprintf("%s:%d:%d", m.File, m.Line, m.Column)
	default:
		place = m.File
	}
	if m.Want == "" {
		return fmt.Sprintf("%s: %s", place, m.Message)
	}
	return fmt.Sprintf("%s: %s (expected %s)", place, m.Message, m.Want)
}

// Mistakes is everything that is wrong in all the files of one Load, in the order of the files and
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

// maxMistakes is how many a file may have before it is read no further: nobody mends more at a
// time, and each costs a search for what was meant.
const maxMistakes = 100

// reporter gathers the mistakes of one file.
type reporter struct {
	file string
	list Mistakes
}

// full reports whether the file has as many mistakes as are told.
func (r *reporter) full() bool { return len(r.list) > maxMistakes }

func (r *reporter) at(n *node, want, format string, args ...any) {
	switch {
	case r.full():
		return
	case len(r.list) == maxMistakes:
		want, format, args = "", "more mistakes may follow: these are the first %d", []any{maxMistakes}
	}
	r.list = append(r.list, Mistake{
		File: r.file, Line: n.line, Column: n.column,
		Message: fmt.Sprintf(format, args...), Want: want,
	})
}

// sorted gives the mistakes of a file in the order in which a reader meets them.
func (r *reporter) sorted() Mistakes {
	slices.SortStableFunc(r.list, func(a, b Mistake) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return r.list
}
