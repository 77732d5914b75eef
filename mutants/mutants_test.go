//go:build linux

package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/hashicorp/go-hclog"

	"wskharness/driver"
	"wskharness/driver/drivertest"
	"wskharness/harness"
	"wskharness/results"
	"wskharness/suites"
	"wskharness/testtime"
	"wskharness/vm"
	"wskharness/vm/kinds"
	"wskharness/vm/wine"
)

// TestMain makes the test binary the process that serves a guest, too.
func TestMain(m *testing.M) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	played, err := vm.Play(ctx, kinds.All(), os.Args[1:], hclog.NewNullLogger())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if played {
		return
	}
	os.Exit(m.Run())
}

// testEnv is an environment with guests of the test's own; what is kept by content is the user's.
func testEnv(t *testing.T) harness.Env {
	t.Helper()
	if _, err := wine.Find(t.Context()); err != nil {
		t.Skip(err)
	}
	env, err := environment()
	if err != nil {
		t.Fatal(err)
	}
	shared := env.Cache
	env.Cache = t.TempDir()
	if err := drivertest.Share(shared, env.Cache, "wine/templates"); err != nil {
		t.Fatal(err)
	}
	return env
}

func declared(t *testing.T) []defect {
	t.Helper()
	all, err := readDefects(driver.Sources())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestDeclarations holds the defects to the catalogue: each names cases that there are, none waits for a case that is
// there, each is used somewhere in its part, and there are as many as were promised.
func TestDeclarations(t *testing.T) {
	catalog, err := suites.Load(suites.Builtin()...)
	if err != nil {
		t.Fatal(err)
	}
	known := []string{"deploy.start", "deploy.stop"}
	for _, c := range catalog.All() {
		known = append(known, c.Name())
	}
	count := map[part]int{}
	for _, d := range declared(t) {
		if len(d.by) > 0 {
			count[d.part]++
		}
		for _, c := range d.by {
			if !slices.Contains(known, c.pattern) {
				t.Errorf("%s is caught by %s, and there is no such case", d, c.pattern)
			}
		}
		for _, c := range d.may {
			if !slices.ContainsFunc(known, func(name string) bool { return c.matches(name, results.Fail) }) {
				t.Errorf("%s makes %s %s, and there is no such case", d, c.pattern, c.outcome)
			}
		}
		if slices.Contains(known, d.awaits) {
			t.Errorf("%s awaits %s, which is there now: say Caught by", d, d.awaits)
		}
		if !usedIn(t, d) {
			t.Errorf("%s changes nothing: nothing in the C of its image names it", d)
		}
	}
	if count[model] < 25 || count[sample] < 15 {
		t.Errorf("%d defects of the model and %d of the sample are in the table", count[model], count[sample])
	}
}

// usedIn reports whether a defect is made anywhere in its image: in the model, nowhere but in its seams, so that its other
// files are the rules alone.
func usedIn(t *testing.T, d defect) bool {
	t.Helper()
	spec := driver.SampleSpec(nil)
	if d.part == model {
		spec = driver.ModelSpec(nil)
	}
	made := regexp.MustCompile(`\b(DEFECT|MISTAKE|OMISSION)\(` + d.name + `\b`)
	used := false
	for _, dir := range spec.Dirs {
		files, err := fs.Glob(spec.Sources, dir+"/*.[ch]")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := fs.ReadFile(spec.Sources, file)
			if err != nil {
				t.Fatal(err)
			}
			if !made.Match(text) {
				continue
			}
			if d.part == model && !strings.HasSuffix(file, "seams.h") {
				t.Errorf("driver/%s makes %s: that belongs into the seam of its rule", file, d)
			}
			used = true
		}
	}
	return used
}

// TestDeclarationsAreChecked has declarations that say too little, or what can't be.
func TestDeclarationsAreChecked(t *testing.T) {
	good := "/* It is broken. Caught by a.b (hang), c.d; e.* may hang. */\n#define WSKMODEL_DEFECT_A 1\n"
	all, err := readDefects(headers(good))
	if err != nil {
		t.Fatal(err)
	}
	d := all[0]
	for _, want := range []struct {
		name            string
		outcome         results.Outcome
		catches, allows bool
	}{
		{"a.b", results.Hang, true, false}, {"a.b", results.Fail, true, true}, {"a.b", results.Bugcheck, false, false},
		{"c.d", results.Hang, false, false}, {"e.f", results.Hang, false, true}, {"e.f", results.Fail, false, true},
		{"e.f", results.Bugcheck, false, false}, {"x.y", results.Hang, false, false},
	} {
		if got := d.catches(want.name, want.outcome); got != want.catches {
			t.Errorf("%s called %s: catches %v", want.name, want.outcome, got)
		}
		if got := d.allows(want.name, want.outcome); got != want.allows {
			t.Errorf("%s called %s: allowed %v", want.name, want.outcome, got)
		}
	}
	for _, bad := range []string{
		"#define WSKMODEL_DEFECT_A 1\n",
		"/* It is broken. */\n#define WSKMODEL_DEFECT_A 1\n",
		"/* It is broken. Caught by everything. */\n#define WSKMODEL_DEFECT_A 1\n",
		"/* It is broken. Caught by a.*. */\n#define WSKMODEL_DEFECT_A 1\n",
		"/* It is broken. Caught by a.b (lost). */\n#define WSKMODEL_DEFECT_A 1\n",
		"/* It is broken. Caught by a.b; all may hang. */\n#define WSKMODEL_DEFECT_A 1\n",
		good + "/* Another. Caught by a.b. */\n#define WSKMODEL_DEFECT_B 1\n",
	} {
		if all, err := readDefects(headers(bad)); err == nil {
			t.Errorf("%q gives %v", bad, all)
		}
	}
}

