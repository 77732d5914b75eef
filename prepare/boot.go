package prepare

import (
	"context"
	"errors"
	"fmt"
	"time"

	"wskharness/guest"
	"wskharness/prepare/windows"
	"wskharness/vm/powershell"
)

const (
	defaultPause = 500 * time.Millisecond // before a machine that boots is asked again, at first
	mostPauses   = 10                     // as long it becomes at most
	// Windows locks an account after ten failed logons within ten minutes unless it is told otherwise, and many domains after
	// five: so many a machine may refuse while it boots, with so long a pause behind each.
	maxRefused    = 3
	refusedPauses = 30
)

// reboot orders a reboot, and returns in another boot, in which the target has answered twice in a row: one that is going down
// still answers, and Windows restarts WinRM once more shortly after it first answered.
func (p *Preparation) reboot(ctx context.Context, before string) error {
	p.tell("the machine reboots")
	ctx, cancel := context.WithTimeout(ctx, p.BootWithin)
	defer cancel()
	order := windows.Program("shutdown.exe", "/r", "/t", "0", "/f", "/d", "p:2:4")
	answers, err := p.Host.Do(ctx, []windows.Call{order})
	if err == nil {
		err = answers[0].Err(order)
	} else if mayPass(ctx, err) {
		err = nil // the answer went down with the machine: whether it obeyed, the boot id says
	}
	if err != nil {
		return fmt.Errorf("reboot the machine: %w", err)
	}
	boot, err := p.awaitBoot(ctx, before)
	if err != nil {
		return fmt.Errorf("wait for the machine to be up again: %w; the machine knows where this was: once it answers, the same command goes on", err)
	}
	p.tell("the machine is up again, in boot " + boot)
	return nil
}

// mayPass reports whether it is a machine that goes down, or comes up, that could not be asked.
func mayPass(ctx context.Context, err error) bool { return guest.MayPass(ctx, err) || mute(err) }

// mute reports whether PowerShell ended without a word, as it does when the machine goes down under it.
func mute(err error) bool {
	_, ok := errors.AsType[*powershell.NoAnswerError](err)
	return ok
}

// awaitBoot waits for another boot.
func (p *Preparation) awaitBoot(ctx context.Context, before string) (string, error) {
	confirmed, refused, pause := "", 0, p.Pause
	for {
		_, boot, err := readRecord(ctx, p.Host, p.file())
		switch {
		case err == nil && boot != before && boot == confirmed:
			return boot, nil
		case err == nil && boot != before:
			confirmed = boot
			continue
		case err == nil:
			err = fmt.Errorf("it still runs boot %s", boot)
		default:
			may, denied := guest.MayPassBooting(ctx, err)
			if denied {
				refused++
				pause = refusedPauses * p.Pause
			}
			if ctx.Err() == nil && (!may && !mute(err) || refused > maxRefused) {
				return "", err
			}
		}
		confirmed = ""
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return "", errors.Join(err, context.Cause(ctx))
		}
		pause = min(2*pause, mostPauses*p.Pause)
	}
}
