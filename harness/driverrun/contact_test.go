package driverrun

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"wskharness/guest/journal"
	"wskharness/results"
)

// TestOrderedRebootOutOfSight has the guest reboot as a step orders it while nobody listens, wherever the contact was lost
// before: the rest of the journal tells, and nothing is wrong.
func TestOrderedRebootOutOfSight(t *testing.T) {
	p := planOf(t, `suite: s
doc: d
cases:
  - {id: one, doc: d, steps: [sleep: 1ms, sleep: 2ms]}
  - {id: reboots, doc: d, steps: [sleep: 1ms, reboot: {}, sleep: 1ms]}
  - {id: two, doc: d, steps: [sleep: 1ms]}
`)
	records := wellBehaved(p)
	order := slices.IndexFunc(records, func(r journal.Record) bool { return r.Ev == journal.EvReboot })
	records[order+1].Boot = secondBoot
	for i := 2; i < order; i++ { // where the step that is next reboots, its return is waited for
		if _, exit := ranksOf(t, p, &world{records: records[:i], then: "reboot", rest: records[i:], behind: "reboot"}); exit != results.ExitOK {
			t.Errorf("contact is lost after record %d (%s), the guest reboots by record %d: exit code %d", i, records[i-1].Ev, order+1, exit)
		}
	}
	// A boot that nobody has ordered is none of these, whatever the journal says behind it.
	for i := 2; i < order; i++ {
		rest := slices.Clone(records[i:])
		rest[order+1-i].Boot = "00000009-9999-9999-9999-999999999999"
		if _, exit := ranksOf(t, p, &world{records: records[:i], then: "reboot", rest: rest, behind: "reboot"}); exit == results.ExitOK {
			t.Errorf("contact is lost after record %d, and the guest is in a boot that the journal does not know: exit code 0", i)
		}
	}
}

func bootNumber(n int) string { return fmt.Sprintf("%08d-3333-3333-3333-333333333333", n) }

// TestEachRebootHasItsTime loses the contact in each of several reboots: none of them has only what one before it has left of
// its time, be they of one case or of two.
func TestEachRebootHasItsTime(t *testing.T) {
	p := planOf(t, `suite: s
doc: d
cases:
  - {id: one, doc: d, steps: [sleep: 1ms, reboot: {}, reboot: {}]}
  - {id: two, doc: d, steps: [reboot: {}, sleep: 1ms]}
`)
	s, now := New(p), time.Date(2026, 11, 29, 3, 0, 0, 0, time.UTC)
	reboots := 0
	for i, r := range wellBehaved(p) {
		now = now.Add(time.Second)
		if r.Ev == journal.EvBoot {
			r.Boot = bootNumber(reboots)
		}
		if next := s.Apply(now, Recorded{r}).Next; r.Ev != journal.EvReboot {
			if _, listens := next.(Listen); r.Ev == journal.EvBoot && !listens {
				t.Fatalf("record %d, in boot %s: %#v", i, r.Boot, next)
			}
			continue
		}
		reboots++
		whole := p.Attempts[r.N].Case.Longest() + p.UnheardAfter
		for _, later := range []time.Duration{0, time.Second} { // what is lost twice in one is lost in the same one
			now = now.Add(later)
			reconnect, ok := s.Apply(now, Broke{Lost, "contact lost"}).Next.(Reconnect)
			if !ok || !reconnect.Declared || reconnect.Within != whole-later {
				t.Errorf("reboot %d, lost %s later: %#v, and not %s", reboots, later, reconnect, whole-later)
			}
			s.Apply(now, Back{bootNumber(reboots)})
			s.Apply(now, Opened{})
		}
		now = now.Add(30 * time.Second)
	}
	if reboots != 3 {
		t.Errorf("%d reboots", reboots)
	}
}
