package harness

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"wskharness/disk/disktest"
	"wskharness/results"
)

// notes are what is kept beside the locks of machines.
func notes(t *testing.T, cache string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(cache, "locks", "*.owed.json"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// A run on a machine that nobody reverts, whose controller is killed at any of its writes, leaves nothing there when it was resumed,
// also where nothing was left to run; nor does it owe anything then, and Driver Verifier is what it was.
func TestResumedRunCleans(t *testing.T) {
	for at, over := 1, false; !over; at += unlessRaced(2, 9) {
		files := &disktest.FS{At: at, Fault: disktest.KillBefore, NoSync: true}
		out := filepath.Join(memoryDir(t), "runs")
		simulate(t, rackPlan(t, verifiedSuite), 0, out, func(s *simulation) []*disktest.FS {
			s.guest.lasts = true
			s.guest.runs["old"] = &simRun{}
			return []*disktest.FS{files}
		}, func(s *simulation, _ map[string]results.Outcome) {
			over = !files.Killed()
			if len(s.guest.runs) != 1 || s.guest.runs["old"] == nil || s.guest.verifier.was != nil {
				t.Errorf("killed at %d: %d runs are left in the guest, Driver Verifier: %+v", at, len(s.guest.runs), s.guest.verifier)
			}
			if left := notes(t, out); len(left) > 0 {
				t.Errorf("killed at %d: %q", at, left)
			}
		})
	}
}

// What a run has left that was cut off and is not resumed, the next run on the machine removes, and says so; where it can't, it
// says so, too, and the one after that tries again.
func TestNextRunCleans(t *testing.T) {
	for at := 5; ; at += unlessRaced(5, 17) {
		killed, told := false, 0
		synctest.Test(t, func(t *testing.T) {
			out := filepath.Join(memoryDir(t), "runs")
			first := newSimulation(t, rackPlan(t, plainSuite), 0, out)
			first.guest.lasts = true
			first.guest.runs["old"] = &simRun{}
			files := &disktest.FS{At: at, Fault: disktest.KillBefore, NoSync: true}
			_, _ = first.live(files)
			killed = files.Killed()
			left := len(first.guest.runs) - 1
			for n, sticks := range []bool{true, false} {
				next := newSimulation(t, rackPlan(t, plainSuite), 0, filepath.Join(out, fmt.Sprint(n)))
				next.plan.Request.Out = out
				next.guest, next.lives = first.guest, 10*(n+1)
				next.guest.sticks = sticks
				done, err := next.live(&disktest.FS{NoSync: true})
				if err != nil {
					t.Fatal(err)
				}
				next.dir = done.Dir
				for _, e := range next.events() {
					if e.Notice != nil && strings.Contains(e.Notice.Text, "was cut off on this machine") {
						told++
						if sticks != strings.Contains(e.Notice.Text, "it sticks") {
							t.Errorf("killed at %d: %s", at, e.Notice.Text)
						}
					}
				}
				if sticks && killed && left > 0 && told == 0 {
					t.Errorf("killed at %d: nothing is said of %d runs that are left", at, left)
				}
			}
			if len(first.guest.runs) != 1 || first.guest.runs["old"] == nil {
				t.Errorf("killed at %d: %d runs are left in the guest", at, len(first.guest.runs))
			}
			if left := notes(t, out); len(left) > 0 {
				t.Errorf("killed at %d: %q", at, left)
			}
			first.guest.mu.Lock()
			first.guest.owner = -1
			first.guest.changed.Broadcast()
			first.guest.mu.Unlock()
		})
		if !killed {
			break
		}
	}
}

// What can't be read of what is owed is told, and does not keep the machine from being used.
func TestOwedThatIsNone(t *testing.T) {
	for name, text := range map[string]string{"cut": `{"run":`, "another type": `{"run":7}`, "empty": ``} {
		out := filepath.Join(memoryDir(t), "runs")
		simulate(t, rackPlan(t, plainSuite), 0, out, func(s *simulation) []*disktest.FS {
			s.guest.lasts = true
			session := &session{run: &run{env: Env{}}, target: s.plan.Targets[0]}
			session.run.env.Cache = out
			path := session.owedFile()
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			return nil
		}, func(s *simulation, _ map[string]results.Outcome) {
			said := 0
			for _, e := range s.events() {
				if e.Notice != nil && strings.Contains(e.Notice.Text, "is not known, and stays") {
					said++
				}
			}
			if got := finals(results.Reduce(s.events())); said != 1 || got["sim.passes"] != results.Pass || len(notes(t, out)) > 0 {
				t.Errorf("%s: said %d times, %v, %q", name, said, got, notes(t, out))
			}
		})
	}
}
