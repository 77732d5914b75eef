package suites

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"wskharness/driver/abi"
)

// localFile is a file here, whose place in the guest is one of a step's texts.
type localFile struct {
	at     int    // which
	before string // what that begins with
	path   string
}

// generic is what a generic step says beside its numbers.
type generic struct {
	texts    []string // for the agent, in the order in which it wants them
	files    []localFile
	outputs  []outputCheck
	report   reportKind
	stdout   bool           // the report is what the program writes to its standard output
	device   bool           // what is written is a device's output
	room     uint64         // for that
	run      *runStep       // of run alone
	registry *registryValue // what a value has to be; nil: nothing is demanded
	absent   bool           // a value of the registry has to be absent
}

const (
	maxArguments = 64
	maxCommand   = 8000 // characters of a command line
)

var (
	fileName  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._+-]{0,99}$`)
	plainText = regexp.MustCompile(`^[^\x00-\x1f]+$`)
)

// genericStep reads what only generic steps have; the numbers have been read.
func (p *caseParser) genericStep(s *Step, body *node, given map[string]*node, words *sentence) {
	g := &generic{}
	switch s.op.code {
	case abi.PlanOpUpload:
		p.upload(s, g, given, words)
	case abi.PlanOpRun:
		p.program(s, g, given, words)
		g.listExits(s.Checks)
	case abi.PlanOpOpen:
		p.openDevice(g, given, words)
	case abi.PlanOpIoctl, abi.PlanOpRead, abi.PlanOpWrite:
		p.request(s, g, body, given, words)
	case abi.OpJoin:
		p.joinOutputs(s, given)
		return
	case abi.PlanOpCollect:
		p.collect(s, g, given, words)
	case abi.PlanOpRegistry:
		p.registry(s, g, body, given, words)
	case abi.PlanOpEventLog:
		p.eventLog(s, g, body, given, words)
	default:
		return
	}
	s.generic = g
	if s.Async() {
		p.threads[s.Thread].generic = g
	}
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
			u := Upload{Local: f.path, Place: fmt.Sprintf("%s:%d", c.File, s.Line), What: s.Op}
			if s.op.code != abi.PlanOpUpload {
				u.Most = abi.PlanGenericBytes
			}
			all = append(all, u)
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
		if s.op.code == abi.PlanOpCollect && len(s.generic.texts) == 2 {
			names = append(names, s.generic.texts[1])
		}
	}
	return names
}

// Unloads reports whether the case unloads the driver, other than by a reboot, and in which step: file:line.
func (c *Case) Unloads() (place string, unloads bool) {
	for _, s := range c.Steps {
		switch s.op.code {
		case abi.PlanOpUnload, abi.PlanOpLoad, abi.PlanOpReload, abi.PlanOpStartFailures:
			return fmt.Sprintf("%s:%d", c.File, s.Line), true
		}
	}
	return "", false
}

// NeedsSample reports whether the case can only be run with the sample driver: what it does, or looks at, no other
// driver offers.
func (c *Case) NeedsSample() bool {
	return slices.ContainsFunc(c.Steps, func(s Step) bool {
		switch s.op.code {
		case abi.OpSleep:
			return s.executor == byDriver && c.units[s.unit].loop()
		case abi.PlanOpUnloaded, abi.PlanOpStartFailures, abi.PlanOpEcho:
			return true
		case abi.PlanOpLoad, abi.PlanOpReboot:
			return s.args[0] != 0 || s.args[1] != 0
		case abi.PlanOpUnload, abi.PlanOpReload:
			return slices.ContainsFunc(s.Checks, func(check Check) bool {
				return s.samples(check)
			})
		}
		return s.executor == byDriver
	})
}

func (p *caseParser) eventLog(s *Step, g *generic, body *node, given map[string]*node, words *sentence) {
	text := func(key, otherwise string) string {
		n := given[key]
		if n == nil {
			return otherwise
		}
		text, ok := p.text(n, "event_log: "+key)
		if ok && key != "contains" && strings.ContainsAny(text, `'"`) {
			p.r.At(n, "a name without quotes", "event_log: %s is %s", key, n.Describe())
		}
		return text
	}
	channel, source, contains := text("channel", "System"), text("source", ""), text("contains", "")
	if source == "" && contains == "" && given["id"] == nil {
		p.r.At(body, "source, id or contains", "event_log takes any line")
	}
	conditions := " "
	if source != "" {
		conditions = "Provider[@Name='" + source + "'] and "
		words.add("of " + source)
	}
	if given["id"] != nil {
		conditions += fmt.Sprintf("(EventID=%d) and ", s.args[1])
	}
	g.texts = []string{channel, conditions}
	if contains != "" {
		g.texts = append(g.texts, contains)
		words.add(fmt.Sprintf("with %q", contains))
	}
	words.parts[0] += " " + channel
}

// settleGeneric completes a generic step whose expectation has been read.
func (p *caseParser) settleGeneric(s *Step, n *node) {
	g := s.demands()
	if g == nil {
		return
	}
	writes := len(g.outputs) > 0 || g.report != noReport || g.registry != nil
	success := s.succeeds()
	answered := success || g.device && !slices.ContainsFunc(s.Expect, isError)
	switch {
	case g.absent && (s.Record || !success):
		p.r.At(n, "no expect, no record", "a value that has to be absent is expected to be just that")
	case g.absent:
		s.Expect = []uint32{statusOfWin32 | errorFileNotFound}
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
