//go:build linux

package winrmd_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"wskharness/remote"
	"wskharness/remote/internal/wsman"
	"wskharness/remote/winrmd"
	"wskharness/remote/winrmd/winrmdtest"
	"wskharness/testtime"
)

// still is a clock that only moves when it is told to.
type still struct {
	mu     sync.Mutex
	now    time.Time
	timers map[*stillTimer]struct{}
}

type stillTimer struct {
	at time.Time
	f  func()
}

func (c *still) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *still) AfterFunc(d time.Duration, f func()) func() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	timer := &stillTimer{c.now.Add(d), f}
	c.timers[timer] = struct{}{}
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		_, there := c.timers[timer]
		delete(c.timers, timer)
		return there
	}
}

func (c *still) advance(d time.Duration) {
	c.mu.Lock()
	c.now = c.now.Add(d)
	var due []func()
	for timer := range c.timers {
		if !timer.at.After(c.now) {
			due = append(due, timer.f)
			delete(c.timers, timer)
		}
	}
	c.mu.Unlock()
	for _, f := range due {
		f()
	}
}

func TestIdleShellsEnd(t *testing.T) {
	clock := &still{now: time.Unix(1e9, 0), timers: make(map[*stillTimer]struct{})}
	e := serve(t, winrmd.Options{Clock: clock, Limits: winrmd.Limits{IdleTimeout: time.Hour}})
	count := func() int {
		_, env := e.send(t, ask{action: wsman.ActionEnumerate, resource: wsman.ResourceShell, body: "<n:Enumerate><w:OptimizeEnumeration/></n:Enumerate>"})
		return len(env.Body.Child(wsman.NSEnumeration, "EnumerateResponse").Child(wsman.NSManagement, "Items").All(wsman.NSShell, "Shell"))
	}
	used := e.open(t)
	e.open(t)
	_, env := e.send(t, ask{action: wsman.ActionCreate, body: "<rsp:Shell><rsp:IdleTimeOut>PT7200S</rsp:IdleTimeOut></rsp:Shell>"})
	if got := env.Body.Child(wsman.NSShell, "Shell").Child(wsman.NSShell, "IdleTimeOut").Content(); got != "PT7200.000S" {
		t.Errorf("the longer idle time-out became %q, want %q", got, "PT7200.000S")
	}
	clock.advance(59 * time.Minute)
	e.start(t, used, "true", nil)
	if n := count(); n != 3 {
		t.Fatalf("%d shells before any is idle for long", n)
	}
	clock.advance(time.Minute)
	if n := count(); n != 2 {
		t.Errorf("%d shells, want the used one and the one with the longer time-out", n)
	}
	clock.advance(time.Hour)
	if n := count(); n != 0 {
		t.Errorf("%d shells, want none", n)
	}
}

func TestReset(t *testing.T) {
	e := serve(t, winrmd.Options{})
	shell := e.open(t)
	conn, err := net.Dial("tcp", e.plain)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST /wsman HTTP/1.1\r\n"); err != nil { // so that it was accepted
		t.Fatal(err)
	}
	accepted(t, conn)
	e.Reset()
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("an open connection: %v, want a reset", err)
	}
	again, err := net.Dial("tcp", e.plain)
	if err == nil {
		_, err = again.Read(make([]byte, 1))
		again.Close()
	}
	if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.EOF) {
		t.Errorf("a new connection: %v, want a reset", err)
	}
	e.Resume()
	_, env := e.send(t, ask{action: wsman.ActionCommand, shell: shell})
	if code, _, _ := faultOf(env); code != "2150858843" {
		t.Errorf("a shell of before: code %s", code)
	}
	e.open(t)
}

// accepted waits until the server has the connection: it answers what is no HTTP.
func accepted(t *testing.T, conn net.Conn) {
	t.Helper()
	if _, err := io.WriteString(conn, "Host: h\r\nContent-Length: 1\r\n\r\nx"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 4096)); err != nil {
		t.Fatal(err)
	}
}

func TestShutdownKills(t *testing.T) {
	cert, err := winrmd.NewCertificate("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	server, err := winrmd.New(winrmd.Options{Host: winrmdtest.LocalHost{}, User: testUser, Password: testPassword, Certificate: cert.TLS})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	e := endpoint{Server: server, cert: cert, secure: l.Addr().String()}
	client, err := remote.New(e.client(), remote.Options{CleanupTimeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	shell, err := client.Shell(t.Context(), remote.ShellOptions{})
	if err != nil {
		t.Fatal(err)
	}
	// A child that leaves its process group must not keep the endpoint from shutting down: this one does not end. It is the one
	// who tells, since it has left by then.
	command, err := shell.Start(t.Context(), remote.CommandLine{Line: "setsid sh -c 'echo $PPID $$; exec sleep 3600' & sleep 60"})
	if err != nil {
		t.Fatal(err)
	}
	var pid, child int
	if _, err := fmt.Fscan(command.Stdout, &pid, &child); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Kill(child, syscall.SIGKILL); err != nil {
			t.Errorf("end process %d: %v", child, err)
		}
	}()
	if err := server.Shutdown(testtime.Context(t)); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process %d is still there: %v", pid, err)
	}
	late, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Serve(late); err != nil {
		t.Errorf("Serve after Shutdown: %v", err)
	}
	if _, err := late.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the late listener is still open: %v", err)
	}
}

// lingering is a host whose command starts when its shell is gone, and takes a moment to be killed.
type lingering struct {
	starting chan struct{}
	ended    atomic.Bool
}

func (h *lingering) Start(ctx context.Context, _ winrmd.Spec) (winrmd.Process, error) {
	close(h.starting)
	<-ctx.Done()
	return h, nil
}

func (h *lingering) Stdin() io.WriteCloser                       { _, w := io.Pipe(); return w }
func (h *lingering) Stdout() io.Reader                           { return strings.NewReader("") }
func (h *lingering) Stderr() io.Reader                           { return strings.NewReader("") }
func (h *lingering) Signal(context.Context, winrmd.Signal) error { return nil }
func (h *lingering) Wait() (uint32, error) {
	time.Sleep(200 * time.Millisecond) // for whoever does not wait for it
	h.ended.Store(true)
	return 0, nil
}

// A command that is only just starting when its shell is deleted is waited for like any other.
func TestShutdownWaitsForACommandThatStarts(t *testing.T) {
	host := &lingering{starting: make(chan struct{})}
	e := serve(t, winrmd.Options{Host: host})
	client, err := remote.New(e.client(), remote.Options{})
	if err != nil {
		t.Fatal(err)
	}
	shell, err := client.Shell(t.Context(), remote.ShellOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close() // that nobody answers any more is no surprise
	go shell.Start(t.Context(), remote.CommandLine{Line: "x"})
	<-host.starting
	if err := e.Shutdown(testtime.Context(t)); err != nil {
		t.Error(err)
	}
	if !host.ended.Load() {
		t.Error("the command goes on when the server is shut down")
	}
}
