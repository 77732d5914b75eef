package harness

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"wskharness/disk/disktest"
	"wskharness/prepare"
	"wskharness/results"
)

const verifiedSuite = `suite: sim
doc: Cases with and without Driver Verifier
verifier: {flags: standard}
cases:
  - {id: passes, doc: d, steps: [register: {client: a}, deregister: {client: a}]}
  - {id: low, doc: d, verifier: {flags: 0x4, drivers: [netio.sys], faults: {probability: 9, after: 1m}}, steps: [register: {client: a}, deregister: {client: a}]}
`

const (
	rebootingCase = "  - {id: reboots, doc: d, steps: [sleep: 1ms, reboot: {}, sleep: 1ms]}\n"
	crashingCase  = "  - {id: crashes, doc: d, steps: [register: {client: a}, deregister: {client: a}]}\n"
	standardOne   = ", under Driver Verifier (flags 0x209bb: wsksample.sys)"
	lowOne        = ", under Driver Verifier (flags 0x4: netio.sys)"
)

// verified plays a run on a machine that nobody reverts, by one controller after the other, and gives its record.
func verified(t *testing.T, suite string, set func(*simulation), disks ...*disktest.FS) (rec *results.Record, g *simGuest) {
	t.Helper()
	plan := rackPlan(t, suite)
	simulate(t, plan, 0, filepath.Join(memoryDir(t), "runs"), func(s *simulation) []*disktest.FS {
		s.guest.lasts = true
		set(s)
		return disks
	}, func(s *simulation, _ map[string]results.Outcome) {
		rec, g = results.Reduce(s.events()), s.guest
	})
	return rec, g
}

// Each ending: what becomes of the cases, with which name of the guest, and that Driver Verifier is what it was at the end.
func TestVerifier(t *testing.T) {
	for name, test := range map[string]struct {
		suite string
		set   func(*simulation)
		want  map[string]string // outcome, label, part of the reason
	}{
		"in effect": {verifiedSuite + rebootingCase, func(*simulation) {}, map[string]string{
			"passes": "pass" + standardOne, "reboots": "pass" + standardOne, "low": "pass" + lowOne}},
		"a crash": {verifiedSuite + crashingCase, func(*simulation) {}, map[string]string{
			"passes": "pass" + standardOne, "crashes": "bugcheck" + standardOne, "low": "pass" + lowOne}},
		"not in effect": {verifiedSuite, func(s *simulation) { s.guest.verifier.deaf = true }, map[string]string{
			"passes": "error: set Driver Verifier on lab (flags standard, the driver under test): this boot verifies nothing",
			"low":    "error: set Driver Verifier on lab (flags 0x4, netio.sys"}},
		"the kernel disagrees": {verifiedSuite, func(s *simulation) { s.guest.verifier.says = "0x1" }, map[string]string{
			"passes": "error: set Driver Verifier on lab (flags standard, the driver under test): verifier.exe says that this boot verifies wsksample.sys with the flags 0x209bb, and the kernel that the flags are 0x1",
			"low":    "error: set"}},
		"lost at a reboot": {verifiedSuite + rebootingCase, func(s *simulation) { s.guest.verifier.forget = 2 }, map[string]string{
			"passes": "pass", "reboots": "error: not proven: every step was as declared, but Driver Verifier (flags standard, the driver under test) was not in effect to the end", "low": "pass" + lowOne}},
	} {
		t.Run(name, func(t *testing.T) {
			rec, g := verified(t, test.suite, test.set)
			got := map[string]string{}
			for _, c := range rec.Targets[0].Cases {
				v := c.Attempts[len(c.Attempts)-1].Verdict
				_, label, under := strings.Cut(v.Guest.Label, ", under")
				text := string(v.Outcome)
				if under {
					text += ", under" + label
				}
				if v.Outcome == results.Error {
					text = "error: " + v.Reason
				}
				got[strings.TrimPrefix(c.Name, "sim.")] = text
			}
			for id, want := range test.want {
				if !strings.HasPrefix(got[id], want) {
					t.Errorf("%s:\ngot  %s\nwant %s", id, got[id], want)
				}
			}
			if len(got) != len(test.want) {
				t.Errorf("got %v", slices.Sorted(maps.Keys(got)))
			}
			if v := &g.verifier; v.was != nil || v.is.Flags != 0 || v.set.Flags != 0 {
				t.Errorf("left: %+v", v)
			}
		})
	}
}

