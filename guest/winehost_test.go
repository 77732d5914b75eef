//go:build linux

package guest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"wskharness/driver"
	"wskharness/remote"
	"wskharness/remote/winrmd"
	"wskharness/remote/winrmd/winrmdtest"
	"wskharness/vm/wine"
)

// wineGuest is a Wine prefix behind a WinRM endpoint, as bare as it can be: what these tests need
// and no more. The provider for real runs is in vm/wine.
type wineGuest struct {
	software *wine.Software
	prefix   string
	env      []string
	client   *remote.WinRM
	asked    asked
	keeper   *exec.Cmd // what keeps its services up; nil while it is down
}

// asked counts the requests that an endpoint was sent, but for those that wait for output: into how many pieces that
// falls is a matter of how fast both sides are.
type asked struct{ n atomic.Int64 }

func (a *asked) note(r winrmd.Request) {
	if r.Action != "Receive" {
		a.n.Add(1)
	}
}

func (a *asked) count() int64 { return a.n.Load() }

// newWineGuest makes a prefix, a clone of the template that all guests are made from.
func newWineGuest(t *testing.T) *wineGuest {
	t.Helper()
	if testing.Short() {
		t.Skip("making a Wine guest takes seconds: not with -short")
	}
	software, err := wine.Find(t.Context())
	if err != nil {
		t.Skip(err)
	}
	// Wine's sockets lie in it, and the length of their paths is limited.
	dir, err := os.MkdirTemp("/tmp", "wg")
	if err != nil {
		t.Fatal(err)
	}
	shared, err := driver.DefaultCache()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(shared.Dir, 0o755); err != nil { // on a new machine nobody may have used it before
		t.Fatal(err)
	}
	beside, err := os.MkdirTemp(shared.Dir, "test-") // beside the template
	if err != nil {
		t.Fatal(err)
	}
	w := &wineGuest{software: software, prefix: filepath.Join(beside, "prefix")}
	w.env = append(software.Environment(w.prefix, dir, "-all"), "WINEDLLOVERRIDES=mscoree,mshtml=") // nothing asks to install them
	bury := heir(t, w.prefix, dir, beside)
	t.Cleanup(func() {
		w.shutdown()
		bury()
	})
	if err := errors.Join(wine.Prefix(t.Context(), shared.Dir, w.prefix, software), wine.PlaceServer(w.prefix, dir)); err != nil {
		t.Fatal(err)
	}
	w.up(t)
	w.serve(t)
	return w
}

// heirs is the variable that makes the test binary the heir of a guest: its prefix, and the folders to be removed with it.
const heirs = "WSKHARNESS_TEST_HEIR"

// TestMain makes the test binary the heir of a guest, too: a process that outlives the tests, however they end, and leaves
// nothing of the guest.
func TestMain(m *testing.M) {
	inheritance := filepath.SplitList(os.Getenv(heirs))
	if len(inheritance) == 0 {
		os.Exit(m.Run())
	}
	signal.Ignore(syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM) // they are for the tests
	_, _ = io.Copy(io.Discard, os.Stdin)                                            // which end with the other end of it
	prefix, tmp, beside := inheritance[0], inheritance[1], inheritance[2]
	if err := errors.Join(wine.EndPrefix(prefix, ""), wine.ForgetServer(prefix, tmp), os.RemoveAll(tmp), os.RemoveAll(beside)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// heir starts the process that removes a guest when this one has ended, or bury is called.
func heir(t *testing.T, prefix, tmp, beside string) (bury func()) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), heirs+"="+strings.Join([]string{prefix, tmp, beside}, string(filepath.ListSeparator)))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	var said bytes.Buffer
	cmd.Stderr = &said
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("remove the guest: %v: %s; want no error", err, &said)
		}
	}
}

// up has the guest's services run, until it is shut down.
func (w *wineGuest) up(t *testing.T) {
	t.Helper()
	// While a program runs, Wine's services do: no command of a test starts them, and none waits. Where none is left,
	// wineserver ends the service manager seconds later, and with it every driver. So this one is bound to the guest,
	// and to no test: a subtest that reboots the guest would have taken it along when it ended.
	keeper := w.command(context.Background(), "cmd")
	if _, err := keeper.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := wine.Start(keeper); err != nil {
		t.Fatal(err)
	}
	w.keeper = keeper
	// What a command starts inherits its outputs: the services must be there before the first that is listened to,
	// and so must the desktop, which any object of a script asks for.
	script := w.path(`C:\desktop.js`)
	if err := os.WriteFile(script, []byte("new ActiveXObject('Scripting.FileSystemObject');"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"cmd", "/c", "exit 0"}, {"cscript", "//nologo", `C:\desktop.js`}} {
		if err := w.run(t.Context(), args...); err != nil {
			t.Fatalf("got %s: %v; want no error", args, err)
		}
	}
}

