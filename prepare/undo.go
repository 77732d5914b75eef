package prepare

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"wskharness/prepare/windows"
	"wskharness/remote"
)

// ErrNothingToUndo is a target that was not prepared.
var ErrNothingToUndo = errors.New("nothing to undo: " + recordFile + " is not on the machine, so it was not prepared, or it was brought back already")

// Restored is an item that Undo brings back.
type Restored struct {
	Setting string `json:"setting"`
	Item    string `json:"item"`
	Now     string `json:"now"`
	Was     string `json:"was"`
	Reboot  bool   `json:"reboot,omitempty"`
}

// PlanUndo is what Undo would bring back. An empty list is a target that is what it was, but for what says so.
func (p *Preparation) PlanUndo(ctx context.Context) ([]Restored, error) {
	r, _, err := readRecord(ctx, p.Host, p.file())
	if err != nil {
		return nil, err
	}
	if r == nil {
		return nil, ErrNothingToUndo
	}
	now, err := p.states(ctx, r)
	if err != nil {
		return nil, err
	}
	if err := p.standsOn(r, now); err != nil {
		return nil, err
	}
	var all []Restored
	for n, o := range slices.Backward(r.Items) {
		if !o.restored(now[n]) {
			all = append(all, Restored{o.Setting, o.item.String(), now[n].String(), o.Was.String(), o.Reboot})
		}
	}
	return all, nil
}

// standsOn refuses to take away from under whoever undoes what he has logged on by: he would be out before all is brought back.
func (p *Preparation) standsOn(r *record, now []state) error {
	by := p.Options.Reached
	var own []error
	for n, o := range r.Items {
		if o.restored(now[n]) {
			continue
		}
		switch {
		case o.Kind == httpsKind && by.HTTPS,
			o.Kind == serviceKind && o.Name == "Basic" && by.By == remote.AuthBasic,
			o.Kind == serviceKind && o.Name == "Certificate" && by.By == remote.AuthCertificate,
			o.Kind == mappingKind && by.By == remote.AuthCertificate:
			own = append(own, fmt.Errorf("%s (%s)", o.item, o.Setting))
		}
	}
	if own == nil {
		return nil
	}
	return fmt.Errorf("nothing was changed: what is brought back is also what you have logged on by, and you would be out before the rest is done:\n%w\nlog on another way for that, as before the machine was prepared: `url: http://…` with `auth: ntlm` in the target, or --password-env NAME", errors.Join(own...))
}

// states reads all items of a record.
func (p *Preparation) states(ctx context.Context, r *record) ([]state, error) {
	calls := make([]windows.Call, len(r.Items))
	for n, o := range r.Items {
		kind, err := kindOf(o.item)
		if err != nil {
			return nil, err
		}
		calls[n] = kind.read(o.item)
	}
	answers, err := p.Host.Do(ctx, calls)
	if err != nil {
		return nil, err
	}
	states := make([]state, len(r.Items))
	for n, o := range r.Items {
		if states[n], err = stateIn(o.item, answers[n]); err != nil {
			return nil, err
		}
	}
	return states, nil
}

// Undo brings the target back to what it was before it was first prepared, with a reboot where that takes one, and removes what
// says so. Whatever it is cut off by, the same call goes on.
func (p *Preparation) Undo(ctx context.Context) error {
	p.fill()
	r, boot, err := readRecord(ctx, p.Host, p.file())
	switch {
	case err != nil:
		return err
	case r == nil:
		return ErrNothingToUndo
	}
	now, err := p.states(ctx, r)
	if err != nil {
		return err
	}
	if err := p.standsOn(r, now); err != nil {
		return err
	}
	if err := p.beginUndo(ctx, r, boot, now); err != nil {
		return err
	}
	failed := p.restore(ctx, r, now, false)
	if r.Boot == boot {
		if err := p.reboot(ctx, boot); err != nil {
			return errors.Join(failed, err)
		}
	}
	if now, err = p.states(ctx, r); err != nil {
		return errors.Join(failed, err)
	}
	if failed = errors.Join(failed, p.restore(ctx, r, now, true)); failed != nil {
		return fmt.Errorf("%w\nwhat the machine was is still written down on it: the same command tries once more", failed)
	}
	return p.forget(ctx, r)
}

// beginUndo writes down that the target is brought back, and whether a reboot is still to come; and sees to it that no boot
// setting is changed under a BitLocker that protects.
func (p *Preparation) beginUndo(ctx context.Context, r *record, boot string, now []state) error {
	write := !r.Undoing
	r.Undoing = true
	var suspend []windows.Call
	for n, o := range r.Items {
		if o.Reboot && !o.restored(now[n]) && r.Boot != boot {
			r.Boot, write = boot, true
		}
		if o.Kind == protectionKind && now[n].Data == "1" {
			calls, err := writeProtection(o.item, now[n], state{Type: now[n].Type, Data: "0"})
			if err != nil {
				return err
			}
			suspend = append(suspend, calls...)
		}
	}
	if write {
		if err := r.write(ctx, p.Host, p.file()); err != nil {
			return err
		}
	}
	if suspend == nil || r.Boot != boot {
		return nil
	}
	if _, err := windows.Do(ctx, p.Host, suspend...); err != nil {
		return fmt.Errorf("suspend BitLocker, before boot settings are changed back: %w", err)
	}
	return nil
}

// restore brings items back, the last that was changed first. One that can't be does not hold up the others.
func (p *Preparation) restore(ctx context.Context, r *record, now []state, last bool) error {
	var errs []error
	for n, o := range slices.Backward(r.Items) {
		if o.Last && !last || o.restored(now[n]) {
			continue
		}
		p.tell(fmt.Sprintf("%s: %s is %s again", o.Setting, o.item, o.Was))
		err := p.bringBack(ctx, o, now[n])
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: bring %s back: %w", o.Setting, o.item, err))
			if ctx.Err() != nil {
				break
			}
		}
	}
	return errors.Join(errs...)
}

// bringBack makes an item what it was.
func (p *Preparation) bringBack(ctx context.Context, o original, now state) error {
	kind, err := kindOf(o.item)
	if err != nil {
		return err
	}
	calls, err := kind.write(o.item, now, o.Was)
	if err != nil {
		return err
	}
	return p.apply(ctx, []change{{item: o.item, now: now, to: o.Was, calls: calls}})
}

// forget removes what says what the target was, and what was kept of it.
func (p *Preparation) forget(ctx context.Context, r *record) error {
	var calls []windows.Call
	for _, o := range r.Items {
		switch o.Kind {
		case policyKind:
			calls = append(calls, windows.DeleteFile(policyCopy(o.Place), systemDrive+`\`))
		case schemeKind: // where that was cut off between the two things that it takes
			calls = append(calls, windows.Ask("powercfg.exe", "/delete", ourScheme))
		}
	}
	calls = append(calls, windows.DeleteFile(p.file(), systemDrive+`\`))
	if _, err := windows.Do(ctx, p.Host, calls...); err != nil {
		return fmt.Errorf("the machine is what it was; remove what says so: %w", err)
	}
	return nil
}
