package harness

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"wskharness/config"
	"wskharness/harness/harnesstest"
	"wskharness/results"
	"wskharness/suites"
	"wskharness/testtime"
	"wskharness/vm"
	"wskharness/vm/wine"
)

const sampleSuite = `suite: sample
doc: The sample driver's own sub-component
cases:
  - id: echo
    doc: Activated late, the sample captures on its worker, listens, releases at once, and serves echo.
    steps:
      - run: {program: cmd.exe, args: [/c, 'type nul >C:\echo.hold']}
      - activate: {}
      - state: {within: 1m, phase: listening, version: 1.0, npi_held: false, open: 1}
      - run: {program: cmd.exe, args: [/c, 'for /l %i in (1,1,1000) do @if exist C:\echo.hold ping -n 2 127.0.0.1 >nul'], limit: 15m}
      - state: {phase: listening, accepted_at_least: 1, echoed: 200000}
      - deactivate: {}
      - state: {within: 1m, phase: inactive, port: 0, open: 0, allocations: 0}
`

// echoer connects to the port of which the running case tells, and sees its bytes come back. The case waits for that.
type echoer struct {
	machine *wine.Machine
	once    sync.Once
	echoing sync.WaitGroup
	err     error
}

func (e *echoer) Handle(event results.Update) error {
	if event.Step == nil {
		return nil
	}
	for _, v := range event.Step.Values {
		if v.Name == "port" && v.Value != "0" {
			e.once.Do(func() { e.echoing.Go(func() { e.echo(v.Value) }) })
		}
	}
	return nil
}

// echo uses the server, and lets the case go on.
func (e *echoer) echo(port string) {
	err := echo(port)
	e.err = errors.Join(err, os.Remove(filepath.Join(e.machine.State().Dir, "prefix", "drive_c", "echo.hold")))
}

// echo sends 200000 bytes to the sample's server, and reads them back.
func echo(port string) error {
	conn, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Minute)); err != nil {
		return err
	}
	sent := strings.Repeat("0123456789", 20_000)
	go func() { _, _ = io.WriteString(conn, sent) }() // a failed write is a read that comes short
	back := make([]byte, len(sent))
	if _, err := io.ReadFull(conn, back); err != nil {
		return err
	}
	if string(back) != sent {
		return io.ErrUnexpectedEOF
	}
	return nil
}

// TestSampleServesEcho activates the sample's sub-component in a guest, and uses the server that it runs in the
// guest's kernel from outside. Wine's own provider serves it as well, but may not survive its end: see
// suites.CapabilitySocketRaces.
func TestSampleServesEcho(t *testing.T) {
	env := onOurNetwork(t, testEnv(t))
	dir := t.TempDir()
	for name, text := range map[string]string{
		config.Name:   "targets: {wine: {provider: wine, netio: model}}\nsuites: [sample.yaml]\n",
		"sample.yaml": sampleSuite,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	config, err := harnesstest.LoadConfig("", dir)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := NewPlan(Request{Config: config, Out: config.Out, Selection: suites.Selection{Patterns: []string{"sample"}}})
	if err != nil {
		t.Fatal(err)
	}
	ctx := testtime.Context(t)
	client := &echoer{}
	env.Instruments.Wrap = func(m vm.Machine) vm.Machine {
		client.machine = m.(*wine.Machine)
		return m
	}
	done, err := plan.Run(ctx, env, client)
	if err != nil {
		t.Fatal(err)
	}
	client.once.Do(func() { t.Error("the sample never told of a port") })
	client.echoing.Wait()
	if client.err != nil {
		t.Errorf("echo: %v", client.err)
	}
	if done.Record.Counts[results.Pass] != 1 {
		summary, _ := os.ReadFile(filepath.Join(done.Dir, "summary.md"))
		t.Errorf("not a pass:\n%s", summary)
	}
}

// A guest without a network of its own has its host's ports, and others have some of them: a case takes another one.
func TestPortsThatOthersHave(t *testing.T) {
	env := onOurNetwork(t, testEnv(t))
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		t.Fatal(err)
	}
	taken := uint64(0)
	for port := 49152; port < 65536 && taken < files.Cur/2; port += 2 {
		if listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			defer listener.Close()
			taken++
		}
	}
	config, err := harnesstest.ParseConfig([]byte("targets: {wine: {provider: wine}}\n"), config.Name, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	config.Out = t.TempDir()
	done := executeRun(t, env, config, nil, "sockets.loopback_echo", "sockets.accepted_outlives_listener", "sockets.disconnect", "sockets.accept_*")
	t.Logf("%d ports were taken", taken)
	if done.Record.Counts[results.Fail] > 0 || done.Record.Counts[results.Pass] == 0 {
		t.Errorf("with every other port taken:\n%s", summary(done))
	}
}

// TestUnloadThatIsCutShort has an Unload that does not come to its end, of a service that is stopped all the same: nobody has
// seen the driver undo what it had done, and nothing that passed is proven.
func TestUnloadThatIsCutShort(t *testing.T) {
	config := harnesstest.Config(t, "suites: [s.yaml]\n", map[string]string{"s.yaml": "suite: s\ndoc: d\ncases:\n  - {id: one, doc: d, steps: [register: {client: a}, deregister: {client: a}]}\n"})
	config.Defines = map[string]string{"WSKSAMPLE_DEFECT": "WSKSAMPLE_DEFECT_UNLOAD_CUT"}
	done := executeRun(t, testEnv(t), config, nil, "s.one")
	got := harnesstest.Outcomes(done.Record)
	if got["deploy.stop"] != results.Fail || got["s.one"] != results.Error || !strings.Contains(harnesstest.ReasonOf(done.Record, "deploy.stop"), "ERROR_PROCESS_ABORTED") {
		t.Errorf("%v\n%s", got, summary(done))
	}
}