// What asks for no Driver Verifier runs first, without; what asks for the same runs together.
func TestVerifierGroups(t *testing.T) {
	suite := strings.Replace(verifiedSuite, "verifier: {flags: standard}\n", "", 1)
	suite = strings.Replace(suite, "  - {id: passes,", "  - {id: first, verifier: {flags: standard}, doc: d, steps: [sleep: 1ms]}\n  - {id: passes,", 1) +
		"  - {id: last, verifier: {flags: standard}, doc: d, steps: [sleep: 1ms]}\n"
	rec, g := verified(t, suite, func(*simulation) {})
	runs := map[string]int{}
	for _, c := range rec.Targets[0].Cases {
		v := c.Attempts[0].Verdict
		runs[c.Name] = v.DriverRun
		if v.Outcome != results.Pass || strings.Contains(v.Guest.Label, "Verifier") != (c.Name != "sim.passes") {
			t.Errorf("%s: %s on %s", c.Name, v.Outcome, v.Guest.Label)
		}
	}
	if want := map[string]int{"sim.passes": 1, "sim.first": 2, "sim.last": 2, "sim.low": 3}; !maps.Equal(runs, want) || g.verifier.begun != 2 {
		t.Errorf("got %v, and set %d times; want %v, 2 times", runs, g.verifier.begun, want)
	}
}

// An interrupt clears it; so does the next run on a machine whose controller was killed; and what is somebody else's stays.
func TestVerifierLeft(t *testing.T) {
	for at := 1; at < 12; at += 3 {
		_, g := verified(t, verifiedSuite, func(s *simulation) { s.guest.faults[at] = "interrupt" })
		if v := &g.verifier; v.begun == 0 || v.was != nil || v.is.Flags != 0 {
			t.Errorf("interrupted at %d, left: %+v", at, v)
		}
	}
	dead, own := prepare.InEffect{Flags: 0x209bb, Drivers: []string{"wsksample.sys"}}, prepare.InEffect{Flags: 9, Drivers: []string{"own.sys"}}
	plain := strings.Replace(strings.Replace(verifiedSuite, "verifier: {flags: standard}\n", "", 1), "id: low, doc: d, verifier: {flags: 0x4, drivers: [netio.sys], faults: {probability: 9, after: 1m}}", "id: low, doc: d", 1)
	for name, suite := range map[string]string{"none asks for it": plain, "asked for": verifiedSuite} {
		_, g := verified(t, suite, func(s *simulation) {
			s.guest.verifier = simVerifier{set: dead, is: dead, was: &own}
		})
		if v := &g.verifier; v.was != nil || fmt.Sprint(v.is) != fmt.Sprint(own) {
			t.Errorf("%s, left: %+v", name, v)
		}
	}
	_, g := verified(t, plain, func(s *simulation) { s.guest.verifier = simVerifier{set: own, is: own} })
	if v := &g.verifier; v.begun != 0 || v.boots != 1 || fmt.Sprint(v.is) != fmt.Sprint(own) { // the boot is the end of the simulation
		t.Errorf("somebody else's is now %+v", v)
	}
}

// A controller that is killed anywhere leaves what the one that resumes its run brings back; no pass is without its proof.
func TestVerifierKilled(t *testing.T) {
	for at := 1; ; at += unlessRaced(1, 7) {
		files := &disktest.FS{At: at, Fault: disktest.KillBefore, NoSync: true}
		rec, g := verified(t, verifiedSuite, func(*simulation) {}, files)
		if !files.Killed() {
			break
		}
		if v := &g.verifier; v.was != nil || v.is.Flags != 0 {
			t.Errorf("killed at %d, left: %+v", at, v)
		}
		if len(rec.Targets) == 0 {
			continue // it was not even written down
		}
		for _, c := range rec.Targets[0].Cases {
			if len(c.Attempts) == 0 {
				t.Errorf("killed at %d: %s did not run: %s", at, c.Name, c.Why())
				continue
			}
			if v := c.Attempts[len(c.Attempts)-1].Verdict; v.Outcome != results.Pass || !strings.Contains(v.Guest.Label, "under Driver Verifier") {
				t.Errorf("killed at %d: %s: %s on %s: %s", at, c.Name, v.Outcome, v.Guest.Label, v.Reason)
			}
		}
	}
}

// Elsewhere the cases are skipped, with the reason.
func TestVerifierElsewhere(t *testing.T) {
	plan := simPlan(t, verifiedSuite+"  - {id: known, doc: d, steps: [sleep: 1ms, {name: odd, sleep: 1ms}]}\n")
	synctest.Test(t, func(t *testing.T) {
		s := newSimulation(t, plan, 0, filepath.Join(memoryDir(t), "runs"))
		done, err := s.live(&disktest.FS{NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range done.Record.Targets[0].Cases {
			if c.Final != results.Skip || !strings.Contains(c.Why(), "needs Driver Verifier, which this guest lacks") {
				t.Errorf("%s: %s, %s", c.Name, c.Final, c.Why())
			}
		}
		s.guest.mu.Lock()
		s.guest.owner = -1
		s.guest.mu.Unlock()
	})
}
