// Package resultstest makes journals of runs that never were, for the tests of what reads them.
package resultstest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"wskharness/results"
)

// WineGuest is what verdicts of scripts are on.
func WineGuest() results.Guest {
	return results.Guest{Kind: "wine", Label: "wine 8.0, Wine's own netio.sys"}
}

// expected is a Wine guest that nobody has asked yet.
func expected() results.Guest { return results.Guest{Kind: "wine", Label: "wine"} }

// Script makes the events of a run, with a clock that moves only when told to.
type Script struct {
	now    time.Time
	Events []results.Event
	ran    []string // targets on which a run of the driver is under way
	over   int      // runs of the driver that are over
}

func New(run results.Run) *Script {
	s := &Script{now: time.Date(2026, 11, 23, 18, 45, 30, 0, time.UTC)}
	run.Format = results.Format
	if run.ID == "" {
		run.ID = "20261123-184530-x7f2"
	}
	return s.Add(0, results.Event{Kind: results.KindRunStarted, Run: &run})
}

func (s *Script) Add(after time.Duration, e results.Event) *Script {
	s.now = s.now.Add(after)
	e.Time, e.Seq = s.now, uint64(len(s.Events)+1)
	s.Events = append(s.Events, e)
	return s
}

func (s *Script) Phase(target, name string, took time.Duration) *Script {
	s.Add(0, results.Event{Kind: results.KindTargetPhase, Target: target, Phase: &results.Phase{Name: name, State: results.PhaseStarted}})
	return s.Add(took, results.Event{Kind: results.KindTargetPhase, Target: target, Phase: &results.Phase{Name: name, State: results.PhaseDone, Elapsed: took}})
}

func (s *Script) FailPhase(target, name, why string) *Script {
	return s.Add(0, results.Event{Kind: results.KindTargetPhase, Target: target, Phase: &results.Phase{Name: name, State: results.PhaseFailed, Elapsed: time.Second, Error: why}})
}

func (s *Script) Begin(target, name string, attempt int) *Script {
	return s.Add(0, results.Event{Kind: results.KindCaseStarted, Target: target, Case: name, Attempt: attempt})
}

// Finish judges an attempt. What is as expected rests on the run of the driver that is under way.
func (s *Script) Finish(target, name string, attempt int, v results.Verdict) *Script {
	if v.Outcome.Expected() {
		v.DriverRun = s.over + 1
		if !slices.Contains(s.ran, target) {
			s.ran = append(s.ran, target)
		}
	}
	return s.Add(v.Elapsed, results.Event{Kind: results.KindCaseFinished, Target: target, Case: name, Attempt: attempt, Verdict: &v})
}

// Attempt is a whole attempt without steps.
func (s *Script) Attempt(target, name string, attempt int, o results.Outcome) *Script {
	v := results.Verdict{Outcome: o, Elapsed: 2 * time.Millisecond, Guest: WineGuest()}
	if o != results.Pass {
		v.Reason = "because of " + string(o)
	}
	return s.Begin(target, name, attempt).Finish(target, name, attempt, v)
}

// unload ends the runs of the driver that are under way, as they should end.
func (s *Script) unload() *Script {
	for _, target := range s.ran {
		s.Add(0, results.Event{Kind: results.KindDriverRun, Target: target, DriverRun: &results.DriverRun{N: s.over + 1, State: results.DriverEnded, Clean: true}})
	}
	s.ran, s.over = nil, s.over+1
	return s
}

func (s *Script) Done(reason results.Reason) *Script {
	s.unload()
	return s.Add(0, results.Event{Kind: results.KindRunFinished, Finish: &results.Finish{Reason: reason}})
}

func Plan(repeat int, names ...string) []results.PlanTarget {
	p := results.PlanTarget{Name: "wine", Guest: expected(), Repeat: repeat}
	for _, name := range names {
		p.Cases = append(p.Cases, results.PlanCase{Name: name})
	}
	return []results.PlanTarget{p}
}

