package harness

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"wskharness/strictyaml"
	"wskharness/suites"
)

// path makes a path of the file absolute.
func (p *configParser) path(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(p.dir, path)
}

// filePath reads a path of this machine; "" where it can't be one.
func (p *configParser) filePath(n *strictyaml.Node, what string) string {
	text, ok := p.localPath(n, what)
	if !ok {
		return ""
	}
	return p.path(text)
}

var (
	windowsDrive = regexp.MustCompile(`^[A-Za-z]:[\\/]`)
	variable     = regexp.MustCompile(`\$[A-Za-z_{(]|%[A-Za-z_]+%`)
)

// localPath reads a path as it is written, and refuses what only a shell, or Windows, would take for one.
func (p *configParser) localPath(n *strictyaml.Node, what string) (string, bool) {
	text, ok := p.Line(n, what)
	switch {
	case !ok:
		return "", false
	case text == "~" || strings.HasPrefix(text, "~/"):
		p.At(n, "the whole path: no shell replaces the ~", "%s is %s", what, n.Describe())
	case variable.MatchString(text):
		p.At(n, "the value of the variable: no shell replaces it", "%s is %s", what, n.Describe())
	case windowsDrive.MatchString(text) || strings.HasPrefix(text, `\\`):
		p.At(n, "a path of this machine, which is not Windows", "%s is %s", what, n.Describe())
	case strings.Contains(text, `\`) && !strings.Contains(text, "/"):
		p.At(n, "/ between folders", "%s is %s", what, n.Describe())
	default:
		return text, true
	}
	return "", false
}

// suites reads the files and folders with suites of the user's own.
func (p *configParser) suites(n *strictyaml.Node, c *Config) {
	for _, item := range p.Items(n, "suites") {
		path := p.filePath(item, "an entry of suites")
		if path == "" {
			continue
		}
		if first := c.said.find("suites", path); first != nil {
			p.At(item, "each of them once", "suites has %s twice, first on line %d", item.Describe(), first.Line)
			continue
		}
		c.Suites = append(c.Suites, path)
		c.said.note(p.File(), "suites", path, item)
	}
}

// reference is a name or a path in a configuration of which only what is loaded later shows whether there is such a thing.
type reference struct {
	key, name string
	place     strictyaml.Mistake // without its message
}

// references are kept so that a mistake is told at its place.
type references []reference

func (r *references) note(file, key, name string, n *strictyaml.Node) {
	*r = append(*r, reference{key: key, name: name, place: strictyaml.Mistake{File: file, Line: n.Line, Column: n.Column}})
}

func (r references) find(key, name string) *strictyaml.Mistake {
	for i := range r {
		if r[i].key == key && r[i].name == name {
			return &r[i].place
		}
	}
	return nil
}

// wrong is an error about what a configuration names: at its place, where that is known.
func (r references) wrong(key, name string, err error) error {
	at := r.find(key, name)
	if at == nil {
		return &UsageError{Err: err}
	}
	mistake := *at
	mistake.Message = key + ": " + err.Error()
	return strictyaml.Mistakes{mistake}
}

// checkRun says which of the suites that the configuration runs there are not.
func (c *Config) checkRun(catalog *suites.Catalog) error {
	var problems []error
	for _, pattern := range c.Run.Suites {
		if _, err := catalog.Select(suites.Selection{Patterns: []string{pattern}}); err != nil {
			if c.Own != nil {
				err = fmt.Errorf("%w (the built-in suites are of the sample driver, and not of your own)", err)
			}
			problems = append(problems, c.said.wrong("run: suites", pattern, err))
		}
	}
	return errors.Join(problems...)
}
