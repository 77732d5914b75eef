package results

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

const (
	wineGuest    = "wine 8.0, Wine's own netio.sys"
	windowsGuest = "Windows 11 Pro 24H2 (26100.2314)"
)

// script makes the events of a run, with a clock that moves only when told to.
type script struct {
	now    time.Time
	events []Event
	ran    []string // targets on which a run of the driver is under way
	over   int      // runs of the driver that are over
}

func newScript(run Run) *script {
	s := &script{now: time.Date(2026, 11, 23, 18, 45, 30, 0, time.UTC)}
	run.Format = Format
	if run.ID == "" {
		run.ID = "20261123-184530-x7f2"
	}
	return s.add(0, Event{Kind: KindRunStarted, Run: &run})
}

func (s *script) add(after time.Duration, e Event) *script {
	s.now = s.now.Add(after)
	e.Time, e.Seq = s.now, uint64(len(s.events)+1)
	s.events = append(s.events, e)
	return s
}

func (s *script) phase(target, name string, took time.Duration) *script {
	s.add(0, Event{Kind: KindTargetPhase, Target: target, Phase: &Phase{Name: name, State: PhaseStarted}})
	return s.add(took, Event{Kind: KindTargetPhase, Target: target, Phase: &Phase{Name: name, State: PhaseDone, Elapsed: took}})
}

func (s *script) failPhase(target, name, why string) *script {
	return s.add(0, Event{Kind: KindTargetPhase, Target: target, Phase: &Phase{Name: name, State: PhaseFailed, Elapsed: time.Second, Error: why}})
}

func (s *script) begin(target, name string, attempt int) *script {
	return s.add(0, Event{Kind: KindCaseStarted, Target: target, Case: name, Attempt: attempt})
}

// finish judges an attempt. What is as expected rests on the run of the driver that is under way.
func (s *script) finish(target, name string, attempt int, v Verdict) *script {
	if v.Outcome.Expected() {
		v.DriverRun = s.over + 1
		if !slices.Contains(s.ran, target) {
			s.ran = append(s.ran, target)
		}
	}
	return s.add(v.Elapsed, Event{Kind: KindCaseFinished, Target: target, Case: name, Attempt: attempt, Verdict: &v})
}

// attempt is a whole attempt without steps.
func (s *script) attempt(target, name string, attempt int, o Outcome) *script {
	v := Verdict{Outcome: o, Elapsed: 2 * time.Millisecond, Guest: wineGuest}
	if o != Pass {
		v.Reason = "because of " + string(o)
	}
	return s.begin(target, name, attempt).finish(target, name, attempt, v)
}

// unload ends the runs of the driver that are under way, as they should end.
func (s *script) unload() *script {
	for _, target := range s.ran {
		s.add(0, Event{Kind: KindDriverRun, Target: target, DriverRun: &DriverRun{N: s.over + 1, State: DriverEnded, Clean: true}})
	}
	s.ran, s.over = nil, s.over+1
	return s
}

func (s *script) done(reason Reason) *script {
	s.unload()
	return s.add(0, Event{Kind: KindRunFinished, Finish: &Finish{Reason: reason}})
}

func plan(repeat int, names ...string) []PlanTarget {
	p := PlanTarget{Name: "wine", Guest: "wine", Repeat: repeat}
	for _, name := range names {
		p.Cases = append(p.Cases, PlanCase{Name: name})
	}
	return []PlanTarget{p}
}

