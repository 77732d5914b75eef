package guest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"wskharness/guest/agent"
	"wskharness/guest/transfer"
	"wskharness/guest/untrusted"
	"wskharness/remote"
	"wskharness/winerr"
)

// Agent is the built wskagent.exe on the host.
type Agent struct {
	Path   string // host file
	SHA256 string // of that file, lower-case hex
}

// Options say how to connect to a guest.
type Options struct {
	Agent  Agent        // what is to run in the guest; it is brought there where it is not
	Logger hclog.Logger // nil is silent

	// Owner takes the guest for whoever that is ([LeaseOwner]), and keeps it until Release, or two minutes after Close:
	// no other owner gets it, and what this Guest orders is refused where another has it. Empty is for those who only look.
	Owner string

	// Shell is the shell to open; its zero value is right. The name is for people who list shells.
	Shell remote.ShellOptions

	// Bring is nil, or gives the context under which the agent is brought into a guest that has none: that takes longer
	// than an answer does, for which the context of Connect may be meant.
	Bring func() (context.Context, context.CancelFunc)

	// Of tests. Zero is what it says: with that many tries contact is lost after 26 s, the time that a WinRM service may need
	// to restart.
	renewal    time.Duration // leasePause: how long a lease is used by nothing else before it is renewed
	retries    int           // 8: tries of something that can be repeated, without getting on
	retryPause time.Duration // 250 ms: before the first repetition, doubled each time up to 10 s
}

// Guest is a connection to the agent in a guest. It is safe for use by several goroutines. It holds
// a shell in the guest: Close it.
type Guest struct {
	*transfer.Mover // its files

	client remote.Client
	agent  Agent
	exe    string // the agent in the guest
	opts   Options
	log    hclog.Logger
	slow   time.Duration // round trips of this length or more make several streams pay
	retry  struct {
		tries int
		pause time.Duration
	}

	mu       sync.Mutex
	shell    *remote.Shell
	facts    Facts
	lease    uint32 // the number of the lease, 0 where there is none
	closed   bool
	suspect  bool       // the shell was lost, and the guest was not heard of since
	recovery sync.Mutex // held while a lost shell is replaced

	keeping     context.Context // ends with Close
	stopKeeping context.CancelFunc
	keeper      sync.WaitGroup
}

// Connect opens a shell in the guest, probes it with the agent, and brings the agent there first if it is not. It takes four
// requests when the agent is there.
//
// Errors: what remote reports; why the agent could not be brought there; *[agent.Error] and *[agent.ProtocolError] from the probe; *[LeasedError] where
// another owner has the guest.
func Connect(ctx context.Context, client remote.Client, opts Options) (*Guest, error) {
	if err := untrusted.CheckSHA256(opts.Agent.SHA256); err != nil {
		return nil, fmt.Errorf("connect: the agent's hash: %w", err)
	}
	g := newGuest(client, opts)
	shell, err := client.Shell(ctx, g.opts.Shell)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	g.shell = shell
	if err := g.connect(ctx); err != nil {
		if ctx.Err() != nil {
			g.giveBack(context.WithoutCancel(ctx))
		}
		return nil, errors.Join(fmt.Errorf("connect: %w", err), g.Close(context.WithoutCancel(ctx)))
	}
	return g, nil
}

func newGuest(client remote.Client, opts Options) *Guest {
	if opts.Logger == nil {
		opts.Logger = hclog.NewNullLogger()
	}
	if opts.Shell.Name == "" {
		opts.Shell.Name = "wskharness"
	}
	g := &Guest{
		client: client, agent: opts.Agent, exe: AgentPath(opts.Agent.SHA256), opts: opts, slow: slowRoundTrip,
		log: opts.Logger.Named("guest"),
	}
	g.Mover = transfer.NewMover(link{g, g.exe}, g.log)
	g.keeping, g.stopKeeping = context.WithCancel(context.Background())
	g.retry.tries, g.retry.pause = cmp.Or(opts.retries, 8), cmp.Or(opts.retryPause, 250*time.Millisecond)
	return g
}

func (g *Guest) connect(ctx context.Context) error {
	facts, err := g.probe(ctx)
	if missing := agentMissing(err); missing != nil {
		g.log.Info("the agent is not in the guest", "path", g.exe, "reason", missing)
		if g.opts.Bring != nil {
			var cancel context.CancelFunc
			ctx, cancel = g.opts.Bring()
			defer cancel()
		}
		if err := g.bootstrap(ctx, missing); err != nil {
			return err
		}
		facts, err = g.probe(ctx)
	}
	if err != nil {
		return err
	}
	g.mu.Lock()
	g.facts = facts
	g.mu.Unlock()
	if g.opts.Owner != "" {
		g.keeper.Go(g.keepLease)
	}
	g.log.Debug("connected", "guest", facts.Describe(), "boot", facts.BootID)
	return nil
}

