// Package power turns a machine on and off from outside: by programs of the user's (Hooks), by the Redfish service of its
// management controller, or by IPMI. A target says which:
//
//	var settings power.Settings
//	table.Keys = append(table.Keys, settings.Keys()...) // power, redfish, ipmi
//	…
//	control, err := settings.Control(host)
//	if control.Can(power.Reset) {
//		err = control.Do(ctx, power.Reset)
//	}
//
// A management controller only tells of the machine's power. That Windows is up behind it, WinRM has to say.
package power

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"wskharness/vm"
)

// Action is something that can be done to a machine from outside.
type Action string

// The actions.
const (
	On    Action = "on"
	Off   Action = "off"   // at once: no guest is asked
	Reset Action = "reset" // at once, too; off, and on again, where there is nothing else
	NMI   Action = "nmi"   // the interrupt by which a Windows that hangs is made to write its dump
)

// driver is one way to do them. It is used from one goroutine at a time.
type driver interface {
	can(a Action) bool
	do(ctx context.Context, a Action) error
	// state is Unknown, and no error, where there is no way to ask.
	state(ctx context.Context) (vm.Power, error)
	tellsState() bool
	name() string // for messages: "by redfish at https://10.0.0.6"
}

// Control is a machine's power. It may be used from several goroutines.
type Control struct {
	by     driver
	within time.Duration // how long one of its steps may take
	turn   chan struct{} // has room for one
	poll   time.Duration
}

const (
	// stepLimit is how long one step may take of which the target does not say it: a management controller that is busy
	// answers after tens of seconds.
	stepLimit = 2 * time.Minute
	// pollPause is between two looks at a state that has to change.
	pollPause = time.Second
)

func newControl(by driver, within time.Duration) *Control {
	if within == 0 {
		within = stepLimit
	}
	return &Control{by: by, within: within, turn: make(chan struct{}, 1), poll: pollPause}
}

// Can reports whether there is a way to do something. That the machine lets itself be told is known when it has done it.
func (c *Control) Can(a Action) bool {
	return c != nil && (c.by.can(a) || a == Reset && c.by.can(On) && c.by.can(Off))
}

// Do does it, and returns when the machine's state is the one that was asked for, as far as it can be asked. What is so already
// is left alone.
func (c *Control) Do(ctx context.Context, a Action) error {
	return c.alone(ctx, string(a), func() error {
		switch a {
		case On, Off:
			return c.turnTo(ctx, a)
		case Reset:
			return c.reset(ctx)
		default:
			return c.step(ctx, a)
		}
	})
}

// State asks whether the machine is on.
func (c *Control) State(ctx context.Context) (state vm.Power, err error) {
	err = c.alone(ctx, "status", func() error {
		state, err = c.ask(ctx)
		return err
	})
	return state, err
}

// alone does something while nobody else does anything.
func (c *Control) alone(ctx context.Context, what string, do func() error) error {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return fmt.Errorf("power %s: %w", what, context.Cause(ctx))
	}
	if err := do(); err != nil {
		return fmt.Errorf("power %s %s: %w", what, c.by.name(), err)
	}
	return nil
}

var wanted = map[Action]vm.Power{On: vm.On, Off: vm.Off}

// turnTo turns the machine on or off, unless it is. A controller that can't tell may do it all the same.
func (c *Control) turnTo(ctx context.Context, a Action) error {
	if state, err := c.ask(ctx); err != nil {
		return err
	} else if state == wanted[a] {
		return nil
	}
	if err := c.step(ctx, a); err != nil {
		return err
	}
	return c.await(ctx, wanted[a])
}

// reset turns a machine on that is off: most controllers refuse to reset that.
func (c *Control) reset(ctx context.Context) error {
	state, err := c.ask(ctx)
	switch {
	case err != nil:
		return err
	case state == vm.Off && c.by.can(On):
		return c.turnTo(ctx, On)
	case c.by.can(Reset):
		return c.step(ctx, Reset)
	}
	if err := c.turnTo(ctx, Off); err != nil {
		return err
	}
	return c.turnTo(ctx, On)
}

// step does one thing within its limit.
func (c *Control) step(ctx context.Context, a Action) error {
	ctx, cancel := c.limited(ctx, "it took longer than %s to answer (raise within)")
	defer cancel()
	return c.by.do(ctx, a)
}

func (c *Control) ask(ctx context.Context) (vm.Power, error) {
	ctx, cancel := c.limited(ctx, "it took longer than %s to tell the state (raise within)")
	defer cancel()
	return c.by.state(ctx)
}

// await waits until the machine is on, or off, where it can be asked.
func (c *Control) await(ctx context.Context, want vm.Power) error {
	if !c.by.tellsState() {
		return nil
	}
	ctx, cancel := c.limited(ctx, "it was told to, and is not "+string(want)+" after %s (raise within)")
	defer cancel()
	for {
		state, err := c.by.state(ctx) // a controller may have no answer for a moment, with the power going on or off
		if err == nil && state == want {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		case <-time.After(c.poll):
		}
	}
}

// limited is a context of one step. The text says what it means that the limit is up.
func (c *Control) limited(ctx context.Context, text string) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, c.within, fmt.Errorf(text, c.within))
}

// one is the first of some words that is among those that there are, or the first where nobody knows which there are.
func one(words, there []string) (string, bool) {
	if len(there) == 0 {
		return words[0], true
	}
	for _, word := range words {
		if slices.Contains(there, word) {
			return word, true
		}
	}
	return "", false
}
