package strictyaml

import (
	"regexp"
	"slices"
	"strings"
)

var (
	anyLine     = regexp.MustCompile(`[^\r\n]*(?:\r\n|\r|\n|$)`)
	yamlVersion = regexp.MustCompile(`^%YAML[ \t]+([0-9]+)\.([0-9]+)[ \t]*(?:[ \t]#.*)?$`)
)

// directives takes the lines before the first --- as YAML 1.2 wants them taken (section 6.8): %YAML 1.1, 1.2 and any
// later 1.x are this YAML, another major version is none, a directive that is not known means nothing. The library
// knows YAML 1.1 only, so that what it need not see becomes a comment, of the same length.
func directives(text []byte, r *Reporter) (rest []byte, ok bool) {
	rest = slices.Clone(text)
	d := prologue{r: r}
	at := 0
	for line := 1; at < len(rest); line++ {
		end := anyLine.FindIndex(rest[at:])[1]
		words := strings.TrimRight(string(rest[at:at+end]), "\r\n")
		if strings.HasPrefix(words, "%") {
			if d.directive(words, &Node{Line: line, Column: 1}) {
				rest[at] = '#'
			}
		} else if bare := strings.TrimSpace(words); bare != "" && bare[0] != '#' {
			d.begins(words)
			break
		}
		at += end
	}
	if at == len(rest) {
		d.begins("")
	}
	return rest, !d.bad
}

// prologue is what stands before a document.
type prologue struct {
	r       *Reporter
	last    *Node // the last directive
	version *Node
	bad     bool
}

func (d *prologue) tell(at *Node, want, format string, args ...any) {
	d.bad = true
	d.r.At(at, want, format, args...)
}

// directive judges one, and reports whether the library need not see it.
func (d *prologue) directive(line string, at *Node) (comment bool) {
	d.last = at
	switch name, _, _ := strings.Cut(strings.ReplaceAll(line, "\t", " "), " "); name {
	case "%TAG":
		return false
	case "%YAML":
	default:
		return true
	}
	const want = "%YAML 1.2"
	version := yamlVersion.FindStringSubmatch(line)
	switch {
	case d.version != nil:
		d.tell(at, "one of them", "a second %%YAML, after the one on line %d", d.version.Line)
	case version == nil:
		d.tell(at, want, "%s", line)
	case version[1] != "1":
		d.tell(at, want, "the file says that it is YAML %s.%s", version[1], version[2])
	}
	d.version = at
	return true
}

// begins sees to it that the document begins with ---, as it has to after a directive.
func (d *prologue) begins(line string) {
	starts := line == "---" || strings.HasPrefix(line, "--- ") || strings.HasPrefix(line, "---\t")
	if d.last != nil && !starts && !d.bad {
		d.tell(d.last, "a line --- after it", "a directive that no document follows")
	}
}
