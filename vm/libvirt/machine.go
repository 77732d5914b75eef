package libvirt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"wskharness/remote"
	"wskharness/vm"
	"wskharness/vm/lease"
)

const (
	// endLimit is how long a machine that is not wanted any more may take to be gone.
	endLimit = 5 * time.Minute
	// waiting is how many events are kept that nobody takes.
	waiting = 64
)

// machine is a domain that this process has.
type machine struct {
	*domain
	lease  *lease.Lease
	logger hclog.Logger
	events chan vm.Event
	ended  chan struct{}

	turn     sync.Mutex // of what changes the machine's state, which comes one after the other
	watching *watch     // nil while the machine is on its way back to its clean state, and after its end
	over     bool       // it is released, or kept

	mu       sync.Mutex
	endpoint remote.Endpoint
	ready    time.Duration
	closed   bool                    // events and ended are
	stops    context.CancelCauseFunc // nil, or ends the wait for a machine that comes up

	log       *consoleLog
	recording context.CancelFunc
	recorded  chan struct{}
}

func newMachine(d *domain, l *lease.Lease, logger hclog.Logger) *machine {
	return &machine{
		domain: d, lease: l, logger: logger, events: make(chan vm.Event, waiting), ended: make(chan struct{}),
		log: &consoleLog{path: d.path(consoleFile)},
	}
}

// withConsole is a machine of which libvirt has what it prints.
type withConsole struct{ *machine }

// given is the machine as its user gets it.
func (m *machine) given() vm.Machine {
	if m.rec().Console {
		return withConsole{m}
	}
	return m
}

// begin brings the machine into its clean state, and waits until it is up. The turn is the caller's.
func (m *machine) begin(ctx context.Context) error {
	begun := time.Now()
	if err := m.prepare(ctx); err != nil {
		return err
	}
	if err := m.observe(ctx); err != nil {
		return err
	}
	if err := m.comeUp(ctx); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ready = time.Since(begun)
	return nil
}

// comeUp waits until the machine is up. One that stops is not waited for.
func (m *machine) comeUp(ctx context.Context) error {
	ctx, stops := context.WithCancelCause(ctx)
	defer stops(nil)
	m.mu.Lock()
	m.stops = stops
	m.mu.Unlock()
	endpoint, err := m.await(ctx)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stops = nil
	if err == nil {
		m.endpoint = endpoint
	}
	return err
}

// observe has this process be told what becomes of the machine, and keeps what it prints.
func (m *machine) observe(ctx context.Context) (err error) {
	if m.watching, err = newWatch(ctx, m.domain, m.happened, m.lost); err != nil {
		return err
	}
	if m.rec().Console {
		var recording context.Context
		recording, m.recording = context.WithCancel(context.WithoutCancel(ctx))
		m.recorded = make(chan struct{})
		go func() {
			defer close(m.recorded)
			m.record(recording, m.log)
		}()
	}
	return nil
}

// unobserve ends that: what happens to the machine from now on was ordered.
func (m *machine) unobserve() {
	if m.watching != nil {
		m.watching.close()
		m.watching = nil
	}
	if m.recording != nil {
		m.recording()
		<-m.recorded
		m.recording = nil
		m.log.close()
	}
}

// happened is called by the watch. A machine that stands still since it has crashed is dumped, where its target wants that,
// and goes on: Windows writes its own dump then.
func (m *machine) happened(e vm.Event) {
	if e.Kind == vm.Panicked {
		ctx, cancel := context.WithTimeout(context.Background(), longLimit)
		if m.rec().DumpOnPanic {
			if err := m.keepDump(ctx); err != nil {
				m.logger.Warn("the memory of a machine that has crashed is not dumped", "domain", m.rec().Domain, "error", err)
			}
		}
		if err := m.do(ctx, callLimit, "have domain "+m.rec().Domain+" go on after its crash", resume); err != nil {
			m.logger.Warn("a machine that has crashed stands still", "error", err)
		}
		cancel()
	}
	m.pass(e)
	if err := m.note(func(r *record) { r.tell(e) }); err != nil {
		m.logger.Warn("an event is not kept for a controller that takes over", "error", err)
	}
}

// pass gives an event to whoever listens.
func (m *machine) pass(e vm.Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return
	}
	if m.stops != nil && e.Kind == vm.Stopped {
		m.stops(fmt.Errorf("it has stopped before it was up: %s", e.Text))
	}
	select {
	case m.events <- e:
	default: // nobody takes them
	}
}

