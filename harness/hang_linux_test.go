package harness

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wskharness/harness/harnesstest"
	"wskharness/results"
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
