package harness

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"wskharness/driver"
	"wskharness/harness/harnesstest"
	"wskharness/results"
	"wskharness/settings"
	"wskharness/workshop"
)

// ownProvider builds a provider as a user has one: the model's sources, with other words in one of their files.
func ownProvider(t *testing.T, w *workshop.Workshop, file, was, is string) string {
	t.Helper()
	sources := fstest.MapFS{}
	err := fs.WalkDir(driver.Sources(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(driver.Sources(), path)
		if path == file {
			if !strings.Contains(string(data), was) {
				t.Fatalf("%s has no %q", file, was)
			}
			data = []byte(strings.ReplaceAll(string(data), was, is))
		}
		sources[path] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	spec := driver.ModelSpec(nil)
	spec.Name, spec.Sources = "mine.sys", sources
	built, err := driver.Build(t.Context(), w.Toolchain, spec, w.Cache)
	if err != nil {
		t.Fatal(err)
	}
	return built.Path
}

// TestControlOfAnOwnProvider: one that can be controlled runs the cases that need that, one that does not say so does
// without, and one that says so and can't be is a mistake of the configuration, before anything starts.
func TestControlOfAnOwnProvider(t *testing.T) {
	env := testEnv(t)
	w, err := workshop.New(t.Context(), env.Host)
	if err != nil {
		t.Fatal(err)
	}
	whole := ownProvider(t, w, "model/model.h", "0x4d6b7357u", "0x656e696du")
	cases := []string{"capture.cancel_waiter", "capture.no_wait_not_ready", "capture.after_deregister",
		"negotiation.register_wide", "negotiation.register_majors", "lifecycle.worker_no_memory", "boot.timed_not_ready"}
	all := runTargets(t, env, "targets: {mine: {provider: wine, netio: "+whole+", control: true}}\n", cases...)
	if all.Counts[results.Pass] != len(cases) || len(all.Counts) != 1 {
		t.Errorf("with control: true: %v", all.Counts)
	}
	some := runTargets(t, env, "targets: {mine: {provider: wine, netio: "+whole+"}}\n", cases...)
	if some.Counts[results.Pass] != 1 || some.Counts[results.Skip] != len(cases)-1 {
		t.Errorf("without: %v", some.Counts)
	}

	const number = "const UINT32 WskTestControlVersion = WSK_TEST_CONTROL_VERSION;"
	for name, test := range map[string]struct{ file, was, is, want string }{
		"an older version": {"model/control.c", number, "const UINT32 WskTestControlVersion = 2;",
			"has version 2 of the control (WskTestControlVersion), and this wskharness knows version 3 (docs/provider.md says"},
		"no version": {"model/control.c", "MODEL_EXPORT extern const UINT32 WskTestControlVersion;\n", "extern const UINT32 WskTestControlVersion;\n",
			"does not export WskTestControlVersion (docs/provider.md says"},
		"a version that nobody wrote": {"model/control.c", "MODEL_EXPORT extern const UINT32 WskTestControlVersion;\n" + number,
			"MODEL_EXPORT UINT32 WskTestControlVersion;", "exports WskTestControlVersion, which is no number with a value in the file"},
		"no routine": {"model/model.h", "MODEL_EXPORT WSK_TEST_CONTROL WskTestControl;", "#define WskTestControl WskOther\nMODEL_EXPORT WSK_TEST_CONTROL WskTestControl;",
			"does not export WskTestControl (docs/provider.md says"},
	} {
		t.Run(name, func(t *testing.T) {
			path := ownProvider(t, w, test.file, test.was, test.is)
			config, err := harnesstest.ParseConfig([]byte("targets: {mine: {provider: wine, netio: "+path+", control: true}}\n"), "c.yaml", t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			_, err = NewPlan(Request{Config: config})
			var usage *settings.UsageError
			if !errors.As(err, &usage) || !strings.Contains(err.Error(), "target mine: control: true, but ") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want a usage error with %q", err, test.want)
			}
		})
	}
}

// runOnOddControl runs cases on a provider of one's own whose control has other words.
func runOnOddControl(t *testing.T, was, is, cases string) *results.Record {
	t.Helper()
	env := testEnv(t)
	w, err := workshop.New(t.Context(), env.Host)
	if err != nil {
		t.Fatal(err)
	}
	odd := ownProvider(t, w, "model/control.c", was, is)
	suite := filepath.Join(t.TempDir(), "odd.yaml")
	if err := os.WriteFile(suite, []byte("suite: odd\ndoc: d\ncases:\n"+cases), 0o600); err != nil {
		t.Fatal(err)
	}
	return runTargets(t, env, "targets: {mine: {provider: wine, netio: "+odd+", control: true}}\nsuites: ["+suite+"]\n", "odd")
}

// TestCountersThatNobodyFillsIn: a provider that says yes, and fills nothing in, has not said that there are none.
func TestCountersThatNobodyFillsIn(t *testing.T) {
	all := runOnOddControl(t, "*Counters = Model.Counters;\n        Counters->Mismatched += (UINT32)Model.StaleIrps;", "(void)Model.StaleIrps;",
		"  - {id: none, doc: d, steps: [provider_state: {captures: 0, mismatched: 0, sockets: 0}]}\n")
	if all.Counts[results.Fail] != 1 {
		t.Errorf("%v", all.Counts)
	}
}

// TestResetThatFails: what a case has made of a provider that does not become as before proves nothing of the next case.
func TestResetThatFails(t *testing.T) {
	all := runOnOddControl(t, "    if (Reset) {", "    if (Reset) {\n        KeReleaseSpinLock(&Model.Lock, irql);\n        return STATUS_UNSUCCESSFUL;",
		"  - {id: changes, doc: d, steps: [provider: {ready: false}]}\n"+
			"  - {id: next, doc: d, steps: [register: {client: a}, {capture: {client: a, wait: none}, expect: STATUS_DEVICE_NOT_READY}, deregister: {client: a}]}\n")
	if all.Counts[results.Fail] != 1 || all.Counts[results.Pass] != 1 {
		t.Errorf("%v", all.Counts)
	}
}
