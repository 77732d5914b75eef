package config

import (
	"regexp"
	"slices"
	"strings"

	"wskharness/settings"
	"wskharness/strictyaml"
	"wskharness/vm"
)

var targetName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

// parser reads one file into a configuration.
type parser struct {
	*settings.Reader
	kinds  []vm.Kind
	config *Config
}

// keys are those of the file itself, in the order in which one is read after the other.
func (p *parser) keys() settings.Table {
	driver := newDriverForm(p.config)
	return settings.Table{
		Doc: "Where wskharness runs, and what it runs there.",
		Keys: []settings.Key{
			{Name: "targets", Doc: "The machines, by name.", Must: "targets: a mapping of names to machines",
				Value: settings.Value{Schema: targetsSchema(p.kinds), Read: p.targets}},
			{Name: "suites", Doc: "Suites of your own: files, or folders of them.",
				Value: settings.Value{Schema: settings.Different(settings.Refer("text")), Read: p.suites}},
			{Name: "out", Doc: "The folder in which run folders are made.", Value: settings.Value{Schema: settings.Refer("text"), Read: p.out}},
			{Name: "driver", Value: settings.Nested(driver.keys(), driver.check)},
			{Name: "run", Value: settings.Nested(p.runKeys(), nil)},
			{Name: "limits", Value: settings.Nested(limitKeys(&p.config.Limits), p.config.Limits.nest)},
		},
	}
}

func (p *parser) root(n *strictyaml.Node) {
	m, ok := p.Mapping(n, "the configuration")
	if !ok {
		return
	}
	keys, c := p.keys(), p.config
	given := keys.Read(p.Reader, m)
	if given["limits"] == nil {
		c.Limits.nest(p.Reader, nil)
	}
	p.passOn()
	if len(c.Run.Targets) == 0 {
		c.Run.Targets = c.TargetNames()
	}
}

func (p *parser) out(r *settings.Reader, n *strictyaml.Node, what string) {
	if path := r.FilePath(n, what); path != "" {
		p.config.Out = path
	}
}

func (p *parser) targets(r *settings.Reader, n *strictyaml.Node, what string) {
	if n.Kind != strictyaml.MappingKind || len(n.Pairs) == 0 {
		r.At(n, "a mapping of at least one name to a machine", "%s is %s", what, n.Describe())
		return
	}
	for _, pair := range n.Pairs {
		if !targetName.MatchString(pair.Key.Text) {
			r.At(pair.Key, "lower-case letters, digits, dots, dashes and underscores", "the target's name is %s", pair.Key.Describe())
		}
		if t := (Target{Name: pair.Key.Text, Said: pair.Value}); t.define(r, p.kinds) {
			p.config.Targets = append(p.config.Targets, t)
		}
	}
}

// passOn refuses to pass on what is the password of a target, of whichever.
func (p *parser) passOn() {
	secret := p.config.SecretVariables()
	for _, n := range p.Passed() {
		if slices.Contains(secret, n.Text) {
			p.At(n, "a variable of its own", "%s is the password_env of a target, which no program is given", n.Text)
		}
	}
}

func (p *parser) runKeys() settings.Table {
	texts := settings.Different(settings.Refer("text"))
	return settings.Table{
		Doc: "What `wskharness run` does where the command line does not say.",
		Keys: []settings.Key{
			{Name: "targets", Value: settings.Value{Schema: texts, Read: p.runTargets}},
			{Name: "suites", Value: settings.Value{Schema: texts, Read: p.runSuites}},
		},
	}
}

func (p *parser) runTargets(r *settings.Reader, n *strictyaml.Node, what string) {
	p.config.Run.Targets = r.Texts(n, what)
	if n.Kind != strictyaml.SequenceKind {
		return
	}
	names := p.config.TargetNames()
	want := "the name of a target above"
	if len(names) > 0 {
		want = "one of " + strings.Join(names, ", ")
	}
	for _, item := range n.Items {
		if item.Kind == strictyaml.ScalarKind && p.config.Target(item.Text) == nil {
			r.At(item, want, "no target %s%s", item.Describe(), strictyaml.Hint(item.Text, names))
		}
	}
}

func (p *parser) runSuites(r *settings.Reader, n *strictyaml.Node, what string) {
	p.config.Run.Suites = r.Texts(n, what)
	for _, item := range n.Items {
		p.config.said.note(r.File(), "run: suites", item.Text, item)
	}
}
