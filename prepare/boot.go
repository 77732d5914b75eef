package prepare

import (
	"context"
	"errors"
	"fmt"

	"wskharness/guest"
	"wskharness/prepare/windows"
	"wskharness/vm/powershell"
)

// reboot orders a reboot, and returns in another boot.
func (p *Preparation) reboot(ctx context.Context, before string) error {
	p.tell("the machine reboots")
	ctx, cancel := context.WithTimeout(ctx, p.BootWithin)
	defer cancel()
	// Whatever a machine answers that boots may be the answer to the order, too: the rest of that conversation is held with a machine
	// that goes down, or with one that is up again and does not know its users yet. Whether it obeyed, the boot id says.
	booting := guest.Booting{Pause: p.Pause, Passes: mute}
	order := windows.Program("shutdown.exe", "/r", "/t", "0", "/f", "/d", "p:2:4")
	answers, err := p.Host.Do(ctx, []windows.Call{order})
	if err == nil {
		err = answers[0].Err(order)
	} else if booting.Tolerates(ctx, err) {
		err = nil
	}
	if err != nil {
		return fmt.Errorf("reboot the machine: %w", err)
	}
	boot, err := booting.Await(ctx, before, func(ctx context.Context) (string, error) {
		_, boot, err := readRecord(ctx, p.Host, p.file())
		return boot, err
	})
	if err != nil {
		if ctx.Err() != nil {
			err = errors.Join(err, context.Cause(ctx))
		}
		return fmt.Errorf("wait for the machine to be up again: %w; the machine knows where this was: once it answers, the same command goes on", err)
	}
	p.tell("the machine is up again, in boot " + boot)
	return nil
}

// mute reports whether PowerShell ended without a word, as it does when the machine goes down under it.
func mute(err error) bool {
	_, ok := errors.AsType[*powershell.NoAnswerError](err)
	return ok
}