func headers(text string) fstest.MapFS {
	return fstest.MapFS{"model/defects.h": {Data: []byte(text)}, "kernel/defects.h": {}}
}

// TestJudge breaks what makes a defect a caught one.
func TestJudge(t *testing.T) {
	d := defect{part: model, name: "A", by: []catcher{{"s.rule", results.Fail}, {"deploy.stop", results.Hang}},
		may: []catcher{{"s.*", results.Hang}}}
	named := func(name string, outcome results.Outcome) results.CaseRecord {
		return results.CaseRecord{PlanCase: results.PlanCase{Name: name}, Planned: true, Final: outcome}
	}
	for _, test := range []struct {
		name   string
		record results.TargetRecord
		ok     bool
	}{
		{"the case that has to", results.TargetRecord{Cases: []results.CaseRecord{named("s.rule", results.Fail), named("s.b", results.Pass)}}, true},
		{"nobody", results.TargetRecord{Cases: []results.CaseRecord{named("s.rule", results.Pass)}}, false},
		{"another case", results.TargetRecord{Cases: []results.CaseRecord{named("s.rule", results.Pass), named("s.b", results.Fail)}}, false},
		{"a hang that is allowed", results.TargetRecord{Cases: []results.CaseRecord{named("s.rule", results.Fail), named("s.b", results.Hang)}}, true},
		{"a crash that is not", results.TargetRecord{Cases: []results.CaseRecord{named("s.rule", results.Fail), named("s.b", results.Bugcheck)}}, false},
		{"a crash of the case itself", results.TargetRecord{Cases: []results.CaseRecord{named("s.rule", results.Bugcheck)}}, false},
		{"an error beside it", results.TargetRecord{Cases: []results.CaseRecord{named("s.rule", results.Fail), named("s.b", results.Error)}}, false},
		{"a lost guest beside it", results.TargetRecord{Cases: []results.CaseRecord{named("s.rule", results.Fail), named("s.b", results.Lost)}}, false},
		{"trouble with the guest", results.TargetRecord{Trouble: "no", Cases: []results.CaseRecord{named("s.rule", results.Fail)}}, false},
		{"an unload that hangs", results.TargetRecord{Cases: []results.CaseRecord{named("deploy.stop", results.Hang), named("s.b", results.Error)}}, true},
		{"an unload that hangs, and a lost guest", results.TargetRecord{Cases: []results.CaseRecord{named("deploy.stop", results.Hang), named("s.b", results.Lost)}}, false},
	} {
		f := finding{defect: d}
		f.judge(&results.Record{Targets: []results.TargetRecord{test.record}})
		if f.ok() != test.ok {
			t.Errorf("%s: ok %v, wrong %v", test.name, f.ok(), f.wrong)
		}
	}
}

// TestAFewMutants tries some defects, on the suites that they belong to; `make mutants` tries all, on all. The last
// one is no defect at all: that must not count as caught.
func TestAFewMutants(t *testing.T) {
	t.Parallel()
	env := testEnv(t)
	all := declared(t)
	for _, test := range []struct {
		defect   string
		patterns []string
	}{
		{"model.NO_WAIT", []string{"capture.deregister_*", "registration"}},
		{"model.CHANGE_NOT_CANCELLED", []string{"lifecycle.transport_change_cancel", "lifecycle.deregister_waits_socket"}},
		{"sample.KEEPS_REGISTRATION", []string{"lifecycle.worker_gives_up", "lifecycle.worker_capture"}},
		{"", []string{"capture.deregister_*"}},
	} {
		t.Run(strings.ToLower(test.defect), func(t *testing.T) {
			t.Parallel()
			l, err := newLab(env, t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			l.cases, l.apart = test.patterns, nil
			d := defect{part: model, name: "NONE", by: []catcher{{"capture.deregister_waits_one", results.Fail}}}
			if test.defect != "" {
				chosen, err := choose(all, []string{test.defect})
				if err != nil {
					t.Fatal(err)
				}
				d = chosen[0]
			}
			ctx := testtime.Context(t)
			f := l.try(ctx, d)
			if f.ok() == (test.defect == "") || len(f.wrong) > 0 {
				t.Errorf("caught %v, wrong %v", f.caught, f.wrong)
			}
		})
	}
}
