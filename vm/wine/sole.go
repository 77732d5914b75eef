//go:build linux

package wine

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"wskharness/remote"
	"wskharness/remote/winrmd"
	"wskharness/vm"
)

// Sole is a prefix that has a machine for itself: a virtual one, whose first program serves it. That machine is its power
// supply and all that confines it.
type Sole struct {
	Software *Software
	Prefix   string // made by Prefix; it stays
	Temp     string // the folder of its sockets, whose name has to be short: made anew for each boot
	Host     string // winrshost.exe, built

	// Listen opens the port of WinRM. It is called when drivers can be loaded.
	Listen      func() (net.Listener, error)
	User        string
	Password    remote.Secret
	Certificate tls.Certificate
	Console     io.Writer // gets what the guest prints, but for which modules were loaded
}

// Serve boots the prefix and serves its WinRM until the guest ends, or ctx. When it returns, all of the guest has ended, and its
// registry is on its disk: the machine can be turned off, or crash. crash is a driver's; nil where the guest ended without one,
// as it does when it is told to reboot.
func (s *Sole) Serve(ctx context.Context) (crash *vm.Event, err error) {
	b, err := s.boot(ctx)
	if failed, ok := errors.AsType[*bootError](err); ok && failed.crash != nil {
		return failed.crash, nil
	}
	if errors.Is(err, errEnded) {
		return nil, nil // it rebooted before it was ready
	}
	if err != nil {
		return nil, err
	}
	defer b.halt()
	server, err := winrmd.New(winrmd.Options{Host: b.host, User: s.User, Password: s.Password, Certificate: s.Certificate})
	if err != nil {
		return nil, err
	}
	listener, err := s.Listen()
	if err != nil {
		return nil, fmt.Errorf("open the WinRM endpoint: %w", err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case e := <-b.crash:
		crash = &e
	case <-b.host.over:
	case <-ctx.Done():
	case err := <-served:
		return nil, err
	}
	server.Reset() // as the machine that is about to be gone: nobody gets an answer any more
	down, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushLimit)
	defer cancel()
	return crash, errors.Join(server.Shutdown(down), <-served)
}

// boot starts the prefix as it is. See Start for why it is tried again.
func (s *Sole) boot(ctx context.Context) (*boot, error) {
	if err := put(s.Prefix, hostProgram, s.Host); err != nil {
		return nil, fmt.Errorf("put winrshost.exe into the guest: %w", err)
	}
	config := guestConfig{Software: *s.Software, Temp: s.Temp, echo: s.Console}
	for try := 1; ; try++ {
		if err := errors.Join(os.RemoveAll(s.Temp), os.Mkdir(s.Temp, 0o700)); err != nil {
			return nil, fmt.Errorf("make a folder for the guest's sockets: %w", err)
		}
		b, err := start(ctx, &config, kin{prefix: s.Prefix, temp: s.Temp, guard: os.Getpid()}, enclosure{})
		failed, ok := errors.AsType[*bootError](err)
		if err == nil || errors.Is(err, errEnded) || ok && failed.crash != nil || try == bootTries || ctx.Err() != nil {
			return b, err
		}
	}
}

// loading is in the lines that tell which modules were loaded where: most of a console, and of use to who reads all of it.
var loading = []byte("trace:loaddll:")

// repeat writes a line of the console where it is to be seen from outside.
func (b *boot) repeat(line []byte) {
	if b.echo != nil && !bytes.Contains(line, loading) {
		_, _ = b.echo.Write(line) // one that can't be written to has no reader
	}
}