// HappyRun is what the first command on a fresh machine looks like.
func HappyRun() []results.Event {
	p := []results.PlanTarget{{Name: "wine", Guest: expected(), Cases: []results.PlanCase{
		{Name: "registration.basic", Doc: "Register, then deregister: both return at once", Source: "nf-wsk-wskregister", Basis: results.Documented},
		{Name: "registration.client_event", Doc: "A client event callback is never called", Source: "nf-wsk-wskregister", Basis: results.Documented},
		{Name: "registration.reuse_block", Doc: "One block serves a thousand registrations", Source: "nf-wsk-wskregister", Basis: results.Documented},
		{Name: "registration.bad_version_accepted", Doc: "What WskRegister says to version 99.0", Source: "nf-wsk-wskregister", Basis: results.Recorded},
		{Name: "capture.no_wait", Doc: "Capture without wait", Source: "nf-wsk-wskcaptureprovidernpi", Basis: results.Documented},
		{Name: "capture.same_client", Doc: "Whether two captures give the same client", Basis: results.Recorded},
		{Name: "capture.deregister_waits_one", Doc: "WskDeregister returns only after every captured NPI is released", Source: "nf-wsk-wskderegister", Basis: results.Documented, Tags: []string{"blocking"}},
		{Name: "capture.deregister_waits_n", Doc: "WskDeregister waits for the third of three releases", Source: "nf-wsk-wskderegister", Basis: results.Documented, Tags: []string{"blocking"}},
		{Name: "capture.nointerface", Doc: "A version that is not supported is refused at capture", Source: "nf-wsk-wskcaptureprovidernpi", Basis: results.Documented},
		{Name: "capture.timed_not_ready", Doc: "A timed capture gives up", Basis: results.Documented},
	}}}
	s := New(results.Run{Version: "0.1.0", Command: "wskharness run registration capture", Selection: "registration capture", Host: "buildbox", Seed: 7, Plan: p})
	s.Phase("", results.PhaseBuild, 310*time.Millisecond)
	s.Add(0, results.Event{Kind: results.KindPackage, Package: &results.Package{File: "wsksample.sys", Size: 42208, Signer: "wskharness test", Toolchain: "x86_64-w64-mingw32-gcc 12",
		SHA256: "4f0c1a2b9d3e7788990011223344556677889900aabbccddeeff001122334455"}})
	arrive(s, "wine")
	s.passing("registration.basic", 1900*time.Microsecond)
	s.passing("registration.client_event", 2100*time.Microsecond)
	s.looping("registration.reuse_block", 14*time.Millisecond)
	s.recording("registration.bad_version_accepted", "register", "STATUS_SUCCESS")
	s.passing("capture.no_wait", 1200*time.Microsecond)
	s.recording("capture.same_client", "same", "1")
	s.known("capture.deregister_waits_one", "Wine's WskDeregister returns at once, whatever is still captured")
	s.known("capture.deregister_waits_n", "Wine's WskDeregister returns at once, whatever is still captured")
	s.known("capture.nointerface", "Wine's WskCaptureProviderNPI does not look at the version")
	s.Finish("wine", "capture.timed_not_ready", 1, results.Verdict{Outcome: results.Skip, Guest: WineGuest(),
		Reason: "requires readiness: this guest's provider is always ready"})
	s.Add(time.Millisecond, results.Event{Kind: results.KindTargetPhase, Target: "wine", Phase: &results.Phase{Name: results.PhaseCases, State: results.PhaseDone, Elapsed: 1620 * time.Millisecond}})
	s.Phase("wine", results.PhaseRelease, 31*time.Millisecond)
	return s.Done(results.Done).Events
}

