package harness

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"wskharness/driver"
	"wskharness/harness/harnesstest"
	"wskharness/results"
	"wskharness/workshop"
)

const quirkSuite = `suite: quirk
doc: Beside a driver with a habit
cases:
  - {id: one, doc: Nothing is asked of it., steps: [sleep: 1ms]}
  - {id: two, doc: Nothing is asked of it., steps: [sleep: 1ms]}
`

// TestDriversWithHabits tests drivers that do not start, or do not go: each is called by its name, in a verdict on the
// driver, and nothing that ran on it passes.
func TestDriversWithHabits(t *testing.T) {
	env := testEnv(t)
	w, err := workshop.New(t.Context(), env.Host)
	if err != nil {
		t.Fatal(err)
	}
	quirk, err := driver.Build(t.Context(), w.Toolchain, driver.Spec{Name: "quirk.sys", Kind: driver.KernelDriver,
		Sources: os.DirFS(filepath.Join("..", "guest", "testdata")), Dirs: []string{"quirk"}, Libs: []string{"ntoskrnl"}}, w.Cache)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		quirk   int // driver/testdata/quirk/quirk.c
		more    string
		want    string
		why     string
		exit    int
		reverts bool
	}{
		"no habit":                    {0, "", "pass, pass", "", results.ExitOK, false},
		"no DriverUnload":             {1, "", "deploy.stop fail, error, error", "it has no DriverUnload: give it one, or say `unload: never`", results.ExitFailed, false},
		"no DriverUnload, as is said": {1, ", unload: never", "pass, pass", "", results.ExitOK, true},
		"DriverEntry hangs":           {2, "", "deploy.start hang, not-run, not-run", "DriverEntry did not return in time", results.ExitFailed, false},
		"DriverEntry fails":           {3, "", "deploy.start fail, not-run, not-run", "0xC0DE0BAD", results.ExitFailed, false},
		"DriverUnload hangs":          {4, "", "deploy.stop hang, error, error", "did not unload in time", results.ExitFailed, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := harnesstest.Config(t, fmt.Sprintf("suites: [quirk.yaml]\ndriver: {sys: %s, parameters: {Quirk: %d}%s}\n", quirk.Path, test.quirk, test.more),
				map[string]string{"quirk.yaml": quirkSuite})
			done := executeRun(t, env, config, nil, "quirk")
			var got []string
			var said strings.Builder
			for _, c := range done.Record.Targets[0].Cases {
				word := string(c.Final)
				if !c.Planned {
					word = c.Name + " " + word
				}
				got = append(got, word)
				for _, a := range c.Attempts {
					fmt.Fprintln(&said, a.Verdict.Reason, a.Verdict.Deviation)
				}
			}
			if strings.Join(got, ", ") != test.want || !strings.Contains(said.String(), test.why) {
				t.Errorf("%v\nwant %s, and %q\n%s", got, test.want, test.why, said.String())
			}
			if code := results.ExitCode(done.Record, results.Policy{}); code != test.exit {
				t.Errorf("exit code %d", code)
			}
			reverted := slices.ContainsFunc(done.Record.Targets[0].Phases, func(p results.PhaseRecord) bool { return p.Name == results.PhaseRevert })
			if reverted != test.reverts {
				t.Errorf("reverted: %t", reverted)
			}
		})
	}
}