// happyRun is what the first command on a fresh machine looks like.
func happyRun() []Event {
	p := []PlanTarget{{Name: "wine", Guest: "wine", Cases: []PlanCase{
		{Name: "registration.basic", Doc: "Register, then deregister: both return at once", Source: "nf-wsk-wskregister", Basis: Documented},
		{Name: "registration.client_event", Doc: "A client event callback is never called", Source: "nf-wsk-wskregister", Basis: Documented},
		{Name: "registration.reuse_block", Doc: "One block serves a thousand registrations", Source: "nf-wsk-wskregister", Basis: Documented},
		{Name: "registration.bad_version_accepted", Doc: "What WskRegister says to version 99.0", Source: "nf-wsk-wskregister", Basis: Recorded},
		{Name: "capture.no_wait", Doc: "Capture without wait", Source: "nf-wsk-wskcaptureprovidernpi", Basis: Documented},
		{Name: "capture.same_client", Doc: "Whether two captures give the same client", Basis: Recorded},
		{Name: "capture.deregister_waits_one", Doc: "WskDeregister returns only after every captured NPI is released", Source: "nf-wsk-wskderegister", Basis: Documented, Tags: []string{"blocking"}},
		{Name: "capture.deregister_waits_n", Doc: "WskDeregister waits for the third of three releases", Source: "nf-wsk-wskderegister", Basis: Documented, Tags: []string{"blocking"}},
		{Name: "capture.nointerface", Doc: "A version that is not supported is refused at capture", Source: "nf-wsk-wskcaptureprovidernpi", Basis: Documented},
		{Name: "capture.timed_not_ready", Doc: "A timed capture gives up", Basis: Documented},
	}}}
	s := newScript(Run{Version: "0.1.0", Command: "wskharness run registration capture", Selection: "registration capture", Host: "buildbox", Seed: 7, Plan: p})
	s.phase("", PhaseBuild, 310*time.Millisecond)
	s.add(0, Event{Kind: KindPackage, Package: &Package{File: "wsksample.sys", Size: 42208, Signer: "wskharness test", Toolchain: "x86_64-w64-mingw32-gcc 12",
		SHA256: "4f0c1a2b9d3e7788990011223344556677889900aabbccddeeff001122334455"}})
	arrive(s, "wine", wineGuest)
	s.passing("registration.basic", 1900*time.Microsecond)
	s.passing("registration.client_event", 2100*time.Microsecond)
	s.looping("registration.reuse_block", 14*time.Millisecond)
	s.recording("registration.bad_version_accepted", "register", "STATUS_SUCCESS")
	s.passing("capture.no_wait", 1200*time.Microsecond)
	s.recording("capture.same_client", "same", "1")
	s.known("capture.deregister_waits_one", "Wine's WskDeregister returns at once, whatever is still captured")
	s.known("capture.deregister_waits_n", "Wine's WskDeregister returns at once, whatever is still captured")
	s.known("capture.nointerface", "Wine's WskCaptureProviderNPI does not look at the version")
	s.finish("wine", "capture.timed_not_ready", 1, Verdict{Outcome: Skip, Guest: wineGuest,
		Reason: "requires readiness: this guest's provider is always ready"})
	s.add(time.Millisecond, Event{Kind: KindTargetPhase, Target: "wine", Phase: &Phase{Name: PhaseCases, State: PhaseDone, Elapsed: 1620 * time.Millisecond}})
	s.phase("wine", PhaseStop, 14*time.Millisecond).phase("wine", PhaseRelease, 31*time.Millisecond)
	return s.done(Done).events
}

