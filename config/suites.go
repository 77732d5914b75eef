package config

import (
	"errors"
	"fmt"

	"wskharness/settings"
	"wskharness/strictyaml"
	"wskharness/suites"
)

// suites reads the files and folders with suites of the user's own.
func (p *parser) suites(r *settings.Reader, n *strictyaml.Node, what string) {
	c := p.config
	for _, item := range r.Items(n, what) {
		path := r.FilePath(item, "an entry of suites")
		if path == "" {
			continue
		}
		if first := c.said.find("suites", path); first != nil {
			r.At(item, "each of them once", "suites has %s twice, first on line %d", item.Describe(), first.Line)
			continue
		}
		c.Suites = append(c.Suites, path)
		c.said.note(r.File(), "suites", path, item)
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
		return &settings.UsageError{Err: err}
	}
	mistake := *at
	mistake.Message = key + ": " + err.Error()
	return strictyaml.Mistakes{mistake}
}

// CheckRun says which of the suites that the configuration runs there are not.
func (c *Config) CheckRun(catalog *suites.Catalog) error {
	var problems []error
	for _, pattern := range c.Run.Suites {
		if _, err := catalog.Select(suites.Selection{Patterns: []string{pattern}}); err != nil {
			if c.External != nil {
				err = fmt.Errorf("%w (the built-in suites test the sample driver, and not yours)", err)
			}
			problems = append(problems, c.said.wrong("run: suites", pattern, err))
		}
	}
	return errors.Join(problems...)
}

// Catalog reads the built-in suites, which are about the sample driver, and those of the configuration. With an
// external driver there are only the latter.
func (c *Config) Catalog() (*suites.Catalog, error) {
	var sources []suites.Source
	if c.External == nil {
		sources = suites.Builtin()
	}
	var problems []error
	for _, path := range c.Suites {
		found, err := suites.Discover(path)
		if err != nil {
			problems = append(problems, c.said.wrong("suites", path, err))
		}
		for _, s := range found {
			s.Name = settings.DisplayPath(s.Name)
			sources = append(sources, s)
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return suites.Load(sources...)
}
