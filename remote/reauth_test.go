//go:build linux

package remote_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"wskharness/remote"
	"wskharness/remote/winrmd"
	"wskharness/testtime"
)

// puppet is a host of one command, which does nothing by itself, and remembers what was done to it.
type puppet struct {
	mu      sync.Mutex
	started int
	input   bytes.Buffer
	signals int
	life    context.Context
	finish  func() // ends the command
}

func (p *puppet) Start(ctx context.Context, _ winrmd.Spec) (winrmd.Process, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.started++
	p.life, p.finish = context.WithCancel(ctx)
	return p, nil
}

func (p *puppet) Stdin() io.WriteCloser { return sink{p} }
func (p *puppet) Stdout() io.Reader     { return p }
func (p *puppet) Stderr() io.Reader     { return strings.NewReader("") }
func (p *puppet) Wait() (uint32, error) { return 7, nil }

func (p *puppet) Read([]byte) (int, error) {
	<-p.life.Done()
	return 0, io.EOF // and no word before: then its end is in the first answer that there is
}

func (p *puppet) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.input.Write(b)
}

func (p *puppet) Signal(_ context.Context, signal winrmd.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if signal != winrmd.SignalTerminate { // with which every command is tidied up
		p.signals++
	}
	return nil
}

// told is what was done to a puppet.
type told struct {
	started int
	input   string
	signals int
}

func (p *puppet) told() told {
	p.mu.Lock()
	defer p.mu.Unlock()
	return told{p.started, p.input.String(), p.signals}
}

// everyOperation does each operation that the client has, one after the other but for Receive, which waits meanwhile.
// It stops at the first that fails.
func everyOperation(t *testing.T, client *remote.WinRM, host *puppet, receives func() int, before int) error {
	t.Helper()
	for range 2 { // by the first request of all the credentials are judged
		if _, err := client.ServerConfig(t.Context()); err != nil {
			return err
		}
	}
	var shells []*remote.Shell
	for range 2 {
		shell, err := client.Shell(t.Context(), remote.ShellOptions{})
		if err != nil {
			return err
		}
		shells = append(shells, shell)
	}
	infos, err := client.Shells(t.Context())
	if err != nil {
		return err
	}
	if len(infos) != len(shells) {
		t.Errorf("%d shells on the server, want %d", len(infos), len(shells))
	}
	err = everyOperationOfACommand(t, shells[0], host, receives, before)
	for _, shell := range shells {
		err = errors.Join(err, shell.Close(t.Context()))
	}
	return err
}

func everyOperationOfACommand(t *testing.T, shell *remote.Shell, host *puppet, receives func() int, before int) error {
	t.Helper()
	command, err := shell.Start(t.Context(), remote.CommandLine{Line: "x"})
	if err != nil {
		return err
	}
	defer host.finish()
	ended := make(chan error, 1)
	go func() {
		code, err := command.Wait(t.Context())
		if err == nil && code != 7 {
			err = fmt.Errorf("exit code %d", code)
		}
		ended <- err
	}()
	// What comes next finds its connection in use, always.
	testtime.Await(t, "Receive to wait", func() bool { return receives() >= before || len(ended) > 0 })
	if len(ended) > 0 {
		return <-ended
	}
	if _, err := io.WriteString(command.Stdin, "input"); err != nil {
		return err
	}
	testtime.Await(t, "the input to reach the command", func() bool { return host.told().input != "" }) // the server takes it before
	if err := command.Signal(t.Context(), remote.SignalCtrlC); err != nil {
		return err
	}
	host.finish()
	return <-ended
}

// attempt runs everyOperation against a server that answers 401 to some requests of an action.
type attempt struct {
	way      string
	action   string
	refused  []int // which of the requests of the action; none are refused when it is empty
	host     *puppet
	seen     map[string]int
	requests int64
	most     int64 // handshake requests that its connections can have taken
	fresh    int64 // connections that were made between the refusal and what came next of the same action
	left     int   // shells on the server
	err      error
}

