//go:build linux

package selftest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"wskharness/config"
	"wskharness/guest"
	"wskharness/guest/transfer"
	"wskharness/harness"
	"wskharness/harness/harnesstest"
	"wskharness/results"
	"wskharness/suites"
	"wskharness/targets"
	"wskharness/testtime"
	"wskharness/vm/wine"
	"wskharness/workshop"
)

func TestMain(m *testing.M) { harnesstest.Main(m, nil) }

func testEnv(t *testing.T) harness.Env {
	t.Helper()
	return harness.Env{Host: harnesstest.Host(t)}
}

// asWanted is the record that a harness makes which calls everything what it is.
func asWanted(m *mode) *results.Record {
	rec := &results.Record{Targets: []results.TargetRecord{{Name: "wine"}}}
	for _, name := range slices.Sorted(maps.Keys(m.want)) {
		want := m.want[name]
		v := results.Verdict{Outcome: want.outcome, Reason: strings.Join(want.words, ", ")}
		rec.Targets[0].Cases = append(rec.Targets[0].Cases, results.CaseRecord{
			PlanCase: results.PlanCase{Name: name}, Final: want.outcome, Attempts: []results.Attempt{{Number: 1, Verdict: v}},
		})
	}
	return rec
}

// called is what the selftest makes of a record, on a machine that was never too slow.
func called(m *mode, rec *results.Record) (f Finding) {
	m.classify(&f, rec)
	f.settle(nil)
	return f
}

// TestSelftestNoticesABrokenClassifier breaks what the harness says in each mode: the outcome of each case, each
// word of evidence, and the case itself. The selftest has to notice every one.
func TestSelftestNoticesABrokenClassifier(t *testing.T) {
	for _, m := range allModes() {
		t.Run(m.name, func(t *testing.T) {
			if f := called(&m, asWanted(&m)); !f.OK {
				t.Fatalf("what is right is called wrong: %v", f.Wrong)
			}
			for i := range asWanted(&m).Targets[0].Cases {
				for _, outcome := range results.Outcomes() {
					rec := asWanted(&m)
					c := &rec.Targets[0].Cases[i]
					if c.Final == outcome {
						continue
					}
					c.Final = outcome
					if called(&m, rec).OK {
						t.Errorf("%s may be called %s", c.Name, outcome)
					}
				}
				rec := asWanted(&m)
				c := &rec.Targets[0].Cases[i]
				for _, word := range m.want[c.Name].words {
					c.Attempts[0].Verdict.Reason = strings.ReplaceAll(strings.Join(m.want[c.Name].words, ", "), word, "…")
					if called(&m, rec).OK {
						t.Errorf("%s may do without %q", c.Name, word)
					}
				}
				rec.Targets[0].Cases = slices.Delete(rec.Targets[0].Cases, i, i+1)
				if called(&m, rec).OK {
					t.Error("a case may be missing")
				}
			}
			for _, words := range m.notices {
				d := shown(&m)
				if d.noticed[words] = false; len(d.missing()) != 1 {
					t.Errorf("it may do without a notice that says %q", words)
				}
			}
			if d := shown(&m); m.phase != nil {
				if d.acted = false; len(d.missing()) != 1 {
					t.Errorf("nothing need be disturbed %s", m.phase.doc)
				}
			}
			if missing := shown(&m).missing(); len(missing) > 0 {
				t.Errorf("of what is there is missed: %v", missing)
			}
		})
	}
}

// shown is a disturber that has seen all that there has to be.
func shown(m *mode) *disturber {
	d := newDisturber(m, harness.Env{}, true)
	d.acted = m.phase != nil
	for _, words := range m.notices {
		d.note(results.Event{Kind: results.KindNotice, Notice: &results.Notice{Text: "… " + words + " …"}})
	}
	return d
}

