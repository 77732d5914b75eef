package remote

import (
	"context"
	"errors"
	"io"
	"time"
)

// Exec runs one command with its streams, in a shell of its own, and returns its exit code.
func Exec(ctx context.Context, client Client, line CommandLine, in ShellOptions,
	stdin io.Reader, stdout, stderr io.Writer) (uint32, error) {
	shell, err := client.Shell(ctx, in)
	if err != nil {
		return 0, err
	}
	var code uint32
	command, err := shell.Start(ctx, line)
	if err == nil {
		code, err = command.Stream(ctx, stdin, stdout, stderr)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return code, errors.Join(err, shell.Close(ctx))
}
