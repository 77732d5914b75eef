package harness

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"wskharness/config"
	"wskharness/crashdump/dumptest"
	"wskharness/guest"
	"wskharness/guest/transfer"
	"wskharness/harness/harnesstest"
	"wskharness/remote"
	"wskharness/remote/winrmd"
	"wskharness/results"
	"wskharness/strictyaml"
	"wskharness/suites"
	"wskharness/targets"
	"wskharness/testtime"
	"wskharness/vm"
	"wskharness/vm/wine"
	"wskharness/workshop"
)

// slowSuite has a case that is under way until somebody ends it: for longer than anything that the tests wait for.
const slowSuite = `suite: slow
doc: More than its limit allows
cases:
  - {id: one, doc: One., steps: [register: {client: a}, deregister: {client: a}]}
  - {id: two, doc: Two., steps: [register: {client: a}, deregister: {client: a}]}
  - {id: three, doc: It does not end., steps: [loop: {for: 20m, steps: [sleep: 1ms]}]}
  - {id: four, doc: Four., steps: [register: {client: a}, deregister: {client: a}]}
`

const otherSuite = `suite: zz
doc: Comes after it
cases:
  - {id: well, doc: Nothing is wrong., steps: [register: {client: a}, deregister: {client: a}]}
`

// executeRun makes one run of cases with an environment, and demands that the controller had no trouble.
func executeRun(t *testing.T, env Env, config *config.Config, handler results.Subscriber, patterns ...string) *Finished {
	t.Helper()
	plan, err := NewPlan(Request{Config: config, Out: config.Out, Selection: suites.Selection{Patterns: patterns}})
	if err != nil {
		t.Fatal(err)
	}
	ctx := testtime.Context(t)
	var handlers []results.Subscriber
	if handler != nil {
		handlers = append(handlers, handler)
	}
	done, err := plan.Run(ctx, env, handlers...)
	if err != nil {
		t.Fatalf("%v\n%s", err, summary(done))
	}
	return done
}

// ample is how many times what something was measured to need counts as enough for it, with a while more in which the
// machine may stand still.
const (
	ample = 5
	still = 15 * time.Second
)

// measured is how long this machine needs for a target, and the longest of its suites: in a run without the case that
// does not end.
func measured(t *testing.T, env Env, files map[string]string) (target, suite time.Duration) {
	t.Helper()
	config := harnesstest.Config(t, "suites: [slow.yaml, other.yaml]\n", files)
	done := executeRun(t, env, config, nil, "slow.one", "slow.two", "slow.four", "zz")
	for _, p := range done.Record.Targets[0].Phases {
		target += p.Elapsed
		if p.Name == results.PhaseCases {
			suite = p.Elapsed
		}
	}
	if suite == 0 || done.Record.Counts[results.Pass] != 4 {
		t.Fatal(summary(done))
	}
	return target, suite
}

// TestSuiteAndTargetLimits lets the time of a suite, and that of a target, be up in the middle of a case: it and what
// is left of the suite, or of everything, is not run, with the limit as its reason. Nothing else is touched. The limits
// are a multiple of what this machine needs for all but the case that does not end.
func TestSuiteAndTargetLimits(t *testing.T) {
	env := testEnv(t)
	files := map[string]string{"slow.yaml": slowSuite, "other.yaml": otherSuite}
	whole, cases := measured(t, env, files)
	suite, target := (still + ample*cases).Round(time.Millisecond), (still + ample*whole).Round(time.Millisecond)
	for name, test := range map[string]struct {
		limits config.Limits
		want   map[string]results.Outcome
		why    string
	}{
		"suite": {
			limits: config.Limits{Suite: suite},
			want: map[string]results.Outcome{"slow.one": results.Pass, "slow.two": results.Pass, "slow.three": results.NotRun,
				"slow.four": results.NotRun, "zz.well": results.Pass},
			why: fmt.Sprintf("the suite slow on wine exceeded its limit of %s (`limits: suite` in the configuration raises it)", strictyaml.ShortDuration(suite)),
		},
		"target": {
			limits: config.Limits{Target: target},
			want: map[string]results.Outcome{"slow.one": results.Pass, "slow.two": results.Pass, "slow.three": results.NotRun,
				"slow.four": results.NotRun, "zz.well": results.NotRun},
			why: fmt.Sprintf("the target wine exceeded its limit of %s (`limits: target` in the configuration raises it)", strictyaml.ShortDuration(target)),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := harnesstest.Config(t, "suites: [slow.yaml, other.yaml]\n", files)
			config.Limits = test.limits
			done := executeRun(t, env, config, nil, "slow", "zz")
			if diff := cmp.Diff(test.want, harnesstest.Outcomes(done.Record)); diff != "" {
				t.Errorf("%s\n%s", diff, summary(done))
			}
			if why := harnesstest.ReasonOf(done.Record, "slow.three"); !strings.Contains(why, test.why) {
				t.Errorf("%s, and not %q", why, test.why)
			}
		})
	}
}