// wrongAgentError is an agent in the guest that is not the one that belongs there.
type wrongAgentError struct{ path, is, want string }

func (e *wrongAgentError) Error() string {
	return fmt.Sprintf("%s in the guest has SHA-256 %s, not %s", e.path, e.is, e.want)
}

// agentMissing is why the agent has to be brought into the guest first; nil when it has not.
// Windows answers a program that is not there with a fault that bears ERROR_FILE_NOT_FOUND or
// ERROR_PATH_NOT_FOUND (the first recorded from Windows Server 2008 R2). A file that is cut short or damaged is no program:
// ERROR_BAD_EXE_FORMAT, or ERROR_EXE_MACHINE_TYPE_MISMATCH where it looks like one for DOS.
func agentMissing(err error) error {
	if f, ok := errors.AsType[*remote.Fault](err); ok {
		switch f.Win32() {
		case winerr.ErrorFileNotFound, winerr.ErrorPathNotFound, winerr.ErrorBadEXEFormat, winerr.ErrorEXEMachineTypeMismatch:
			return f
		}
	}
	if wrong, ok := errors.AsType[*wrongAgentError](err); ok {
		return wrong
	}
	return nil
}

// probe runs `info`, once, and checks that the agent that answers is the right one. Where there is an owner it takes the
// lease.
func (g *Guest) probe(ctx context.Context) (Facts, error) {
	args := []string{"info"}
	if g.opts.Owner != "" {
		args = append(args, "--lease", g.opts.Owner)
	}
	out, err := g.queryOnce(ctx, args...)
	if _, stale := errors.AsType[*agent.StaleError](err); stale {
		return Facts{}, refusedLease(out, err)
	}
	if err != nil {
		return Facts{}, err
	}
	facts, err := parseFacts(out)
	if err != nil {
		return Facts{}, &agent.ProtocolError{Doing: "agent info", Err: err}
	}
	if facts.SHA256 != g.agent.SHA256 {
		return Facts{}, &wrongAgentError{path: g.exe, is: facts.SHA256, want: g.agent.SHA256}
	}
	if g.opts.Owner != "" {
		number, err := grantedLease(out, g.opts.Owner)
		if err != nil {
			return Facts{}, &agent.ProtocolError{Doing: "agent info", Err: err}
		}
		g.mu.Lock()
		g.lease = number
		g.mu.Unlock()
	}
	return facts, nil
}

// Facts are what the last probe found.
func (g *Guest) Facts() Facts {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.facts
}

// Refresh probes again. *[RebootedError] means that the guest has another boot id than at the last
// probe; the new facts are returned, and kept, with it.
func (g *Guest) Refresh(ctx context.Context) (Facts, error) {
	var facts Facts
	err := g.repeat(ctx, "agent info", func(ctx context.Context) (bool, error) {
		g.recovery.Lock()
		defer g.recovery.Unlock()
		var err error
		facts, err = g.reconnect(ctx)
		return false, err
	})
	if err != nil {
		return Facts{}, fmt.Errorf("probe: %w", err)
	}
	g.mu.Lock()
	was := g.facts.BootID
	g.facts, g.suspect = facts, false
	if was != facts.BootID {
		g.Forget() // a revert may have come with the reboot
	}
	g.mu.Unlock()
	if was != facts.BootID {
		return facts, &RebootedError{Was: was, Now: facts.BootID}
	}
	return facts, nil
}

// Close closes the shell in the guest, and with it every stream. A run goes on: it belongs to the
// guest.
func (g *Guest) Close(ctx context.Context) error {
	g.mu.Lock()
	shell, closed := g.shell, g.closed
	g.closed = true
	g.mu.Unlock()
	g.stopKeeping()
	g.keeper.Wait()
	if closed || shell == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, agent.SettleTime)
	defer cancel()
	return shell.Close(ctx)
}

// Exec runs a command line in the guest and streams its input and outputs as bytes; nil streams are
// empty, or discarded. It returns the exit code; an error means that the command could not be
// started, or that its end is unknown. It is never run twice.
func (g *Guest) Exec(ctx context.Context, line remote.CommandLine, stdin io.Reader, stdout, stderr io.Writer) (uint32, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends a command that is still running
	c, err := g.startCommand(ctx, line)
	if remote.IsGone(err) || errors.Is(err, remote.ErrNotStarted) { // the shell is lost, and the command was not started
		g.notice(err)
		if err = g.settled(ctx); err == nil {
			c, err = g.startCommand(ctx, line)
		}
	}
	if err != nil {
		return 0, err
	}
	return c.Stream(ctx, stdin, stdout, stderr)
}
