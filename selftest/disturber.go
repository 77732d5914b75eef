package selftest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"wskharness/guest"
	"wskharness/harness"
	"wskharness/results"
	"wskharness/strictyaml"
	"wskharness/vm"
)

const (
	// disturbLimit is for what disturbs a run, and no longer than whoever waits for it does: the agent, the driver and
	// the case of selftest.yaml.
	disturbLimit = 10 * time.Minute
	// holdSteps is how many steps that case has before it goes on: the first says that it waits.
	holdSteps = 11

	armFile  = guest.Home + `\selftest.arm`  // asks the driver to dwell
	holdFile = guest.Home + `\selftest.hold` // is there while the driver, or a case, waits
	// lookPause is how long to wait before the guest is asked once more.
	lookPause = 50 * time.Millisecond
)

// stage is where a mode misbehaves.
type stage struct {
	env     harness.Env
	machine vm.Machine
	load    string                      // the id of the load that is under way, in the guest
	wine    bool                        // the guest is Wine
	letGo   func(context.Context) error // of whoever waits in the phase that is disturbed, which may end then
	judged  <-chan struct{}             // closed when the case that is disturbed is judged
}

// disturber does to the machine what the mode asks for, once, as soon as the phase that is disturbed has begun.
type disturber struct {
	mode *mode
	done sync.WaitGroup

	watched bool // somebody tells when the machine crashes

	judged chan struct{} // closed when the case that is disturbed is
	ending chan struct{} // closed when the machine is let go, or the phase is over: there is nothing to wait for

	mu      sync.Mutex
	stage   stage
	run     string // its id
	loads   int    // so far
	hold    string // the file that whoever waits in the phase waits for
	began   bool   // whoever is to disturb the phase is at it
	acted   bool   // it was disturbed, while somebody waited in it
	ended   bool
	let     bool // whoever waits in the phase may go on
	over    bool // the machine is let go
	noticed map[string]bool
	skip    string
	slow    []string // which times were up
	err     error
}

func newDisturber(m *mode, env harness.Env, watched bool) *disturber {
	d := &disturber{mode: m, watched: watched, judged: make(chan struct{}), ending: make(chan struct{}), noticed: map[string]bool{}}
	d.stage = stage{env: env, judged: d.judged, letGo: d.letGo}
	return d
}

func (d *disturber) watch(m vm.Machine) vm.Machine {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stage.machine = m
	return m
}

// timeUp takes note of a time that was up, and of which case it was; of one that is meant to hang it says nothing.
func (d *disturber) timeUp(test, what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	noCrash := test == "deploy.crash" && !d.mode.crashes
	if d.mode.want[test].outcome != results.Hang && !noCrash {
		d.slow = append(d.slow, what)
	}
}

// missing is what there had to be beside the verdicts, and was not: that the mode did what it is about.
func (d *disturber) missing() (wrong []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, words := range d.mode.notices {
		if !d.noticed[words] {
			wrong = append(wrong, fmt.Sprintf("nothing says %q", words))
		}
	}
	if d.mode.phase != nil && !d.acted {
		wrong = append(wrong, "nothing was disturbed "+d.mode.phase.doc)
	}
	return wrong
}

// Handle waits for what is to be in the guest before the driver is loaded there; and, when the case that is disturbed is
// judged, for the end of the disturbance: what comes behind runs on a machine that is well again.
func (d *disturber) Handle(u results.Update) error {
	if d.note(u.Event) {
		d.prepare()
	}
	if u.Kind == results.KindCaseFinished && d.mode.holds && u.Case == d.mode.phase.blamed {
		d.done.Wait()
	}
	return nil
}