// TestLimitsAreCheckedBeforehand selects cases that may take longer than any may: all are told, with their places,
// and nothing is started.
func TestLimitsAreCheckedBeforehand(t *testing.T) {
	config := harnesstest.Config(t, "suites: [slow.yaml]\nlimits: {case: 2s}\n", map[string]string{"slow.yaml": slowSuite})
	_, err := NewPlan(Request{Config: config, Out: config.Out, Selection: suites.Selection{Patterns: []string{"slow"}}})
	if err == nil || strings.Count(err.Error(), "may take 10s, but no case may take longer than 2s") != 3 ||
		!strings.Contains(err.Error(), "may take 20m") ||
		!strings.Contains(err.Error(), "slow.yaml:4: ") || !strings.Contains(err.Error(), "slow.yaml:7: ") {
		t.Errorf("%v", err)
	}
}

// freezer stops every process of the guest when a case is under way: the machine is up, and nobody answers.
type freezer struct {
	t       *testing.T
	machine *wine.Machine
	frozen  []int
}

func (f *freezer) Handle(e results.Update) error {
	if e.Kind != results.KindCaseStarted || e.Case != "slow.three" {
		return nil
	}
	f.frozen = guestProcesses(f.machine.State())
	for _, pid := range f.frozen {
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			f.t.Errorf("stop process %d: %v", pid, err)
		}
	}
	return nil
}

// guestProcesses are the processes of a guest, except the one that serves it.
func guestProcesses(s wine.State) []int {
	var pids []int
	paths, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(data), "WINEPREFIX="+s.Dir) {
			continue
		}
		var pid int
		if _, err := fmt.Sscanf(path, "/proc/%d/environ", &pid); err == nil && pid != s.PID && pid != os.Getpid() {
			pids = append(pids, pid)
		}
	}
	return pids
}

// injectable is a guest that tells of a crash when an NMI is injected, as Windows does that is set up for it.
type injectable struct {
	*wine.Machine
	injected int
	events   chan vm.Event
}

func (m *injectable) Events() <-chan vm.Event { return m.events }

// InjectNMI leaves a dump, as Windows does that is set up for it, and boots again.
func (m *injectable) InjectNMI(ctx context.Context) error {
	m.injected++
	dumps := filepath.Join(m.State().Dir, "prefix", "drive_c", "windows", "Minidump")
	if err := os.MkdirAll(dumps, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dumps, "112526-01.dmp"), crash(), 0o600); err != nil {
		return err
	}
	if err := m.Reset(ctx); err != nil {
		return err
	}
	m.events <- vm.Event{Kind: vm.Panicked, Code: 0x80, Text: "NMI"}
	return nil
}

