package driverrun

import (
	"slices"
	"strings"
	"testing"
	"time"

	"wskharness/driver/abi"
	"wskharness/guest/journal"
	"wskharness/results"
	"wskharness/winerr"
)

// until cuts a journal behind the first record of that kind that is about that case (and step).
func until(records []journal.Record, ev journal.Event, n ...int) []journal.Record {
	for i, r := range records {
		if r.Ev == ev && (len(n) < 1 || r.N == n[0]) && (len(n) < 2 || r.Step == n[1]) {
			return records[:i+1]
		}
	}
	panic("no such record")
}

// TestCrashMatrix is how a driver run may end, at every place that it may end at: what becomes of the cases, and of the
// driver run itself. Nothing passes without the clean end of its driver. "not-run" of a case that was begun means that it
// runs again.
func TestCrashMatrix(t *testing.T) {
	p := planOf(t, threeCases)
	all := wellBehaved(p)
	begin, first := all[:1], until(all, journal.EvCaseEnd, 0)
	second, over := until(all, journal.EvStep, 1, 1), until(all, journal.EvCaseEnd, 2)
	stopped, ordered := until(all, journal.EvDriverStop), until(all, journal.EvReboot, 2)
	for _, test := range []struct {
		name    string
		records []journal.Record
		world   world
		want    string
		why     string // is in some reason
		tainted bool
	}{
		{"as it should", all, world{}, "pass, pass, pass", "", false},

		{"crash while the driver is started", begin, world{then: "panic"}, "deploy.start bugcheck, not-run, not-run, not-run", "while the driver was being started: bugcheck 0x000000D1", true},
		{"crash in a case", second, world{then: "panic"}, "not-run, bugcheck, not-run", "in step 3 (deregister a): bugcheck 0x000000D1", true},
		{"crash in a case that had ended by the disk's word", second, world{then: "panic", rest: all[len(second) : len(first)+5]}, "deploy.stop bugcheck, error, error, not-run", "", true},
		{"crash, and the end of the journal is missing", second, world{then: "panic", truncated: true}, "deploy.crash bugcheck, not-run, lost, not-run", "in s.two or later", true},
		{"crash between cases", first, world{then: "panic"}, "deploy.stop bugcheck, error, not-run, not-run", "before the next case began: bugcheck", true},
		{"crash between cases, and the end is missing", first, world{then: "panic", truncated: true}, "deploy.crash bugcheck, error, not-run, not-run", "in which case is not known", true},
		{"crash during the unload", over, world{then: "panic"}, "deploy.stop bugcheck, error, error, error", "not proven: every step was as declared", true},
		{"crash behind the unload, before the final record", stopped, world{then: "panic"}, "deploy.stop bugcheck, error, error, error", "", true},

		{"crash behind the final record", all, world{behind: "panic"}, "deploy.stop bugcheck, error, error, error", "bugcheck 0x000000D1", true},
		{"reboot behind the final record", all, world{behind: "reboot"}, "deploy.stop lost, error, error, error", "rebooted unexpectedly after the unload", true},
		{"reboot behind the final record, with a dump", all, world{behind: "reboot", dumps: 1}, "deploy.stop bugcheck, error, error, error", "", true},
		{"gone behind the final record", all, world{behind: "gone"}, "deploy.stop lost, error, error, error", "whether it had survived the unload", true},

		{"reboot while the driver is started", begin, world{then: "reboot"}, "deploy.start lost, not-run, not-run, not-run", "rebooted unexpectedly", true},
		{"reboot in a case", second, world{then: "reboot"}, "not-run, lost, not-run", "in step 3 (deregister a): the guest rebooted unexpectedly", true},
		{"reboot in a case, with a dump", second, world{then: "reboot", dumps: 1}, "not-run, bugcheck, not-run", "the machine crashed", true},
		{"reboot during the unload", over, world{then: "reboot"}, "deploy.stop lost, error, error, error", "while the driver was being unloaded: the guest rebooted unexpectedly", true},
		{"reboot during the unload, with a dump", over, world{then: "reboot", dumps: 1}, "deploy.stop bugcheck, error, error, error", "", true},

		{"a timeout while the driver is started", begin, world{then: "timeout"}, "deploy.start hang, not-run, not-run, not-run", "while the driver was being started", true},
		{"a timeout in a case", second, world{then: "timeout"}, "not-run, hang, not-run", "in step 3 (deregister a): the guest did not answer within", true},
		{"a timeout between cases", first, world{then: "timeout"}, "deploy.stop hang, error, not-run, not-run", "the guest did not answer before the next case began", true},
		{"a timeout during the unload", over, world{then: "timeout"}, "deploy.stop hang, error, error, error", "the guest did not answer while the driver was being unloaded", true},
		{"a timeout behind the unload", stopped, world{then: "timeout"}, "deploy.stop hang, error, error, error", "before the run's final record", true},

		{"agent killed while the driver is started", begin, world{then: "kill"}, "deploy.start lost, not-run, not-run, not-run", "ended from outside", true},
		{"agent killed in a case", second, world{then: "kill"}, "not-run, lost, not-run", "ended from outside, in the same boot", true},
		{"agent killed between cases", first, world{then: "kill"}, "deploy.stop lost, error, not-run, not-run", "before the next case began: the agent's run", true},
		{"agent killed during the unload", over, world{then: "kill"}, "deploy.stop lost, error, error, error", "while the driver was being unloaded: the agent's run in the guest was ended from outside", true},

		{"contact lost in a case", second, world{then: "gone"}, "not-run, lost, not-run", "nobody answers", true},
		{"contact lost during the unload", over, world{then: "gone"}, "deploy.stop lost, error, error, error", "nobody answers", true},
		{"contact lost in a reboot that the plan has", ordered, world{then: "gone"}, "not-run, not-run, lost", "did not come back from the reboot", true},
		{"no word of it at all", nil, world{then: "absent"}, "not-run, not-run, not-run", "", true},

		{"the controller died in a case, and the guest is gone", second, world{then: "abandoned"}, "not-run, not-run, not-run", "", false},
		{"the controller died during the unload, and the guest is gone", over, world{then: "abandoned"}, "not-run, not-run, not-run", "", false},
		{"the controller died behind the unload, and the guest is gone", stopped, world{then: "abandoned"}, "not-run, not-run, not-run", "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.world.records = test.records
			s, events := live(t, p, &test.world)
			rec := record(p, events)
			if got := verdicts(rec); got != test.want {
				t.Errorf("%s\nwant %s", got, test.want)
			}
			if !strings.Contains(reasons(rec), test.why) {
				t.Errorf("nothing says %q:\n%s", test.why, reasons(rec))
			}
			if tainted := s.Outcome().Tainted != ""; tainted != test.tainted {
				t.Errorf("tainted: %q", s.Outcome().Tainted)
			}
		})
	}
}

