package harness

import (
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"wskharness/guest"
	"wskharness/suites"
)

// TestRebootsThatThePlanDeclares feeds records of reboots: only the one that the case's next step orders, into another
// boot, lets the run go on.
func TestRebootsThatThePlanDeclares(t *testing.T) {
	catalog, err := suites.Load(suites.Source{Name: "s.yaml", Data: []byte(`suite: s
doc: d
cases:
  - {id: reboots, doc: d, steps: [sleep: 1ms, reboot: {}, sleep: 1ms]}
  - {id: stays, doc: d, steps: [sleep: 1ms]}
`)})
	if err != nil {
		t.Fatal(err)
	}
	const first, second = "first", "second"
	for _, test := range []struct {
		name  string
		open  int // index of the case under way
		steps int // of it that are back
		order guest.Record
		boot  string
		lost  string
	}{
		{"declared", 0, 1, guest.Record{N: 0, Step: 1}, second, ""},
		{"the same boot", 0, 1, guest.Record{N: 0, Step: 1}, first, "goes on in boot first"},
		{"before its turn", 0, 0, guest.Record{N: 0, Step: 1}, second, "no step that reboots was under way"},
		{"twice", 0, 2, guest.Record{N: 0, Step: 1}, second, "no step that reboots was under way"},
		{"of another case", 1, 0, guest.Record{N: 0, Step: 1}, second, "no step that reboots was under way"},
		{"of no case", 1, 0, guest.Record{N: 7, Step: 0}, second, "no step that reboots was under way"},
		{"of a case that does not", 1, 0, guest.Record{N: 1, Step: 0}, second, "no step that reboots was under way"},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := &load{session: &session{log: hclog.NewNullLogger()}, boot: first}
			for _, c := range catalog.All() {
				l.trials = append(l.trials, &trial{test: c, attempt: 1})
			}
			l.open = l.trials[test.open]
			l.open.steps = make([]suites.StepResult, test.steps)
			test.order.Ev = guest.EvReboot
			l.take(test.order)
			l.take(guest.Record{Ev: guest.EvBoot, Boot: test.boot})
			if test.lost == "" && (l.lost != "" || l.boot != test.boot || l.rebooting) {
				t.Errorf("lost %q, boot %s", l.lost, l.boot)
			}
			if !strings.Contains(l.lost, test.lost) || test.lost != "" && l.boot != first {
				t.Errorf("lost %q, boot %s; want %q", l.lost, l.boot, test.lost)
			}
		})
	}
}
