package harness

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"wskharness/disk/disktest"
	"wskharness/guest"
	"wskharness/results"
)

const plainSuite = `suite: sim
doc: Two cases
cases:
  - {id: passes, doc: d, steps: [register: {client: a}, deregister: {client: a}]}
  - {id: again, doc: d, steps: [register: {client: a}, deregister: {client: a}]}
`

// What keeps Windows from loading the driver is said before anything is deployed, with what mends it, and nothing is run; what only
// may do so is a warning, and the cases run.
func TestObstacles(t *testing.T) {
	yes, no, enforced, tested, none := true, false, uint32(1), uint32(3), uint32(0)
	for name, test := range map[string]struct {
		facts    func(*guest.Facts)
		mayLoad  bool
		says     []string // of the verdict on deploy.start
		warnings []string // a part of each, in any order
	}{
		"a target": {facts: func(f *guest.Facts) { f.Admin, f.SecureBoot, f.CodeIntegrity = &yes, &no, &tested }, mayLoad: true},
		"test signing is off": {facts: func(f *guest.Facts) { f.CodeIntegrity = &enforced }, says: []string{
			"nothing was deployed", "test-signing: off in this boot", "`wskharness vm prepare lab`, or by hand: bcdedit /set {current} testsigning on"}},
		"Secure Boot is on":                       {facts: func(f *guest.Facts) { f.SecureBoot, f.CodeIntegrity = &yes, &enforced }, says: []string{"secure-boot: Secure Boot is on", "-EnableSecureBoot Off", "test-signing: off"}},
		"no administrator":                        {facts: func(f *guest.Facts) { f.Admin, f.User = &no, `BOX\tester` }, says: []string{`administrator: BOX\tester is no administrator`, "S-1-5-32-544"}},
		"nothing is enforced, as with a debugger": {facts: func(f *guest.Facts) { f.CodeIntegrity = &none }, mayLoad: true},
		"what may be a problem": {mayLoad: true, facts: func(f *guest.Facts) {
			f.CodeIntegrity, f.HVCI, f.SmartAppControl, f.Trusted = &tested, &yes, &enforced, []string{}
			f.Policies, f.Traces.Control.Enabled = []string{"8f9cb695-5d48-48d6-a329-7202b44607e3"}, &none
		}, warnings: []string{"memory-integrity: memory integrity is enforced", "smart-app-control: on", "driver-policy: it refuses drivers: `wskharness vm prepare lab`",
			"certificate: 0123456789ABCDEF0123456789ABCDEF01234567 is not in both", "crash-dump: CrashControl\\CrashDumpEnabled is 0"}},
		"the certificate is there": {mayLoad: true, facts: func(f *guest.Facts) { f.Trusted = []string{"0123456789ABCDEF0123456789ABCDEF01234567"} }},
	} {
		t.Run(name, func(t *testing.T) {
			simulate(t, rackPlan(t, plainSuite), 0, filepath.Join(memoryDir(t), "runs"), func(s *simulation) []*disktest.FS {
				s.guest.facts = test.facts
				return nil
			}, func(s *simulation, _ map[string]results.Outcome) {
				events := s.events()
				record := results.Reduce(events)
				got := finals(record)
				want := map[string]results.Outcome{"sim.passes": results.Pass, "sim.again": results.Pass}
				code := results.ExitOK
				if !test.mayLoad {
					want, code = map[string]results.Outcome{"sim.passes": results.NotRun, "sim.again": results.NotRun}, results.ExitInfrastructure
				}
				if is := results.ExitCode(record, results.Policy{}); !maps.Equal(got, want) || is != code || !test.mayLoad && len(s.guest.runs) > 0 {
					t.Errorf("got %v, %d runs in the guest; want %v", got, len(s.guest.runs), want)
				}
				var warnings []string
				begun, starts := false, 0
				for _, e := range events {
					begun = begun || e.Phase != nil && e.Phase.Name == results.PhaseDeploy
					if e.Notice != nil && e.Notice.Level == results.Warning {
						warnings = append(warnings, e.Notice.Text)
						if begun {
							t.Errorf("%q is said when it is deployed already", e.Notice.Text)
						}
					}
					if e.Case == "deploy.start" && e.Verdict != nil {
						if starts++; e.Verdict.Outcome != results.Error {
							t.Errorf("got %s", e.Verdict.Outcome)
						}
						for _, text := range test.says {
							if !strings.Contains(e.Verdict.Reason, text) {
								t.Errorf("got %q, want %q", e.Verdict.Reason, text)
							}
						}
					}
				}
				if starts != min(1, len(test.says)) {
					t.Errorf("got %d verdicts on the start; want one, and none where it started", starts)
				}
				for _, text := range test.warnings {
					if !slices.ContainsFunc(warnings, func(got string) bool { return strings.Contains(got, text) }) {
						t.Errorf("got the warnings %q, want %q", warnings, text)
					}
				}
				if len(warnings) != len(test.warnings) {
					t.Errorf("got the warnings %q, want %d", warnings, len(test.warnings))
				}
			})
		})
	}
}

// A controller that is killed anywhere says it no more than once, and whoever resumes its run comes to the same end.
func TestObstaclesKilled(t *testing.T) {
	enforced := uint32(1)
	for at, over := 1, false; !over; at++ {
		files := &disktest.FS{At: at, Fault: disktest.KillBefore, NoSync: true}
		simulate(t, rackPlan(t, plainSuite), 0, filepath.Join(memoryDir(t), "runs"), func(s *simulation) []*disktest.FS {
			s.guest.facts = func(f *guest.Facts) { f.CodeIntegrity = &enforced }
			return []*disktest.FS{files}
		}, func(s *simulation, _ map[string]results.Outcome) {
			over = !files.Killed()
			verdicts := map[string]int{}
			for _, e := range s.events() {
				if e.Verdict != nil {
					verdicts[e.Case+" "+string(e.Verdict.Outcome)]++
				}
			}
			if want := map[string]int{"deploy.start error": 1, "sim.passes not-run": 1, "sim.again not-run": 1}; len(verdicts) > 0 && !maps.Equal(verdicts, want) {
				t.Errorf("killed at %d: got %v, want %v", at, verdicts, want)
			}
		})
	}
}