// TestGuestThatStopsAnswering freezes a guest in mid-case: the case is called a hang, with what could be learnt as its
// evidence, a dump is forced and fetched, and the cases that are left run on the guest after it was reverted.
func TestGuestThatStopsAnswering(t *testing.T) {
	env := testEnv(t)
	env.responseTimeout = func(test string) time.Duration {
		if test == "slow.three" {
			return time.Second // it is frozen when the clock begins to run
		}
		return 0
	}
	f := &freezer{t: t}
	var m *injectable
	env.Instruments.Wrap = func(machine vm.Machine) vm.Machine {
		f.machine = machine.(*wine.Machine)
		m = &injectable{Machine: f.machine, events: make(chan vm.Event, 1)}
		return m
	}
	config := harnesstest.Config(t, "suites: [slow.yaml]\n", map[string]string{"slow.yaml": slowSuite})
	done := executeRun(t, env, config, f, "slow.three", "slow.four")
	want := map[string]results.Outcome{"slow.three": results.Hang, "slow.four": results.Pass}
	if diff := cmp.Diff(want, harnesstest.Outcomes(done.Record)); diff != "" {
		t.Errorf("%s\n%s", diff, summary(done))
	}
	if len(f.frozen) == 0 {
		t.Error("no process was frozen")
	}
	if m.injected != 1 {
		t.Errorf("%d NMIs were injected", m.injected)
	}
	evidence := done.Record.Targets[0].Cases[0].Attempts[0].Evidence
	if len(evidence) != 3 || evidence[0].Kind != "hang" || !strings.Contains(evidence[0].Text, "the agent does not answer") ||
		evidence[1].Kind != "forced-dump" || !strings.Contains(evidence[1].Text, "bugcheck 0x00000080") ||
		evidence[2].Kind != "dump" || evidence[2].File == "" || evidence[2].Signature != "0xD1 wsksample.sys+0x1a2c" {
		t.Errorf("%+v\n%s", evidence, summary(done))
	}
}

const taintSuite = `suite: taint
doc: A crash, and a case behind it
cases:
  - {id: faults, doc: Crashes the machine., misuse: true, steps: [fault: {kind: write, address: 0x10}]}
  - {id: well, doc: Nothing is wrong., steps: [register: {client: a}, deregister: {client: a}]}
`

