package suites

import (
	"fmt"
	"path/filepath"

	"wskharness/driver/abi"
	"wskharness/strictyaml"
	"wskharness/suites/parameters"
)

const maxRepeat = 1_000_000

func bases() []named {
	return []named{{string(Documented), 0}, {string(WineTest), 1}, {string(Recorded), 2}}
}

func irqls() []named { return []named{{"passive", 0}, {"dispatch", 1}, {"dpc", 2}} }

// caseParser reads one case. What its steps say about clients and threads is followed in order, so
// that what can't work is told before anything starts.
type caseParser struct {
	r          *reporter
	vocabulary *vocabulary
	c          *Case
	clients    map[string]*clientUse
	threads    map[string]*threadUse
	sockets    map[string]*objectUse
	handles    map[string]*objectUse
	names      map[string]int // step names, by line
	loop       *loopUse       // nil outside loops
	entry      *entryUse      // nil outside what DriverEntry does
	entrySteps *node          // of the step that is being read; nil: it has none
	unloaded   bool           // the driver is not loaded at this step …
	unloadedAt int            // … since that line
	lost       int            // what steps before this index reported the driver does not know any more …
	lostAt     int            // … since that line
	steps      []stepNodes    // beside c.Steps
	limits     map[int]*node  // where loops have a timeout, by batch
	records    int
	misuses    int
	part       Part           // which is being read
	dir        string         // of the suite's file
	collected  map[string]int // names of files, by line
}

// stepNodes remembers where a step and its time limit are written.
type stepNodes struct {
	step    *node
	timeout *node // nil where it was not given
}

func newCaseParser(l *loader, r *reporter, c *Case, source Source) *caseParser {
	return &caseParser{r: r, vocabulary: l.vocabulary, c: c,
		clients: map[string]*clientUse{}, threads: map[string]*threadUse{}, sockets: map[string]*objectUse{}, handles: map[string]*objectUse{}, names: map[string]int{}, limits: map[int]*node{},
		dir: filepath.Dir(source.Name), collected: map[string]int{}}
}

// readCase returns nil when there is not even a mapping; else the case as far as it could be read,
// and the node of its id.
func (l *loader) readCase(source Source, r *reporter, s *Suite, v parameters.Variant) (*Case, *node) {
	n, around := v.Node, fixture{setUp: v.Around[0], tearDown: v.Around[1], health: v.Around[2]}
	m, ok := r.Mapping(n, "a case")
	if !ok {
		return nil, nil
	}
	c := &Case{Suite: s.Name, File: source.Name, Line: n.Line, Basis: Documented, Repeat: 1, Parallel: 1, params: v.Parameters}
	p := newCaseParser(l, r, c, source)
	id := m.Need("id", "id: a name")
	if id != nil {
		c.family, _ = r.readName(id, "id")
		c.ID = c.family + parameters.Suffix(v.Parameters)
	} else {
		id = n
	}
	m.What = "case " + c.family
	if c.family == "" {
		m.What = "the case"
	}
	if doc := m.Need("doc", "doc: the rule that the case checks"); doc != nil {
		c.Doc, _ = r.Text(doc, "doc")
	}
	if n := m.Take("source"); n != nil {
		c.Source, _ = r.Text(n, "source")
	}
	basis := m.Take("basis")
	if basis != nil {
		if _, ok := r.readOneOf(basis, "basis", bases()); ok {
			c.Basis = Basis(basis.Text)
		}
	}
	if n := m.Take("tags"); n != nil {
		c.Tags = r.readSomeNames(n, "tags")
	}
	if n := m.Take("requires"); n != nil {
		c.Requires = r.readCapabilities(n)
	}
	c.Verifier = s.verifier
	if n := m.Take(keyVerifier); n != nil {
		c.Verifier = r.readVerifier(n)
	}
	if n := m.Take("misuse"); n != nil {
		c.Misuse, _ = r.Bool(n, "misuse")
	}
	if n := m.Take("irql"); n != nil {
		if _, ok := r.readOneOf(n, "irql", irqls()); ok && n.Text != "passive" {
			c.Irql = n.Text
		}
	}
	timeout := m.Take("timeout")
	if timeout != nil {
		c.Timeout, _ = r.Duration(timeout, "timeout", longestCase)
	}
	repeat, parallel := m.Take("repeat"), m.Take("parallel")
	if repeat != nil {
		c.Repeat = p.count(repeat, "repeat", maxRepeat)
	}
	if parallel != nil {
		c.Parallel = p.count(parallel, "parallel", abi.MaxParallel)
	}
	own := fixture{setUp: m.Take(keySetUp), tearDown: m.Take(keyTearDown)}
	steps := m.Need("steps", "steps: a list")
	m.Take(parameters.Key) // which has been read, and is not in this copy
	m.Done()
	if steps == nil {
		return c, id
	}
	p.readSteps(SetUp, keySetUp, around.setUp)
	p.readSteps(SetUp, keySetUp, own.setUp)
	switch {
	case steps.Kind != strictyaml.SequenceKind || len(steps.Items) == 0:
		r.At(steps, "a list of steps", "steps is %s", steps.CountOrKind())
		return c, id
	case repeat != nil || parallel != nil:
		p.readLoop(batch{repeat: c.Repeat, parallel: c.Parallel}, false, steps, []loopGroup{{steps: steps}})
	default:
		p.readSteps(OwnSteps, "steps", steps)
	}
	p.readSteps(TearDown, keyTearDown, own.tearDown)
	p.readSteps(TearDown, keyTearDown, around.tearDown)
	p.healthCheck(around.health)
	p.atEnd(n)
	p.budget(n, timeout)
	if basis != nil && c.Basis == Recorded && p.records == 0 {
		r.At(basis, "a step with record: true", "nothing in the case is recorded")
	}
	return c, id
}