// badRun has one of everything that can go wrong, on two targets.
func badRun() []Event {
	cases := []PlanCase{
		{Name: "registration.basic", Source: "nf-wsk-wskregister", Basis: Documented},
		{Name: "capture.no_wait", Doc: "Capture without wait: the provider is ready", Source: "nf-wsk-wskcaptureprovidernpi", Basis: Documented},
		{Name: "capture.infinite", Source: "nf-wsk-wskcaptureprovidernpi", Basis: Documented},
		{Name: "capture.nointerface", Source: "nf-wsk-wskcaptureprovidernpi", Basis: Documented},
		{Name: "lifecycle.fault", Doc: "The driver faults in an IOCTL"},
		{Name: "lifecycle.unload_clean"},
		{Name: "stress.capture_release", Basis: Documented},
	}
	s := newScript(Run{Version: "0.1.0", Command: "wskharness run --target wine,lab-7 '*'", Selection: "*", Host: "buildbox", Seed: 7, Shuffled: true,
		Plan: []PlanTarget{{Name: "wine", Guest: "wine", Cases: cases}, {Name: "lab-7", Cases: cases[:2]}}})
	s.phase("", PhaseBuild, 310*time.Millisecond)
	arrive(s, "wine", wineGuest)
	s.add(0, Event{Kind: KindTargetPhase, Target: "lab-7", Phase: &Phase{Name: PhaseConnect, State: PhaseStarted}})
	s.passing("registration.basic", 1900*time.Microsecond)
	s.failing("capture.no_wait", Verdict{Outcome: Fail, Elapsed: 12 * time.Millisecond, Deviation: &Deviation{
		Step: 1, Text: "capture: {client: a, wait: none}", Place: "capture.yaml:14",
		Expected: "STATUS_SUCCESS", Actual: "STATUS_DEVICE_NOT_READY (0xC00000A3)", Elapsed: 11 * time.Millisecond, In: &Place{Thread: 3, Iteration: 4711, Seed: 7}}})
	s.add(30*time.Second, Event{Kind: KindTargetPhase, Target: "lab-7", Phase: &Phase{Name: PhaseConnect, State: PhaseFailed, Elapsed: 30 * time.Second,
		Error: "connect to lab-7 (https://192.168.7.20:5986): no answer within 30s; is the machine on, and does its firewall let WinRM through? Try: wskharness doctor --target lab-7"}})
	s.failing("capture.infinite", Verdict{Outcome: Hang, Elapsed: 10 * time.Second, Reason: "a step did not come back within its own limit", Deviation: &Deviation{
		Step: 1, Text: "capture: {client: a, wait: infinite}", Place: "capture.yaml:31", Expected: "to return within 10s", Actual: "still waiting", Elapsed: 10 * time.Second}})
	s.phase("wine", PhaseRevert, 24*time.Millisecond)
	s.failing("capture.nointerface", Verdict{Outcome: UnexpectedPass, Elapsed: 3 * time.Millisecond,
		Reason: "declared as a known issue (Wine's capture does not look at the version), but it passed: remove the declaration"})
	s.begin("wine", "lifecycle.fault", 1)
	s.add(0, Event{Kind: KindEvidence, Target: "wine", Case: "lifecycle.fault", Attempt: 1, Evidence: &Evidence{Kind: "fault",
		Text: "Unhandled page fault on write access to 0000000000000010 at address 0000000140002A1C", Module: "wsksample.sys", Offset: 0x2a1c}})
	s.add(0, Event{Kind: KindEvidence, Target: "wine", Case: "lifecycle.fault", Attempt: 1, Evidence: &Evidence{Kind: "log", File: "targets/wine/guest.log", Size: 48213, SHA256: strings.Repeat("ab", 32)}})
	s.finish("wine", "lifecycle.fault", 1, Verdict{Outcome: Bugcheck, Elapsed: 410 * time.Millisecond, Guest: wineGuest,
		Reason: "the driver faulted: the guest went down during step 2", Rerun: "wskharness run lifecycle/fault --target wine"})
	s.phase("wine", PhaseRevert, 26*time.Millisecond)
	s.begin("wine", "lifecycle.unload_clean", 1)
	s.add(0, Event{Kind: KindReplanned, Target: "wine", Case: "lifecycle.unload_clean", Attempt: 1, Notice: &Notice{Text: "the controller was restarted"}})
	s.begin("wine", "lifecycle.unload_clean", 2)
	s.finish("wine", "lifecycle.unload_clean", 2, Verdict{Outcome: Lost, Elapsed: 5 * time.Second, Guest: wineGuest,
		Reason: "tail journal on wine: connection refused; the guest did not come back within 5s", Rerun: "wskharness run lifecycle/unload_clean --target wine"})
	return s.done(Done).events
}