func (a *attempt) run(t *testing.T) {
	a.host = &puppet{}
	var m machine
	var connections int64
	seen := counter{plan: func(r winrmd.Request) winrmd.InjectedFault {
		if r.Action != a.action {
			return winrmd.InjectedFault{}
		}
		now := m.connections.Load()
		if slices.Contains(a.refused, r.Count) {
			connections = now
			return winrmd.InjectedFault{Kind: winrmd.Unauthorized}
		}
		if slices.Contains(a.refused, r.Count-1) {
			a.fresh = now - connections
		}
		return winrmd.InjectedFault{}
	}}
	m = serve(t, winrmd.Options{Host: a.host, Limits: winrmd.Limits{MaxBatchItems: 1, MaxTimeoutms: 3600000}, Inject: seen.inject})
	client := dial(t, m.ways()[a.way], remote.Options{OperationTimeout: time.Hour, QuotaWait: -1})
	before := 1
	if a.action == "Receive" {
		before += len(a.refused)
	}
	a.err = everyOperation(t, client, a.host, func() int { return seen.of("Receive") }, before)
	a.requests = client.Stats().Requests
	if a.way != "basic" {
		a.most = 2 * m.connections.Load()
	}
	seen.mu.Lock()
	a.seen = maps.Clone(seen.count)
	seen.mu.Unlock()
	infos, err := dial(t, m.basic, remote.Options{}).Shells(t.Context())
	if err != nil {
		t.Error(err)
	}
	a.left = len(infos)
}

// TestSessionIsOver has a server answer each operation once with a 401, though it had accepted who is asking: there is
// one fresh authentication, the operation is carried out once, and nobody notices. A second one in a row is told as it is.
func TestSessionIsOver(t *testing.T) {
	noLeaks(t)
	for way := range (machine{}).ways() {
		calm := attempt{way: way}
		calm.run(t)
		if calm.err != nil {
			t.Fatal(calm.err)
		}
		actions := slices.Sorted(maps.Keys(calm.seen))
		// A new operation of the client's has to be done by everyOperation.
		if want := operations(t); !slices.Equal(actions, want) {
			t.Fatalf("tried are %v, the client has %v", actions, want)
		}
		for _, action := range actions {
			t.Run(way+" "+action+" once", func(t *testing.T) { testSessionOver(t, calm, action) })
			t.Run(way+" "+action+" twice", func(t *testing.T) { testDenied(t, way, action) })
		}
	}
}

// operations are the names of all that the client has.
func operations(t *testing.T) (names []string) {
	source, err := os.ReadFile("operation.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range regexp.MustCompile(`operation\{"(\w+)", wsman\.Action`).FindAllSubmatch(source, -1) {
		names = append(names, string(found[1]))
	}
	slices.Sort(names)
	return names
}

// nth is which request of an action is refused.
func nth(action string) int {
	if action == "Get" {
		return 2
	}
	return 1
}

func testSessionOver(t *testing.T, calm attempt, action string) {
	a := attempt{way: calm.way, action: action, refused: []int{nth(action)}}
	a.run(t)
	if a.err != nil {
		t.Fatal(a.err)
	}
	want := maps.Clone(calm.seen)
	want[action]++
	if !maps.Equal(a.seen, want) {
		t.Errorf("asked for %v, want %v", a.seen, want)
	}
	// How many connections there are is net/http's to say: it gives one up that was answered before its own goroutine is back
	// from writing to it.
	handshakes := a.requests
	for _, n := range a.seen {
		handshakes -= int64(n)
	}
	if handshakes < 0 || handshakes > a.most || a.fresh < 1 {
		t.Errorf("%d requests of handshakes, at most %d could be, and %d new connections", handshakes, a.most, a.fresh)
	}
	if got, want := a.host.told(), (told{1, "input", 1}); got != want || a.left != 0 {
		t.Errorf("the host was told %+v, want %+v; %d shells are left", got, want, a.left)
	}
}

func testDenied(t *testing.T, way, action string) {
	a := attempt{way: way, action: action, refused: []int{nth(action), nth(action) + 1}}
	a.run(t)
	fault, ok := errors.AsType[*remote.Fault](a.err)
	if !ok || fault.HTTPStatus != http.StatusUnauthorized || fault.Action != action || !denied(a.err) || !strings.Contains(a.err.Error(), "check user and password") {
		t.Errorf("got %v, want a Fault of %s with HTTP 401", a.err, action)
	}
	if got := a.host.told(); got.started > 1 || len(got.input) > len("input") || got.signals > 1 {
		t.Errorf("the host was told %+v", got)
	}
}
