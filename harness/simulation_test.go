package harness

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"wskharness/config"
	"wskharness/disk/disktest"
	"wskharness/driver"
	"wskharness/harness/harnesstest"
	"wskharness/results"
	"wskharness/suites"
	"wskharness/testtime"
	"wskharness/vm"
)

var (
	seeds   = flag.Uint64("seeds", uint64(unlessRaced(2000, 60)), "how many runs are simulated")
	oneSeed = flag.Uint64("seed", 0, "simulate only this run, and tell its story")
)

// unlessRaced is how much of something is done where the race detector does not watch: with it everything takes several
// times as long, and `make test` does both.
func unlessRaced(all, some int) int {
	if testtime.Race {
		return some
	}
	return all
}

const simSuite = `suite: sim
doc: Cases that do what their names say
once: {set_up: [run: {program: make}], tear_down: [run: {program: unmake}]}
cases:
  - {id: passes, doc: d, steps: [register: {client: a}, deregister: {client: a}]}
  - {id: known, doc: d, steps: [register: {client: a}, {name: odd, capture: {client: a, wait: none}}, release: {client: a}, deregister: {client: a}]}
  - {id: reboots, doc: d, steps: [sleep: 1ms, reboot: {}, sleep: 1ms]}
  - {id: passes2, doc: d, steps: [register: {client: a}, sleep: 1ms, deregister: {client: a}]}
`

const simBadSuite = simSuite + `  - {id: fails, doc: d, steps: [register: {client: a}, deregister: {client: a}]}
  - {id: crashes, doc: d, steps: [register: {client: a}, deregister: {client: a}]}
  - {id: passes3, doc: d, steps: [register: {client: a}, deregister: {client: a}]}
  - {id: hangs, doc: d, steps: [register: {client: a}, deregister: {client: a}]}
  - {id: passes4, doc: d, steps: [register: {client: a}, deregister: {client: a}]}
  - {id: loses, doc: d, steps: [unload: {}, load: {}]}
  - {id: passes5, doc: d, steps: [register: {client: a}, deregister: {client: a}]}
`

const simKnown = `known_issues:
  - {guest: wine, versions: [8.0, 10.0], case: sim.known, step: odd, actual: {status: STATUS_UNSUCCESSFUL}, reason: as simulated, source: here}
`

// simulation is a run in a simulated world: what it is to test, and what became of it.
type simulation struct {
	seed  uint64 // 0: it is not made by one
	t     *testing.T
	plan  *Plan
	guest *simGuest
	dir   string // of the run; empty until there is one
	lives int
	story []string
	rows  map[row]results.Event // what a store that subscribes has, whichever controller told it
}

// row is how a store tells events apart.
type row struct {
	run string
	seq uint64
}

// Handle stores an event, as a database does. What was told to the store of an earlier controller is told again as it was.
func (s *simulation) Handle(u results.Update) error {
	key := row{u.State.Whole().Run.ID, u.Seq}
	was, stored := s.rows[key]
	if stored && (!u.Replay || was.Kind != u.Kind || was.Case != u.Case || !was.Time.Equal(u.Time)) {
		s.fail("event %d was stored as %s of %s, and is told as %s of %s", u.Seq, was.Kind, was.Case, u.Kind, u.Case)
	}
	s.rows[key] = u.Event
	return nil
}

// stored checks that the store has exactly what is recorded.
func (s *simulation) stored(events []results.Event) {
	for _, e := range events {
		if row, ok := s.rows[row{events[0].Run.ID, e.Seq}]; !ok || row.Kind != e.Kind || row.Case != e.Case || !row.Time.Equal(e.Time) {
			s.fail("event %d, %s of %s, is stored as %s of %s", e.Seq, e.Kind, e.Case, row.Kind, row.Case)
		}
	}
	if len(s.rows) != len(events) {
		s.fail("%d events are stored, %d recorded", len(s.rows), len(events))
	}
}

var simHash = strings.Repeat("ab", 32)

