package image

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"sync"
	"time"

	"wskharness/image/answer"
	"wskharness/remote"
)

const winrmPort = 5986

// endpoint is the machine's WinRM, as it is reached on this one.
func (id *identity) endpoint(port int) (remote.Endpoint, error) {
	authority, err := x509.ParseCertificate(id.authority)
	if err != nil {
		return remote.Endpoint{}, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(authority)
	return remote.Endpoint{URL: fmt.Sprintf("https://127.0.0.1:%d/wsman", port), User: answer.User, Password: id.password, Auth: remote.AuthBasic, RootCAs: roots}, nil
}

// Whoever has just begun to answer may do so once more from the start.
const (
	proofs      = 5
	betweenTwo  = 5 * time.Second
	proofWithin = 10 * time.Minute
)

// prove waits until WinRM answers, logs on, sees that test signing is on, and has Windows turn itself off; ordered is called once,
// before that.
func (m *making) prove(ctx context.Context, port int, ordered func()) error {
	endpoint, err := m.id.endpoint(port)
	if err != nil {
		return err
	}
	if err := remote.Await(ctx, endpoint); err != nil {
		return fmt.Errorf("wait for WinRM: %w", err)
	}
	ordered = sync.OnceFunc(ordered)
	for try := 1; ; try++ {
		if err = logOn(ctx, endpoint, ordered); err == nil || try == proofs || ctx.Err() != nil {
			break
		}
		select {
		case <-time.After(betweenTwo):
		case <-ctx.Done():
		}
	}
	if err != nil {
		return fmt.Errorf("WinRM answers, and can't be used: %w", err)
	}
	return nil
}

// startOptions are what the boot manager has given Windows; in whichever language that is.
const (
	startOptions = `reg.exe query HKLM\SYSTEM\CurrentControlSet\Control /v SystemStartOptions`
	turnOff      = "shutdown.exe /s /f /t 5"
)

func logOn(ctx context.Context, endpoint remote.Endpoint, ordered func()) (err error) {
	ctx, cancel := context.WithTimeout(ctx, proofWithin)
	defer cancel()
	client, err := remote.New(endpoint, remote.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	shell, err := client.Shell(ctx, remote.ShellOptions{NoProfile: true})
	if err != nil {
		return err
	}
	defer shell.Close(context.WithoutCancel(ctx)) // Windows ends it soon, at worst
	options, err := shell.Run(ctx, remote.CommandLine{Line: startOptions}, nil)
	if err != nil {
		return err
	}
	if !bytes.Contains(bytes.ToUpper(options.Stdout), []byte("TESTSIGNING")) {
		return fmt.Errorf("the system was not started with test signing (exit code %d, %q)", options.ExitCode, options.Stdout)
	}
	ordered()
	off, err := shell.Run(ctx, remote.CommandLine{Line: turnOff}, nil)
	if err == nil && off.ExitCode != 0 {
		err = fmt.Errorf("%s ended with %d: %s%s", turnOff, off.ExitCode, off.Stdout, off.Stderr)
	}
	return err
}
