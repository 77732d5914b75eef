package suites

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"wskharness/driver/abi"
	"wskharness/strictyaml"
	"wskharness/suites/guestversion"
)

// pendingKnown is a known issue whose case may be in a file that is still to be read.
type pendingKnown struct {
	issue  *KnownIssue
	r      *reporter
	caseAt *node
	stepAt *node
	actual *mapping
}

func (l *loader) known(source Source, r *reporter, list *node) {
	if list.Kind != strictyaml.SequenceKind || len(list.Items) == 0 {
		r.At(list, "a list of known issues", "%s is %s", keyKnownIssues, list.CountOrKind())
		return
	}
	for _, item := range list.Items {
		if r.Full() {
			return
		}
		m, ok := r.Mapping(item, "a known issue")
		if !ok {
			continue
		}
		k := &KnownIssue{File: source.Name, Line: item.Line}
		p := pendingKnown{issue: k, r: r}
		complete := true
		read := func(key, want string, into *string) *node {
			n := m.Need(key, want)
			if n != nil {
				*into, ok = r.Text(n, key)
			}
			complete = complete && n != nil && ok
			return n
		}
		if n := read("guest", "guest: the kind of guest that deviates, such as wine", &k.Guest); n != nil && k.Guest != "" {
			complete = r.guestKind(n) && complete
		}
		k.Versions, ok = guestversion.Read(r.Reporter, m)
		complete = complete && ok
		p.caseAt = read("case", "case: suite.case", &k.Case)
		p.stepAt = read("step", "step: the operation or the name of the step that deviates", &k.ref)
		read("reason", "reason: why the guest deviates", &k.Reason)
		if n := m.Take("source"); n != nil {
			k.Source, _ = r.Text(n, "source")
		}
		if n := m.Need("actual", "actual: {status: …} or a value of the step"); n != nil {
			p.actual, ok = r.Mapping(n, "actual")
			complete = complete && ok
		} else {
			complete = false
		}
		m.Done()
		if complete {
			l.pending = append(l.pending, p)
		}
	}
}

const (
	guestKindPattern = `^(wine|windows|model|netio:[^/\\]+)$`
	wantGuestKind    = "wine, windows, model, or netio: and the file that is a Wine guest's WSK provider"
)

var guestKind = regexp.MustCompile(guestKindPattern)

// guestKind reports whether there are guests of the kind: an issue of another would never hold, and nobody would know.
func (r *reporter) guestKind(n *node) bool {
	if guestKind.MatchString(n.Text) {
		return true
	}
	r.At(n, wantGuestKind, "no guest is of the kind %s%s", n.Describe(), strictyaml.Hint(n.Text, []string{"wine", "windows", "model"}))
	return false
}

// resolveKnown finds the cases and steps that known issues are about.
func (l *loader) resolveKnown() {
	cases := map[string][]*Case{} // by name, and all combinations of parameters by what they share
	var names []string
	for _, c := range l.catalog.All() {
		cases[c.Name()] = []*Case{c}
		names = append(names, c.Name())
		if len(c.params) > 0 {
			family := c.Suite + "." + c.family
			cases[family] = append(cases[family], c)
			names = append(names, family)
		}
	}
	for _, p := range l.pending {
		if p.r.Full() {
			continue
		}
		name := strings.Replace(p.issue.Case, "/", ".", 1)
		found := cases[name]
		if found == nil {
			p.r.At(p.caseAt, "suite.case", "there is no case %q%s", name, strictyaml.Hint(name, names))
		}
		for _, c := range found {
			l.resolve(p, c)
		}
	}
	slices.SortStableFunc(l.catalog.known, func(a, b *KnownIssue) int {
		return cmp.Or(cmp.Compare(a.Guest, b.Guest), cmp.Compare(a.Case, b.Case), cmp.Compare(a.Step, b.Step))
	})
}

// resolve declares a known issue of one case.
func (l *loader) resolve(p pendingKnown, c *Case) {
	issue := *p.issue
	k := &issue
	p.issue, k.Case = k, c.Name()
	step := p.step(c)
	if step == nil {
		return
	}
	k.Step = step.Index
	p.readActual(step)
	for _, other := range l.catalog.known {
		if other.Guest == k.Guest && other.Case == k.Case && other.Step == k.Step && other.Versions.Overlap(k.Versions) {
			p.r.At(p.stepAt, "one issue a step, for each version of the guest", "%s of %s is already declared in %s, line %d", k.ref, k.Case, other.File, other.Line)
		}
	}
	l.catalog.known = append(l.catalog.known, k)
}

// step finds the step that the issue names, by its name or by an operation that the case has once.
func (p *pendingKnown) step(c *Case) *Step {
	found, names := stepsCalled(c.Steps, p.issue.ref)
	switch len(found) {
	case 1:
		return found[0]
	case 0:
		p.r.At(p.stepAt, "an operation or a step's name of "+c.Name(), "there is no step %q%s", p.issue.ref, strictyaml.Hint(p.issue.ref, names))
	default:
		p.r.At(p.stepAt, "the name: of one of them", "%s has %d steps %s", c.Name(), len(found), p.issue.ref)
	}
	return nil
}

func (p *pendingKnown) readActual(s *Step) {
	m, k := p.actual.Again(), p.issue
	if n := m.Take("status"); n != nil {
		codes, ok := p.r.readStatuses(n, "actual: status")
		if ok {
			k.Status = codes
		}
		for _, code := range codes {
			if ok && slices.Contains(s.Expect, code) {
				p.r.At(n, "a status that the step does not expect", "%s is what the step expects", code.Name())
			}
		}
		if ok && s.Record {
			p.r.At(n, "a step that is judged", "the step is recorded: no status deviates")
		}
	}
	reader := caseParser{r: p.r}
	for _, v := range s.op.values {
		n := m.Take(v.name)
		if n == nil {
			continue
		}
		exact := checkForm{name: v.name, value: v, compare: abi.EQ}
		if v.kind == valueTime {
			p.r.At(n, "another value", "%s differs from run to run", v.name)
			continue
		}
		if want, _, ok := reader.wanted(s, exact, n, "actual: "+v.name); ok {
			k.actual = append(k.actual, knownValue{v, want})
		}
	}
	if g := s.demands(); g != nil && g.report != noReport {
		k.failed = p.readFailed(m.Take(keyFailed))
	}
	m.What = "actual of a " + s.Op + " step"
	m.Done()
	if len(m.Node.Pairs) == 0 {
		p.r.At(m.Node, "status, or a value of the step", "nothing deviates")
	}
	if len(k.Status) > 0 || len(k.failed) > 0 || len(k.actual) == 0 {
		return
	}
	for _, v := range k.actual {
		if slices.ContainsFunc(s.Checks, func(c Check) bool { return c.value.name == v.value.name && c.fails(v.want) }) {
			return
		}
	}
	p.r.At(m.Node, "a status or a value that the step does not expect", "nothing in it deviates from what the step expects")
}

const keyFailed = "failed"

// readFailed reads the names of the tests that fail, as the program reports them.
func (p *pendingKnown) readFailed(n *node) []string {
	if n == nil {
		return nil
	}
	if n.Kind != strictyaml.SequenceKind || len(n.Items) == 0 {
		p.r.At(n, "a list of names", "actual: %s is %s", keyFailed, n.CountOrKind())
		return nil
	}
	var names []string
	for _, item := range n.Items {
		if name, ok := p.r.Text(item, "actual: "+keyFailed); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
