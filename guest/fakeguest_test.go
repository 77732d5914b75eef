//go:build linux

package guest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"wskharness/guest/agent"
	"wskharness/guest/journal/journaltest"
	"wskharness/guest/ntfs"
	"wskharness/remote"
	"wskharness/remote/winrmd"
	"wskharness/remote/winrmd/winrmdtest"
)

// fakeGuest is a guest whose agent is written in Go and can be told to misbehave. It is reached
// through a real WinRM endpoint with the real client, so that only the agent's end is not real: the
// tests in wine_test.go do the same things with the real agent.
type fakeGuest struct {
	t      *testing.T
	server *winrmd.Server
	client *remote.WinRM

	mu       sync.Mutex
	grown    *sync.Cond        // a journal has grown, or something about the guest has changed
	files    map[string][]byte // by folded path
	boot     string
	agent    []byte // the image that answers with its own hash
	info     func(string) string
	commands []string // the agent's commands, in order, with their arguments
	starts   map[string]int
	chunks   map[string]chunks // of parts that come in stripes, by folded path
	listing  string            // what list prints, whatever the path

	// Faults. Each is called without mu held.
	onFinish func(a *fakeAgent)                  // FINISH of a put has come
	silent   bool                                // no put says that a file is there
	onData   func(a *fakeAgent, n int, at int64) // the nth DATA frame of a put has come
	onOutput func(a *fakeAgent, command string, w io.Writer) io.Writer
	special  func(spec winrmd.Spec, in io.Reader, out, errs io.Writer) (uint32, bool)
	inject   func(winrmd.Request) winrmd.InjectedFault
	asked    asked
	gather   func(a *fakeAgent) uint32
	mute     int             // so many of the agent's processes end before their first word
	dead     map[string]bool // runs whose process is gone
	kill     int             // so many of the processes that send a journal are killed, once what is there is sent
	crashes  sync.WaitGroup
}

const testBoot = journaltest.Boot

func newFakeGuest(t *testing.T) *fakeGuest {
	t.Helper()
	t.Parallel()
	return newLoneGuest(t)
}

// newLoneGuest is newFakeGuest for a test beside which no other runs.
func newLoneGuest(t *testing.T) *fakeGuest {
	t.Helper()
	g := &fakeGuest{t: t, files: make(map[string][]byte), boot: testBoot, agent: []byte("the agent, as far as these tests go"),
		starts: make(map[string]int), dead: make(map[string]bool), chunks: make(map[string]chunks)}
	g.grown = sync.NewCond(&g.mu)
	cert, err := winrmd.NewCertificate("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	g.server, err = winrmd.New(winrmd.Options{Host: g, User: "tester", Password: "secret", Certificate: cert.TLS,
		Limits: winrmd.Limits{MaxShellsPerUser: 600},
		Inject: func(r winrmd.Request) winrmd.InjectedFault {
			g.asked.note(r)
			if g.inject == nil {
				return winrmd.InjectedFault{}
			}
			return g.inject(r)
		}})
	if err != nil {
		t.Fatal(err)
	}
	g.client, err = remote.New(remote.Endpoint{URL: "https://" + winrmdtest.Serve(t, g.server) + "/wsman", User: "tester", Password: "secret",
		Auth: remote.AuthBasic, PinSHA256: cert.SHA256}, remote.Options{OperationTimeout: time.Hour}) // what is late is late, and not lost
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		g.crashes.Wait()
		g.client.Close()
	})
	return g
}

// Agent is the fake agent as a host file.
func (g *fakeGuest) Agent() Agent {
	path := filepath.Join(g.t.TempDir(), "wskagent.exe")
	if err := os.WriteFile(path, g.agent, 0o600); err != nil {
		g.t.Fatal(err)
	}
	sum := sha256.Sum256(g.agent)
	return Agent{Path: path, SHA256: hex.EncodeToString(sum[:])}
}

// seed puts the agent where it belongs.
func (g *fakeGuest) seed() Agent {
	a := g.Agent()
	g.write(AgentPath(a.SHA256), g.agent)
	return a
}

// options are those of somebody who is patient: how long a guest is away is a matter of how fast the machine is.
func (g *fakeGuest) options(a Agent) Options {
	return Options{Agent: a, retryPause: time.Millisecond, retries: math.MaxInt, Logger: hclog.New(&hclog.LoggerOptions{Level: hclog.Debug, Output: testWriter{g.t}})}
}

