package powershell

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"strings"
	"time"

	"wskharness/child"
	"wskharness/remote"
)

// program is there on every Windows but Nano Server; it is Windows PowerShell 5.1. pwsh.exe, where somebody has installed it, can
// do nothing more for us.
const program = "powershell.exe"

// maxOutput bounds what is kept of what PowerShell prints, in bytes of each of its outputs.
const maxOutput = 16 << 20

// shellLife is after how long without a word of ours the host may end a script: a controller that was killed asks for nothing more.
const shellLife = 3 * time.Minute

// Remote is PowerShell on the machine that a client is connected to, which messages call where. Each script has a shell of its own.
func Remote(client remote.Client, where string) Host { return &far{client: client, where: where} }

type far struct {
	client remote.Client
	where  string
}

func (f *far) String() string { return f.where }

func (f *far) Run(ctx context.Context, args []string, input string) (Output, error) {
	shell, err := f.client.Shell(ctx, remote.ShellOptions{Name: "powershell", IdleTimeout: shellLife})
	if err != nil {
		return Output{}, err
	}
	result, err := shell.Run(ctx, remote.CommandLine{Line: program, Args: args}, strings.NewReader(input))
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	closed := shell.Close(closing)
	if err != nil {
		return Output{}, errors.Join(err, closed)
	}
	// A shell that can't be closed after its command has ended changes nothing of the answer: the host ends it by itself.
	return Output{ExitCode: result.ExitCode, Stdout: result.Stdout, Stderr: result.Stderr}, nil
}

// Local is PowerShell on this machine, with what every program gets of the environment, and without what never is for one.
func Local(environment child.Environment) Host {
	return &near{environment: environment, program: program}
}

type near struct {
	environment child.Environment
	program     string
}

func (n *near) String() string { return "this machine" }

func (n *near) Run(ctx context.Context, args []string, input string) (Output, error) {
	env, err := n.environment.List()
	if err != nil {
		return Output{}, err
	}
	cmd := child.Command(ctx, env, n.program, args...)
	var stdout, stderr bounded
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &stdout, &stderr
	_, err = child.Run(ctx, cmd)
	if ended, ok := errors.AsType[*exec.ExitError](err); ok && ctx.Err() == nil {
		return Output{ExitCode: uint32(ended.ExitCode()), Stdout: stdout.kept, Stderr: stderr.kept}, nil
	}
	switch {
	case ctx.Err() != nil:
		return Output{}, context.Cause(ctx)
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		return Output{}, fmt.Errorf("%w: this machine has no %s; where it is not the host, say how to reach that over WinRM", err, program)
	case err != nil:
		return Output{}, err
	case stdout.over || stderr.over:
		return Output{}, fmt.Errorf("it printed more than %d bytes", maxOutput)
	}
	return Output{Stdout: stdout.kept, Stderr: stderr.kept}, nil
}

// bounded keeps the first bytes that are written to it. It is no bytes.Buffer itself: io.Copy would find that one's ReadFrom.
type bounded struct {
	kept []byte
	over bool
}

func (b *bounded) Write(p []byte) (int, error) {
	n := min(len(p), maxOutput-len(b.kept))
	b.over = b.over || n < len(p)
	b.kept = append(b.kept, p[:n]...)
	return len(p), nil
}
