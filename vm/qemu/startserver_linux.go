package qemu

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"wskharness/child"
	"wskharness/vm/lease"
)

// serving is the process that serves a guest.
type serving struct {
	pid   int
	ended <-chan struct{}
}

// await waits for its end, and kills it when ctx ends before.
func (s serving) await(ctx context.Context) error {
	select {
	case <-s.ended:
		return nil
	case <-ctx.Done():
	}
	return awaitExit(ctx, s.pid)
}

// startServer starts the process that serves the guest of a lease, whose lock it inherits, and a connection that it ends with. It
// has a session of its own: an interrupt from the terminal is for the controller alone.
func (p *provider) startServer(l *lease.Lease) (*control, serving, error) {
	wrap := func(err error) error { return fmt.Errorf("start the process that serves a guest: %w", err) }
	ours, theirs, err := child.Pair("controller")
	if err != nil {
		return nil, serving{}, err
	}
	defer theirs.Close()
	log, err := os.Create(filepath.Join(l.Dir, "serve.log"))
	if err != nil {
		ours.Close()
		return nil, serving{}, wrap(err)
	}
	defer log.Close()
	env, err := child.Environment{Never: p.opts.never}.List()
	if err != nil {
		return nil, serving{}, errors.Join(wrap(err), ours.Close())
	}
	command := p.opts.serve
	cmd := child.Command(context.Background(), env, command[0], append(command[1:len(command):len(command)], l.Dir)...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{theirs, l.Lock}
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, serving{}, errors.Join(wrap(err), ours.Close())
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }() // reaped while this process lives; then by init
	return newControl(ours), serving{cmd.Process.Pid, ended}, nil
}

// absent says why there are no guests of this kind on this system: there are.
func absent() error { return nil }
