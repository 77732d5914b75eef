package driverrun

import (
	"slices"
	"testing"

	"wskharness/guest"
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
	order := slices.IndexFunc(records, func(r guest.Record) bool { return r.Ev == guest.EvReboot })
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
