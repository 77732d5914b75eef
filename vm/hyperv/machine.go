package hyperv

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"wskharness/guest/untrusted"
	"wskharness/remote"
	"wskharness/vm"
	"wskharness/vm/lease"
)

// machine is a virtual machine that a lease has.
type machine struct {
	options options
	virtual virtual
	lease   *lease.Lease
	closing func() // the connection to the host
	follow  *follower
	feed    *feed
	ended   chan struct{}

	// order excludes what is done to the machine on purpose from one another.
	order sync.Mutex
	over  bool // it was released, or kept

	mu       sync.Mutex
	record   record
	endpoint remote.Endpoint
	ready    time.Duration
	booting  chan entry // not nil while the machine boots because we have started it: what it tells then is no news
}

var (
	_ vm.Machine      = (*machine)(nil)
	_ vm.Mortal       = (*machine)(nil)
	_ vm.Keeper       = (*machine)(nil)
	_ vm.Starter      = (*machine)(nil)
	_ vm.Versioned    = (*machine)(nil)
	_ vm.Resetter     = (*machine)(nil)
	_ vm.Switch       = (*machine)(nil)
	_ vm.NMIInjector  = (*machine)(nil)
	_ vm.Checkpointer = (*machine)(nil)
)

func newMachine(o options, v virtual, l *lease.Lease, closing func(), r record) *machine {
	m := &machine{options: o, virtual: v, lease: l, closing: closing, feed: newFeed(), ended: make(chan struct{}), record: r}
	m.follow = &follower{virtual: &m.virtual, logger: o.Host.Logger, tell: m.told, gone: m.gone}
	return m
}

func (m *machine) Endpoint() remote.Endpoint {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.endpoint
}

func (m *machine) Events() <-chan vm.Event { return m.feed.ch }

func (m *machine) Ended() <-chan struct{} { return m.ended }

// Versions names the Windows of the host: its Hyper-V has no version of its own.
func (m *machine) Versions() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.record.System == "" {
		return ""
	}
	return "Hyper-V of Windows " + m.record.System
}

func (m *machine) ReadyAfter() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ready
}

// told passes on what the host's log says.
func (m *machine) told(e entry) {
	m.mu.Lock()
	booting := m.booting
	m.mu.Unlock()
	if booting != nil {
		select {
		case booting <- e:
		default: // it boots over and over: what it said first is what counts
		}
		return
	}
	if e.event.Kind != "" {
		m.feed.tell(e.event)
	}
}

// gone is called when the machine was removed from its host.
func (m *machine) gone() {
	m.feed.tell(vm.Event{Kind: vm.Stopped, Time: time.Now(), Text: "the VM was removed from its host"})
	m.feed.close()
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case <-m.ended:
	default:
		close(m.ended)
	}
}

// errOver is what a machine says that was given back.
var errOver = errors.New("the machine was released")

// ordered does something to the machine that its log will tell of, which is no news then. do returns the mark behind all that.
func (m *machine) ordered(do func() (mark, error)) error {
	m.order.Lock()
	defer m.order.Unlock()
	if m.over {
		return errOver
	}
	before := m.follow.stop()
	after, err := do()
	if err != nil {
		after = before
	}
	m.follow.resume(after)
	return err
}

// start has the machine started by do, which is told of no news, and waits until its guest's WinRM answers.
func (m *machine) start(ctx context.Context, do func() (mark, error)) error {
	begun := time.Now()
	booting := make(chan entry, keptEvents)
	m.mu.Lock()
	m.booting = booting
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		m.booting = nil
		m.mu.Unlock()
	}()
	if err := m.ordered(do); err != nil {
		return err
	}
	endpoint, err := m.boot(ctx, booting)
	if err != nil {
		return err
	}
	// From here on, all that the log tells is news: that it was read up to here is written down for a controller that takes over.
	m.mu.Lock()
	defer m.mu.Unlock()
	m.endpoint, m.record.Endpoint, m.record.Mark, m.ready = endpoint, endpoint.URL, m.follow.mark(), time.Since(begun)
	return m.record.write(m.lease.Dir)
}

