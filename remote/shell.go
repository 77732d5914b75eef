package remote

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"wskharness/remote/internal/wsman"
)

// ShellOptions describe a shell: what its commands have in common.
type ShellOptions struct {
	Name string            // for people who list the shells of the machine
	Dir  string            // current directory of the commands; empty: the user's profile
	Env  map[string]string // added to the user's environment

	// IdleTimeout is after how long without any request the server may end the shell. Zero: the
	// server's default (two hours in recorded answers).
	IdleTimeout time.Duration

	NoProfile bool // don't load the user's profile: faster, with less environment

	// Codepage is the console's, for input and output; 65001 (UTF-8) when zero. Programs that ask their console write in
	// it, as cmd.exe does; what others write arrives as it is. A server that can't have it refuses the shell.
	Codepage int
}

const codepageUTF8 = 65001

// Shell is a place on the machine where commands run. It is safe for use by several goroutines.
// It occupies a place in the server's quota until it is closed.
type Shell struct {
	client *WinRM
	id     string
	ended  context.Context // with the cause, once the shell is closed
	end    context.CancelCauseFunc

	mu       sync.Mutex
	commands sync.WaitGroup // receiving, or being tidied up
	closing  bool
	deleted  chan struct{} // closed when Close has done its work
	closeErr error
}

// Shell makes a shell. A quota that is used up is waited for, see Options.QuotaWait. When ctx ends
// while the server is making the shell, the shell is deleted in the background.
func (c *WinRM) Shell(ctx context.Context, opts ShellOptions) (*Shell, error) {
	if opts.Codepage == 0 {
		opts.Codepage = codepageUTF8
	}
	giveUp := time.Now().Add(c.opts.QuotaWait)
	for pause := 250 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		shell, err := c.createShell(ctx, opts)
		if err == nil {
			return shell, nil
		}
		if !IsQuota(err) || c.opts.QuotaWait < 0 || time.Now().Add(pause).After(giveUp) {
			return nil, fmt.Errorf("create shell on %s: %w", c.endpoint.URL, err)
		}
		c.log.Warn("quota used up, trying again", "in", pause, "error", err)
		if c.clearStrays(ctx) > 0 {
			continue
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, fmt.Errorf("create shell on %s: %w; while waiting for %w", c.endpoint.URL, context.Cause(ctx), err)
		}
	}
}

// ownName is the name that a shell gets on the server.
func (c *WinRM) ownName(name string) string {
	if c.opts.Owner == "" {
		return name
	}
	return strings.TrimSuffix(c.opts.Owner+"/"+name, "/")
}

func (c *WinRM) createShell(ctx context.Context, opts ShellOptions) (*Shell, error) {
	env, err := detach(ctx, c, func(ctx context.Context) (wsman.Envelope, error) {
		return c.do(ctx, opCreate(), func() (message, error) { return c.builder().create(opts, c.ownName(opts.Name)) })
	}, func(ctx context.Context, env wsman.Envelope) {
		if id, err := createdShell(env); err == nil {
			c.deleteShell(ctx, id)
		}
	})
	if err != nil {
		return nil, err
	}
	id, err := createdShell(env)
	if err != nil {
		return nil, err
	}
	s := &Shell{client: c, id: id, deleted: make(chan struct{})}
	s.ended, s.end = context.WithCancelCause(context.WithoutCancel(ctx))
	c.mu.Lock()
	c.shells[id] = s
	c.mu.Unlock()
	c.log.Debug("shell created", "shell", id, "name", opts.Name)
	return s, nil
}

// detach runs an operation that leaves something behind on the server. When ctx ends, it returns at
// once; the operation goes on in the background, and if it succeeds after all, undo is called.
func detach[T any](ctx context.Context, c *WinRM, do func(context.Context) (T, error), undo func(context.Context, T)) (T, error) {
	var none T
	if ctx.Err() != nil {
		return none, context.Cause(ctx)
	}
	if err := c.join(); err != nil {
		return none, err
	}
	type outcome struct {
		value T
		err   error
	}
	result := make(chan outcome) // unbuffered: a result is either received or undone
	go func() {
		defer c.background.Done()
		// The operation has limits of its own; it must not end with ctx.
		running, cancel := context.WithCancel(context.WithoutCancel(ctx))
		defer cancel()
		stop := context.AfterFunc(c.cleanup, cancel)
		defer stop()
		value, err := do(running)
		select {
		case result <- outcome{value, err}:
		case <-ctx.Done():
			if err == nil {
				late, cancel := c.tidyUp(ctx)
				defer cancel()
				undo(late, value)
			}
		}
	}()
	select {
	case r := <-result:
		return r.value, r.err
	case <-ctx.Done():
		return none, context.Cause(ctx)
	}
}

// RoundTrip is Stats.RoundTrip of the shell's client.
func (s *Shell) RoundTrip() time.Duration { return s.client.Stats().RoundTrip }

// Close deletes the shell, and with it every command that still runs in it, whose Wait then
// returns ErrShellClosed. Closing again returns the same result. A shell that is gone already is
// no error. When ctx ends first, the deletion goes on in the background.
func (s *Shell) Close(ctx context.Context) error {
	s.mu.Lock()
	first := !s.closing
	s.closing = true
	s.mu.Unlock()
	if first {
		s.end(ErrShellClosed)
		s.client.background.Add(1) // not join: a client that is closing closes its shells
		go func() {
			defer s.client.background.Done()
			defer close(s.deleted)
			s.commands.Wait() // bounded: commands end with the shell, and tidy up within a limit
			late, cancel := s.client.tidyUp(ctx)
			defer cancel()
			s.closeErr = s.client.deleteShell(late, s.id)
		}()
	}
	select {
	case <-s.deleted:
		return s.closeErr
	case <-ctx.Done():
		return fmt.Errorf("close shell %s on %s: %w", s.id, s.client.endpoint.URL, context.Cause(ctx))
	}
}

func (c *WinRM) deleteShell(ctx context.Context, id string) error {
	_, err := c.do(ctx, opDelete(), func() (message, error) { return c.builder().delete(id) })
	c.mu.Lock()
	delete(c.shells, id)
	c.mu.Unlock()
	if err != nil && !IsGone(err) {
		c.log.Warn("shell not deleted", "shell", id, "error", err)
		return fmt.Errorf("delete shell %s: %w", id, err)
	}
	c.log.Debug("shell deleted", "shell", id)
	return nil
}

// join counts a goroutine that works for a command, unless the shell is closing.
func (s *Shell) join() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return ErrShellClosed
	}
	s.commands.Add(1)
	return nil
}

// clearStrays deletes shells that carry this client's mark but are not known to it: left behind by
// an earlier life of the same owner, or by a lost answer. It returns how many it deleted.
func (c *WinRM) clearStrays(ctx context.Context) int {
	if c.opts.Owner == "" {
		return 0
	}
	infos, err := c.Shells(ctx)
	if err != nil {
		c.log.Warn("shells not listed", "error", err)
		return 0
	}
	cleared := 0
	for _, info := range infos {
		mine := info.Name == c.opts.Owner || strings.HasPrefix(info.Name, c.opts.Owner+"/")
		c.mu.Lock()
		_, known := c.shells[info.ID]
		c.mu.Unlock()
		if !mine || known {
			continue
		}
		if c.deleteShell(ctx, info.ID) == nil {
			cleared++
		}
		if errors.Is(ctx.Err(), context.Canceled) {
			break
		}
	}
	return cleared
}