// TestStaticMachineIsRebooted crashes a machine that can't be reverted: it is turned off and on by its command, or
// ordered to reboot, and the cases that are left run in another boot; where neither works they are not run.
func TestStaticMachineIsRebooted(t *testing.T) {
	env := testEnv(t)
	up := harnesstest.BringUp(t, env.Host)
	client, err := targets.Dial(t.Context(), &config.Config{}, env.Host, up.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	obeys := func(ctx context.Context, line string, s *remote.Shell) error {
		if !strings.Contains(line, "shutdown /r") {
			return nil
		}
		return up.Reset(ctx)
	}
	refuses := func(ctx context.Context, line string, s *remote.Shell) error {
		if !strings.Contains(line, "shutdown /r") {
			return nil
		}
		return &winrmd.Error{Win32: 5, Message: "Access is denied."}
	}
	for _, test := range []struct {
		name, keys string
		before     func(context.Context, string, *remote.Shell) error
		after      results.Outcome
		why        string
	}{
		{name: "by its command", keys: fmt.Sprintf(", power: {reset: [%q, %s, %q, %s]}, boot_within: 9m", env.Program[0], harnesstest.ResetCommand, env.Cache, up.ID),
			before: refuses, after: results.Pass},
		{name: "by its guest", before: obeys, after: results.Pass},
		{name: "by a command that fails", keys: ", power: {reset: ['false']}", before: obeys, after: results.NotRun, why: "power reset by the target's program: false: exit status 1"},
		{name: "not at all", before: refuses, after: results.NotRun, why: "give its target a reset command"},
	} {
		t.Run(test.name, func(t *testing.T) {
			config := serveStatic(t, &tamperer{client: client, before: test.before}, test.keys, map[string]string{"taint.yaml": taintSuite})
			done := executeRun(t, env, config, nil, "taint.faults", "taint.well")
			got := harnesstest.Outcomes(done.Record)
			if got["taint.well"] != test.after || got["taint.faults"] == results.Pass {
				t.Errorf("%v\n%s", got, summary(done))
			}
			if why := harnesstest.ReasonOf(done.Record, "taint.well"); !strings.Contains(why, test.why) {
				t.Errorf("%s, and not %q", why, test.why)
			}
		})
	}
}

// dumper leaves what a crash leaves on Windows, while the case that crashes is under way.
type dumper struct {
	t      *testing.T
	env    Env
	client *remote.WinRM
	up     *wine.State
}

// crash is the dump of a page fault in the driver.
func crash() []byte {
	const base = 0xfffff80112340000
	return dumptest.Spec{Type: dumptest.Mini, Code: 0xD1, Parameters: [4]uint64{0x10, 2, 1, base + 0x1a2c},
		Modules: []dumptest.Module{{Name: "ntoskrnl.exe", Base: 0xfffff80100000000, Size: 0x1000000}, {Name: "wsksample.sys", Base: base, Size: 0x9000}}}.Bytes()
}

func (d *dumper) Handle(e results.Update) error {
	if e.Kind != results.KindCaseStarted || e.Case != "slow.three" {
		return nil
	}
	ctx := testtime.Context(d.t)
	err := workshop.WithAgent(ctx, d.env.Host, d.client, func(ctx context.Context, g *guest.Guest) error {
		_, err := g.Push(ctx, []transfer.File{transfer.Contents(`C:\crash dumps\small\112526-02.dmp`, crash())}, nil)
		return err
	})
	if err != nil {
		d.t.Error(err)
	}
	return d.up.Reset(ctx)
}

// TestRebootWithADump lets a machine that nobody watches reboot in mid-case, and leave a dump, where its registry says that
// dumps are left, beside an old one: the new one is fetched, and it is a bugcheck, not an unexpected reboot.
func TestRebootWithADump(t *testing.T) {
	env := testEnv(t)
	up := harnesstest.BringUp(t, env.Host)
	client, err := targets.Dial(t.Context(), &config.Config{}, env.Host, up.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, line := range []remote.CommandLine{
		{Line: `echo PAGEDU64 of an old one>%SystemRoot%\MEMORY.DMP`},
		{Line: `C:\windows\system32\reg.exe`, SkipShell: true, Args: []string{"add", `HKLM\SYSTEM\CurrentControlSet\Control\CrashControl`,
			"/v", "MinidumpDir", "/t", "REG_EXPAND_SZ", "/d", `%SystemDrive%\crash dumps\small`, "/f"}},
	} {
		code, err := remote.Exec(t.Context(), client, line, remote.ShellOptions{}, nil, io.Discard, io.Discard)
		if err != nil || code != 0 {
			t.Fatal(line, code, err)
		}
	}
	text := fmt.Sprintf("targets:\n  lab: {provider: static, url: '%s', user: '%s', password_file: '%s', auth: basic, certificate_sha256: '%s', power: {reset: ['%s', %s, '%s', %s]}}\nsuites: [slow.yaml]\n",
		up.Endpoint, up.User, up.PasswordFile, up.CertificateSHA, env.Program[0], harnesstest.ResetCommand, env.Cache, up.ID)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "slow.yaml"), []byte(slowSuite), 0o644); err != nil {
		t.Fatal(err)
	}
	config, err := harnesstest.ParseConfig([]byte(text), config.Name, dir)
	if err != nil {
		t.Fatal(err)
	}
	done := executeRun(t, env, config, &dumper{t, env, client, up}, "slow.one", "slow.three", "slow.four")
	want := map[string]results.Outcome{"slow.one": results.Pass, "slow.three": results.Bugcheck, "slow.four": results.Pass}
	if diff := cmp.Diff(want, harnesstest.Outcomes(done.Record)); diff != "" {
		t.Errorf("%s\n%s", diff, summary(done))
	}
	evidence := done.Record.Targets[0].Cases[1].Attempts[0].Evidence
	if len(evidence) != 1 || evidence[0].Kind != "dump" || !strings.Contains(evidence[0].Text, "DRIVER_IRQL_NOT_LESS_OR_EQUAL") ||
		evidence[0].Signature != "0xD1 wsksample.sys+0x1a2c" || evidence[0].Module != "wsksample.sys" || evidence[0].Offset != 0x1a2c {
		t.Fatalf("%+v\n%s", evidence, summary(done))
	}
	data, err := os.ReadFile(filepath.Join(done.Dir, filepath.FromSlash(evidence[0].File)))
	if err != nil || !bytes.Equal(data, crash()) || int64(len(data)) != evidence[0].Size {
		t.Errorf("%q, %v", data, err)
	}
}
