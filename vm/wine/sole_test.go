//go:build linux

package wine

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wskharness/driver"
	"wskharness/remote"
	"wskharness/remote/winrmd"
	"wskharness/testtime"
	"wskharness/vm"
)

// sole is a guest that has its test for its machine.
type sole struct {
	Sole
	endpoint remote.Endpoint
	up       chan struct{} // gets a word for each boot whose WinRM answers
	console  *bytes.Buffer // to be read when the guest has ended
}

func newSole(t *testing.T) *sole {
	t.Helper()
	p := testProvider(t, nil) // for what it is made of
	software, err := Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cache, err := driver.DefaultCache()
	if err != nil {
		t.Fatal(err)
	}
	beside, err := os.MkdirTemp(cache.Dir, "test-") // beside the template
	if err != nil {
		t.Fatal(err)
	}
	temp, err := os.MkdirTemp(shortTemp(), "wsk-")
	if err != nil {
		t.Fatal(err)
	}
	prefix := filepath.Join(beside, "prefix")
	t.Cleanup(func() {
		if err := errors.Join(EndPrefix(prefix, temp), ForgetServer(prefix, temp), os.RemoveAll(temp), os.RemoveAll(beside)); err != nil {
			t.Error(err)
		}
	})
	if err := Prefix(t.Context(), cache.Dir, prefix, software); err != nil {
		t.Fatal(err)
	}
	for to, from := range p.opts.Seed {
		if err := put(prefix, to, from); err != nil {
			t.Fatal(err)
		}
	}
	certificate, err := winrmd.NewCertificate("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	s := &sole{up: make(chan struct{}, 8), console: &bytes.Buffer{}}
	s.Sole = Sole{
		Software: software, Prefix: prefix, Temp: temp, Host: p.opts.Host, User: "tester", Password: "secret",
		Certificate: certificate.TLS, Console: s.console,
		Listen: func() (net.Listener, error) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err == nil {
				s.endpoint = remote.Endpoint{URL: "https://" + listener.Addr().String() + "/wsman", User: "tester", Password: "secret",
					Auth: remote.AuthBasic, PinSHA256: certificate.SHA256}
				s.up <- struct{}{}
			}
			return listener, err
		},
	}
	return s
}

// inItsOwnProcess runs a test once more, as the only one of another process.
func inItsOwnProcess(t *testing.T) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx := testtime.Context(t)
	args := []string{"-test.run=^" + t.Name() + "$", "-test.v"}
	if deadline, ok := ctx.Deadline(); ok {
		args = append(args, "-test.timeout="+time.Until(deadline).String())
	}
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Env = append(os.Environ(), asSole+"=1")
	out, err := cmd.CombinedOutput()
	switch {
	case err != nil:
		t.Fatalf("%v:\n%s", err, out)
	case bytes.Contains(out, []byte("--- SKIP: "+t.Name())):
		t.Skipf("%s", out)
	case !bytes.Contains(out, []byte("--- PASS: "+t.Name())):
		t.Fatalf("the test did not run:\n%s", out)
	}
}

// boot serves the guest while do is done with it, and returns what became of it; end ends it as the machine's power button does.
func (s *sole) boot(t *testing.T, do func(shell *remote.Shell, end func())) *vm.Event {
	t.Helper()
	type ending struct {
		crash *vm.Event
		err   error
	}
	inTime := testtime.Context(t)
	ctx, end := context.WithCancel(inTime)
	defer end()
	ended := make(chan ending, 1)
	go func() {
		crash, err := s.Serve(ctx)
		ended <- ending{crash, err}
	}()
	select {
	case <-s.up:
	case e := <-ended:
		t.Fatalf("got %v, %v before the guest was up", e.crash, e.err)
	}
	client, err := remote.New(s.endpoint, remote.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	shell, err := client.Shell(ctx, remote.ShellOptions{})
	if err != nil {
		t.Fatal(err)
	}
	do(shell, end)
	e := <-ended
	if inTime.Err() != nil {
		t.Fatal("the guest did not end by itself: it was the test's time that did")
	}
	if e.err != nil {
		t.Fatal("serve: ", e.err)
	}
	return e.crash
}

// asSole, in the environment, has a test binary be the machine of TestSole's guest.
const asSole = "WSK_TEST_SOLE"

// TestSole has a guest crash, reboot and be turned off, and looks at each boot for what the one before has left. Whatever the
// guest's machine has started is the guest's, and ends with it: so this test runs in a process of its own.
func TestSole(t *testing.T) {
	t.Parallel()
	if os.Getenv(asSole) == "" {
		inItsOwnProcess(t)
		return
	}
	s := newSole(t)
	run := func(shell *remote.Shell, line string) remote.Result {
		r, err := shell.Run(t.Context(), remote.CommandLine{Line: line}, nil)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		return r
	}
	crash := s.boot(t, func(shell *remote.Shell, _ func()) {
		if r := run(shell, loadFaulty); r.ExitCode != 0 {
			t.Fatalf("load the driver: got exit code %d, want 0: %s%s", r.ExitCode, r.Stdout, r.Stderr)
		}
		_, _ = shell.Run(t.Context(), remote.CommandLine{Line: `C:\probe.exe ioctl 0x801`}, nil) // the guest ends amid it
	})
	if crash == nil || crash.Kind != vm.Panicked || crash.Access != "write" || crash.Module != "faulty.sys" {
		t.Fatalf("got crash %+v, want a write in faulty.sys", crash)
	}
	if text := s.console.String(); !strings.Contains(text, crash.Text) || strings.Contains(text, string(loading)) {
		t.Errorf("the console: got %s, want it to have %q, and none of what is loaded", text, crash.Text)
	}
	crash = s.boot(t, func(shell *remote.Shell, _ func()) {
		if r := run(shell, "sc query faulty"); r.ExitCode != 0 || !bytes.Contains(r.Stdout, []byte("STOPPED")) {
			t.Errorf("after the crash: got exit code %d, %s%s; want the service of before, stopped", r.ExitCode, r.Stdout, r.Stderr)
		}
		_, _ = shell.Run(t.Context(), remote.CommandLine{Line: "wineboot --kill --force"}, nil)
	})
	if crash != nil {
		t.Errorf("of the reboot: got crash %+v, want none", crash)
	}
	crash = s.boot(t, func(_ *remote.Shell, end func()) { end() })
	if crash != nil {
		t.Errorf("when it was turned off: got crash %+v, want none", crash)
	}
	if left := processesOf(s.Prefix); len(left) > 0 {
		t.Errorf("processes: got %v, want none", left)
	}
}