// BadRun has one of everything that can go wrong, on two targets.
func BadRun() []results.Event {
	cases := []results.PlanCase{
		{Name: "registration.basic", Source: "nf-wsk-wskregister", Basis: results.Documented},
		{Name: "capture.no_wait", Doc: "Capture without wait: the provider is ready", Source: "nf-wsk-wskcaptureprovidernpi", Basis: results.Documented},
		{Name: "capture.infinite", Source: "nf-wsk-wskcaptureprovidernpi", Basis: results.Documented},
		{Name: "capture.nointerface", Source: "nf-wsk-wskcaptureprovidernpi", Basis: results.Documented},
		{Name: "lifecycle.fault", Doc: "The driver faults in an IOCTL"},
		{Name: "lifecycle.unload_clean"},
		{Name: "stress.capture_release", Basis: results.Documented},
	}
	s := New(results.Run{Version: "0.1.0", Command: "wskharness run --target wine,lab-7 '*'", Selection: "*", Host: "buildbox", System: "Debian GNU/Linux 12 (bookworm), Linux 6.1.0, amd64", Go: "go1.26.0", Seed: 7, Shuffled: true,
		Plan: []results.PlanTarget{{Name: "wine", Guest: expected(), Cases: cases}, {Name: "lab-7", Cases: cases[:2]}}})
	s.Phase("", results.PhaseBuild, 310*time.Millisecond)
	arrive(s, "wine")
	s.Add(0, results.Event{Kind: results.KindTargetPhase, Target: "lab-7", Phase: &results.Phase{Name: results.PhaseConnect, State: results.PhaseStarted}})
	s.passing("registration.basic", 1900*time.Microsecond)
	s.Failing("capture.no_wait", results.Verdict{Outcome: results.Fail, Elapsed: 12 * time.Millisecond, Deviation: &results.Deviation{
		Step: 1, Text: "capture: {client: a, wait: none}", Place: "capture.yaml:14",
		Expected: "STATUS_SUCCESS", Actual: "STATUS_DEVICE_NOT_READY (0xC00000A3)", Elapsed: 11 * time.Millisecond, In: &results.Place{Thread: 3, Iteration: 4711, Seed: 7}}})
	s.Add(30*time.Second, results.Event{Kind: results.KindTargetPhase, Target: "lab-7", Phase: &results.Phase{Name: results.PhaseConnect, State: results.PhaseFailed, Elapsed: 30 * time.Second,
		Error: "connect to lab-7 (https://192.168.7.20:5986): no answer within 30s; is the machine on, and does its firewall let WinRM through? Try: wskharness doctor --target lab-7"}})
	s.Failing("capture.infinite", results.Verdict{Outcome: results.Hang, Elapsed: 10 * time.Second, Reason: "a step did not come back within its own limit", Deviation: &results.Deviation{
		Step: 1, Text: "capture: {client: a, wait: infinite}", Place: "capture.yaml:31", Expected: "to return within 10s", Actual: "still waiting", Elapsed: 10 * time.Second}})
	s.Phase("wine", results.PhaseRevert, 24*time.Millisecond)
	s.Failing("capture.nointerface", results.Verdict{Outcome: results.UnexpectedPass, Elapsed: 3 * time.Millisecond,
		Reason: "declared as a known issue (Wine's capture does not look at the version), but it passed: remove the declaration"})
	s.Begin("wine", "lifecycle.fault", 1)
	s.Add(0, results.Event{Kind: results.KindEvidence, Target: "wine", Case: "lifecycle.fault", Attempt: 1, Evidence: &results.Evidence{Kind: "fault",
		Text: "Unhandled page fault on write access to 0000000000000010 at address 0000000140002A1C", Module: "wsksample.sys", Offset: 0x2a1c}})
	s.Add(0, results.Event{Kind: results.KindEvidence, Target: "wine", Case: "lifecycle.fault", Attempt: 1, Evidence: &results.Evidence{Kind: "log", File: "targets/wine/guest.log", Size: 48213, SHA256: strings.Repeat("ab", 32)}})
	s.Finish("wine", "lifecycle.fault", 1, results.Verdict{Outcome: results.Bugcheck, Elapsed: 410 * time.Millisecond, Guest: WineGuest(),
		Reason: "the driver faulted: the guest went down during step 2", Rerun: "wskharness run lifecycle/fault --target wine"})
	s.Phase("wine", results.PhaseRevert, 26*time.Millisecond)
	s.Begin("wine", "lifecycle.unload_clean", 1)
	s.Add(0, results.Event{Kind: results.KindReplanned, Target: "wine", Case: "lifecycle.unload_clean", Attempt: 1, Notice: &results.Notice{Text: "the controller was restarted"}})
	s.Begin("wine", "lifecycle.unload_clean", 2)
	s.Finish("wine", "lifecycle.unload_clean", 2, results.Verdict{Outcome: results.Lost, Elapsed: 5 * time.Second, Guest: WineGuest(),
		Reason: "tail journal on wine: connection refused; the guest did not come back within 5s", Rerun: "wskharness run lifecycle/unload_clean --target wine"})
	return s.Done(results.Done).Events
}

