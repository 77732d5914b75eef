package harness

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"wskharness/config"
	"wskharness/harness/harnesstest"
	"wskharness/results"
	"wskharness/settings"
	"wskharness/suites"
	"wskharness/testtime"
)

// seeded is a suite with a loop three times, twice of one seed, and one whose runs are counted.
func seeded() string {
	text := "suite: seeded\ndoc: Loops of which more is known\ncases:\n"
	for _, c := range []struct{ id, seed string }{{"one", "7"}, {"two", "7"}, {"other", "8"}} {
		text += "  - id: " + c.id + "\n    doc: Choices.\n    steps:\n      - loop:\n" +
			"          parallel: 4\n          repeat: 100\n          seed: " + c.seed + `
          choose:
            - weight: 3
              steps:
                - register: {client: a}
                - deregister: {client: a}
            - steps:
                - register: {client: a, context: true}
                - capture: {client: a, wait: none, captures: 1}
                - release: {client: a}
                - deregister: {client: a}
`
	}
	return text + `  - id: counted
    doc: A capture in a loop.
    steps:
      - register: {client: a}
      - loop:
          repeat: 1000
          steps:
            - capture: {client: a, wait: none}
            - release: {client: a}
      - deregister: {client: a}
`
}

// stressRun runs cases on a model with a defect, or with none, and a suite of its own beside the builtin ones. It tells
// the configuration's path, too.
func stressRun(t *testing.T, env Env, defect string, request Request) (*results.Record, string) {
	t.Helper()
	dir := t.TempDir()
	targets := "targets: {model: {provider: wine, netio: model}}\nsuites: [seeded.yaml]\n"
	if defect != "" {
		targets = strings.Replace(targets, "model}}", "model, model_defines: {WSKMODEL_DEFECT: WSKMODEL_DEFECT_"+defect+"}}}", 1)
	}
	for name, text := range map[string]string{config.Name: targets, "seeded.yaml": seeded()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if request.Config, err = harnesstest.LoadConfig("", dir); err != nil {
		t.Fatal(err)
	}
	request.Out = request.Config.Out
	plan, err := NewPlan(request)
	if err != nil {
		t.Fatal(err)
	}
	ctx := testtime.Context(t)
	done, err := plan.Run(ctx, env)
	if err != nil {
		t.Fatal(err)
	}
	return done.Record, ShellQuote(settings.DisplayPath(request.Config.Path))
}

func caseNamed(t *testing.T, record *results.Record, name string) results.Attempt {
	t.Helper()
	for _, c := range record.Targets[0].Cases {
		if c.Name == name && len(c.Attempts) > 0 {
			return c.Attempts[0]
		}
	}
	t.Fatalf("no attempt of %s: %v", name, record.Counts)
	return results.Attempt{}
}

// TestStress runs the suite on the model, and loops whose seeds are given.
func TestStress(t *testing.T) {
	record, config := stressRun(t, testEnv(t), "", Request{Seed: 7, StressFor: 200 * time.Millisecond, Selection: suites.Selection{Patterns: []string{"stress", "seeded"}}})
	if record.Counts[results.Pass] != 10 || record.Counts[results.Skip] != 1 || record.Counts.Total() != 11 {
		t.Errorf("%v", record.Counts)
	}
	for _, c := range record.Targets[0].Cases {
		if c.Final != results.Pass {
			if c.Name != "stress.low_resources" || !strings.Contains(c.Why(), "needs Driver Verifier") {
				t.Errorf("%s: %s, %s", c.Name, c.Final, c.Why())
			}
			continue
		}
		a := caseNamed(t, record, c.Name)
		if c.Suite() == "stress" && (a.Verdict.Effort == nil || a.Verdict.Effort.Seed != 7 ||
			a.Verdict.Rerun != "wskharness run "+c.Name+" --target model --seed 7 --stress-for 200ms --config "+config) {
			t.Errorf("%s: %v, rerun %s", c.Name, a.Verdict.Effort, a.Verdict.Rerun)
		}
		var runs uint64
		for _, s := range a.Steps {
			l := s.Loop
			if l == nil {
				continue
			}
			runs += l.Runs
			if l.Runs == 0 || l.P50 > l.P95 || l.P95 > l.P99 || l.P99 > l.Max || l.Max <= 0 {
				t.Errorf("%s, %s: %v", c.Name, s.Text, l)
			}
		}
		if runs == 0 || runs != a.Verdict.Effort.Runs {
			t.Errorf("%s: %d runs, in all %v", c.Name, runs, a.Verdict.Effort)
		}
	}
	counts := func(name string) (all []uint64) {
		for _, s := range caseNamed(t, record, name).Steps {
			all = append(all, s.Loop.Runs)
		}
		return all
	}
	one, two, other := counts("seeded.one"), counts("seeded.two"), counts("seeded.other")
	if diff := cmp.Diff(one, two); diff != "" || slices.Equal(one, other) {
		t.Errorf("by the same seed %v and %v, by another %v", one, two, other)
	}
	if one[0]+one[2] != 400 || one[0] != one[1] || one[2] != one[5] {
		t.Errorf("%v are not four times 100 passes", one)
	}
	if s := caseNamed(t, record, "seeded.counted").Steps[1]; s.Loop.Runs != 1000 {
		t.Errorf("captures: %v", s.Loop)
	}
}

// TestStressNotices breaks the model: a loop ends at the first run that is not as expected, and says where.
func TestStressNotices(t *testing.T) {
	env := testEnv(t)
	record, _ := stressRun(t, env, "RARE_REFUSAL", Request{Seed: 7, Selection: suites.Selection{Patterns: []string{"seeded.counted", "stress.capture_release"}}})
	counted := caseNamed(t, record, "seeded.counted")
	want := &results.Deviation{Step: 1, Text: "capture a, no wait", Expected: "STATUS_SUCCESS", Actual: "STATUS_DEVICE_NOT_READY (0xC00000A3)",
		In: &results.Place{Iteration: 499}}
	got := counted.Verdict.Deviation
	if got != nil {
		want.Place, want.Elapsed = got.Place, got.Elapsed
	}
	if diff := cmp.Diff(want, got); diff != "" || counted.Verdict.Outcome != results.Fail {
		t.Errorf("%s: %s", counted.Verdict.Outcome, diff)
	}
	if capture, release := counted.Steps[1].Loop, counted.Steps[2].Loop; capture.Runs != 500 || release.Runs != 499 {
		t.Errorf("%d captures and %d releases, not 500 and 499", capture.Runs, release.Runs)
	}
	many := caseNamed(t, record, "stress.capture_release").Verdict
	if many.Outcome != results.Fail || many.Deviation.In == nil || many.Deviation.In.Seed != 7 ||
		many.Deviation.Actual != "STATUS_DEVICE_NOT_READY (0xC00000A3)" || !strings.Contains(many.Rerun, " --seed 7") {
		t.Errorf("%s: %+v, rerun %s", many.Outcome, many.Deviation, many.Rerun)
	}

	record, _ = stressRun(t, env, "NO_WAIT", Request{Seed: 7, Selection: suites.Selection{Patterns: []string{"stress.capture_vs_deregister"}}})
	race := caseNamed(t, record, "stress.capture_vs_deregister").Verdict
	if race.Outcome != results.Fail || race.Deviation.In == nil || !strings.HasPrefix(race.Deviation.Text, "deregister a, captures 0") {
		t.Errorf("%s: %+v", race.Outcome, race.Deviation)
	}
}

// ended is a handler that ends a run as soon as a case has begun.
type ended struct{ end context.CancelFunc }

func (e ended) Handle(event results.Update) error {
	if event.Kind == results.KindCaseStarted {
		e.end()
	}
	return nil
}

// TestStressIsEnded: a loop that would go on for long ends when the run is interrupted, and leaves nothing behind.
func TestStressIsEnded(t *testing.T) {
	env := testEnv(t)
	config, err := harnesstest.LoadConfig("", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	plan, err := NewPlan(Request{Config: config, Out: config.Out, StressFor: 10 * time.Minute,
		Selection: suites.Selection{Patterns: []string{"stress.register_churn"}}})
	if err != nil {
		t.Fatal(err)
	}
	limit := testtime.Context(t)
	ctx, end := context.WithCancel(limit)
	done, err := plan.Run(ctx, env, ended{end})
	if err != nil || limit.Err() != nil {
		t.Fatal(err, limit.Err())
	}
	if v := caseNamed(t, done.Record, "stress.register_churn").Verdict; v.Outcome != results.Cancelled {
		t.Errorf("%s: %s", v.Outcome, v.Reason)
	}
}
