package harness

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"wskharness/strictyaml"
)

var (
	targetName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)
	defineName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`)
	envName    = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	thumbprint = regexp.MustCompile(`^([0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}$`)
)

// configParser reads wskharness.yaml.
type configParser struct {
	*strictyaml.Reporter
	dir    string
	passed []*strictyaml.Node // names of environment variables that are passed on to programs
}

func (p *configParser) root(n *strictyaml.Node, c *Config) {
	m, ok := p.Mapping(n, "the configuration")
	if !ok {
		return
	}
	if targets := m.Need("targets", "targets: a mapping of names to machines"); targets != nil {
		p.targets(targets, c)
	}
	if suites := m.Take("suites"); suites != nil {
		p.suites(suites, c)
	}
	if out := m.Take("out"); out != nil {
		if path := p.filePath(out, "out"); path != "" {
			c.Out = path
		}
	}
	if driver := m.Take("driver"); driver != nil {
		p.driver(driver, c)
	}
	run := m.Take("run")
	limits := m.Take("limits")
	m.Done()
	p.passOn(c)
	c.Limits = p.limits(limits)
	if run != nil {
		p.run(run, c)
	}
	if len(c.Run.Targets) == 0 {
		c.Run.Targets = c.TargetNames()
	}
}

func (p *configParser) targets(n *strictyaml.Node, c *Config) {
	if n.Kind != strictyaml.MappingKind || len(n.Pairs) == 0 {
		p.At(n, "a mapping of at least one name to a machine", "targets is %s", n.Describe())
		return
	}
	for _, pair := range n.Pairs {
		if !targetName.MatchString(pair.Key.Text) {
			p.At(pair.Key, "lower-case letters, digits, dots, dashes and underscores", "the target's name is %s", pair.Key.Describe())
		}
		m, ok := p.Mapping(pair.Value, "target "+pair.Key.Text)
		if !ok {
			continue
		}
		if t, ok := p.target(m, pair.Key.Text); ok {
			c.Targets = append(c.Targets, t)
		}
	}
}

func (p *configParser) target(m *strictyaml.Mapping, name string) (Target, bool) {
	t := Target{Name: name}
	n := m.Need("provider", "provider: wine or static")
	if n == nil {
		return t, false
	}
	provider, ok := p.OneOf(n, "provider", string(ProviderWine), string(ProviderStatic))
	if !ok {
		return t, false
	}
	t.Provider = Provider(provider)
	switch t.Provider {
	case ProviderWine:
		t.Wine = p.wine(m)
	case ProviderStatic:
		t.Static = p.static(m)
	}
	m.Done()
	return t, true
}

func (p *configParser) wine(m *strictyaml.Mapping) *WineTarget {
	t := &WineTarget{}
	if n := m.Take("netio"); n != nil {
		switch n.Text {
		case "builtin":
		case "model":
			t.Model = true
		default:
			t.Netio = p.filePath(n, "netio")
		}
	}
	if n := m.Take("control"); n != nil {
		t.Control, _ = p.Bool(n, "control")
		if t.Netio == "" {
			p.At(n, "netio: and the path of a netio.sys of your own beside it", "control of a target without a provider of your own")
		}
	}
	if n := m.Take("model_defines"); n != nil {
		if !t.Model {
			p.At(n, "netio: model beside it", "model_defines of a target without the model")
		}
		t.ModelDefines = map[string]string{}
		p.defines(n, "model_defines", t.ModelDefines)
	}
	return t
}

// variables reads names of environment variables that a program is to be given.
func (p *configParser) variables(n *strictyaml.Node, what string) []string {
	const want = "the name of an environment variable"
	var names []string
	for _, item := range p.Items(n, what) {
		switch {
		case !p.Sure(item, "an entry of "+what, want):
		case strings.TrimSpace(item.Text) == "":
			p.At(item, want, "an entry of %s is %s, an empty name", what, item.Describe())
		case !envName.MatchString(item.Text): // it is not repeated: it may be a value, in the wrong place
			p.At(item, want, "%s has something else", what)
		case slices.Contains(names, item.Text):
			p.At(item, "each of them once", "%s has %q twice", what, item.Text)
		default:
			names = append(names, item.Text)
		}
	}
	p.passed = append(p.passed, n.Items...)
	return names
}

// passOn refuses to pass on what is the password of a target, of whichever.
func (p *configParser) passOn(c *Config) {
	secret := c.passwordVariables()
	for _, n := range p.passed {
		if slices.Contains(secret, n.Text) {
			p.At(n, "a variable of its own", "%s is the password_env of a target, which no program is given", n.Text)
		}
	}
}

// into reads a text that may be absent.
func (p *configParser) into(n *strictyaml.Node, what string, to *string) {
	if n != nil {
		*to, _ = p.Line(n, what)
	}
}

// defines reads preprocessor names and their values.
func (p *configParser) defines(n *strictyaml.Node, what string, into map[string]string) {
	d, ok := p.Mapping(n, what)
	if !ok {
		return
	}
	for _, pair := range d.Node.Pairs {
		if !defineName.MatchString(pair.Key.Text) {
			p.At(pair.Key, "a C identifier", "the define is %s", pair.Key.Describe())
		}
		if p.macro(pair.Value, "define "+pair.Key.Text) {
			if strings.ContainsAny(pair.Value.Text, "\r\n\x00") {
				p.At(pair.Value, "a value of one line", "the define %s is %s", pair.Key.Text, pair.Value.Describe())
			}
			into[pair.Key.Text] = pair.Value.Text
		}
	}
}

// macro reports whether n can be what a preprocessor name stands for, as behind #define: 0x10 needs no quotes; 010, of
// base 8 in C, does.
func (p *configParser) macro(n *strictyaml.Node, what string) bool {
	return n.WholeNumber() || p.Sure(n, what, "a single value")
}

// oneOf says which names there are, or, where there are none, what is to be there.
func oneOf(names []string, what string) string {
	if len(names) == 0 {
		return what
	}
	return "one of " + strings.Join(names, ", ")
}

func (p *configParser) run(n *strictyaml.Node, c *Config) {
	m, ok := p.Mapping(n, "run")
	if !ok {
		return
	}
	targets, suites := m.Take("targets"), m.Take("suites")
	m.Done()
	if targets != nil {
		c.Run.Targets = p.Texts(targets, "targets")
		if targets.Kind == strictyaml.SequenceKind {
			for _, item := range targets.Items {
				if item.Kind == strictyaml.ScalarKind && c.Target(item.Text) == nil {
					p.At(item, oneOf(c.TargetNames(), "the name of a target above"), "no target %s%s",
						item.Describe(), strictyaml.Hint(item.Text, c.TargetNames()))
				}
			}
		}
	}
	if suites != nil {
		c.Run.Suites = p.Texts(suites, "suites")
		for _, item := range suites.Items {
			c.said.note(p.File(), "run: suites", item.Text, item)
		}
	}
}

// UsageError is a mistake of the person who typed the command or wrote the configuration: exit
// code 2.
type UsageError struct{ Err error }

func (e *UsageError) Error() string { return e.Err.Error() }
func (e *UsageError) Unwrap() error { return e.Err }

func usagef(format string, args ...any) error {
	return &UsageError{Err: fmt.Errorf(format, args...)}
}