// fixture is what runs before and after.
type fixture struct{ setUp, tearDown, health *node }

// readSteps reads one part of a case; a nil list is none.
func (p *caseParser) readSteps(part Part, key string, list *node) {
	switch {
	case list == nil:
	case list.Kind != strictyaml.SequenceKind || len(list.Items) == 0:
		p.r.At(list, "a list of steps", "%s is %s", key, list.CountOrKind())
	default:
		p.part = part
		for _, item := range list.Items {
			p.readStep(item)
		}
		p.part = OwnSteps
	}
}

// healthCheck reads the steps that look whether what was tested is still there: those of the suite, behind every case.
func (p *caseParser) healthCheck(list *node) {
	if list != nil && p.unloaded {
		p.r.At(list, "a load at the end of the case", "the health check finds no driver after %s, which unloads it on line %d", p.c.Name(), p.unloadedAt)
		return
	}
	p.readSteps(Health, keyHealth, list)
}

func (p *caseParser) count(n *node, what string, highest uint64) int {
	number, ok := p.r.Number(n, what, 1, highest)
	if !ok {
		return 1
	}
	return int(number)
}

// atEnd tells what a case leaves behind: such a case could never pass.
func (p *caseParser) atEnd(n *node) {
	if p.c.Misuse {
		return
	}
	for _, name := range p.c.clients {
		if u := p.clients[name]; u.state == registered {
			p.r.At(u.at, "a deregister for it", "client %q is still registered at the end of the case", name)
		}
	}
	for _, name := range p.c.sockets {
		if u := p.sockets[name]; u.state == objectOpen {
			p.r.At(u.at, "a close for it", "socket %q is still open at the end of the case", name)
		}
	}
	for name, t := range p.threads {
		if t.busy {
			p.r.At(t.at, "a join for it", "thread %q is never joined", name)
		}
	}
	if len(p.c.clients) > abi.MaxClients {
		p.r.At(n, fmt.Sprintf("at most %d", abi.MaxClients), "the case has %d clients", len(p.c.clients))
	}
	if len(p.c.sockets) > abi.MaxSockets {
		p.r.At(n, fmt.Sprintf("at most %d", abi.MaxSockets), "the case has %d sockets", len(p.c.sockets))
	}
	if len(p.c.handles) > abi.PlanMaxHandles {
		p.r.At(n, fmt.Sprintf("at most %d", abi.PlanMaxHandles), "the case has %d handles", len(p.c.handles))
	}
	if len(p.threads) > abi.MaxThreads {
		p.r.At(n, fmt.Sprintf("at most %d", abi.MaxThreads), "the case has %d threads", len(p.threads))
	}
}
