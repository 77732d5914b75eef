package harness

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wskharness/guest"
	"wskharness/harness/driverrun"
	"wskharness/harness/harnesstest"
	"wskharness/results"
	"wskharness/suites"
)

const stuckSuite = `suite: stuck
doc: Requests that do not come back
cases:
  - id: here
    doc: On the unit's thread and on a named one, with an IRP out.
    misuse: true
    timeout: 7s
    steps:
      - register: {client: a}
      - capture: {client: a, wait: none}
      - socket: {client: a, socket: r, kind: datagram, type: dgram, protocol: udp}
      - bind: {socket: r}
      - receive_from: {socket: r, bytes: 500, pattern: 9, pending: true}
        expect: STATUS_PENDING
      - deregister: {client: a, thread: t1}
      - fault: {kind: hang, for: 100ms}
      - join: {thread: t1, within: 1s}
`

// TestHangTells hangs a case on two threads, with an IRP out: the driver itself tells where it is stuck, on another
// handle, and what is outstanding; and it is in the record, in the reports and before the verdict.
func TestHangTells(t *testing.T) {
	env := testEnv(t)
	config := harnesstest.Config(t, "suites: [stuck.yaml]\n", map[string]string{"stuck.yaml": stuckSuite})
	onModel(t, config) // WskDeregister waits for the release there, as documented
	config.Defines = map[string]string{"WSKSAMPLE_DEFECT": "WSKSAMPLE_DEFECT_OVERSTAYS"}
	done := executeRun(t, env, config, nil, "stuck.here")
	attempt := done.Record.Targets[0].Cases[0].Attempts[0]
	if attempt.Verdict.Outcome != results.Hang {
		t.Fatal(summary(done))
	}
	var said []string
	for _, e := range attempt.Evidence {
		said = append(said, e.Kind+": "+e.Text)
	}
	all := strings.Join(said, "\n")
	junit, err := os.ReadFile(filepath.Join(done.Dir, "junit.xml"))
	if err != nil || !strings.Contains(string(junit), "step 7 of stuck.here (fault, hang, for 100ms), for ") {
		t.Errorf("junit.xml does not tell (%v):\n%s", err, junit)
	}
	for _, want := range []string{
		"hang: the last record of the guest's journal is ", "; 6 of 8 steps are in it; the agent answers; the process of the run is ended, the driver's service running; " +
			"under way in the driver: 2 operations and 1 IRP; outstanding: 1 × registration, 1 × provider capture not released",
		"1 × IRP of a socket operation not completed",
		"under-way: an IRP of step 5 of stuck.here (receive_from",
		"under-way: step 6 of stuck.here (deregister a, on thread t1), for ", "on the case's thread t1, on kernel thread 0x",
		"under-way: step 7 of stuck.here (fault, hang, for 100ms), for ",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("nothing says %q:\n%s", want, all)
		}
		if !strings.Contains(summary(done), strings.TrimPrefix(strings.TrimPrefix(want, "under-way: "), "hang: ")) {
			t.Errorf("the summary does not say %q", want)
		}
	}
}

// TestDescribeInflight describes what no honest guest tells, too.
func TestDescribeInflight(t *testing.T) {
	catalog, err := suites.Load(suites.Source{Name: "s.yaml", Data: []byte(
		"suite: s\ndoc: d\ncases: [{id: one, doc: d, steps: [loop: {repeat: 100, steps: [sleep: 1ms]}, sleep: 2ms]}]\n")})
	if err != nil {
		t.Fatal(err)
	}
	test := catalog.All()[0]
	test.Steps[1].Thread = "t1"
	l := &driverRun{state: driverrun.New(driverrun.Plan{Attempts: []driverrun.Attempt{{Case: test}}})}
	for name, test := range map[string]struct {
		inflight guest.Inflight
		want     string
	}{
		"in a loop":         {guest.Inflight{Runner: 2, Iteration: 40, Thread: 0x34, Took: 8607 * time.Millisecond}, "step 1 of s.one (sleep, for 1ms), for 8.61s, in repetition 41 of its parallel thread 3, on kernel thread 0x34"},
		"on a named thread": {guest.Inflight{Step: 1, Named: 1, Thread: 0x34, Took: time.Second}, "step 2 of s.one (sleep, for 2ms), for 1s, on the case's thread t1, on kernel thread 0x34"},
		"an IRP":            {guest.Inflight{IRP: true, Step: 1, Thread: 4}, "an IRP of step 2 of s.one (sleep, for 2ms), for 0s, begun on kernel thread 0x4"},
		"no such step":      {guest.Inflight{Step: 7, Thread: 4}, "step 8 of s.one, for 0s, on kernel thread 0x4"},
		"no such case":      {guest.Inflight{Case: 9, Thread: 4}, "step 1 of an unknown case, for 0s, on kernel thread 0x4"},
	} {
		if got := l.describeInflight(test.inflight); got != test.want {
			t.Errorf("%s: %s", name, got)
		}
	}
}
