package suites

import "fmt"

const maxRepeat = 1_000_000

func bases() []named {
	return []named{{string(Documented), 0}, {string(WineTest), 1}, {string(Recorded), 2}}
}

func irqls() []named {
	return []named{{"passive", 0}, {"dispatch", 1}, {"dpc", 2}}
}

// caseParser reads one case. What its steps say about clients and threads is followed in order, so
// that what can't work is told before anything starts.
type caseParser struct {
	r          *reporter
	vocabulary *vocabulary
	c          *Case
	clients    map[string]*clientUse
	threads    map[string]*threadUse
	names      map[string]int // step names, by line
	loop       *loopUse       // nil outside loops
	steps      []stepNodes    // beside c.Steps
	limits     map[int]*node  // where loops have a timeout, by unit
	records    int
	misuses    int
}

// stepNodes remembers where a step and its time limit are written.
type stepNodes struct {
	step    *node
	timeout *node // nil where it was not given
}

// readCase returns nil when there is not even a mapping; else the case as far as it could be read,
// and the node of its id.
func (l *loader) readCase(source Source, r *reporter, s *Suite, n *node) (*Case, *node) {
	m, ok := r.mapping(n, "a case")
	if !ok {
		return nil, nil
	}
	c := &Case{Suite: s.Name, File: source.Name, Line: n.line, Basis: Documented, Repeat: 1, Parallel: 1}
	p := &caseParser{r: r, vocabulary: l.vocabulary, c: c,
		clients: map[string]*clientUse{}, threads: map[string]*threadUse{}, names: map[string]int{}, limits: map[int]*node{}}
	id := m.need("id", "id: a name")
	if id != nil {
		c.ID, _ = r.readName(id, "id")
	} else {
		id = n
	}
	m.what = "case " + c.ID
	if c.ID == "" {
		m.what = "the case"
	}
	if doc := m.need("doc", "doc: the rule that the case checks"); doc != nil {
		c.Doc, _ = r.readText(doc, "doc")
	}
	if n := m.take("source"); n != nil {
		c.Source, _ = r.readText(n, "source")
	}
	basis := m.take("basis")
	if basis != nil {
		if _, ok := r.readOneOf(basis, "basis", bases()); ok {
			c.Basis = Basis(basis.text)
		}
	}
	if n := m.take("tags"); n != nil {
		c.Tags = r.readNames(n, "tags")
	}
	if n := m.take("requires"); n != nil {
		c.Requires = r.readNames(n, "requires")
	}
	if n := m.take("misuse"); n != nil {
		c.Misuse, _ = r.readBool(n, "misuse")
	}
	if n := m.take("irql"); n != nil {
		if _, ok := r.readOneOf(n, "irql", irqls()); ok && n.text != "passive" {
			c.Irql = n.text
		}
	}
	timeout := m.take("timeout")
	if timeout != nil {
		c.Timeout, _ = r.readDuration(timeout, "timeout", longestCase)
	}
	repeat, parallel := m.take("repeat"), m.take("parallel")
	if repeat != nil {
		c.Repeat = p.count(repeat, "repeat", maxRepeat)
	}
	if parallel != nil {
		c.Parallel = p.count(parallel, "parallel", maxParallel)
	}
	steps := m.need("steps", "steps: a list")
	m.done()
	switch {
	case steps == nil:
		return c, id
	case steps.kind != sequenceNode || len(steps.items) == 0:
		r.at(steps, "a list of steps", "steps is %s", countOrKind(steps))
		return c, id
	case repeat != nil || parallel != nil:
		p.readLoop(steps, unit{repeat: c.Repeat, parallel: c.Parallel}, false)
	default:
		for _, item := range steps.items {
			p.readStep(item)
		}
	}
	p.atEnd(n)
	p.budget(n, timeout)
	if basis != nil && c.Basis == Recorded && p.records == 0 {
		r.at(basis, "a step with record: true", "nothing in the case is recorded")
	}
	return c, id
}

func (p *caseParser) count(n *node, what string, highest uint64) int {
	number, ok := p.r.readNumber(n, what, 1, highest)
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
			p.r.at(u.at, "a deregister for it", "client %q is still registered at the end of the case", name)
		}
	}
	for name, t := range p.threads {
		if t.busy {
			p.r.at(t.at, "a join for it", "thread %q is never joined", name)
		}
	}
	if len(p.c.clients) > maxClients {
		p.r.at(n, fmt.Sprintf("at most %d", maxClients), "the case has %d clients", len(p.c.clients))
	}
	if len(p.threads) > maxThreads {
		p.r.at(n, fmt.Sprintf("at most %d", maxThreads), "the case has %d threads", len(p.threads))
	}
}
