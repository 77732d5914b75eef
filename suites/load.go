package suites

import (
	"slices"
	"sync"

	"wskharness/strictyaml"
	"wskharness/suites/parameters"
)

// Source is a suite file: its content, and the name by which mistakes call it.
type Source struct {
	Name    string
	Data    []byte
	Builtin bool // ships with the harness
}

// Load reads suites and known issues. Everything that is wrong in any of the sources is returned
// together, as Mistakes; the catalog is then nil. The sources may refer to each other (a known
// issue in one to a case in another), whatever their order.
func Load(sources ...Source) (*Catalog, error) {
	l := loader{vocabulary: newVocabulary(), suites: map[string]place{}}
	reporters := make([]*reporter, len(sources))
	roots := make([]*node, len(sources))
	var parsing sync.WaitGroup // most of the time that loading takes
	for i, source := range sources {
		reporters[i] = &reporter{strictyaml.NewReporter(source.Name)}
		parsing.Go(func() { roots[i] = strictyaml.Parse(source.Data, reporters[i].Reporter) })
	}
	parsing.Wait()
	for i, source := range sources {
		l.file(source, roots[i], reporters[i])
	}
	l.resolveKnown()
	var mistakes Mistakes
	for _, r := range reporters {
		mistakes = append(mistakes, r.Mistakes()...)
	}
	if len(mistakes) > 0 {
		return nil, mistakes
	}
	return &l.catalog, nil
}

// place is where something was first said.
type place struct {
	file string
	line int
}

type loader struct {
	vocabulary *vocabulary
	catalog    Catalog
	suites     map[string]place
	pending    []pendingKnown
}

const (
	keySuite       = "suite"
	keyKnownIssues = "known_issues"
	keySetUp       = "set_up"
	keyTearDown    = "tear_down"
	keyHealth      = "health"
	keyOnce        = "once"
)

func (l *loader) file(source Source, root *node, r *reporter) {
	if root == nil {
		return
	}
	if root.IsNull() {
		r.At(root, "a mapping with suite and cases, or with known_issues", "the file is empty")
		return
	}
	m, ok := r.Mapping(root, "the file")
	if !ok {
		return
	}
	suite, cases, doc, once := m.Take(keySuite), m.Take("cases"), m.Take("doc"), m.Take(keyOnce)
	around := fixture{setUp: m.Take(keySetUp), tearDown: m.Take(keyTearDown), health: m.Take(keyHealth)}
	known, verifier := m.Take(keyKnownIssues), m.Take(keyVerifier)
	m.Done()
	switch {
	case suite != nil || cases != nil || doc != nil || around.setUp != nil || around.tearDown != nil || around.health != nil || once != nil || verifier != nil:
		l.suite(source, r, root, suiteNodes{suite, doc, cases, once, verifier}, around)
	case known == nil:
		r.At(root, "suite, doc and cases, or known_issues", "the file has neither suites nor known issues")
	}
	if known != nil {
		l.known(source, r, known)
	}
}

// suiteNodes is where the parts of a suite are written; nil: nowhere.
type suiteNodes struct{ name, doc, cases, once, verifier *node }

func (l *loader) suite(source Source, r *reporter, root *node, n suiteNodes, around fixture) {
	s := &Suite{File: source.Name, Line: root.Line}
	name, doc, cases := n.name, n.doc, n.cases
	if name == nil {
		r.At(root, "suite: a name", "the file has no suite")
	} else if text, ok := r.readName(name, "suite"); ok {
		s.Name, s.Line = text, name.Line
		if first, ok := l.suites[text]; ok {
			r.At(name, "a name of its own", "suite %q is already in %s, line %d", text, first.file, first.line)
		} else {
			l.suites[text] = place{source.Name, name.Line}
		}
	}
	if doc == nil {
		r.At(root, "doc: what the suite is about", "the file has no doc")
	} else {
		s.Doc, _ = r.Text(doc, "doc")
	}
	if n.verifier != nil {
		s.verifier = r.readVerifier(n.verifier)
	}
	switch {
	case cases == nil:
		r.At(root, "cases: a list", "the file has no cases")
	case cases.Kind != strictyaml.SequenceKind || len(cases.Items) == 0:
		r.At(cases, "a list of cases", "cases is %s", cases.CountOrKind())
	default:
		l.cases(source, r, s, cases, around)
	}
	if n.once != nil {
		l.readOnce(source, r, s, n.once).adopt(r, s, n.once)
	}
	l.catalog.Suites = append(l.catalog.Suites, s)
}

func (l *loader) cases(source Source, r *reporter, s *Suite, list *node, around fixture) {
	seen := map[string]int{}
	left := parameters.MaxValues
	for _, item := range list.Items {
		variants := parameters.Expand(r.Reporter, item, []*node{around.setUp, around.tearDown, around.health}, &left)
		if left < 0 {
			return
		}
		for i, v := range variants {
			if r.Full() {
				return
			}
			c, id := l.readCase(source, r, s, v)
			if c == nil {
				continue
			}
			if line, ok := seen[c.family]; ok && i == 0 {
				r.At(id, "an id of its own", "case %q is already on line %d", c.family, line)
			}
			if c.family != "" {
				seen[c.family] = id.Line
			}
			s.Cases = append(s.Cases, c)
		}
	}
}

// All returns every case, in order.
func (cat *Catalog) All() []*Case {
	var all []*Case
	for _, s := range cat.Suites {
		all = append(all, s.Cases...)
	}
	return all
}

// knownTags returns every tag that a case has, sorted.
func (cat *Catalog) knownTags() []string {
	var tags []string
	for _, c := range cat.All() {
		tags = append(tags, c.Tags...)
	}
	slices.Sort(tags)
	return slices.Compact(tags)
}