func reasons(rec *results.Record) string {
	var all []string
	for _, c := range rec.Targets[0].Cases {
		for _, a := range c.Attempts {
			all = append(all, a.Verdict.Reason, a.Void)
		}
	}
	return strings.Join(all, "\n")
}

// TestRunsThatEndWithoutUnload lets the agent end a run by its own word, for each reason that it may give, without one
// about the driver's end: what passed is not proven, and where no case is to blame the end has a verdict of its own.
func TestRunsThatEndWithoutUnload(t *testing.T) {
	p := planOf(t, threeCases)
	all := wellBehaved(p)
	started, over := until(all, journal.EvDriverStart), until(all, journal.EvCaseEnd, 2)
	end := func(records []journal.Record, more ...journal.Record) []journal.Record {
		return numbered(append(append([]journal.Record(nil), records...), more...))
	}
	tainted := over[len(over)-1]
	tainted.After.PoolBlocks = 1
	hung := tainted
	hung.Why, hung.After = "hang", journal.Residue{}
	unback := over[len(over)-1]
	unback.Back, unback.Win32, unback.Entry = "start", 31, 0xC0000001
	stuck := unback
	stuck.Back, stuck.Win32, stuck.Entry = "hang", 1460, 0
	cancelled := over[len(over)-1]
	cancelled.Why = "cancelled"
	late := slices.Clone(over)
	for i := range late {
		if late[i].Ev == journal.EvDriverStart {
			late[i].At = 12 * time.Second
		}
	}
	stop := func(why string, win32 winerr.Win32) journal.Record {
		return journal.Record{Ev: journal.EvDriverStop, Why: why, Win32: win32}
	}
	runEnd := func(why string, cases int, win32 winerr.Win32) journal.Record {
		return journal.Record{Ev: journal.EvRunEnd, Why: why, Cases: cases, Win32: win32}
	}
	// A driver that starts at the second time may be loaded still.
	unsure := end(all[:1], journal.Record{Ev: journal.EvDriverStart, Why: "start", Win32: 317, Again: new(winerr.NTStatus)}, runEnd("driver-start", 0, 0))
	if s, _ := live(t, p, &world{records: unsure}); !strings.Contains(s.Outcome().Tainted, "a second time") {
		t.Errorf("%+v", s.Outcome())
	}
	failedAgain := func(why string, win32 winerr.Win32, entry, again winerr.NTStatus) journal.Record {
		return journal.Record{Ev: journal.EvDriverStart, Why: why, Win32: win32, Entry: entry, Again: &again}
	}
	for _, test := range []struct {
		name    string
		records []journal.Record
		want    string
		why     string
	}{
		{"device", end(over, runEnd("device", 3, 0)), "deploy.stop error, error, error, error", "the agent ended the run (device) without saying that the driver was unloaded"},
		{"journal", end(over, runEnd("journal", 3, 0)), "deploy.stop error, error, error, error", "(journal)"},
		{"journal, for want of room", end(over, runEnd("journal", 3, 112)), "deploy.stop error, error, error, error", "could not write its journal"},
		{"tainted, and no case is", end(over, runEnd("tainted", 3, 0)), "deploy.stop error, error, error, error", "(tainted)"},
		{"tainted by a case", end(append(over[:len(over)-1:len(over)-1], tainted), runEnd("tainted", 3, 0)), "not-run, not-run, fail", "could not be tidied up: 1 × pool block"},
		{"a hang", end(append(over[:len(over)-1:len(over)-1], hung), runEnd("tainted", 3, 0)), "not-run, not-run, hang", "its driver was not unloaded: s.three (hang) ended that"},
		{"a driver that does not come back", end(append(over[:len(over)-1:len(over)-1], unback), runEnd("device", 3, 0)), "not-run, not-run, fail", "could not be brought back: DriverEntry returned STATUS_UNSUCCESSFUL"},
		{"a driver whose DriverEntry hangs when it comes back", end(append(over[:len(over)-1:len(over)-1], stuck), runEnd("tainted", 3, 0)), "not-run, not-run, hang", "could not be brought back: DriverEntry did not return in time"},
		{"done, without a stop", end(over, runEnd("done", 3, 0)), "deploy.stop error, error, error, error", "can't be there"},
		{"cancelled, without a stop", end(append(over[:len(over)-1:len(over)-1], cancelled), runEnd("cancelled", 3, 0)), "deploy.stop error, error, error, cancelled", "(cancelled)"},
		{"another's before the start", end(all[:1], runEnd("lease", 0, 0)), "deploy.start error, not-run, not-run, not-run", "was given to another run"},
		{"another's between cases", end(until(all, journal.EvCaseEnd, 0), runEnd("lease", 1, 0)), "deploy.stop error, error, not-run, not-run", "unload is not proven: the guest was given to another run"},
		{"another's before the stop", end(over, runEnd("lease", 3, 0)), "deploy.stop error, error, error, error", "was given to another run"},
		{"another's at a reboot", end(until(all, journal.EvReboot), runEnd("lease", 2, 0)), "error, error, error", "in step 2 (reboot): the guest was given to another run"},
		{"another's, and nothing can be written", end(until(all, journal.EvStep, 1, 1), runEnd("lease", 1, 112)), "error, error, not-run", "could not write its journal"},
		{"another's in a case", end(until(all, journal.EvStep, 1, 1), runEnd("lease", 1, 0)), "error, error, not-run", "can't be there"},
		{"another plan after the reboot", end(until(all, journal.EvReboot), runEnd("plan", 2, 0)), "error, error, error", "the guest had another plan after the reboot"},
		{"the driver never stops", end(over, stop("timeout", 1460), runEnd("tainted", 3, 0)), "deploy.stop hang, error, error, error", "did not unload in time"},
		{"the driver can't be stopped", end(over, stop("refused", 1052), runEnd("tainted", 3, 0)), "deploy.stop fail, error, error, error", "unload: never"},
		{"the driver started late, and can't be stopped", end(late, stop("refused", 1052), runEnd("tainted", 3, 0)), "deploy.stop fail, error, error, error", "on Wine, start it faster: it took 12s"},
		{"another driver was stopped", end(over, stop("hash", 23), runEnd("tainted", 3, 0)), "deploy.stop error, error, error, error", "somebody replaced it"},
		{"it failed to start", end(all[:1], journal.Record{Ev: journal.EvDriverStart, Why: "start", Win32: 31, Entry: 0xC0000001}, runEnd("driver-start", 0, 0)),
			"deploy.start fail, not-run, not-run, not-run", "DriverEntry failed"},
		{"what it imports could not be loaded", end(all[:1], journal.Record{Ev: journal.EvDriverStart, Why: "start", Win32: 1114, Entry: 0xC0000142}, runEnd("driver-start", 0, 0)),
			"deploy.start fail, not-run, not-run, not-run", "what the driver imports could not be loaded"},
		{"it failed to start, and told its status when asked again", end(all[:1], failedAgain("start", 317, 0xC0DE0BAD, 0xC0DE0BAD), runEnd("driver-start", 0, 0)),
			"deploy.start fail, not-run, not-run, not-run", "DriverEntry failed; it was run a second time"},
		{"it failed to start, and otherwise when asked again", end(all[:1], failedAgain("start", 317, 0, 0xC0000035), runEnd("driver-start", 0, 0)),
			"deploy.start fail, not-run, not-run, not-run", "came to STATUS_OBJECT_NAME_COLLISION (0xC0000035), which is not what it was the first time"},
		{"it failed to start, but not when asked again", end(all[:1], failedAgain("start", 317, 0, 0), runEnd("driver-start", 0, 0)),
			"deploy.start fail, not-run, not-run, not-run", "then it succeeded"},
		{"it failed to start, and hangs when asked again", end(all[:1], failedAgain("hang", 1460, 0, 0x102), runEnd("driver-start", 0, 0)),
			"deploy.start hang, not-run, not-run, not-run", "it had failed before"},
		{"its DriverEntry hangs", end(all[:1], journal.Record{Ev: journal.EvDriverStart, Why: "hang", Win32: 1460}, runEnd("driver-start", 0, 0)),
			"deploy.start hang, not-run, not-run, not-run", "DriverEntry did not return in time"},
		{"the machine did not let it start", end(all[:1], journal.Record{Ev: journal.EvDriverStart, Why: "start", Win32: 577}, runEnd("driver-start", 0, 0)),
			"deploy.start error, not-run, not-run, not-run", "start the driver"},
		{"no driver-start", numbered(append([]journal.Record{all[0]}, all[2:]...)), "deploy.start error, not-run, not-run, not-run", "record 2 (case-start)"},
		{"no case, and a clean stop", end(started, all[len(all)-2], runEnd("cancelled", 0, 0)), "not-run, not-run, not-run", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, events := live(t, p, &world{records: test.records})
			rec := record(p, events)
			if got := verdicts(rec); got != test.want {
				t.Errorf("%s\nwant %s", got, test.want)
			}
			if !strings.Contains(reasons(rec), test.why) {
				t.Errorf("nothing says %q:\n%s", test.why, reasons(rec))
			}
		})
	}
}

