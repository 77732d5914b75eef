package suites

import (
	"fmt"
	"regexp"
	"slices"

	"wskharness/driver/abi"
	"wskharness/suites/output"
	"wskharness/winerr"
)

// localFile is a file here, whose place in the guest is one of a step's texts.
type localFile struct {
	at     int    // which
	before string // what that begins with
	path   string
	most   int64 // how long it may be; 0: as long as it is
}

// generic is what a generic step says beside its numbers.
type generic struct {
	texts    []string // for the agent, in the order in which it wants them
	files    []localFile
	outputs  []output.Check
	report   reportKind
	stdout   bool           // the report is what the program writes to its standard output
	device   bool           // what is written is a device's output
	bytes    bool           // what is written has no lines
	brings   string         // what an upload makes in the guest
	collects string         // as what a collect keeps a file
	room     uint64         // for that
	run      *runStep       // of run alone
	registry *registryValue // what a value has to be; nil: nothing is demanded
	absent   bool           // a value of the registry has to be absent
}

var (
	fileName  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._+-]{0,99}$`)
	plainText = regexp.MustCompile(`^[^\x00-\x1f]+$`)
)

// generic is what the step says beside its numbers, which is still to be read.
func (p *caseParser) generic(s *Step) *generic {
	s.generic = &generic{}
	if s.async() {
		p.threads[s.Thread].generic = s.generic
	}
	return s.generic
}

// agentTexts are the texts as the agent wants them.
func (g *generic) agentTexts(stored func(local string) (place string, folders []string)) []string {
	if len(g.files) == 0 {
		return g.texts
	}
	texts := slices.Clone(g.texts)
	for _, f := range g.files {
		texts[f.at] = f.before + f.path
		if stored != nil {
			place, folders := stored(f.path)
			texts[f.at] = f.before + place
			texts = append(texts, folders...)
		}
	}
	return texts
}

// Upload is a file of this machine, or a folder with all that is in it, that a case brings into the guest.
type Upload struct {
	Local string
	Place string // of the step, for messages: file:line
	What  string // the operation that brings it
	Most  int64  // how long it may be; 0: as long as it is
}

// Uploads lists the files that the case brings into the guest.
func (c *Case) Uploads() []Upload {
	var all []Upload
	for _, s := range c.Steps {
		if s.generic == nil {
			continue
		}
		for _, f := range s.generic.files {
			all = append(all, Upload{Local: f.path, Place: fmt.Sprintf("%s:%d", c.File, s.Line), What: s.Op, Most: f.most})
		}
	}
	return all
}

// Collects reports whether the case fetches files of the guest.
func (c *Case) Collects() bool { return len(c.CollectedNames()) > 0 }

// CollectedNames lists what the files are called that the case fetches.
func (c *Case) CollectedNames() []string {
	var names []string
	for _, s := range c.Steps {
		if s.generic != nil && s.generic.collects != "" {
			names = append(names, s.generic.collects)
		}
	}
	return names
}

// settleGeneric completes a generic step whose expectation has been read.
func (p *caseParser) settleGeneric(s *Step, n *node) {
	g := s.demands()
	if g == nil {
		return
	}
	writes := len(g.outputs) > 0 || g.report != noReport || g.registry != nil
	success := s.succeeds()
	answered := success || g.device && !slices.ContainsFunc(s.Expect, winerr.NTStatus.Error)
	switch {
	case g.absent && (s.Record || !success):
		p.r.At(n, "no expect, no record", "a value that has to be absent is expected to be just that")
	case g.absent:
		s.Expect = []winerr.NTStatus{winerr.ErrorFileNotFound.NTStatus()}
	case writes && s.Record:
		p.r.At(n, "no record", "what the step writes is judged, and a recorded step is not")
	case writes && !answered:
		p.r.At(n, "no expect", "what the step writes is known only when it succeeds")
	}
	if g.device && len(g.outputs) > 0 && p.repeats(n) {
		p.matchInGuest(s, g, n)
	}
	// Without a word about it, a program that fails fails the step.
	says := slices.ContainsFunc(s.Checks, func(c Check) bool { return c.value.name == "exit" })
	if exit, ok := s.op.value("exit"); ok && success && !says && !p.inLoop() {
		s.Checks = append(s.Checks, Check{Name: "exit", Want: "0", Text: "exit 0", subject: "exit", value: exit,
			conds: []condition{{value: exit.index, compare: abi.EQ}}})
	}
}

func (p *caseParser) text(n *node, what string) (string, bool) {
	if n == nil {
		return "", false // said where arguments are read
	}
	text, ok := p.r.Text(n, what)
	if ok && !plainText.MatchString(text) {
		p.r.At(n, "a text of one line", "%s is %s", what, n.Describe())
		return "", false
	}
	return text, ok
}

// demands is what the step's outputs are judged by: of a step on a thread that is known when it is joined. It is nil
// where nothing is written.
func (s *Step) demands() *generic {
	switch {
	case s.async():
		return nil
	case s.joined != nil:
		return s.joined
	}
	return s.generic
}

// onThread reports, and says, that a demand on outputs stands in a step that only starts a thread.
func (p *caseParser) onThread(s *Step, n *node, key string) bool {
	if s.async() {
		p.r.At(n, key+" in the join", "%s: %s: the step only starts thread %q", s.op.name, key, s.Thread)
	}
	return s.async()
}
