package suites

import (
	"maps"
	"slices"

	"wskharness/driver/abi"
	"wskharness/winerr"
)

// life is what a step does to the driver as a whole.
type life uint

const (
	lifeEnds    life = 1 << iota // it is loaded before, and not after
	lifeBegins                   // it is loaded after
	lifeWithin                   // it is loaded and unloaded by the step, and not loaded before or after
	lifeReboots                  // whatever it was before: the guest starts anew
)

// settleLife follows what the step does to the driver, and so to all that the case has in it.
func (p *caseParser) settleLife(s *Step, n *node) {
	does := s.op.life
	switch {
	case p.unloaded && (s.executor == byDriver && p.entry == nil || s.op.needs || does&lifeEnds != 0 && !s.Reboots()):
		p.r.At(n, "a load before it", "%s needs the driver, which is unloaded since line %d", s.Op, p.unloadedAt)
	case !p.unloaded && (does == lifeBegins || does == lifeWithin):
		p.r.At(n, "an unload before it", "%s starts the driver, which is loaded already", s.Op)
	}
	if s.Reboots() {
		if s.Part.After() {
			p.r.At(n, "a reboot among the steps", "a reboot can't be in a %s: what it undoes would be undone twice", s.Part)
		}
		p.endThreads(s, n)
	}
	if does&lifeEnds != 0 && !p.unloaded {
		p.unloaded, p.unloadedAt = true, s.Line
		p.lost, p.lostAt = s.Index, s.Line
		p.forget()
	}
	if does&lifeBegins != 0 && slices.ContainsFunc(s.Expect, winerr.NTStatus.Success) {
		p.unloaded = false
	}
}

// endThreads says which programs on threads do not outlive a reboot.
func (p *caseParser) endThreads(s *Step, n *node) {
	for _, name := range slices.Sorted(maps.Keys(p.threads)) {
		t := p.threads[name]
		if t.busy && t.generic != nil && t.generic.run != nil {
			p.r.At(n, "a join before it", "a reboot would end the program on thread %q, started on line %d", name, t.at.Line)
		}
	}
}

// forget drops what went with the driver: its registrations, its sockets, its threads.
func (p *caseParser) forget() {
	for _, use := range p.clients {
		use.state = deregistered
	}
	for _, use := range p.sockets {
		use.state = objectClosed
	}
	for _, t := range p.threads {
		t.busy = t.busy && t.executor == byAgent
	}
}

// entryUse is the list of steps for DriverEntry that is being read.
type entryUse struct{ of string }

// readEntry reads the steps that DriverEntry runs, into one batch behind the step that starts the driver.
func (p *caseParser) readEntry(s *Step, steps *node) {
	if steps == nil {
		return
	}
	if len(steps.Items) == 0 {
		p.r.At(steps, "a list of steps", "steps is %s", steps.CountOrKind())
		return
	}
	switch {
	case !s.succeeds():
		p.r.At(steps, "no steps, or expect: STATUS_SUCCESS", "what DriverEntry does is known only where %s succeeds", s.Op)
	case s.Reboots() && s.args[2] == uint64(StartDemand):
		p.r.At(steps, "start: boot, system or auto", "the driver is not started by the boot")
	}
	p.c.batches = append(p.c.batches, batch{first: len(p.c.Steps), repeat: 1, parallel: 1, listed: true, atStart: true})
	p.entry = &entryUse{of: s.Op}
	for _, item := range steps.Items {
		p.readStep(item)
	}
	p.entry = nil
	last := &p.c.batches[len(p.c.batches)-1]
	last.count = len(p.c.Steps) - last.first
	if last.count == 0 { // every step of it was a mistake
		p.c.batches = p.c.batches[:len(p.c.batches)-1]
	}
	if last.count > abi.MaxSteps {
		p.r.At(steps, "fewer steps", "DriverEntry has more than %d steps", abi.MaxSteps)
	}
}