// TestCrashThatTheAgentTellsOfFirst has the driver's host go down, which the agent notices before the machine tells of a
// crash: it is a crash all the same. Where the machine tells of none, what the agent says stands.
func TestCrashThatTheAgentTellsOfFirst(t *testing.T) {
	p := planOf(t, threeCases)
	all := wellBehaved(p)
	over, second := until(all, journal.EvCaseEnd, 2), until(all, journal.EvCaseEnd, 1)
	end := func(records []journal.Record, more ...journal.Record) []journal.Record {
		return numbered(append(append([]journal.Record(nil), records...), more...))
	}
	unback := second[len(second)-1]
	unback.Back, unback.Win32 = "start", 1053
	for _, test := range []struct {
		name         string
		records      []journal.Record
		crash, where string // what it is called where it was one, and in words
		calm         string // and where not
	}{
		{"when it is started", end(all[:1], journal.Record{Ev: journal.EvDriverStart, Why: "start", Win32: 1053}, journal.Record{Ev: journal.EvRunEnd, Why: "driver-start"}),
			"deploy.start bugcheck, not-run, not-run, not-run", "while the driver was being started: bugcheck", "deploy.start error, not-run, not-run, not-run"},
		{"when it is brought back", end(second[:len(second)-1], unback, journal.Record{Ev: journal.EvRunEnd, Why: "device", Cases: 2}),
			"not-run, bugcheck, not-run", "after the last step: bugcheck", "not-run, fail, not-run"},
		{"when it is unloaded", end(over, journal.Record{Ev: journal.EvDriverStop, Why: "stop", Win32: 109}, journal.Record{Ev: journal.EvRunEnd, Why: "tainted", Cases: 3}),
			"deploy.stop bugcheck, error, error, error", "while the driver was being unloaded: bugcheck", "deploy.stop fail, error, error, error"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for late, want := range map[bool]string{true: test.crash, false: test.calm} {
				_, events := live(t, p, &world{records: test.records, late: late})
				rec := record(p, events)
				if got := verdicts(rec); got != want {
					t.Errorf("crash: %t: %s\nwant %s", late, got, want)
				}
				if told := strings.Contains(reasons(rec), test.where); told != late {
					t.Errorf("crash: %t: %q is said: %t\n%s", late, test.where, told, reasons(rec))
				}
			}
		})
	}
}

