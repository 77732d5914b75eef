package selftest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"wskharness/driver"
	"wskharness/guest"
	"wskharness/guest/agent"
	"wskharness/remote"
	"wskharness/vm"
	"wskharness/workshop"
)

// inGuest runs a command line in the guest, beside the run.
func inGuest(ctx context.Context, m vm.Machine, line string) (code uint32, err error) {
	return printing(ctx, m, line, &bounded{left: floodLimit})
}

func printing(ctx context.Context, m vm.Machine, line string, out *bounded) (code uint32, err error) {
	client, err := remote.New(m.Endpoint(), remote.Options{Owner: "wskharness selftest"})
	if err != nil {
		return 0, err
	}
	code, err = remote.Exec(ctx, client, remote.CommandLine{Line: line}, remote.ShellOptions{}, nil, out, out)
	return code, errors.Join(err, client.Close())
}

// insist runs a command line in the guest until it succeeds: WinRM may be on its way back. It reports false where nobody needs
// that any more. What it is for is said in the error.
func insist(ctx context.Context, m vm.Machine, line, what string, needless <-chan struct{}) (bool, error) {
	for {
		code, err := inGuest(ctx, m, line)
		if err == nil && code == 0 {
			return true, nil
		}
		select {
		case <-needless:
			return false, nil
		case <-ctx.Done():
			return false, fmt.Errorf("%s: %w", what, errors.Join(ctx.Err(), err))
		case <-time.After(lookPause):
		}
	}
}

// killAgent ends the process of the run. By the name of its program, as a person would, it is not found everywhere:
// Wine 10's taskkill leaves it alone.
func killAgent(ctx context.Context, s stage) (string, error) {
	err := s.withAgent(ctx, func(ctx context.Context, g *guest.Guest) error { return g.Kill(ctx, s.load) })
	if _, refused := errors.AsType[*agent.Error](err); refused {
		return "", err
	}
	return "", nil // the answer may be lost with the machine, which is reverted then: the record says whether it worked
}

// withAgent does something with an agent that the run knows nothing of.
func (s stage) withAgent(ctx context.Context, do func(context.Context, *guest.Guest) error) error {
	client, err := remote.New(s.machine.Endpoint(), remote.Options{Owner: "wskharness selftest"})
	if err != nil {
		return err
	}
	return errors.Join(workshop.WithAgent(ctx, s.env.Host, client, do), client.Close())
}

// killHost ends the process that the driver runs in.
func killHost(ctx context.Context, s stage) (string, error) {
	if k, ok := s.machine.(vm.HostKiller); ok {
		return "", k.KillHost(ctx, driver.SampleSpec(nil).Name)
	}
	if s.wine {
		return "nobody can kill the process that hosts the drivers of this Wine guest from outside", nil
	}
	return "the drivers of a Windows machine have no process: its kernel is their host", nil
}

// leave does nothing: whoever waits is never let go.
func leave(context.Context, stage) (string, error) { return "", nil }

func reboot(ctx context.Context, s stage) (string, error) {
	if r, ok := s.machine.(vm.Resetter); ok {
		return "", r.Reset(ctx)
	}
	if s.wine {
		return "a Wine guest can't be told to reboot, and the target has no reset command", nil
	}
	_, _ = inGuest(ctx, s.machine, "shutdown /r /t 0 /f") // its answer is lost with the machine
	return "", nil
}

// unplugFor is how long WinRM is away.
const unplugFor = 500 * time.Millisecond

func unplug(ctx context.Context, s stage) (string, error) {
	if u, ok := s.machine.(vm.Unplugger); ok {
		return "", u.Unplug(ctx, unplugFor)
	}
	if s.wine {
		return "a Wine guest has no service WinRM that could be restarted, and nobody can take away its endpoint", nil
	}
	_, _ = inGuest(ctx, s.machine, "powershell -NoProfile -Command Restart-Service -Force WinRM")
	return "", nil
}

const (
	// mostWritten is how large the rest of a volume may be that is filled by writing it: a Wine guest has the disk of
	// its host, and nobody wants that full.
	mostWritten = 1 << 30
	clockAhead  = 10 * 24 * time.Hour
	undoLimit   = time.Minute // to end what was held
)

func fillDisk(ctx context.Context, s stage) (string, error) {
	return held(ctx, s, func(ctx context.Context, g *guest.Guest) (*guest.Disturbance, error) {
		return g.FillDisk(ctx, mostWritten, disturbLimit)
	})
}

func shiftClock(ctx context.Context, s stage) (string, error) {
	return held(ctx, s, func(ctx context.Context, g *guest.Guest) (*guest.Disturbance, error) {
		return g.ShiftClock(ctx, clockAhead, disturbLimit)
	})
}

// held disturbs the guest through its agent until the case is judged. What the guest refuses, it can't show.
func held(ctx context.Context, s stage, begin func(context.Context, *guest.Guest) (*guest.Disturbance, error)) (skip string, err error) {
	err = s.withAgent(ctx, func(ctx context.Context, g *guest.Guest) error {
		h, err := begin(ctx, g)
		if refused, ok := errors.AsType[*agent.Error](err); ok {
			skip = refused.Complaint
			return nil
		}
		if err != nil {
			return err
		}
		err = s.letGo(ctx)
		select {
		case <-s.judged:
		case <-ctx.Done():
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoLimit)
		defer cancel()
		return errors.Join(err, h.Release(ctx))
	})
	return skip, err
}

// floodLimit is how much of an output is read before its command is ended.
const floodLimit = 64 << 10

func flood(ctx context.Context, s stage) (string, error) {
	out := &bounded{left: floodLimit}
	_, err := printing(ctx, s.machine, `for /l %i in (1,1,2147483646) do @echo still printing`, out)
	if out.left >= 0 {
		return "", fmt.Errorf("the command that prints for ever ended after %d bytes (error: %v)", floodLimit-out.left, err)
	}
	return "", nil
}

var errFlooded = errors.New("more output than anybody wants")

// bounded takes so many bytes and refuses what comes after.
type bounded struct{ left int }

func (b *bounded) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, errFlooded
	}
	return len(p), nil
}