func arrive(s *script, name, guest string) {
	s.phase(name, PhaseAcquire, 12*time.Millisecond).phase(name, PhaseBoot, 210*time.Millisecond)
	s.phase(name, PhaseConnect, 41*time.Millisecond)
	s.add(0, Event{Kind: KindTargetFacts, Target: name, Facts: map[string]string{FactGuest: guest, "bootId": "6d0f"}})
	s.phase(name, PhaseDeploy, 72*time.Millisecond).phase(name, PhaseStart, 48*time.Millisecond)
	s.add(0, Event{Kind: KindTargetPhase, Target: name, Phase: &Phase{Name: PhaseCases, State: PhaseStarted}})
}

func (s *script) step(name string, index int, text, status string, code uint32, ok bool) {
	s.add(0, Event{Kind: KindStep, Target: "wine", Case: name, Attempt: 1, Step: &Step{
		Index: index, Text: text, Status: status, Code: code, Elapsed: 1800 * time.Nanosecond, OK: ok}})
}

func (s *script) passing(name string, took time.Duration) {
	s.begin("wine", name, 1)
	s.step(name, 0, "register: {client: a, version: 1.0}", "STATUS_SUCCESS", 0, true)
	s.step(name, 1, "deregister: {client: a}", "STATUS_SUCCESS", 0, true)
	s.finish("wine", name, 1, Verdict{Outcome: Pass, Elapsed: took, Guest: wineGuest})
}

// looping is a pass of a case whose steps ran many times.
func (s *script) looping(name string, took time.Duration) {
	s.begin("wine", name, 1)
	for i, text := range []string{"register: {client: a, version: 1.0}", "deregister: {client: a}"} {
		s.add(0, Event{Kind: KindStep, Target: "wine", Case: name, Attempt: 1, Step: &Step{
			Index: i, Text: text, Status: "STATUS_SUCCESS", Elapsed: 1800 * time.Nanosecond, OK: true,
			Loop: &Loop{Runs: 16000, Threads: 16, Seed: 7, P50: 319, P95: 1471, P99: 23 * time.Microsecond, Max: 3 * time.Millisecond}}})
	}
	s.finish("wine", name, 1, Verdict{Outcome: Pass, Elapsed: took, Guest: wineGuest, Effort: &Effort{Runs: 32000, Threads: 16, Seed: 7}})
}

func (s *script) recording(name, what, value string) {
	s.begin("wine", name, 1)
	s.finish("wine", name, 1, Verdict{Outcome: Pass, Elapsed: 900 * time.Microsecond, Guest: wineGuest,
		Records: []Observation{{Step: 0, Name: what, Value: value}}})
}

func (s *script) known(name, reason string) {
	s.begin("wine", name, 1)
	s.finish("wine", name, 1, Verdict{Outcome: KnownIssue, Elapsed: 504 * time.Millisecond, Guest: wineGuest,
		Known:     &Known{Reason: reason, Source: "run on Wine 8.0"},
		Deviation: &Deviation{Step: 3, Text: "blocked: {thread: t1, for: 500ms}", Expected: "to block", Actual: "returned STATUS_SUCCESS"},
		Rerun:     rerun(name)})
}

func (s *script) failing(name string, v Verdict) {
	v.Guest, v.Rerun = wineGuest, rerun(name)
	s.begin("wine", name, 1)
	s.step(name, 0, "register: {client: a, version: 1.0}", "STATUS_SUCCESS", 0, true)
	if d := v.Deviation; d != nil {
		s.step(name, d.Step, d.Text, d.Actual, 0xC00000A3, false)
	}
	s.finish("wine", name, 1, v)
}

func rerun(name string) string {
	return fmt.Sprintf("wskharness run %s --target wine", strings.Replace(name, ".", "/", 1))
}

// golden compares what a user sees with the file that holds it.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; go test ./results -update makes it", err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got); go test ./results -update accepts it:\n%s", path, diff)
	}
}
