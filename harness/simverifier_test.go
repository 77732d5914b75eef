package harness

import (
	"context"
	"errors"
	"fmt"
	"time"

	"wskharness/prepare"
)

// simVerifier is Driver Verifier in the guest.
type simVerifier struct {
	set, is prepare.InEffect // from the next boot on, and in this one
	was     *prepare.InEffect
	begun   int

	deaf   bool   // it is never in effect
	forget int    // the boot that it does not outlive; 0: none
	says   string // what the kernel says of its flags; "": what they are
	boots  int
}

// boot is called with the guest's lock held.
func (v *simVerifier) boot() {
	v.boots++
	if v.boots == v.forget {
		v.set = prepare.InEffect{}
	}
	if v.is = v.set; v.deaf {
		v.is = prepare.InEffect{}
	}
}

func (v *simVerifier) kernel() *string {
	text := fmt.Sprintf("0x%x", v.is.Flags)
	if v.says != "" && v.is.Flags != 0 {
		text = v.says
	}
	return &text
}

// simVerifying is a controller's way to it.
type simVerifying struct {
	guest *simGuest
	owner int
}

// reboot has the machine do so, and waits for it.
func (v simVerifying) reboot(ctx context.Context) error {
	v.guest.down(false)
	for time.Now().Before(v.guest.upAt) {
		v.guest.pause(time.Second)
	}
	if v.guest.owner != v.owner {
		return errDead
	}
	return context.Cause(ctx)
}

func (v simVerifying) Begin(ctx context.Context, want prepare.Verifier) (prepare.InEffect, error) {
	if _, err := v.End(ctx); err != nil {
		return prepare.InEffect{}, err
	}
	v.guest.mu.Lock()
	defer v.guest.mu.Unlock()
	if v.guest.owner != v.owner {
		return prepare.InEffect{}, errDead
	}
	o := &v.guest.verifier
	was := o.set
	o.was = &was
	o.set = prepare.InEffect{Flags: 0x209bb, Drivers: want.Drivers}
	if want.Flags != "standard" {
		if _, err := fmt.Sscanf(want.Flags, "0x%x", &o.set.Flags); err != nil {
			return o.set, err
		}
	}
	o.begun++
	if err := v.reboot(ctx); err != nil {
		return prepare.InEffect{}, err
	}
	if !o.is.Covers(want) {
		return o.is, errors.New(o.is.String())
	}
	return o.is, nil
}

func (v simVerifying) End(ctx context.Context) (bool, error) {
	v.guest.mu.Lock()
	defer v.guest.mu.Unlock()
	if v.guest.owner != v.owner {
		return false, errDead
	}
	o := &v.guest.verifier
	if o.was == nil {
		return false, nil
	}
	o.set = *o.was
	if err := v.reboot(ctx); err != nil {
		return true, err
	}
	o.was = nil
	return true, nil
}

func (v simVerifying) Effective(context.Context) (prepare.InEffect, error) {
	v.guest.mu.Lock()
	defer v.guest.mu.Unlock()
	return v.guest.verifier.is, nil
}