// simPlan is the plan of a suite, as a user would have it.
func simPlan(t *testing.T, suite string) *Plan {
	t.Helper()
	config := harnesstest.Config(t, "suites: [sim.yaml, known.yaml]\n", map[string]string{"sim.yaml": suite, "known.yaml": simKnown})
	plan, err := NewPlan(Request{Config: config, Out: config.Out, Selection: suites.Selection{Patterns: []string{"sim"}}})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// rackPlan is the plan of a suite for a machine that is just there.
func rackPlan(t *testing.T, suite string) *Plan {
	t.Helper()
	dir := memoryDir(t)
	if err := os.WriteFile(filepath.Join(dir, "sim.yaml"), []byte(suite), 0o644); err != nil {
		t.Fatal(err)
	}
	there := "'true'" // a program that can be started
	if runtime.GOOS == "windows" {
		there = "cmd"
	}
	config, err := harnesstest.ParseConfig([]byte("targets: {lab: {provider: static, url: 'https://lab.invalid:5986/wsman', user: u, password_env: NONE, power: {reset: ["+there+"]}, boot_within: 9m}}\nsuites: [sim.yaml]\n"), config.Name, dir)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := NewPlan(Request{Config: config, Out: config.Out, Selection: suites.Selection{Patterns: []string{"sim"}}})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func newSimulation(t *testing.T, plan *Plan, seed uint64, out string) *simulation {
	p := *plan
	p.Request.Out = out
	g := newSimGuest(seed, suites.Whole(plan.Cases), simHash)
	g.rack = plan.Targets[0].Machine.Endpoint != nil
	return &simulation{t: t, seed: seed, plan: &p, guest: g, rows: map[row]results.Event{}}
}

// live is one controller's part in the run, on a disk: from its beginning, or from where the one before it was killed.
func (s *simulation) live(files *disktest.FS) (*Finished, error) {
	s.lives++
	owner := s.lives
	s.guest.mu.Lock()
	s.guest.owner = owner
	s.guest.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	files.OnKill = func() { // it can do nothing any more, here or there
		s.guest.mu.Lock()
		s.guest.owner = 0
		s.guest.changed.Broadcast()
		s.guest.mu.Unlock()
		cancel()
	}
	s.guest.stop = cancel
	env := Env{Host: vm.Host{Logger: hclog.NewNullLogger(), Cache: s.plan.Request.Out, Getenv: os.Getenv}, files: files, world: &world{
		build: func(context.Context) (*driver.Package, error) {
			return &driver.Package{Driver: "wsksample.sys", Image: &driver.Image{Signature: &driver.Signature{}}, Manifest: driver.Manifest{Driver: driver.ManifestFile{File: "wsksample.sys", SHA256: simHash},
				Certificate: driver.ManifestCertificate{Thumbprint: "0123456789ABCDEF0123456789ABCDEF01234567"}}}, nil
		},
		provider: func(*config.Target) vm.Provider { return simProvider{s.guest, owner} },
		verifier: func(vm.Machine) verifying { return simVerifying{s.guest, owner} },
		reach:    func(context.Context, vm.Machine) (port, error) { return s.guest.reach(owner) },
		plan:     func(Request) (*Plan, error) { return s.plan, nil },
	}}
	var done *Finished
	var err error
	if s.dir == "" {
		done, err = s.plan.Run(ctx, env, s)
		if runs, _ := filepath.Glob(filepath.Join(s.plan.Request.Out, "2*")); len(runs) > 0 {
			s.dir = runs[0]
		}
	} else {
		done, err = Resume(ctx, s.dir, env, s)
	}
	s.story = append(s.story, fmt.Sprintf("controller %d: %v, error %v", owner, files, err))
	return done, err
}

// events are those of the record as it stands.
func (s *simulation) events() []results.Event {
	file, err := os.Open(filepath.Join(s.dir, results.JournalName))
	if err != nil {
		return nil
	}
	defer file.Close()
	events, err := results.Read(file)
	if err != nil {
		s.fail("the record can't be read: %v", err)
	}
	return events
}

func (s *simulation) fail(format string, args ...any) {
	s.t.Helper()
	s.t.Errorf(format+"\n%s", append(args, strings.Join(s.story, "\n"))...)
	if s.seed != 0 {
		s.t.Errorf("seed %d: go test ./harness -run TestSimulatedRuns -seed %d -v", s.seed, s.seed)
	}
}

// finals are the outcomes of the planned cases.
func finals(rec *results.Record) map[string]results.Outcome {
	all := map[string]results.Outcome{}
	for _, t := range rec.Targets {
		for _, c := range t.Cases {
			if c.Planned {
				all[c.Name] = c.Final
			}
		}
	}
	return all
}

// rank orders outcomes by what is believed of them.
func rank(o results.Outcome) int {
	switch o {
	case results.Pass:
		return 0
	case results.KnownIssue:
		return 1
	}
	return 2
}

// check holds the record of a run that is over to that of one that nothing disturbed: nothing is better, each attempt was
// judged once (or that judgement was taken back), nothing is held, and what was proven before a controller was killed
// is still so.
func (s *simulation) check(undisturbed map[string]results.Outcome, exit int, proven map[string]results.Outcome) {
	if s.guest.held != 0 {
		s.fail("%d machines are held", s.guest.held)
	}
	if _, err := os.Stat(filepath.Join(s.dir, requestFile)); s.dir == "" || err != nil {
		if s.guest.reverts > 0 || len(s.guest.started) > 0 {
			s.fail("a run that is not written down has begun")
		}
		return // it can't be resumed, and says so
	}
	events := s.events()
	rec := results.Reduce(events)
	got := finals(rec)
	for name, want := range undisturbed {
		if rank(got[name]) < rank(want) {
			s.fail("%s is %s, undisturbed %s", name, got[name], want)
		}
		if was, ok := proven[name]; ok && rank(got[name]) < rank(was) || ok && was.Failed() && !got[name].Failed() {
			s.fail("%s is %s, and was %s before a controller was killed", name, got[name], proven[name])
		}
	}
	code := results.ExitCode(rec, results.Policy{})
	if code == results.ExitOK && exit != results.ExitOK {
		s.fail("exit code 0, undisturbed %d", exit)
	}
	s.judgedOnce(events)
	s.recordedOnce(events)
	s.stored(events)
	if rec.Reason != results.Done {
		s.fail("the run is not over: %q", rec.Reason)
	}
	if left, _ := filepath.Glob(filepath.Join(s.dir, "*.new")); len(left) > 0 {
		s.fail("left behind: %v", left)
	}
}

// recordedOnce checks that nothing that happened in an attempt is recorded again by whoever goes on with the run.
func (s *simulation) recordedOnce(events []results.Event) {
	type attempt struct {
		name   string
		number int
	}
	recorded := map[attempt][]results.Event{}
	for _, e := range events {
		key := attempt{e.Case, e.Attempt}
		switch e.Kind {
		case results.KindReplanned:
			delete(recorded, key)
		case results.KindCaseStarted, results.KindStep, results.KindEvidence, results.KindDriverRun:
			if slices.ContainsFunc(recorded[key], func(was results.Event) bool { return same(was, e) }) {
				s.fail("recorded again: %s of %s, attempt %d", e.Kind, e.Case, e.Attempt)
			}
			recorded[key] = append(recorded[key], e)
		}
	}
}

// judgedOnce checks that no attempt has two verdicts, but for one that takes a pass back, or that says what became of an attempt
// when the controller before had lost contact and knew nothing.
func (s *simulation) judgedOnce(events []results.Event) {
	verdicts := map[string][]results.Outcome{}
	for _, e := range events {
		key := fmt.Sprintf("%s#%d", e.Case, e.Attempt)
		switch e.Kind {
		case results.KindReplanned:
			delete(verdicts, key)
		case results.KindCaseFinished:
			verdicts[key] = append(verdicts[key], e.Verdict.Outcome)
		}
	}
	for key, all := range verdicts {
		back := len(all) == 2 && all[0].Expected() && all[1] == results.Error
		learnt := len(all) == 2 && all[0] == results.Lost && all[1].Failed()
		if len(all) > 1 && !back && !learnt {
			s.fail("%s was judged %v", key, all)
		}
	}
}

// simulate plays a run in a bubble of its own time, and returns it when it is over: on disks that kill their controllers,
// the last of which does not.
func simulate(t *testing.T, plan *Plan, seed uint64, out string, prepare func(*simulation) []*disktest.FS, after func(*simulation, map[string]results.Outcome)) {
	synctest.Test(t, func(t *testing.T) {
		s := newSimulation(t, plan, seed, out)
		disks := append(prepare(s), &disktest.FS{NoSync: true})
		proven := map[string]results.Outcome{}
		for i, files := range disks {
			done, err := s.live(files)
			last := i == len(disks)-1
			if s.dir != "" {
				for name, o := range finals(results.Reduce(s.events())) {
					if o.Expected() || o.Failed() {
						proven[name] = o
					}
				}
			}
			if !files.Killed() && err == nil && done != nil && done.Record.Reason == results.Done || last {
				break
			}
		}
		after(s, proven)
		s.guest.mu.Lock()
		s.guest.down(false) // its processes end
		for _, r := range s.guest.runs {
			r.at = nil // and none goes on when it is up
		}
		s.guest.owner = -1
		s.guest.mu.Unlock()
		s.guest.changed.Broadcast()
		time.Sleep(time.Minute) // one that is busy notices that when its step is over: nobody's time goes on when this returns
	})
}

// memoryDir is a folder of the test's own, in memory where this machine has such: runs that are played in no time at all write
// thousands of files.
func memoryDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "wskharness-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// undisturbed is what a plan comes to where nothing goes wrong.
func undisturbed(t *testing.T, plan *Plan) (outcomes map[string]results.Outcome, exit int, calls []string) {
	files := &disktest.FS{NoSync: true}
	simulate(t, plan, 0, memoryDir(t), func(*simulation) []*disktest.FS { return []*disktest.FS{files} }, func(s *simulation, _ map[string]results.Outcome) {
		rec := results.Reduce(s.events())
		outcomes, exit = finals(rec), results.ExitCode(rec, results.Policy{})
		s.check(outcomes, exit, nil)
	})
	return outcomes, exit, files.Calls()
}

// chooseFaults chooses what goes wrong in a simulated world, by its seed.
func (s *simulation) chooseFaults() (disks []*disktest.FS) {
	r := s.guest.random
	s.guest.slow = r.IntN(4) == 0
	kinds := []string{"crash", "silent reboot", "hang", "kill", "network", "network", "network", "end", "end soon"}
	if s.guest.rack {
		kinds = kinds[:len(kinds)-2] // it is just there
	}
	for range r.IntN(4) {
		at, kind := 1+r.IntN(90), kinds[r.IntN(len(kinds))]
		s.guest.faults[at] = kind
		s.story = append(s.story, fmt.Sprintf("%s when the guest does its thing %d", kind, at))
	}
	if s.guest.rack {
		return nil // who goes on with a run on such a machine is a matter of its lease
	}
	kills := []disktest.Fault{disktest.KillBefore, disktest.KillAmidst, disktest.KillAfter}
	for range r.IntN(4) {
		disks = append(disks, &disktest.FS{At: 1 + r.IntN(140), Fault: kills[r.IntN(3)], NoSync: true})
	}
	return disks
}

// TestSimulatedRuns simulates runs in which guest, network, machine and controller go wrong, all by one seed: nothing is
// ever better than without that.
func TestSimulatedRuns(t *testing.T) {
	good, bad := simPlan(t, simSuite), simPlan(t, simBadSuite)
	plans := []*Plan{good, bad, rackPlan(t, simBadSuite)}
	var want []map[string]results.Outcome
	var exits []int
	for _, p := range plans {
		outcomes, exit, _ := undisturbed(t, p)
		want, exits = append(want, outcomes), append(exits, exit)
	}
	if exits[0] != results.ExitOK || exits[1] != results.ExitFailed || want[1]["sim.crashes"] != results.Bugcheck || want[1]["sim.hangs"] != results.Hang ||
		want[1]["sim.loses"] != results.Bugcheck || want[1]["sim.passes5"] != results.Pass ||
		want[1]["sim.passes4"] != results.Pass || want[0]["sim.reboots"] != results.Pass || want[0]["sim.known"] != results.KnownIssue {
		t.Fatalf("undisturbed: %v, %v", want, exits)
	}
	play := func(t *testing.T, seed uint64) {
		which := int(seed % 3)
		out := filepath.Join(memoryDir(t), "runs")
		simulate(t, plans[which], seed, out, (*simulation).chooseFaults, func(s *simulation, proven map[string]results.Outcome) {
			s.check(want[which], exits[which], proven)
			if *oneSeed != 0 {
				t.Log(strings.Join(s.story, "\n"))
				for _, e := range s.events() {
					t.Logf("%s %s %s %d %+v %+v %+v", e.Time.Format("15:04:05.000"), e.Kind, e.Case, e.Attempt, e.Verdict, e.DriverRun, e.Phase)
				}
			}
		})
		os.RemoveAll(out)
	}
	if *oneSeed != 0 {
		play(t, *oneSeed)
		return
	}
	workers := uint64(runtime.GOMAXPROCS(0))
	for worker := range workers {
		t.Run(fmt.Sprint(worker), func(t *testing.T) {
			t.Parallel()
			for seed := worker + 1; seed <= *seeds && !t.Failed(); seed += workers {
				play(t, seed)
			}
		})
	}
}

// TestMachineThatEnds has the machine end for good at each thing that its guest does, and soon after it, as when the guest is
// booting: nobody waits for it any more, whatever was waited for.
func TestMachineThatEnds(t *testing.T) {
	plan := simPlan(t, simBadSuite)
	want, exit, _ := undisturbed(t, plan)
	for _, kind := range []string{"end", "end soon"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			for at, ended := 1, true; ended && !t.Failed(); at += unlessRaced(1, 3) {
				out := filepath.Join(memoryDir(t), "runs")
				does := func(s *simulation) []*disktest.FS {
					s.guest.faults[at] = kind
					s.story = append(s.story, fmt.Sprintf("%s when the guest does its thing %d", kind, at))
					return nil
				}
				simulate(t, plan, 0, out, does, func(s *simulation, proven map[string]results.Outcome) {
					if ended = !s.guest.endedAt.IsZero(); !ended {
						return // it has not come to that
					}
					if took := time.Since(s.guest.endedAt); took > time.Second {
						s.fail("the run was over %s after its machine was gone", took)
					}
					s.check(want, exit, proven)
				})
				os.RemoveAll(out)
			}
		})
	}
}

