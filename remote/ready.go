package remote

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// How long to pause between two attempts to reach a machine that is starting, and how long one
// attempt may take.
const (
	shortestBootPause = 250 * time.Millisecond
	longestBootPause  = 2 * time.Second
	bootAttempt       = 30 * time.Second
)

// AwaitBoot waits until the machine is up after a reboot, for as long as ctx lasts, and returns the
// id of the new boot. previous is the id of the boot before ("" if any boot will do); bootID finds
// out the present one in a shell.
//
// A machine that is going down still answers, one that is coming up refuses, resets, answers 401
// and 500 in turn, and Windows restarts WinRM once more shortly after it first answered. So the
// machine counts as up when the id has changed and two shells in a row agree on it.
func (c *WinRM) AwaitBoot(ctx context.Context, previous string, bootID func(context.Context, *Shell) (string, error)) (string, error) {
	seen := ""
	var last error
	for pause := shortestBootPause; ; pause = min(2*pause, longestBootPause) {
		id, err := c.tryBoot(ctx, bootID)
		switch {
		case err != nil:
			c.log.Debug("not up yet", "error", err)
			c.wire.renew()
			seen, last = "", err
		case id == previous:
			seen, last = "", fmt.Errorf("it still runs boot %s", id)
		case id == seen:
			return id, nil
		default:
			c.log.Debug("up, to be confirmed", "boot", id)
			seen, pause = id, shortestBootPause
			continue
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return "", fmt.Errorf("wait for %s to be up after a reboot: %w; at last: %w", c.endpoint.URL, context.Cause(ctx), last)
		}
	}
}

func (c *WinRM) tryBoot(ctx context.Context, bootID func(context.Context, *Shell) (string, error)) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, bootAttempt)
	defer cancel()
	shell, err := c.createShell(ctx, ShellOptions{Name: "boot", NoProfile: true, Codepage: codepageUTF8})
	if err != nil {
		return "", err
	}
	id, err := bootID(ctx, shell)
	if err == nil && id == "" {
		err = errors.New("the machine gave no boot id")
	}
	return id, errors.Join(err, shell.Close(ctx))
}
