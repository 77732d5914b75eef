//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"wskharness/remote/winrmd"
)

// host runs the guest's commands. Each is done before it is answered; those that end the guest begin with that when they have
// been waited for.
type host struct{}

func (host) Start(_ context.Context, spec winrmd.Spec) (winrmd.Process, error) {
	line := strings.TrimSpace(spec.Command)
	if first, rest, ok := strings.Cut(line, " "); ok && (strings.EqualFold(first, "cmd.exe") || strings.EqualFold(first, "cmd")) {
		rest = strings.TrimSpace(rest)
		if len(rest) > 2 && strings.EqualFold(rest[:2], "/c") {
			line = strings.Trim(strings.TrimSpace(rest[2:]), `"`)
		}
	}
	name, argument, _ := strings.Cut(line, " ")
	command, known := commands[name]
	if !known {
		return nil, fmt.Errorf("start %q: %w", name, fs.ErrNotExist)
	}
	p := &process{}
	out, err := command(strings.TrimSpace(argument), p)
	if err != nil {
		p.exit = 1
		p.stderr.WriteString(err.Error() + "\n")
	}
	if out != "" {
		p.stdout.WriteString(out + "\n")
	}
	return p, nil
}

// process is a command that has been done.
type process struct {
	stdout, stderr bytes.Buffer
	exit           uint32
	then           func() // nil, or what ends the guest
}

func (p *process) Stdin() io.WriteCloser { return nothing{} }
func (p *process) Stdout() io.Reader     { return &p.stdout }
func (p *process) Stderr() io.Reader     { return &p.stderr }

func (*process) Signal(context.Context, winrmd.Signal) error { return nil }

func (p *process) Wait() (uint32, error) {
	if p.then != nil {
		go p.then()
	}
	return p.exit, nil
}

// nothing takes what a client writes, which no command reads.
type nothing struct{}

func (nothing) Write(b []byte) (int, error) { return len(b), nil }
func (nothing) Close() error                { return nil }