// note takes in what happens, and reports whether the driver is about to be loaded for the first time.
func (d *disturber) note(e results.Event) (first bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e.Kind == results.KindTargetFacts {
		d.stage.wine = e.Guest.Kind == guest.KindWine
		if d.mode.crashes && d.stage.wine && !d.watched {
			d.skip = "nobody watches this machine from outside, and a Wine guest leaves no dump: its crash is an unexpected reboot"
		}
	}
	if e.Notice != nil {
		for _, words := range d.mode.notices {
			d.noticed[words] = d.noticed[words] || strings.Contains(e.Notice.Text, words)
		}
	}
	switch {
	case e.Run != nil:
		d.run = e.Run.ID
	case e.Phase != nil && e.Phase.Name == results.PhaseDeploy && e.Phase.State == results.PhaseStarted:
		d.loads++
		d.stage.load = harness.DriverRunID(d.run, e.Target, d.loads)
		first = d.loads == 1 && d.mode.phase != nil
	case e.Phase != nil && e.Phase.Name == results.PhaseRelease && !d.over:
		d.over = true
		close(d.ending)
	}
	if d.mode.phase != nil {
		d.follow(e, d.mode.phase)
	}
	return first
}

// follow looks whether the phase begins, or is over before it was disturbed.
func (d *disturber) follow(e results.Event, p *phase) {
	switch {
	case e.Kind == results.KindCaseFinished && e.Case == p.blamed && !d.ended:
		d.ended = true
		close(d.judged)
	case d.loads == 1 && p.over(e) && !d.let:
		d.let = true
		if d.acted || p.begun != nil {
			d.slow = append(d.slow, "what disturbs it "+p.doc+" came after that")
		}
	}
	if p.begun != nil && p.begun(e) {
		d.begin()
	}
}

// begin has the phase disturbed, once. With mu held.
func (d *disturber) begin() {
	if d.began {
		return
	}
	d.began = true
	on := d.stage
	d.done.Go(func() { d.disturb(on) })
}

// prepare puts into the guest what the phase has to find there, before the driver is loaded.
func (d *disturber) prepare() {
	ctx, cancel := context.WithTimeout(context.Background(), disturbLimit)
	defer cancel()
	d.mu.Lock()
	p, on := d.mode.phase, d.stage
	if d.hold = holdFile; p.keeps {
		d.hold = guest.JournalPath(on.load) + ".hold"
	}
	hold := d.hold
	d.mu.Unlock()
	line := fmt.Sprintf("del %s %s", armFile, holdFile) // of an earlier mode, on a machine that keeps its disk
	if p.armed {
		line += " & type nul >" + armFile
	}
	if p.keeps {
		line += fmt.Sprintf(` & md %s\runs\%s & type nul >%s`, guest.Home, on.load, hold)
	}
	_, err := inGuest(ctx, on.machine, line)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		d.err = fmt.Errorf("%s: %w", d.mode.name, err)
		return
	}
	if p.begun == nil {
		d.begin()
	}
}

// letGo removes what the phase that is disturbed waits for, unless that has gone on by itself.
func (d *disturber) letGo(ctx context.Context) error {
	d.mu.Lock()
	d.let = true
	m, hold := d.stage.machine, d.hold
	d.mu.Unlock()
	_, err := insist(ctx, m, "del "+hold+" & exit 0", "let it go on "+d.mode.phase.doc, d.judged)
	return err
}

func (d *disturber) disturb(on stage) {
	ctx, cancel := context.WithTimeout(context.Background(), disturbLimit)
	defer cancel()
	waits, skip := true, ""
	var err error
	if d.mode.phase.begun == nil {
		waits, err = insist(ctx, on.machine, "if not exist "+holdFile+" exit 1", "wait for the driver to dwell "+d.mode.phase.doc, d.ending)
	}
	if err == nil && waits {
		d.mu.Lock()
		d.acted = true
		d.mu.Unlock()
		skip, err = d.mode.disturb(ctx, on)
		if err != nil || skip != "" || !d.mode.cuts {
			err = errors.Join(err, on.letGo(ctx))
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.skip = skip
	if err == nil || d.over { // after that the machine is no more, and whatever went on in it
		return
	}
	d.err = fmt.Errorf("%s: %w", d.mode.name, err)
	if ctx.Err() != nil {
		d.slow = append(d.slow, fmt.Sprintf("what disturbs the case took more than %s", strictyaml.ShortDuration(disturbLimit)))
	}
}