// TestKilledAtEveryCall kills the controller amidst every write, and after every call by which it writes (which is before
// the next one), and resumes the run.
func TestKilledAtEveryCall(t *testing.T) {
	everyCall(t, simBadSuite, disktest.KillAmidst, disktest.KillAfter)
}

// TestDiskThatFails has every call fail by which the controller writes, one at a time: no verdict is wrong, none that is
// recorded is lost, and when there is room again, the run goes on to its end.
func TestDiskThatFails(t *testing.T) {
	everyCall(t, simSuite, disktest.NoSpace, disktest.IOError, disktest.Short)
}

// everyCall plays a run as often as it has calls, with an injected fault at each. What is special to writes, only at these.
func everyCall(t *testing.T, suite string, kinds ...disktest.Fault) {
	plan := simPlan(t, suite)
	want, exit, calls := undisturbed(t, plan)
	if len(calls) < 40 {
		t.Fatalf("the run made only %d calls", len(calls))
	}
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			for i, call := range calls {
				if i%unlessRaced(1, 20) != 0 {
					continue
				}
				if t.Failed() || call != "write" && (kind == disktest.KillAmidst || kind == disktest.Short) {
					continue
				}
				out := filepath.Join(memoryDir(t), "runs")
				disks := func(*simulation) []*disktest.FS { return []*disktest.FS{{At: i + 1, Fault: kind, NoSync: true}} }
				simulate(t, plan, 0, out, disks, func(s *simulation, proven map[string]results.Outcome) {
					s.check(want, exit, proven)
					got := harnesstest.Outcomes(results.Reduce(s.events()))
					maps.DeleteFunc(got, func(name string, o results.Outcome) bool { // what the suite does once, as often as it takes
						return o == results.Pass && (name == "sim.set_up" || name == "sim.tear_down")
					})
					if len(got) > 0 && !slices.Equal(sorted(got), sorted(want)) {
						s.fail("resumed it comes to %v", got)
					}
				})
				os.RemoveAll(out)
			}
		})
	}
}

func sorted(m map[string]results.Outcome) []string {
	var all []string
	for name, o := range m {
		all = append(all, name+" "+string(o))
	}
	slices.Sort(all)
	return all
}
