// Package prepare makes a plain Windows a target for test-signed drivers, tells what is in the way of one, and brings a Windows
// back to what it was.
//
//	p := prepare.New(windows.PowerShell{Host: powershell.Remote(client, target)}, prepare.Options{Certificate: certificate})
//	plan, err := p.Plan(ctx)      // what is, what will be, and whether that takes a reboot
//	err = p.Run(ctx)              // does it, reboots included
//	err = p.Undo(ctx)             // brings everything back
//
// What a target has to be is a table of settings (settings), each with the items that it consists of: values of the registry,
// elements of the boot configuration, certificates. An item can be read, changed, and brought back to exactly what it was.
//
// Nothing is changed before it is written down on the target, and on its disk, what it was (record). So Run and Undo can be cut
// off anywhere, also by a machine that goes down: whoever begins again, from wherever, reads what is, and does what is left. What
// has been changed is read again at once, and once more behind the reboot, where a policy may have put it back.
package prepare

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"wskharness/prepare/windows"
)

// Preparation is one target that is looked at, prepared, or brought back. One is used by one goroutine at a time.
type Preparation struct {
	Host       windows.Host
	Options    Options
	BootWithin time.Duration     // how long the machine may take to boot; zero: half an hour, which updates may need
	Pause      time.Duration     // before a machine that boots is asked again, at first; zero: as [guest.Booting] does
	Tell       func(text string) // is told what is done, before it is; nil: nobody is
	// Checkpoint makes what the machine is its clean state; nil: it has none.
	Checkpoint func(ctx context.Context) error

	record string // the file on the target where it is kept what that was; empty: recordFile
}

// New makes a preparation with the usual limits.
func New(host windows.Host, o Options) *Preparation {
	return &Preparation{Host: host, Options: o}
}

// LongestBoot is how long a machine may take to boot at most: updates may want that.
const LongestBoot = 30 * time.Minute

func (p *Preparation) fill() {
	p.BootWithin = cmp.Or(p.BootWithin, LongestBoot)
}

func (p *Preparation) tell(text string) {
	if p.Tell != nil {
		p.Tell(text)
	}
}

// Look finds out what a target is, and changes nothing.
func (p *Preparation) Look(ctx context.Context) ([]Finding, error) {
	return look(ctx, p.Host, p.Options, p.settings())
}

// settings are what it has to do with.
func (p *Preparation) settings() []setting {
	if p.record == verificationFile {
		return []setting{verifierSetting()}
	}
	return settings(p.Options)
}

// file is where the record is.
func (p *Preparation) file() string { return cmp.Or(p.record, recordFile) }

// Plan is what Run would do.
type Plan struct {
	Findings []Finding `json:"findings"`
	Reboot   bool      `json:"reboot"`            // what is changed takes one, or one is waited for already
	Begun    time.Time `json:"begun,omitzero"`    // when the target was prepared for the first time, or began to be
	Undoing  bool      `json:"undoing,omitempty"` // it is being brought back, and that was cut off
}

// Done reports whether Run would change nothing.
func (p *Plan) Done() bool {
	return !p.Reboot && !slices.ContainsFunc(p.Findings, func(f Finding) bool { return len(f.changes) > 0 })
}

// Plan finds out what Run would do.
func (p *Preparation) Plan(ctx context.Context) (*Plan, error) {
	r, boot, err := readRecord(ctx, p.Host, p.file())
	if err != nil {
		return nil, err
	}
	findings, err := p.Look(ctx)
	if err != nil {
		return nil, err
	}
	plan := &Plan{Findings: findings}
	if r != nil {
		plan.Begun, plan.Undoing, plan.Reboot = r.Made, r.Undoing, r.Boot == boot
	}
	for _, f := range findings {
		plan.Reboot = plan.Reboot || f.Reboot
	}
	return plan, nil
}

// maxReboots bounds how often a target is rebooted: once for what is set here, and once more for what a Windows that was in the
// middle of an update wants behind that.
const maxReboots = 2