// TestEveryPhaseIsDisturbed holds the modes to the table: each disturbance in each phase, but for what another mode shows, or
// no guest can.
func TestEveryPhaseIsDisturbed(t *testing.T) {
	known := map[string]*mode{}
	for _, m := range allModes() {
		if known[m.name] != nil {
			t.Errorf("there are two modes %s", m.name)
		}
		known[m.name] = &m
	}
	elsewhere := map[string]string{"hang": "ioctl-hang", "winrm-away-at-tidy-up": "winrm-away-at-tear-down"}
	for _, d := range []string{"agent-killed", "host-killed", "reboot", "winrm-away", "hang"} {
		for _, p := range []string{"", "-at-start", "-between-cases", "-at-tear-down", "-at-tidy-up", "-at-unload", "-at-bring-back", "-at-case-end"} {
			name := d + p
			if other := elsewhere[name]; other != "" {
				if name = other; known[d+p] != nil {
					t.Errorf("there is a mode %s; take it from the exceptions", d+p)
				}
			}
			m := known[name]
			if m == nil {
				t.Errorf("there is no mode %s", name)
				continue
			}
			green := !slices.ContainsFunc(slices.Collect(maps.Values(m.want)), func(v verdict) bool { return v.outcome != results.Pass })
			if green != (d == "winrm-away") {
				t.Errorf("%s: all passes: %t", name, green)
			}
		}
	}
}

func TestPickModes(t *testing.T) {
	for _, test := range []struct {
		names []string
		want  string // names, or a piece of the error
	}{
		{[]string{"reboot", "bugcheck"}, "reboot bugcheck"},
		{[]string{"bug*", "page-fault", "bugcheck"}, "bugcheck page-fault"},
		{[]string{"agent-killed-b*s", "*-killed-between-cases"}, "agent-killed-between-cases host-killed-between-cases"},
		{[]string{"winrm-awy"}, `did you mean "winrm-away"`},
		{[]string{"nothing*"}, `no mode "nothing*"`},
		{[]string{"[a"}, "is no pattern"},
	} {
		modes, err := pickModes(test.names)
		var got []string
		for _, m := range modes {
			got = append(got, m.name)
		}
		if err != nil {
			got = []string{err.Error()}
		}
		if !strings.Contains(strings.Join(got, " "), test.want) || err == nil && strings.Join(got, " ") != test.want {
			t.Errorf("%v: %v; want %s", test.names, got, test.want)
		}
	}
	if all, err := pickModes(nil); err != nil || len(all) != len(allModes()) {
		t.Errorf("without a name: %d modes, %v", len(all), err)
	}
}

// TestSelftestNoticesABrokenHarness breaks the harness itself, for modes that a Wine guest can show, of the phases one each:
// what it calls a pass becomes lost, and everything else a pass. The selftest has to call each wrong.
func TestSelftestNoticesABrokenHarness(t *testing.T) {
	env := testEnv(t)
	env.Instruments.Judge = func(v results.Verdict) results.Verdict {
		if v.Outcome == results.Pass {
			v.Outcome = results.Lost
		} else {
			v.Outcome, v.Deviation = results.Pass, nil
		}
		return v
	}
	config := harnesstest.Config(t, "", nil)
	ctx := testtime.Context(t)
	modes := []string{"agent-killed-at-unload", "host-killed-between-cases", "reboot-at-tear-down", "hang-at-tidy-up", "winrm-away-at-start",
		"agent-killed-at-bring-back", "hang-at-case-end"}
	for _, m := range allModes() {
		if m.phase == nil || m.phase.name == "" {
			modes = append(modes, m.name)
		}
	}
	least := 18
	if testtime.Race {
		modes, least = []string{"failing-step", "page-fault"}, 2 // by the classifier all are shown above
	}
	shown := 0
	err := (&Request{Config: config, Modes: modes, Out: t.TempDir()}).Run(ctx, env, func(f Finding) {
		switch {
		case f.Skipped != "":
			return
		case f.OK || len(f.Wrong) == 0 || f.Slow != "":
			t.Errorf("%s is called right, or nothing: %s", f.Mode, f.Slow)
		case !strings.Contains(strings.Join(f.Wrong, " "), "is called"):
			t.Errorf("%s: %v", f.Mode, f.Wrong)
		}
		shown++
	})
	if err != nil {
		t.Fatal(err)
	}
	if shown < least {
		t.Errorf("%d modes were shown", shown)
	}
}

