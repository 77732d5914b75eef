package suites

// Role is what a case is to its suite.
type Role int

// The roles, by their numbers in a plan (WSKP_ROLE_*).
const (
	RoleCase     Role = iota // it tests something
	RoleSetUp                // it makes ready what all cases of the suite need
	RoleTearDown             // it takes that away again
)

// The names of these two, as cases of their suite.
const (
	setUpID    = "set_up"
	tearDownID = "tear_down"
)

// once is what a suite does once in each run of the driver that any of its cases runs in: before the first of them, and
// after the last.
type once struct{ setUp, tearDown *Case }

// SetUp is what has to have gone well in a run of the driver before the case runs there; nil: nothing has to.
func (c *Case) SetUp() *Case { return c.once.setUp }

// WithSuites puts before the first case of each suite its set-up, and behind the last one its tear-down, where it has them.
func WithSuites[T any](cases []T, caseOf func(T) *Case, newOne func(*Case) T) []T {
	last := map[*Case]int{} // of the cases that a tear-down is for
	for i, one := range cases {
		if c := caseOf(one); c.once.tearDown != nil {
			last[c.once.tearDown] = i
		}
	}
	var all []T
	begun := map[*Case]bool{}
	for i, one := range cases {
		c := caseOf(one)
		if s := c.once.setUp; s != nil && !begun[s] {
			begun[s] = true
			all = append(all, newOne(s))
		}
		all = append(all, one)
		if d := c.once.tearDown; d != nil && last[d] == i {
			all = append(all, newOne(d))
		}
	}
	return all
}

// Whole is the cases with what their suites do once, as they would run together.
func Whole(cases []*Case) []*Case {
	same := func(c *Case) *Case { return c }
	return WithSuites(cases, same, same)
}

// readOnce reads once: {set_up: [...], tear_down: [...]} of a suite. Steps that need the driver itself have no place there:
// what they make is gone with the case that they are in.
func (l *loader) readOnce(source Source, r *reporter, s *Suite, n *node) once {
	m, ok := r.Mapping(n, keyOnce)
	if !ok {
		return once{}
	}
	var o once
	setUp, tearDown := m.Take(keySetUp), m.Take(keyTearDown)
	m.Done()
	if setUp == nil && tearDown == nil {
		r.At(n, "set_up, tear_down or both", "%s has neither", keyOnce)
	}
	if setUp != nil {
		o.setUp = l.onceCase(source, r, s, setUp, setUpID, RoleSetUp)
	}
	if tearDown != nil {
		o.tearDown = l.onceCase(source, r, s, tearDown, tearDownID, RoleTearDown)
	}
	return o
}

func (l *loader) onceCase(source Source, r *reporter, s *Suite, list *node, id string, role Role) *Case {
	c := &Case{Suite: s.Name, ID: id, family: id, File: source.Name, Line: list.Line, Basis: Documented, Repeat: 1, Parallel: 1, Role: role,
		Doc: map[Role]string{RoleSetUp: "What all cases of the suite need is made ready.", RoleTearDown: "What they needed is taken away again."}[role]}
	p := newCaseParser(l, r, c, source)
	p.readSteps(OwnSteps, keyOnce+": "+id, list)
	if len(c.Steps) == 0 {
		return c // said already
	}
	for i := range c.Steps {
		if step := &c.Steps[i]; !step.lasting() {
			r.At(p.steps[i].step, "upload, run, collect and the like, or set_up: around each case", "%s can't be done once for a suite: what it does is gone with the case that it is in", step.Op)
		}
	}
	p.atEnd(list)
	p.budget(list, nil)
	return c
}

// lasting reports whether what the step does is still there when its case is over.
func (s *Step) lasting() bool {
	return s.op.either || s.executor == byAgent && s.op.life == 0 && !s.async()
}

// adopt gives the cases of a suite what it does once. What that needs of a guest, they need.
func (o once) adopt(r *reporter, s *Suite, at *node) {
	for _, c := range s.Cases {
		c.once = o
		for _, one := range []*Case{o.setUp, o.tearDown} {
			if one == nil {
				continue
			}
			if c.family == one.ID {
				r.At(at, "another id for the case", "case %q on line %d has the name of what the suite does once", c.family, c.Line)
			}
			for _, need := range one.Requires {
				c.require(need)
			}
		}
	}
}