// boot waits until the guest's WinRM answers. A guest that crashes or goes off meanwhile is not waited for.
func (m *machine) boot(ctx context.Context, booting <-chan entry) (remote.Endpoint, error) {
	m.mu.Lock()
	r := m.record
	m.mu.Unlock()
	ctx, cancel := context.WithTimeoutCause(ctx, r.BootWithin, fmt.Errorf("its WinRM has not answered within %s (boot_within)", r.BootWithin))
	defer cancel()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var watching sync.WaitGroup
	watching.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case e := <-booting:
				switch {
				case e.event.Kind == vm.Panicked:
					fail(fmt.Errorf("it crashed while it booted: %s (%s)", e.event.Describe(), e.event.Text))
				case e.event.Kind == vm.Stopped, e.id == eventNoBoot, e.id == eventNoBootSecure, e.id == eventNoDevice:
					fail(errors.New(e.event.Text))
				}
			}
		}
	})
	endpoint, err := r.await(ctx, m.options.Host, &m.virtual)
	fail(nil)
	watching.Wait()
	if err != nil {
		return endpoint, fmt.Errorf("reach VM %s on %s: %w", m.virtual.name, m.virtual.host, err)
	}
	return endpoint, nil
}

// Revert restores the checkpoint.
func (m *machine) Revert(ctx context.Context) error {
	memory := false
	err := m.start(ctx, func() (mark, error) {
		m.mu.Lock()
		clean := m.record.Clean
		m.mu.Unlock()
		r, err := m.virtual.restore(ctx, clean)
		memory = r.Memory
		return r.Mark, err
	})
	if err == nil && memory {
		setClock(ctx, m.Endpoint(), m.options.Host.Logger)
		err = context.Cause(ctx)
	}
	return err
}

// Reset turns the machine off and on.
func (m *machine) Reset(ctx context.Context) error {
	return m.start(ctx, func() (mark, error) {
		p, err := m.virtual.power(ctx, true, true)
		return p.Mark, err
	})
}

// TurnOn starts the machine, and waits for it.
func (m *machine) TurnOn(ctx context.Context) error {
	return m.start(ctx, func() (mark, error) {
		p, err := m.virtual.power(ctx, false, true)
		return p.Mark, err
	})
}

// TurnOff pulls the plug.
func (m *machine) TurnOff(ctx context.Context) error {
	return m.ordered(func() (mark, error) {
		p, err := m.virtual.power(ctx, true, false)
		return p.Mark, err
	})
}

// Power asks the host.
func (m *machine) Power(ctx context.Context) (vm.Power, error) {
	p, err := m.virtual.power(ctx, false, false)
	return powerOf(p.State, err), err
}

func powerOf(s state, err error) vm.Power {
	switch {
	case err != nil:
		return vm.Unknown
	case s == stateOff || s == stateSaved:
		return vm.Off
	}
	return vm.On
}

// InjectNMI has the guest's kernel crash, where it is set up for that.
func (m *machine) InjectNMI(ctx context.Context) error { return m.virtual.inject(ctx) }

// Checkpoint makes what the machine is now its clean state, under the name that the target gives that.
func (m *machine) Checkpoint(ctx context.Context) error {
	m.order.Lock()
	defer m.order.Unlock()
	if m.over {
		return errOver
	}
	m.mu.Lock()
	name := m.record.Clean.Name
	m.mu.Unlock()
	if untrusted.IsGUID(m.options.Checkpoint) {
		return fmt.Errorf("make a checkpoint of VM %s: the target says its checkpoint by its id, %s: say it by a name, which a new one can have", m.virtual.name, m.options.Checkpoint)
	}
	made, err := m.virtual.makeCheckpoint(ctx, name)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.record.Clean = made
	return m.record.write(m.lease.Dir)
}

// Release turns the machine off. Its disk is as it was left: the next Acquire restores the checkpoint.
func (m *machine) Release(ctx context.Context) error {
	m.order.Lock()
	defer m.order.Unlock()
	if m.over {
		return nil
	}
	m.follow.stop()
	if _, err := m.virtual.power(ctx, true, false); err != nil && !isGone(err) {
		return err // the lease stays: a sweep finds the machine by it
	}
	if err := m.lease.Discard(); err != nil {
		return err
	}
	m.end()
	return nil
}

// end lets go of everything but the machine itself. The caller has m.order.
func (m *machine) end() {
	m.over = true
	m.closing()
	m.feed.close()
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case <-m.ended:
	default:
		close(m.ended)
	}
}

// abandon lets go of a machine as it is. Its lease tells of it.
func (m *machine) abandon() {
	m.order.Lock()
	defer m.order.Unlock()
	if !m.over {
		m.follow.stop()
		m.lease.LetGo()
		m.end()
	}
}

// Keep leaves the machine up.
func (m *machine) Keep(context.Context) (string, error) {
	m.order.Lock()
	defer m.order.Unlock()
	if m.over {
		return "", errOver
	}
	m.mu.Lock()
	m.record.Kept, m.record.InUse = true, false
	id, err := m.record.ID, m.record.write(m.lease.Dir)
	m.mu.Unlock()
	if err != nil {
		return "", err
	}
	m.follow.stop()
	m.lease.LetGo()
	m.end()
	return id, nil
}
