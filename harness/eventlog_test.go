package harness

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"wskharness/crashdump"
	"wskharness/guest"
)

// TestNewStops tells a crash from a power failure and new events from old ones, whatever their order.
func TestNewStops(t *testing.T) {
	stop := crashdump.StopEvent{Record: 12, ID: 1001, Code: 0xE2, Parameters: [4]uint64{1, 2, 3, 4}, Dump: `C:\Windows\MEMORY.DMP`}
	early := crashdump.StopEvent{Record: 11, ID: 41, Code: 0xE2, Parameters: [4]uint64{1, 2, 3, 4}}
	off := crashdump.StopEvent{Record: 11, ID: 41}
	for name, test := range map[string]struct {
		stops           []crashdump.StopEvent
		evidence, crash int
		newest          uint64
	}{
		"nothing":          {},
		"a crash":          {stops: []crashdump.StopEvent{stop, early}, newest: 10, evidence: 2, crash: 1},
		"half reported":    {stops: []crashdump.StopEvent{early}, newest: 10, evidence: 1, crash: 1},
		"power lost":       {stops: []crashdump.StopEvent{off}, newest: 10, evidence: 1},
		"of a boot before": {stops: []crashdump.StopEvent{off, early}, newest: 11},
		"one of the two":   {stops: []crashdump.StopEvent{early, stop}, newest: 11, evidence: 1, crash: 1},
	} {
		t.Run(name, func(t *testing.T) {
			evidence, crash := newStops(test.stops, test.newest)
			if len(evidence) != test.evidence || (crash != nil) != (test.crash == 1) {
				t.Fatalf("%+v, %+v", evidence, crash)
			}
			if crash != nil && (crash.Describe() != "bugcheck 0x000000E2 (0x1, 0x2, 0x3, 0x4)" || evidence[0].Signature != "0xE2") {
				t.Errorf("%s, %+v", crash.Describe(), evidence)
			}
		})
	}
}

// TestDumpsOfAnotherYear finds new dumps by what has changed, not by which is later: a guest's clock may be wrong.
func TestDumpsOfAnotherYear(t *testing.T) {
	const memory, mini = `C:\Windows\MEMORY.DMP`, `C:\Windows\Minidump\010170-01.dmp`
	before := map[string]guest.Dump{memory: {Size: 100, Time: "0x1dc5d6b00000000"}}
	now := map[string]guest.Dump{memory: {Size: 100, Time: "0x19db1de00000000"}, mini: {Size: 50, Time: "0x1bf3af800000000"}}
	if diff := cmp.Diff(now, changed(before, now)); diff != "" {
		t.Error(diff)
	}
	if fresh := changed(now, now); len(fresh) != 0 {
		t.Errorf("%v", fresh)
	}
}
