package settings

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"wskharness/strictyaml"
)

// Reader reads one file.
type Reader struct {
	*strictyaml.Reporter
	Dir string // absolute: relative paths of the file count from it

	passed []*strictyaml.Node
}

// Passed are the names of all environment variables that the file passes on to programs.
func (r *Reader) Passed() []*strictyaml.Node { return r.passed }

// FilePath reads a path of this machine, and makes it absolute; "" where it can't be one.
func (r *Reader) FilePath(n *strictyaml.Node, what string) string {
	text, ok := r.LocalPath(n, what)
	switch {
	case !ok:
		return ""
	case filepath.IsAbs(text):
		return text
	}
	return filepath.Join(r.Dir, text)
}

var variable = regexp.MustCompile(`\$[A-Za-z_{(]|%[A-Za-z_]+%`)

// LocalPath reads a path as it is written, and refuses what only a shell, or another system, would take for one.
func (r *Reader) LocalPath(n *strictyaml.Node, what string) (string, bool) {
	text, ok := r.Line(n, what)
	switch {
	case !ok:
		return "", false
	case text == "~" || strings.HasPrefix(text, "~/"):
		r.At(n, "the whole path: no shell replaces the ~", "%s is %s", what, n.Describe())
	case variable.MatchString(text):
		r.At(n, "the value of the variable: no shell replaces it", "%s is %s", what, n.Describe())
	default:
		want := wanted(text)
		if want == "" {
			return text, true
		}
		r.At(n, want, "%s is %s", what, n.Describe())
	}
	return "", false
}

// DisplayPath names a file as a person in the current folder would.
func DisplayPath(path string) string {
	wd, err := os.Getwd()
	if err != nil {
		return path
	}
	if rel, err := filepath.Rel(wd, path); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return path
}

// UsageError is a mistake of the person who typed the command or wrote the configuration: exit
// code 2.
type UsageError struct{ Err error }

func (e *UsageError) Error() string { return e.Err.Error() }
func (e *UsageError) Unwrap() error { return e.Err }

// Usagef makes a *UsageError.
func Usagef(format string, args ...any) error { return &UsageError{Err: fmt.Errorf(format, args...)} }
