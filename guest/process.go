package guest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"wskharness/remote"
)

const (
	maxComplaint = 4 << 10
	maxJSON      = 64 << 10

	// How long the agent may take to end after its last word, or after its input failed.
	settleTime = 15 * time.Second
)

// process is a command of the agent that is running in the guest.
type process struct {
	*remote.Command
	name    string
	cancel  context.CancelCauseFunc
	stderr  keepFirst
	drained sync.WaitGroup // stderr
}

// keepFirst keeps the first maxComplaint bytes written to it and swallows the rest: a complaint is
// for people, and a guest may print forever.
type keepFirst struct {
	mu   sync.Mutex
	data []byte
}

func (k *keepFirst) Write(p []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.data = append(k.data, p[:min(len(p), maxComplaint-len(k.data))]...)
	return len(p), nil
}

// oneLine is what was kept, on one line and printable.
func (k *keepFirst) oneLine() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return printable(k.data)
}

func printable(b []byte) string {
	text := strings.ToValidUTF8(string(b), "\uFFFD")
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return ' '
		case r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0:
			return -1
		}
		return r
	}, text)
	return strings.Join(strings.Fields(text), " ")
}

// start runs the program in the guest. The process lives until it ends, or ctx, or close.
func (g *Guest) start(ctx context.Context, exe string, args ...string) (*process, error) {
	shell, err := g.currentShell()
	if err != nil {
		return nil, fmt.Errorf("start agent %s: %w", args[0], err)
	}
	return g.startIn(ctx, shell, exe, args...)
}

// startIn is start in a shell other than the guest's own.
func (g *Guest) startIn(ctx context.Context, shell *remote.Shell, exe string, args ...string) (*process, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	c, err := shell.Start(ctx, remote.CommandLine{Line: exe, Args: args, SkipShell: true})
	if err != nil {
		cancel(nil)
		return nil, err
	}
	p := &process{Command: c, name: args[0], cancel: cancel}
	p.drained.Go(func() { _, _ = io.Copy(&p.stderr, c.Stderr) }) // Wait reports the error
	return p, nil
}

var errAbandoned = errors.New("the controller has no more use for it")

// close ends the process if it has not ended. It does not wait: remote tidies up behind it, and
// closing the shell waits for that.
func (p *process) close() { p.cancel(errAbandoned) }

// wait waits for the end and turns an exit code other than those allowed into an AgentError. What
// is left of standard output must have been read.
func (p *process) wait(ctx context.Context, allowed ...uint32) (uint32, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, settleTime, fmt.Errorf("agent %s: still running %v after its last word", p.name, settleTime))
	defer cancel()
	code, err := p.Wait(ctx)
	if err != nil {
		return 0, err
	}
	p.drained.Wait()
	if code == 0 {
		return 0, nil
	}
	for _, a := range allowed {
		if code == a {
			return code, nil
		}
	}
	if code == staleExit {
		return code, &StaleError{Command: p.name, Complaint: p.stderr.oneLine()}
	}
	return code, &AgentError{Command: p.name, ExitCode: code, Complaint: p.stderr.oneLine()}
}

// order gives the agent an order that can be given twice without harm: when contact is lost, it is.
func (g *Guest) order(ctx context.Context, args ...string) error {
	return g.persist(ctx, "agent "+args[0], func(ctx context.Context) (bool, error) {
		_, err := g.queryOnce(ctx, g.leased(args...)...)
		return false, err
	})
}

// queryOnce is what a command of the agent prints.
func (g *Guest) queryOnce(ctx context.Context, args ...string) ([]byte, error) {
	p, err := g.start(ctx, g.exe, args...)
	if err != nil {
		return nil, err
	}
	defer p.close()
	var out bytes.Buffer
	if _, err := io.Copy(&out, io.LimitReader(p.Stdout, maxJSON+1)); err != nil {
		return nil, err
	}
	if out.Len() > maxJSON {
		return nil, &LimitError{Doing: "agent " + args[0], What: "bytes of output", Limit: maxJSON}
	}
	_, err = p.wait(ctx)
	return out.Bytes(), err
}

// persist does something that can be done again until it works, until the reason why it does not
// is one that won't pass, or until it has stopped getting on. Between tries it makes sure that the
// guest is still the same one.
func (g *Guest) persist(ctx context.Context, doing string, try func(context.Context) (progressed bool, err error)) error {
	return g.repeat(ctx, doing, func(ctx context.Context) (bool, error) {
		if err := g.settled(ctx); err != nil {
			return false, err
		}
		progressed, err := try(ctx)
		g.notice(err)
		return progressed, err
	})
}

func (g *Guest) repeat(ctx context.Context, doing string, try func(context.Context) (progressed bool, err error)) error {
	pause := g.retry.pause
	for idle := 1; ; idle++ {
		progressed, err := try(ctx)
		if err == nil || !passing(ctx, err) || g.isClosed() {
			return err
		}
		if progressed {
			idle, pause = 1, g.retry.pause
		}
		if idle >= g.retry.tries {
			return fmt.Errorf("%s: given up after %d tries without getting on: %w", doing, idle, err)
		}
		g.log.Warn("contact was lost, trying again", "doing", doing, "in", pause, "error", err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return fmt.Errorf("%s: %w; while waiting to try again after: %w", doing, context.Cause(ctx), err)
		}
		pause = min(2*pause, 10*time.Second)
	}
}