// beside lists the folder of a file.
func (w *wineGuest) beside(path string) (names []string) {
	entries, err := os.ReadDir(filepath.Dir(w.path(path)))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if err != nil {
		names = append(names, err.Error())
	}
	return names
}

// shutdown ends everything that runs in the prefix.
func (w *wineGuest) shutdown() {
	for _, flag := range []string{"-k", "-w"} {
		cmd := exec.Command(w.software.Server, flag)
		cmd.Env = w.env
		_ = cmd.Run() // -k fails when none is left
	}
	if w.keeper != nil {
		_ = w.keeper.Process.Kill()
		_ = w.keeper.Wait()
		w.keeper = nil
	}
	_ = wine.EndPrefix(w.prefix, "") // a wineboot.exe that was to reboot the guest stays, and waits for ever
}

// buildAgent builds the real agent, in the cache that other tests and runs share.
func buildAgent(t *testing.T) Agent {
	t.Helper()
	tc, err := driver.FindToolchain(t.Context())
	if err != nil {
		t.Skipf("the agent can't be built here: %v", err)
	}
	cache, err := driver.DefaultCache()
	if err != nil {
		t.Fatal(err)
	}
	artifact, err := driver.Build(t.Context(), tc, driver.AgentSpec(), cache)
	if err != nil {
		t.Fatal(err)
	}
	return Agent{Path: artifact.Path, SHA256: artifact.SHA256}
}

// path is where a guest's file on drive C is on the host.
func (w *wineGuest) path(guest string) string {
	return filepath.Join(w.prefix, "drive_c", filepath.FromSlash(strings.ReplaceAll(guest[3:], `\`, "/")))
}

// seed puts the agent where it belongs, as vm/wine does for its guests.
func (w *wineGuest) seed(t *testing.T, a Agent) {
	t.Helper()
	image, err := os.ReadFile(a.Path)
	if err != nil {
		t.Fatal(err)
	}
	to := w.path(AgentPath(a.SHA256))
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, image, 0o700); err != nil {
		t.Fatal(err)
	}
}

func (w *wineGuest) serve(t *testing.T) {
	t.Helper()
	cert, err := winrmd.NewCertificate("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	server, err := winrmd.New(winrmd.Options{Host: w, User: "tester", Password: "secret", Certificate: cert.TLS,
		Inject: func(r winrmd.Request) winrmd.InjectedFault {
			w.asked.note(r)
			return winrmd.InjectedFault{}
		}})
	if err != nil {
		t.Fatal(err)
	}
	w.client, err = remote.New(remote.Endpoint{URL: "https://" + winrmdtest.Serve(t, server) + "/wsman", User: "tester", Password: "secret",
		Auth: remote.AuthBasic, PinSHA256: cert.SHA256}, remote.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.client.Close() })
}

func (w *wineGuest) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, w.software.Loader, args...)
	cmd.Env = w.env
	cmd.WaitDelay = time.Second
	return cmd
}

func (w *wineGuest) run(ctx context.Context, args ...string) error {
	cmd := w.command(ctx, args...)
	if err := wine.Start(cmd); err != nil {
		return err
	}
	return cmd.Wait()
}

// Start is winrmd.Host.
func (w *wineGuest) Start(ctx context.Context, spec winrmd.Spec) (winrmd.Process, error) {
	args := []string{"cmd", "/c", spec.Command}
	if spec.SkipShell {
		if _, err := os.Stat(w.path(spec.Program)); err != nil {
			return nil, fmt.Errorf("start %s: %w", spec.Program, fs.ErrNotExist)
		}
		args = splitArgs(spec.Command)
	}
	p := &wineProcess{cmd: w.command(ctx, args...)}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if p.out, err = p.cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	if p.errs, err = p.cmd.StderrPipe(); err != nil {
		return nil, err
	}
	return p, wine.Start(p.cmd)
}

type wineProcess struct {
	cmd       *exec.Cmd
	in        io.WriteCloser
	out, errs io.Reader
}

func (p *wineProcess) Stdin() io.WriteCloser { return p.in }
func (p *wineProcess) Stdout() io.Reader     { return p.out }
func (p *wineProcess) Stderr() io.Reader     { return p.errs }
func (p *wineProcess) Signal(context.Context, winrmd.Signal) error {
	return p.cmd.Process.Kill()
}

func (p *wineProcess) Wait() (uint32, error) {
	err := p.cmd.Wait()
	if p.cmd.ProcessState == nil {
		return 0, err
	}
	return uint32(p.cmd.ProcessState.ExitCode()), nil
}
