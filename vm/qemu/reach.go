package qemu

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"wskharness/remote"
	"wskharness/vm"
)

// reach is what is asked of a guest that is up, whoever has it.
type reach struct {
	dir    string
	config guestConfig
	getenv func(string) string
	ended  <-chan struct{} // closed when the guest is gone; nil: nobody tells

	mu       sync.Mutex
	endpoint remote.Endpoint
	ready    time.Duration
}

// Reset turns the guest off and on again; its disk stays.
func (r *reach) Reset(ctx context.Context) error { return r.cycle(ctx, doReset) }

// TurnOn boots a guest that is off.
func (r *reach) TurnOn(ctx context.Context) error { return r.cycle(ctx, doOn) }

// TurnOff turns the guest off as by its plug.
func (r *reach) TurnOff(ctx context.Context) error {
	_, err := ask(ctx, r.dir, request{Do: doOff})
	return err
}

// Power is whether the guest is on.
func (r *reach) Power(ctx context.Context) (vm.Power, error) {
	a, err := ask(ctx, r.dir, request{Do: doPower})
	if err != nil {
		return vm.Unknown, err
	}
	return a.Power, nil
}

// InjectNMI sends the guest an interrupt that its kernel can't put off.
func (r *reach) InjectNMI(ctx context.Context) error {
	_, err := ask(ctx, r.dir, request{Do: doNMI})
	return err
}

// Console is the last of what came over the serial line.
func (r *reach) Console() ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	a, err := ask(ctx, r.dir, request{Do: doConsole})
	return a.Console, err
}

// FollowConsole writes what comes over the serial line, until ctx or the guest ends.
func (r *reach) FollowConsole(ctx context.Context, w io.Writer) error {
	c, err := dial(ctx, r.dir)
	if err != nil {
		return err
	}
	defer c.conn.Close()
	stop := context.AfterFunc(ctx, func() { c.conn.Close() })
	defer stop()
	for a, err := c.ask(ctx, request{Do: doFollow}); ; a, err = c.next() {
		switch {
		case ctx.Err() != nil:
			return nil // it was to end
		case errors.Is(err, vm.ErrEnded):
			return nil
		case err != nil:
			return fmt.Errorf("follow the guest's console: %w", err)
		}
		if _, err := w.Write(a.Console); err != nil {
			return err
		}
	}
}

// DumpMemory has QEMU write the guest's memory to a file.
func (r *reach) DumpMemory(ctx context.Context, path string) (format string, err error) {
	if path, err = filepath.Abs(path); err != nil {
		return "", err
	}
	a, err := ask(ctx, r.dir, request{Do: doDump, Path: path})
	return a.Format, err
}

// Checkpoint makes what the guest's disk is now the clean state of its target, and boots it again from that.
func (r *reach) Checkpoint(ctx context.Context) error {
	if err := r.cycle(ctx, doCheckpoint); err != nil {
		return err
	}
	if !r.config.Spec.Warm {
		return nil
	}
	_, err := ask(ctx, r.dir, request{Do: doSnapshot})
	return err
}

// cycle asks for something after which the guest is up anew, and waits until it is.
func (r *reach) cycle(ctx context.Context, do action) error {
	begun := time.Now()
	a, err := ask(ctx, r.dir, request{Do: do})
	if err == nil {
		err = r.awaitUp(ctx, a)
	}
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ready = time.Since(begun)
	return nil
}

// awaitUp waits until the guest's WinRM answers, and sees to its clock.
func (r *reach) awaitUp(ctx context.Context, a answer) error {
	e, err := r.config.Service.Endpoint("127.0.0.1", a.Port, r.getenv)
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.endpoint = e
	r.mu.Unlock()
	limited, cancel := context.WithTimeoutCause(ctx, r.config.Within, fmt.Errorf("it has had %s to boot (boot_within)", r.config.Within))
	defer cancel()
	limited, lost := context.WithCancelCause(limited)
	defer lost(nil)
	go func() {
		select {
		case <-r.ended:
			lost(vm.ErrEnded)
		case <-limited.Done():
		}
	}()
	err = remote.Await(limited, e)
	if err == nil && a.Loaded {
		err = setClock(limited, e, r.config.SetClock)
	}
	if err == nil {
		_, err = ask(limited, r.dir, request{Do: doUp})
	}
	if err == nil || ctx.Err() != nil {
		return err
	}
	said, _ := r.Console() // where there is none, there is none
	return fmt.Errorf("%w%s", errors.Join(context.Cause(limited), err), lastWords(said))
}

// lastWords is the end of a console, for a message.
func lastWords(said []byte) string {
	const most = 500
	text := strings.TrimSpace(strings.ToValidUTF8(string(said[max(0, len(said)-most):]), ""))
	if text == "" {
		return "; its serial console says nothing"
	}
	return fmt.Sprintf("; its serial console ends with %q", text)
}

// Endpoint is where the guest's WinRM answers.
func (r *reach) Endpoint() remote.Endpoint {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.endpoint
}

// Versions names the QEMU that was found when the guest was made, and what carries its code out.
func (r *reach) Versions() string {
	return fmt.Sprintf("QEMU %s with %s", r.config.Version, strings.ToUpper(r.config.Spec.Accel))
}

// ReadyAfter is how long the last start took, or the last revert.
func (r *reach) ReadyAfter() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ready
}