func arrive(s *Script, name string) {
	guest := WineGuest()
	guest.OS, guest.Facts = "Windows 10 Pro 10.0.19043", &results.Facts{BootID: "6d0f", Wine: "8.0", Netio: "builtin"}
	if name == "wine" {
		guest.RunBy = "wine-8.0 (Debian 8.0~repack-4)"
	}
	s.Phase(name, results.PhaseAcquire, 12*time.Millisecond)
	s.Phase(name, results.PhaseConnect, 41*time.Millisecond)
	s.Add(0, results.Event{Kind: results.KindTargetFacts, Target: name, Guest: &guest})
	s.Phase(name, results.PhaseDeploy, 72*time.Millisecond)
	s.Add(0, results.Event{Kind: results.KindTargetPhase, Target: name, Phase: &results.Phase{Name: results.PhaseCases, State: results.PhaseStarted}})
}

func (s *Script) step(name string, index int, text, status string, code uint32, ok bool) {
	s.Add(0, results.Event{Kind: results.KindStep, Target: "wine", Case: name, Attempt: 1, Step: &results.Step{
		Index: index, Text: text, Status: status, Code: code, Elapsed: 1800 * time.Nanosecond, OK: ok}})
}

func (s *Script) passing(name string, took time.Duration) {
	s.Begin("wine", name, 1)
	s.step(name, 0, "register: {client: a, version: 1.0}", "STATUS_SUCCESS", 0, true)
	s.step(name, 1, "deregister: {client: a}", "STATUS_SUCCESS", 0, true)
	s.Finish("wine", name, 1, results.Verdict{Outcome: results.Pass, Elapsed: took, Guest: WineGuest()})
}

// looping is a pass of a case whose steps ran many times.
func (s *Script) looping(name string, took time.Duration) {
	s.Begin("wine", name, 1)
	for i, text := range []string{"register: {client: a, version: 1.0}", "deregister: {client: a}"} {
		s.Add(0, results.Event{Kind: results.KindStep, Target: "wine", Case: name, Attempt: 1, Step: &results.Step{
			Index: i, Text: text, Status: "STATUS_SUCCESS", Elapsed: 1800 * time.Nanosecond, OK: true,
			Loop: &results.Loop{Runs: 16000, Threads: 16, Seed: 7, P50: 319, P95: 1471, P99: 23 * time.Microsecond, Max: 3 * time.Millisecond}}})
	}
	s.Finish("wine", name, 1, results.Verdict{Outcome: results.Pass, Elapsed: took, Guest: WineGuest(), Effort: &results.Effort{Runs: 32000, Threads: 16, Seed: 7}})
}

func (s *Script) recording(name, what, value string) {
	s.Begin("wine", name, 1)
	s.Finish("wine", name, 1, results.Verdict{Outcome: results.Pass, Elapsed: 900 * time.Microsecond, Guest: WineGuest(),
		Records: []results.Observation{{Step: 0, Name: what, Value: value}}})
}

func (s *Script) known(name, reason string) {
	s.Begin("wine", name, 1)
	s.Finish("wine", name, 1, results.Verdict{Outcome: results.KnownIssue, Elapsed: 504 * time.Millisecond, Guest: WineGuest(),
		Known:     &results.Known{Reason: reason, Source: "run on Wine 8.0"},
		Deviation: &results.Deviation{Step: 3, Text: "blocked: {thread: t1, for: 500ms}", Expected: "to block", Actual: "returned STATUS_SUCCESS"},
		Rerun:     rerun(name)})
}

func (s *Script) Failing(name string, v results.Verdict) {
	v.Guest, v.Rerun = WineGuest(), rerun(name)
	s.Begin("wine", name, 1)
	s.step(name, 0, "register: {client: a, version: 1.0}", "STATUS_SUCCESS", 0, true)
	if d := v.Deviation; d != nil {
		s.step(name, d.Step, d.Text, d.Actual, 0xC00000A3, false)
	}
	s.Finish("wine", name, 1, v)
}

func rerun(name string) string {
	return fmt.Sprintf("wskharness run %s --target wine", strings.Replace(name, ".", "/", 1))
}