// lost is called by the watch when the host is away for good.
func (m *machine) lost(err error) {
	m.logger.Warn("a machine is given up", "domain", m.rec().Domain, "error", err)
	m.mu.Lock()
	if m.stops != nil {
		m.stops(err)
	}
	m.mu.Unlock()
	m.mute()
}

// mute says that nothing more is told.
func (m *machine) mute() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closed {
		m.closed = true
		close(m.events)
		close(m.ended)
	}
}

func (m *machine) Endpoint() remote.Endpoint {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.endpoint
}

func (m *machine) Events() <-chan vm.Event { return m.events }
func (m *machine) Ended() <-chan struct{}  { return m.ended }

// Versions names the daemon, and the hypervisor behind it.
func (m *machine) Versions() string { return m.client.versions() }

// ReadyAfter is how long the start took, or the last revert.
func (m *machine) ReadyAfter() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ready
}

// Revert gives a clone fresh overlays, and starts it; a domain that is used in place goes back to its snapshot. What happens to
// the machine meanwhile is told nobody.
func (m *machine) Revert(ctx context.Context) error {
	m.turn.Lock()
	defer m.turn.Unlock()
	if m.over {
		return vm.ErrEnded
	}
	m.unobserve()
	err := m.clean(ctx)
	if err == nil {
		err = m.begin(ctx)
	}
	return err
}

// Reset turns the machine off and on, and waits until it is up.
func (m *machine) Reset(ctx context.Context) error {
	m.turn.Lock()
	defer m.turn.Unlock()
	if w := m.watching; w != nil {
		w.hushed(true)
		defer w.hushed(false)
	}
	if err := m.ordered(ctx, vm.Reset, func() (bool, error) { return m.reset(ctx) }); err != nil {
		return err
	}
	return m.comeUp(ctx)
}

// TurnOn starts the machine as it was left.
func (m *machine) TurnOn(ctx context.Context) error {
	m.turn.Lock()
	defer m.turn.Unlock()
	return m.ordered(ctx, vm.Reset, func() (bool, error) { return false, m.turnOn(ctx) })
}

// TurnOff is like pulling the plug.
func (m *machine) TurnOff(ctx context.Context) error {
	m.turn.Lock()
	defer m.turn.Unlock()
	return m.ordered(ctx, vm.Stopped, func() (bool, error) { return false, m.turnOff(ctx) })
}

// ordered does something of which the event is told nobody. The turn is the caller's.
func (m *machine) ordered(ctx context.Context, kind vm.EventKind, do func() (silent bool, err error)) error {
	switch {
	case m.over:
		return vm.ErrEnded
	case m.watching == nil: // a revert has failed
		_, err := do()
		return err
	}
	return m.watching.order(ctx, kind, do)
}

// Console is the tail of what the machine has printed.
func (m withConsole) Console() ([]byte, error) { return m.printed() }

// FollowConsole goes on until the machine is released.
func (m withConsole) FollowConsole(ctx context.Context, w io.Writer) error {
	return m.follow(ctx, w)
}

// Keep leaves the machine up, for whoever takes it by its lease's id.
func (m *machine) Keep(ctx context.Context) (string, error) {
	m.turn.Lock()
	defer m.turn.Unlock()
	if m.over {
		return "", vm.ErrEnded
	}
	if err := m.note(func(r *record) { r.Kept, r.InUse = true, false }); err != nil {
		return "", err
	}
	m.letGo()
	return m.rec().ID, nil
}

// letGo lets go of the machine as it is. The turn is the caller's.
func (m *machine) letGo() {
	m.over = true
	m.unobserve()
	m.mute()
	m.client.close()
	m.lease.LetGo()
}

// Release ends the machine, and returns when nothing of it is left. Where that can't be done, what is left is found by the
// next sweep.
func (m *machine) Release(ctx context.Context) error {
	m.turn.Lock()
	defer m.turn.Unlock()
	if m.over {
		return nil
	}
	m.over = true
	return m.discard(ctx)
}

// discard ends the machine. The turn is the caller's.
func (m *machine) discard(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, endLimit)
	defer cancel()
	m.unobserve()
	m.mute()
	if err := m.end(ctx); err != nil {
		m.lease.LetGo()
		return errors.Join(err, errors.New("what is left of it is removed by: wskharness vm down --all"))
	}
	return m.lease.Discard()
}