// TestSelftestOnAMachineThatIsTooSlow gives modes no time: there is nothing to compare, and that is what is said, not that
// the harness is wrong.
func TestSelftestOnAMachineThatIsTooSlow(t *testing.T) {
	env := testEnv(t)
	told := 0
	r := &Request{Config: harnesstest.Config(t, "", nil), Modes: []string{"failing-step", "reboot"}, Out: t.TempDir(), limit: time.Nanosecond}
	err := r.Run(testtime.Context(t), env, func(f Finding) {
		if f.OK || f.Skipped != "" || !strings.Contains(f.Slow, "the target wine exceeded its limit of 1ns") {
			t.Errorf("%+v", f)
		}
		told++
	})
	if err != nil || told != 2 {
		t.Errorf("%d modes, %v", told, err)
	}
}

// TestSelftestInterrupted interrupts modes that are under way, and one that waits for its turn: nothing is said of them.
func TestSelftestInterrupted(t *testing.T) {
	env := testEnv(t)
	ctx, interrupt := context.WithTimeout(testtime.Context(t), 500*time.Millisecond)
	defer interrupt()
	modes := []string{"failing-step", "reboot", "ioctl-hang", "agent-killed"}
	r := &Request{Config: harnesstest.Config(t, "", nil), Modes: modes, Out: t.TempDir()}
	err := r.Run(ctx, env, func(f Finding) {
		if !f.OK && f.Skipped == "" {
			t.Errorf("%+v", f)
		}
	})
	if err == nil {
		t.Error("it is not said to be interrupted")
	}
}

// TestLateDisturbance has the case that is disturbed go on before it is: nobody can tell then.
func TestLateDisturbance(t *testing.T) {
	modes, err := pickModes([]string{"reboot", "ioctl-hang"})
	if err != nil {
		t.Fatal(err)
	}
	cut, hang := newDisturber(&modes[0], harness.Env{}, true), newDisturber(&modes[1], harness.Env{}, true)
	cut.loads = 1
	cut.began = true
	for i := range holdSteps {
		cut.note(results.Event{Kind: results.KindStep, Case: "selftest.waits", Step: &results.Step{Index: i}})
	}
	if len(cut.slow) > 0 {
		t.Errorf("while it waits: %v", cut.slow)
	}
	cut.note(results.Event{Kind: results.KindStep, Case: "selftest.waits", Step: &results.Step{Index: holdSteps}})
	if len(cut.slow) != 1 {
		t.Errorf("when it goes on: %v", cut.slow)
	}
	hang.timeUp("selftest.hangs", "a step did not come back")
	if len(hang.slow) > 0 {
		t.Errorf("a case that is meant to hang hangs: %v", hang.slow)
	}
	if hang.timeUp("selftest.well", "a step did not come back"); len(hang.slow) != 1 {
		t.Errorf("another case hangs: %v", hang.slow)
	}
}

