package report

import (
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"wskharness/results"
)

// palette paints words, or leaves them as they are.
type palette bool

// The SGR parameters in use.
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
	cyan   = "36"
)

func (p palette) paint(sgr, s string) string {
	if !p || s == "" || sgr == "" {
		return s
	}
	return "\x1b[" + sgr + "m" + s + "\x1b[0m"
}

// bar draws which part is done, from 0 to 1.
func (p palette) bar(width int, done float64, sgr string) string {
	full := int(float64(width)*done + 1e-9)
	return p.paint(sgr, strings.Repeat("━", full)) + p.paint(dim, strings.Repeat("─", width-full))
}

// outcome paints a text in the colour of an outcome: what is as expected keeps quiet, what speaks
// against the driver is red, what speaks of the infrastructure is magenta.
func (p palette) outcome(o results.Outcome, s string) string {
	switch {
	case o == results.Pass:
		return p.paint(green, s)
	case o == results.Bugcheck || o == results.Hang:
		return p.paint("1;37;41", s)
	case o.Failed():
		return p.paint("1;31", s)
	case o.Infrastructure():
		return p.paint("1;35", s)
	case o == results.Flaky:
		return p.paint("1;33", s)
	case o == results.KnownIssue:
		return p.paint(yellow, s)
	case o == results.Skip:
		return p.paint(cyan, s)
	}
	return p.paint(dim, s)
}

// coloring decides for one writer: colours on a terminal, unless NO_COLOR is set; with CLICOLOR_FORCE always. See no-color.org and bixense.com/clicolors.
func coloring(tty bool, getenv func(string) string) palette {
	force := getenv("CLICOLOR_FORCE")
	switch {
	case getenv("NO_COLOR") != "":
		return false
	case force != "" && force != "0":
		return true
	}
	return palette(tty && getenv("TERM") != "dumb")
}

// terminalOf returns the file behind a writer, where that is a terminal.
func terminalOf(w io.Writer) *os.File {
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return f
	}
	return nil
}

// sameTerminal reports whether two writers end up on the same screen.
func sameTerminal(a, b *os.File) bool {
	if a == nil || b == nil {
		return false
	}
	one, oneErr := a.Stat()
	other, otherErr := b.Stat()
	return oneErr == nil && otherErr == nil && os.SameFile(one, other)
}

// widthOf is the terminal's width in columns, 0 where there is none.
func widthOf(f *os.File) int {
	if f == nil {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}
