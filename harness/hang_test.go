package harness

import (
	"testing"
	"time"

	"wskharness/guest"
	"wskharness/harness/driverrun"
	"wskharness/suites"
)

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