const reloadingCases = `suite: s
doc: d
cases:
  - {id: one, doc: d, steps: [register: {client: a}, deregister: {client: a}]}
  - {id: two, doc: d, steps: [unload: {}, load: {}, sleep: 1ms]}
  - {id: three, doc: d, steps: [sleep: 1ms]}
  - {id: four, doc: d, steps: [sleep: 1ms]}
`

// TestCrashThatIsToldTooLate has a step take the driver's host with it, as it starts the driver or stops it, and the machine
// tell of that only when the next case has begun: the crash is that step's. What the guest did behind it runs again. Where it
// was none, the case has failed, and the run goes on.
func TestCrashThatIsToldTooLate(t *testing.T) {
	p := planOf(t, reloadingCases)
	all := wellBehaved(p)
	before, behind := until(all, journal.EvCaseStart, 1), all[len(until(all, journal.EvCaseEnd, 1)):]
	ends := func(step int, status winerr.NTStatus, more ...journal.Record) []journal.Record {
		records := append([]journal.Record(nil), before...)
		for i := range step {
			records = append(records, journal.Record{Ev: journal.EvStep, N: 1, Step: i, Origin: abi.OriginCall, Runs: 1, OK: true})
		}
		records = append(records, journal.Record{Ev: journal.EvStep, N: 1, Step: step, Origin: abi.OriginCall, Runs: 1, Status: status})
		records = append(records, journal.Record{Ev: journal.EvCaseEnd, N: 1, Ran: step + 1, Why: "deviation"})
		return numbered(append(records, more...))
	}
	for _, test := range []struct {
		name  string
		world world
		plan  func(*Plan)
		want  string
		why   string
	}{
		{"load, and the crash is told when the next case has begun", world{records: ends(1, 0xC007041D, behind[:1]...), late: true, then: "panic"}, nil,
			"not-run, bugcheck, not-run, not-run", "in step 2 (load): bugcheck 0x000000D1"},
		{"load, and the end of the journal says what came behind", world{records: ends(1, 0xC007041D), late: true, rest: ends(1, 0xC007041D, behind...)[len(ends(1, 0xC007041D)):]}, nil,
			"not-run, bugcheck, not-run, not-run", "in step 2 (load): bugcheck 0x000000D1"},
		{"load, and behind it a case fails on the machine that goes down", world{records: ends(1, 0xC007041D), late: true, rest: ends(1, 0xC007041D, behind[0],
			journal.Record{Ev: journal.EvStep, N: 2, Origin: abi.OriginCall, Runs: 1, Status: 0xC0000001},
			journal.Record{Ev: journal.EvCaseEnd, N: 2, Ran: 1, Why: "deviation"})[len(ends(1, 0xC007041D)):]}, nil,
			"not-run, bugcheck, not-run, not-run", "in step 2 (load): bugcheck 0x000000D1"},
		{"load, and the end of the journal is missing", world{records: ends(1, 0xC007041D), late: true, truncated: true}, nil,
			"not-run, bugcheck, not-run, not-run", "in step 2 (load): bugcheck 0x000000D1"},
		{"load, and the crash is told before the case has ended", world{records: ends(1, 0xC007041D)[:len(before)+2], then: "panic", rest: ends(1, 0xC007041D, behind...)[len(before)+2:]}, nil,
			"not-run, bugcheck, not-run, not-run", "in step 2 (load): bugcheck 0x000000D1"},
		{"load, and its second start fails in a way of its own", world{records: ends(1, 0xC0000024, behind[:1]...), late: true}, nil,
			"not-run, bugcheck, not-run, not-run", "in step 2 (load): bugcheck 0x000000D1"},
		{"unload", world{records: ends(0, 0xC007006D, behind...), late: true}, nil,
			"not-run, bugcheck, not-run, not-run", "in step 1 (unload): bugcheck 0x000000D1"},
		{"unload without its last word", world{records: ends(0, 0xC0070002, behind...), late: true}, nil,
			"not-run, bugcheck, not-run, not-run", "in step 1 (unload): bugcheck 0x000000D1"},
		{"the controller was killed, and the next case has begun", world{records: ends(1, 0xC007041D, behind[:2]...), resumed: len(ends(1, 0xC007041D, behind[:1]...)), late: true}, nil,
			"not-run, bugcheck, not-run, not-run", "in step 2 (load): bugcheck 0x000000D1"},

		{"no crash", world{records: ends(1, 0xC007041D, behind...)}, nil, "pass, fail, pass, pass", ""},
		{"no crash, and the controller was killed", world{records: ends(1, 0xC007041D, behind...), resumed: len(ends(1, 0xC007041D, behind[:1]...))}, nil,
			"pass, fail, pass, pass", ""},
		{"no crash, and one in a later case", world{records: ends(1, 0xC007041D, behind[:len(behind)-4]...), then: "panic"}, nil,
			"not-run, fail, not-run, bugcheck", "bugcheck 0x000000D1"},
		{"no crash, and it was the last that was to run", world{records: ends(1, 0xC007041D, journal.Record{Ev: journal.EvDriverStop, OK: true, SHA256: p.SHA256},
			journal.Record{Ev: journal.EvRunEnd, Why: "cancelled", Cases: 2})}, func(p *Plan) { p.FailFast = true }, "pass, fail, not-run, not-run", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := p
			if test.plan != nil {
				test.plan(&p)
			}
			_, events := live(t, p, &test.world)
			rec := record(p, events)
			if got := verdicts(rec); got != test.want {
				t.Errorf("%s\nwant %s", got, test.want)
			}
			if !strings.Contains(reasons(rec), test.why) {
				t.Errorf("nothing says %q:\n%s", test.why, reasons(rec))
			}
		})
	}
}