// bringAgent puts the agent into the guest's folder, as a guest of Wine has it from the start.
func bringAgent(t *testing.T, env harness.Env, up *wine.State) {
	t.Helper()
	w, err := workshop.New(t.Context(), env.Host)
	if err != nil {
		t.Fatal(err)
	}
	tools, err := w.Tools(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	image, err := os.ReadFile(tools.Agent.Path)
	if err != nil {
		t.Fatal(err)
	}
	there := strings.ReplaceAll(strings.TrimPrefix(guest.AgentPath(tools.Agent.SHA256), `C:\`), `\`, "/")
	path := filepath.Join(up.Dir, "prefix", "drive_c", there)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, image, 0o700)); err != nil {
		t.Fatal(err)
	}
}

// smallDisk gives a guest that is up a small volume for the harness's folder. It reports whether that worked.
func smallDisk(t *testing.T, env harness.Env, up *wine.State) bool {
	t.Helper()
	home := filepath.Join(up.Dir, "prefix", "drive_c", "wskharness")
	if err := os.MkdirAll(home, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", home, "tmpfs", 0, "size=12m"); err != nil {
		t.Log("no small disk can be made: ", err)
		return false
	}
	bringAgent(t, env, up)
	// What is mounted outside shows in a guest that boots, and not in one that is up.
	if out, err := exec.CommandContext(testtime.Context(t), env.Program[0], harnesstest.ResetCommand, env.Cache, up.ID).CombinedOutput(); err != nil {
		t.Fatalf("reset the guest: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(home, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return true
}

// TestSelftestOnAStaticMachine misbehaves on a machine that nobody watches: what it can show is called what it is, and
// the rest is skipped with the reason. Its disk is small, so that it can be filled.
func TestSelftestOnAStaticMachine(t *testing.T) {
	env := testEnv(t)
	up := harnesstest.BringUp(t, env.Host)
	small := smallDisk(t, env, up)
	text := fmt.Sprintf("targets:\n  lab: {provider: static, url: '%s', user: '%s', password_file: '%s', auth: basic, certificate_sha256: '%s', power: {reset: ['%s', %s, '%s', %s]}}\n",
		up.Endpoint, up.User, up.PasswordFile, up.CertificateSHA, env.Program[0], harnesstest.ResetCommand, env.Cache, up.ID)
	config, err := harnesstest.ParseConfig([]byte(text), config.Name, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ctx := testtime.Context(t)
	modes := []string{"reboot", "page-fault", "agent-killed", "disk-full"}
	if !testtime.Race {
		modes = append(modes, "failing-step", "winrm-away", "wrong-clock", "hang-at-unload", "host-killed-at-unload", "reboot-at-start", "agent-killed-between-cases")
	}
	err = (&Request{Config: config, Target: "lab", Modes: modes, Out: t.TempDir()}).Run(ctx, env, func(f Finding) {
		skipped := f.Mode == "page-fault" || f.Mode == "winrm-away" || f.Mode == "wrong-clock" || f.Mode == "host-killed-at-unload" || f.Mode == "disk-full" && !small
		t.Logf("%s: %s", f.Mode, f.Elapsed.Round(time.Millisecond))
		if skipped != (f.Skipped != "") || !skipped && !f.OK {
			t.Errorf("%+v", f)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if small {
		t.Run("no room", func(t *testing.T) { noRoom(ctx, t, env, config, up) })
	}
}

// noRoom pushes and deploys to a volume that is full: both say so, with numbers, and what to do.
func noRoom(ctx context.Context, t *testing.T, env harness.Env, config *config.Config, up *wine.State) {
	config.Out = t.TempDir()
	client, err := targets.Dial(ctx, config, env.Host, up.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	err = workshop.WithAgent(ctx, env.Host, client, func(ctx context.Context, g *guest.Guest) error {
		large := transfer.File{Path: guest.Home + `\large`, Data: bytes.NewReader(make([]byte, 32<<20)), Size: 32 << 20}
		_, err := g.Push(ctx, []transfer.File{large}, nil)
		full, ok := errors.AsType[*transfer.Error](err)
		if !ok || !full.NoRoom() || !regexp.MustCompile(`the volume is full: it has \d{1,7} bytes free, and at least \d{7,8} more are needed; make room`).MatchString(full.Text) {
			t.Errorf("a push of too much: %v", err)
		}
		h, err := g.FillDisk(ctx, 32<<20, disturbLimit)
		if err != nil {
			return err
		}
		done, err := planOf(t, config, "selftest.well").Run(ctx, env)
		if err != nil {
			t.Errorf("%v\n%s", err, summary(done))
			return h.Release(ctx)
		}
		reason := harnesstest.ReasonOf(done.Record, "selftest.well")
		if harnesstest.Outcomes(done.Record)["selftest.well"] != results.NotRun || !strings.Contains(reason, "deploy to lab") || !strings.Contains(reason, "the volume is full") {
			t.Errorf("a deployment to a full disk: %s\n%s", reason, summary(done))
		}
		if err := h.Release(ctx); err != nil {
			return err
		}
		_, err = g.Push(ctx, []transfer.File{{Path: large.Path, Data: bytes.NewReader(make([]byte, 1<<20)), Size: 1 << 20}}, nil)
		return err // there is room again
	})
	if err != nil {
		t.Error(err)
	}
}

// planOf is a run of cases of the suite selftest.
func planOf(t *testing.T, c *config.Config, patterns ...string) *harness.Plan {
	t.Helper()
	c.Suites = []string{filepath.Join(t.TempDir(), "selftest.yaml")}
	if err := os.WriteFile(c.Suites[0], suite, 0o644); err != nil {
		t.Fatal(err)
	}
	plan, err := harness.NewPlan(harness.Request{Config: c, Out: c.Out, Selection: suites.Selection{Patterns: patterns}})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// summary is what a run says of itself, for whoever has to find out what went wrong.
func summary(done *harness.Finished) string {
	if done == nil {
		return "no run"
	}
	return harnesstest.Summary(done.Dir)
}

// disturbed makes one run of cases of the suite selftest, and disturbs it. Whoever watches hears of everything first.
func disturbed(ctx context.Context, t *testing.T, env harness.Env, m *mode, watchers []results.Subscriber, patterns ...string) *harness.Finished {
	t.Helper()
	plan := planOf(t, harnesstest.Config(t, "", nil), patterns...)
	d := newDisturber(m, env, true)
	env.Instruments.Wrap = d.watch
	done, err := plan.Run(ctx, env, append(watchers, d)...)
	if d.done.Wait(); err != nil || d.err != nil || !d.acted {
		t.Fatalf("disturbed: %t, %v, %v\n%s", d.acted, err, d.err, summary(done))
	}
	return done
}

// TestInterruptBetweenCases interrupts a run whose agent waits between two cases: it does not go on waiting, the driver is
// unloaded, and what has passed counts.
func TestInterruptBetweenCases(t *testing.T) {
	env := testEnv(t)
	modes, err := pickModes([]string{"hang-between-cases"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, interrupt := context.WithCancel(testtime.Context(t))
	defer interrupt()
	modes[0].disturb = func(context.Context, stage) (string, error) {
		interrupt()
		return "", nil
	}
	done := disturbed(ctx, t, env, &modes[0], nil, "selftest.well", "selftest.after")
	got := harnesstest.Outcomes(done.Record)
	if got["selftest.well"] != results.Pass || got["selftest.after"] != results.Cancelled && got["selftest.after"] != results.NotRun || len(got) != 2 {
		t.Errorf("%v\n%s", got, summary(done))
	}
}

// stepCounter counts the steps that are back.
type stepCounter struct{ atomic.Int32 }

func (c *stepCounter) Handle(e results.Update) error {
	if e.Kind == results.KindStep {
		c.Add(1)
	}
	return nil
}

// TestCaseWaitsForWhoeverDisturbsIt: in the step behind the one that says so, and goes on when it is let go.
func TestCaseWaitsForWhoeverDisturbsIt(t *testing.T) {
	env := testEnv(t)
	modes, err := pickModes([]string{"winrm-away", "winrm-away-at-tear-down"})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range modes {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			var back stepCounter
			m.disturb = func(context.Context, stage) (string, error) {
				said := back.Load()
				time.Sleep(5 * time.Second) // much less than the step waits, and enough for one that doesn't
				if more := back.Load() - said; more > 0 {
					t.Errorf("it went on: %d more steps are back", more)
				}
				return "", nil
			}
			done := disturbed(testtime.Context(t), t, env, &m, []results.Subscriber{&back}, m.phase.blamed)
			if got := harnesstest.Outcomes(done.Record); got[m.phase.blamed] != results.Pass {
				t.Errorf("%v\n%s", got, summary(done))
			}
		})
	}
}