// connect connects to a seeded guest.
func (g *fakeGuest) connect() *Guest {
	g.t.Helper()
	c, err := Connect(g.t.Context(), g.client, g.options(g.seed()))
	if err != nil {
		g.t.Fatal(err)
	}
	c.slow = time.Hour // however slow the machine that the tests run on
	g.t.Cleanup(func() { c.Close(context.Background()) })
	return c
}

// reboot is what a client sees of a crash: everything is gone, and there is another boot id.
func (g *fakeGuest) reboot(boot string) {
	g.server.Reset()
	g.mu.Lock()
	g.boot = boot
	g.mu.Unlock()
	g.server.Resume()
}

func (g *fakeGuest) write(path string, data []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.files[ntfs.Fold(path)] = data
	g.grown.Broadcast()
}

func (g *fakeGuest) read(path string) ([]byte, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	data, ok := g.files[ntfs.Fold(path)]
	return data, ok
}

// set changes something about the guest.
func (g *fakeGuest) set(change func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	change()
}

func (g *fakeGuest) ran() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.commands...)
}

// Start is winrmd.Host.
func (g *fakeGuest) Start(ctx context.Context, spec winrmd.Spec) (winrmd.Process, error) {
	run := func(in io.Reader, out, errs io.Writer) uint32 {
		if g.special != nil {
			if code, done := g.special(spec, in, out, errs); done {
				return code
			}
		}
		fmt.Fprintf(errs, "%s: not found\n", spec.Command)
		return 9009
	}
	if spec.SkipShell {
		image, ok := g.read(spec.Program)
		if !ok {
			return nil, fmt.Errorf("start %s: %w", spec.Program, fs.ErrNotExist)
		}
		args := splitArgs(spec.Command)[1:]
		g.mu.Lock()
		g.commands = append(g.commands, strings.Join(args, " "))
		mute := g.mute > 0
		if mute {
			g.mute--
		}
		g.mu.Unlock()
		if mute {
			return newFakeProcess(ctx, func(io.Reader, io.Writer, io.Writer) uint32 { return agent.ExitRefused }), nil
		}
		run = func(in io.Reader, out, errs io.Writer) uint32 {
			a := &fakeAgent{guest: g, ctx: ctx, image: image, in: in, out: out, errs: errs}
			if g.onOutput != nil {
				a.out = g.onOutput(a, args[0], out)
			}
			return a.run(args)
		}
	}
	return newFakeProcess(ctx, run), nil
}

// fakeProcess is a goroutine with pipes.
type fakeProcess struct {
	inR, outR, errR *io.PipeReader
	inW, outW, errW *io.PipeWriter
	exit            chan uint32
}

func newFakeProcess(ctx context.Context, run func(in io.Reader, out, errs io.Writer) uint32) *fakeProcess {
	p := &fakeProcess{exit: make(chan uint32, 1)}
	p.inR, p.inW = io.Pipe()
	p.outR, p.outW = io.Pipe()
	p.errR, p.errW = io.Pipe()
	stop := context.AfterFunc(ctx, p.kill)
	go func() {
		defer stop()
		code := run(p.inR, p.outW, p.errW)
		p.kill()
		p.exit <- code
	}()
	return p
}

func (p *fakeProcess) kill() {
	p.inR.CloseWithError(io.ErrClosedPipe)
	p.outW.Close()
	p.errW.Close()
}

func (p *fakeProcess) Stdin() io.WriteCloser { return p.inW }
func (p *fakeProcess) Stdout() io.Reader     { return p.outR }
func (p *fakeProcess) Stderr() io.Reader     { return p.errR }
func (p *fakeProcess) Wait() (uint32, error) { return <-p.exit, nil }
func (p *fakeProcess) Signal(context.Context, winrmd.Signal) error {
	p.kill()
	return nil
}

// splitArgs splits what remote.QuoteArg quoted, as far as these tests need it.
func splitArgs(line string) []string {
	var args []string
	var arg strings.Builder
	quoted, any := false, false
	for _, r := range line {
		switch {
		case r == '"':
			quoted, any = !quoted, true
		case r == ' ' && !quoted:
			if any {
				args = append(args, arg.String())
			}
			arg.Reset()
			any = false
		default:
			arg.WriteRune(r)
			any = true
		}
	}
	if any {
		args = append(args, arg.String())
	}
	return args
}

// testWriter sends a log to the test's.
type testWriter struct{ t *testing.T }

func (w testWriter) Write(p []byte) (int, error) {
	if w.t.Context().Err() == nil { // after the end of a test its log is closed
		w.t.Log(strings.TrimSpace(string(p)))
	}
	return len(p), nil
}