// Run makes the target what it is to be. A target that can't be, as it is, is a *BlockedError, and is left as it was. Whatever it
// is cut off by, the same call goes on.
func (p *Preparation) Run(ctx context.Context) error {
	p.fill()
	made := map[string]bool{} // settings that were changed, and read again
	for reboots := 0; ; {
		r, boot, err := readRecord(ctx, p.Host, p.file())
		if err != nil {
			return err
		}
		if r != nil && r.Undoing {
			return errors.New("the machine is being brought back to what it was, and that was cut off: finish that first, with --undo")
		}
		findings, err := p.Look(ctx)
		if err != nil {
			return err
		}
		if blocked := blocking(findings); blocked != nil && len(made) == 0 {
			return &BlockedError{blocked}
		}
		todo, waiting, again := sort(findings, made)
		rebooting := r != nil && r.Boot == boot || len(waiting) > 0 && reboots < maxReboots
		if len(todo) == 0 && !rebooting {
			if err := errors.Join(append(again, notInEffect(waiting)...)...); err != nil {
				return err
			}
			return p.finish(ctx)
		}
		if len(todo) > 0 {
			takes, err := p.change(ctx, r, boot, todo)
			if err != nil {
				return err
			}
			for _, f := range todo {
				made[f.Setting] = true
			}
			rebooting = rebooting || takes
		}
		if rebooting {
			if err := p.reboot(ctx, boot); err != nil {
				return err
			}
			reboots++
		}
	}
}

// blocking are the findings without whose mending nothing is begun.
func blocking(findings []Finding) (blocked []Finding) {
	for _, f := range findings {
		if f.Needed && (f.Status == Blocked || f.Status == Unknown) {
			blocked = append(blocked, f)
		}
	}
	return blocked
}

// sort divides findings into what is to be changed, what waits for a reboot, and what was changed, and is another again.
func sort(findings []Finding, made map[string]bool) (todo, waiting []Finding, again []error) {
	for _, f := range findings {
		switch {
		case len(f.changes) > 0 && made[f.Setting]:
			again = append(again, fmt.Errorf("%s: it was set, and is another again: %s; something on the machine puts it back, such as a policy of its domain, or of the service that manages it: set it there", f.Setting, f.Detail))
		case len(f.changes) > 0:
			todo = append(todo, f)
		case f.Status == Reboot:
			waiting = append(waiting, f)
		}
	}
	return todo, waiting, again
}

func notInEffect(waiting []Finding) (errs []error) {
	for _, f := range waiting {
		errs = append(errs, fmt.Errorf("%s: also behind a reboot it is not in effect: %s; by hand: %s", f.Setting, f.Detail, f.Fix))
	}
	return errs
}

// change writes down what is, and then makes it what it is to be; takes reports that this takes a reboot.
func (p *Preparation) change(ctx context.Context, r *record, boot string, todo []Finding) (takes bool, err error) {
	if r == nil {
		r = &record{Version: recordVersion, Made: time.Now().UTC().Truncate(time.Second)}
	}
	added := false
	for _, f := range todo {
		added = r.note(f.Setting, f.changes) || added
		takes = takes || f.Reboot
	}
	if takes && r.Boot != boot {
		r.Boot, added = boot, true
	}
	if added {
		if err := r.write(ctx, p.Host, p.file()); err != nil {
			return takes, err
		}
	}
	for _, f := range todo {
		p.tell(f.Setting + ": " + f.Detail)
		if err := p.apply(ctx, f.changes); err != nil {
			return takes, fmt.Errorf("%s: %w", f.Setting, err)
		}
	}
	return takes, nil
}

// apply makes items what they are to be, and reads them again.
func (p *Preparation) apply(ctx context.Context, changes []change) error {
	var calls []windows.Call
	for _, c := range changes {
		kind, err := kindOf(c.item)
		if err != nil {
			return err
		}
		write := c.calls
		if write == nil && !c.done(c.now) && c.reached == nil {
			if write, err = kind.write(c.item, c.now, c.to); err != nil {
				return err
			}
		}
		calls = append(calls, write...)
	}
	writes := len(calls)
	for _, c := range changes {
		kind, _ := kindOf(c.item)
		calls = append(calls, kind.read(c.item))
	}
	answers, err := p.Host.Do(ctx, calls)
	if err != nil {
		return err
	}
	for n := range calls[:writes] {
		if err := answers[n].Err(calls[n]); err != nil && !calls[n].Reads() {
			return err
		}
	}
	var errs []error
	for n, c := range changes {
		s, err := stateIn(c.item, answers[writes+n])
		if err == nil && !c.done(s) {
			err = fmt.Errorf("%s was set, and reads %s: something on the machine keeps it, such as tamper protection or a policy", c.item, s)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// finish makes the prepared machine its own clean state.
func (p *Preparation) finish(ctx context.Context) error {
	if p.Checkpoint == nil {
		return nil
	}
	p.tell("what the machine is now becomes its clean state")
	if err := p.Checkpoint(ctx); err != nil {
		return fmt.Errorf("the machine is prepared, and could not be made a checkpoint: %w", err)
	}
	return nil
}
