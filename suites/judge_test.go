package suites

import (
	"strings"

	"github.com/google/go-cmp/cmp"
	"testing"

	"wskharness/driver/abi"
	"wskharness/suites/output"
	"wskharness/winerr"
)

const notReady = 0xC00000A3

// waits is a case with a step of every kind that is judged in a way of its own.
func waits(t *testing.T) *Case {
	return oneCase(t,
		"register: {client: a}", // 0
		"capture: {client: a, wait: none, major: 1, minor_at_least: 0, client_set: true}\n        within: 100ms", // 1
		"deregister: {client: a, thread: t1}", // 2
		"blocked: {thread: t1, for: 500ms}",   // 3
		"capture: {client: a, wait: none}\n        expect: [STATUS_DEVICE_NOT_READY, STATUS_NOINTERFACE]", // 4
		"inspect: {client: a}\n        record: [version, slots, captures]",                                // 5
		"release: {client: a}\n        repeat: 3",                                                         // 6
		"join: {thread: t1, within: 2s}",                                                                  // 7
	)
}

// asExpected is what a guest reports when all is well.
func asExpected() []StepResult {
	npi := []uint64{0x0100, 0, 1, 1, 0x3F, 1, 1, 1, 0, 0}
	return []StepResult{
		{Step: 0, Runs: 1},
		{Step: 1, Runs: 1, NS: 2000, MaxNS: 2000, Values: npi},
		{Step: 2, Runs: 1, Status: winerr.StatusPending, Origin: abi.OriginAsync},
		{Step: 3, Runs: 1, Status: winerr.StatusTimeout, Values: []uint64{0, 0, 0}},
		{Step: 4, Runs: 1, Status: notReady},
		{Step: 5, Runs: 1, Values: npi},
		{Step: 6, Runs: 3},
		{Step: 7, Runs: 1, Values: []uint64{0, 1, 5e8}},
	}
}

func TestJudge(t *testing.T) {
	c := waits(t)
	type want struct {
		step    int
		kind    DeviationKind
		message string
	}
	for _, test := range []struct {
		name   string
		change func(r []StepResult) []StepResult
		want   []want
	}{
		{"all is well", func(r []StepResult) []StepResult { return r }, nil},
		{"a recorded failure is none", func(r []StepResult) []StepResult { r[5].Status = notReady; return r }, nil},
		{"a recorded refusal is none", func(r []StepResult) []StepResult { r[5].Origin = abi.OriginRefused; return r }, nil},
		{"status", func(r []StepResult) []StepResult { r[0].Status = notReady; return r[:1] },
			[]want{{0, KindStatus, "expected STATUS_SUCCESS, got STATUS_DEVICE_NOT_READY (0xC00000A3)"}}},
		{"one of several", func(r []StepResult) []StepResult { r[4].Status = 0; return r[:5] },
			[]want{{4, KindStatus, "expected STATUS_DEVICE_NOT_READY or STATUS_NOINTERFACE, got STATUS_SUCCESS (0x00000000)"}}},
		{"status without a name", func(r []StepResult) []StepResult { r[0].Status = 0xC0FFEE00; return r[:1] },
			[]want{{0, KindStatus, "expected STATUS_SUCCESS, got 0xC0FFEE00"}}},
		{"values", func(r []StepResult) []StepResult {
			r[1].Values = []uint64{0x0002, 0, 0, 1}
			return r[:2]
		}, []want{{1, KindValue, "major: expected 1, got 0"}, {1, KindValue, "minor: expected at least 0, got 2"},
			{1, KindValue, "client_set: expected true, got false"}}},
		{"major too high", func(r []StepResult) []StepResult { r[1].Values[0] = 0x0200; return r[:2] },
			[]want{{1, KindValue, "major: expected 1, got 2"}}},
		{"no values after a wrong status", func(r []StepResult) []StepResult {
			r[1].Status, r[1].Values = notReady, nil
			return r[:2]
		}, []want{{1, KindStatus, "expected STATUS_SUCCESS, got STATUS_DEVICE_NOT_READY (0xC00000A3)"}}},
		{"too slow", func(r []StepResult) []StepResult { r[1].NS = 250e6; return r[:2] },
			[]want{{1, KindTime, "expected the call to take at most 100ms; it took 250ms"}}},
		{"not blocked", func(r []StepResult) []StepResult {
			r[3] = StepResult{Step: 3, Runs: 1, Values: []uint64{0, 1, 200000}}
			return r[:4]
		}, []want{{3, KindStatus, "expected thread t1 to be blocked for 500ms; it returned STATUS_SUCCESS (0x00000000) after 0.2ms"}}},
		{"still blocked", func(r []StepResult) []StepResult {
			r[7].Origin, r[7].Status = abi.OriginTimeout, winerr.StatusTimeout
			return r
		}, []want{{7, KindTimeout, "expected thread t1 to return within 2s; it is still blocked"}}},
		{"hung", func(r []StepResult) []StepResult { r[1].Origin = abi.OriginTimeout; return r[:2] },
			[]want{{1, KindTimeout, "expected STATUS_SUCCESS; the call did not return within 5s"}}},
		{"recorded and hung", func(r []StepResult) []StepResult { r[5].Origin = abi.OriginTimeout; return r[:6] },
			[]want{{5, KindTimeout, "expected any status; the call did not return within 5s"}}},
		{"refused", func(r []StepResult) []StepResult {
			r[0].Origin, r[0].Status = abi.OriginRefused, 0xC0000184
			return r[:1]
		}, []want{{0, KindRefused, "expected STATUS_SUCCESS; the driver refused the step (STATUS_INVALID_DEVICE_STATE (0xC0000184)) and did not call WSK"}}},
		{"not started", func(r []StepResult) []StepResult { r[2].Origin, r[2].Status = abi.OriginCall, 0; return r[:3] },
			[]want{{2, KindReport, "expected the step to start on thread t1; it returned STATUS_SUCCESS (0x00000000)"}}},
		{"started unasked", func(r []StepResult) []StepResult { r[0].Origin = abi.OriginAsync; return r[:1] },
			[]want{{0, KindReport, "the guest reported an origin that does not fit the step: 3"}}},
		{"too few runs", func(r []StepResult) []StepResult { r[6].Runs = 2; return r },
			[]want{{6, KindRuns, "expected the step to run 3 times, it ran 2 times"}}},
		{"in a loop", func(r []StepResult) []StepResult {
			r[6].Status, r[6].Failed = notReady, &Iteration{0, 1}
			return r[:7]
		}, []want{{6, KindStatus, "expected STATUS_SUCCESS, got STATUS_DEVICE_NOT_READY (0xC00000A3) (thread 0, iteration 1)"}}},
		{"a step is missing", func(r []StepResult) []StepResult { return append(r[:4], r[5:]...) },
			[]want{{4, KindMissing, "expected 8 steps to run, 7 did"}}},
		{"nothing ran", func([]StepResult) []StepResult { return nil },
			[]want{{0, KindMissing, "expected 8 steps to run, 0 did"}}},
		{"skipped", func(r []StepResult) []StepResult { r[0].Origin = abi.OriginSkipped; return r[:1] },
			[]want{{0, KindMissing, "expected STATUS_SUCCESS; the step did not run"}}},
		{"values are missing", func(r []StepResult) []StepResult { r[1].Values = nil; return r[:2] },
			[]want{{1, KindReport, "major: expected 1, but the guest did not report it"},
				{1, KindReport, "minor: expected at least 0, but the guest did not report it"},
				{1, KindReport, "client_set: expected true, but the guest did not report it"}}},
		{"twice", func(r []StepResult) []StepResult { return append(r, r[0]) },
			[]want{{0, KindReport, "the guest reported the step twice"}}},
		{"no such step", func(r []StepResult) []StepResult { return append(r, StepResult{Step: 8}, StepResult{Step: -1}) },
			[]want{{8, KindReport, "the guest reported a step that this case does not have: it has 8"},
				{-1, KindReport, "the guest reported a step that this case does not have: it has 8"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []want
			for _, d := range c.Judge(test.change(asExpected())) {
				got = append(got, want{d.Step, d.Kind, d.Message})
			}
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(want{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDeviationText(t *testing.T) {
	c := waits(t)
	results := asExpected()
	results[1].Values[0] = 0
	d := c.Judge(results)[0]
	if want := "step 2 (capture a, no wait, major 1, minor at least 0, client_set true, within 100ms): major: expected 1, got 0"; d.String() != want {
		t.Errorf("got  %s\nwant %s", d, want)
	}
	if d.Expected != "major 1" || d.Actual != "major 0" || d.Value != "version" {
		t.Errorf("expected %q, actual %q, value %q", d.Expected, d.Actual, d.Value)
	}
}

func TestNotes(t *testing.T) {
	c := waits(t)
	results := asExpected()
	want := []Note{{5, "inspect a", "STATUS_SUCCESS (0x00000000); version 1.0, " +
		"slots WskSocket WskSocketConnect WskControlClient WskGetAddressInfo WskFreeAddressInfo WskGetNameInfo, captures 1"}}
	if diff := cmp.Diff(want, c.Notes(results)); diff != "" {
		t.Error(diff)
	}
	results[5].Values = make([]uint64, 10)
	if got := c.Notes(results)[0].Text; got != "STATUS_SUCCESS (0x00000000); captures 0" {
		t.Error(got)
	}
	results[5] = StepResult{Step: 5, Origin: abi.OriginRefused, Status: 0xC0000184}
	if got := c.Notes(append(results, StepResult{Step: 99}))[0].Text; got != "refused by the driver: STATUS_INVALID_DEVICE_STATE (0xC0000184)" {
		t.Error(got)
	}
}

// TestRecordedForms: what is noted of a step is what its record says.
func TestRecordedForms(t *testing.T) {
	for form, want := range map[string]string{
		"true": "STATUS_SUCCESS (0x00000000)", "[events]": "STATUS_SUCCESS (0x00000000); events 3", "[]": "",
	} {
		c := load(t, caseText("", "register: {client: a}\n        record: "+form, "deregister: {client: a}")).All()[0]
		var got string
		for _, n := range c.Notes([]StepResult{{Step: 0, Values: []uint64{3}}, {Step: 1}}) {
			got += n.Text
		}
		if got != want {
			t.Errorf("record: %s: got %q, want %q", form, got, want)
		}
	}
	_, err := Load(Source{Name: "f", Data: []byte(caseText("", "register: {client: a}\n        record: [evnets]", "deregister: {client: a}"))})
	if err == nil || !strings.Contains(err.Error(), `register reports no "evnets"; did you mean "events"?`) {
		t.Error(err)
	}
}

func TestMatchKnown(t *testing.T) {
	catalog := load(t, caseText("", "register: {client: a}",
		"capture: {client: a, wait: none, major: 1, minor_at_least: 1}\n        name: first",
		"capture: {client: a, wait: none}\n        expect: STATUS_DEVICE_NOT_READY\n        name: second",
		"release: {client: a}", "deregister: {client: a}")+`
known_issues:
  - {guest: wine, case: s.c, step: first, actual: {version: 1.0, client_set: true}, reason: r, source: x}
  - {guest: wine, case: s/c, step: second, actual: {status: [STATUS_SUCCESS, STATUS_PENDING]}, reason: r}
  - {guest: model, case: s.c, step: second, actual: {status: STATUS_NOINTERFACE}, reason: r}
`)
	c := catalog.All()[0]
	known := catalog.Known("wine", "10.0", c)
	if len(known) != 2 || known[0].Step != 1 || known[1].Step != 2 || len(catalog.Known("windows", "10.0.26100", c)) != 0 {
		t.Fatalf("known issues of wine: %+v", known)
	}
	if got := known[0].Actual() + " / " + known[1].Actual(); got != "version 1.0, client_set true / STATUS_SUCCESS or STATUS_PENDING" {
		t.Error(got)
	}
	values := func(version, client uint64) []uint64 { return []uint64{version, 0, client, 1, 0, 1} }
	for _, test := range []struct {
		name   string
		result StepResult
		want   []bool // of each deviation: does the issue declared for this step match?
	}{
		{"as declared", StepResult{Step: 1, Runs: 1, Values: values(0x0100, 1)}, []bool{true}},
		{"another version", StepResult{Step: 1, Runs: 1, Values: values(0, 1)}, []bool{false, false}},
		{"a declared value differs", StepResult{Step: 1, Runs: 1, Values: values(0x0100, 0)}, []bool{false}},
		{"values cut off", StepResult{Step: 1, Runs: 1, Values: values(0x0100, 1)[:2]}, []bool{false}},
		{"status instead", StepResult{Step: 1, Runs: 1, Status: notReady, Values: values(0x0100, 1)}, []bool{false}},
		{"runs", StepResult{Step: 1, Runs: 2, Values: values(0x0101, 1)}, []bool{false}},
		{"status as declared", StepResult{Step: 2, Runs: 1}, []bool{true}},
		{"other status as declared", StepResult{Step: 2, Runs: 1, Status: winerr.StatusPending}, []bool{true}},
		{"another status", StepResult{Step: 2, Runs: 1, Status: 0xC00002B9}, []bool{false}},
		{"hung", StepResult{Step: 2, Runs: 1, Origin: abi.OriginTimeout}, []bool{false}},
		{"refused", StepResult{Step: 2, Runs: 1, Origin: abi.OriginRefused}, []bool{false}},
		{"another step", StepResult{Step: 3, Runs: 1, Status: winerr.StatusPending}, []bool{false}},
	} {
		t.Run(test.name, func(t *testing.T) {
			issue := known[min(test.result.Step, 2)-1]
			var got []bool
			for _, d := range c.Judge([]StepResult{test.result}) {
				got = append(got, MatchKnown(d, issue))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff, c.Judge([]StepResult{test.result}))
			}
		})
	}
}

// TestKnownOfPrograms: a known issue excuses what it declares, and nothing else that deviates in its step: an output, another
// check, another test of the program.
func TestKnownOfPrograms(t *testing.T) {
	catalog := load(t, caseText("", "run: {program: a.exe, tap: stdout, stdout: {contains: begun}}\n        name: tests",
		"ioctl: {device: D, code: 1, bytes: 4, out: {text: abcd}}\n        name: asks")+`
known_issues:
  - {guest: wine, case: s.c, step: tests, actual: {exit: 1, failed: ['y', x]}, reason: r}
  - {guest: windows, case: s.c, step: tests, actual: {exit: 1}, reason: r}
  - {guest: model, case: s.c, step: tests, actual: {failed: [x]}, reason: r}
  - {guest: wine, case: s.c, step: asks, actual: {bytes: 3}, reason: r}
`)
	c := catalog.All()[0]
	tests, exitOnly, onlyX := catalog.Known("wine", "10.0", c)[0], catalog.Known("windows", "10.0.26100", c)[0], catalog.Known("model", "10.0", c)[0]
	if got := tests.Actual(); got != "exit 1, failed tests x, y" {
		t.Error(got)
	}
	const x, xy, yx = "begun\n1..1\nnot ok 1 - x\n", "begun\n1..2\nnot ok 1 - x\nnot ok 2 - y\n", "begun\n1..2\nnot ok 1 - y\nnot ok 2 - x\n"
	program := func(exit uint64, out string) StepResult {
		values := make([]uint64, 10)
		values[c.Steps[0].op.values[0].index] = exit
		return StepResult{Step: 0, Runs: 1, Values: values, Outputs: output.Outputs{Out: []byte(out), OutBytes: uint64(len(out))}}
	}
	asks := func(out string) StepResult {
		values := make([]uint64, 10)
		values[c.Steps[1].op.values[0].index] = uint64(len(out))
		return StepResult{Step: 1, Runs: 1, Values: values, Outputs: output.Outputs{Out: []byte(out), OutBytes: uint64(len(out))}}
	}
	for name, test := range map[string]struct {
		issue *KnownIssue
		got   []StepResult
		want  bool
	}{
		"as declared":            {tests, []StepResult{program(1, xy)}, true},
		"in another order":       {tests, []StepResult{program(1, yx)}, true},
		"one of them passes":     {tests, []StepResult{program(1, x)}, false},
		"one more":               {tests, []StepResult{program(1, "begun\n1..3\nnot ok 1 - x\nnot ok 2 - y\nnot ok 3 - z\n")}, false},
		"one twice":              {tests, []StepResult{program(1, "begun\n1..3\nnot ok 1 - x\nnot ok 2 - y\nnot ok 3 - y\n")}, false},
		"none":                   {tests, []StepResult{program(1, "begun\n1..1\nok 1 - x\n")}, false},
		"and a test is missing":  {tests, []StepResult{program(1, strings.Replace(xy, "1..2", "1..3", 1))}, false},
		"and no word at first":   {tests, []StepResult{program(1, strings.TrimPrefix(xy, "begun\n"))}, false},
		"another exit":           {tests, []StepResult{program(2, xy)}, false},
		"tests not declared":     {exitOnly, []StepResult{program(1, x)}, false},
		"no report":              {exitOnly, []StepResult{program(1, "begun\n")}, false},
		"the exit alone":         {exitOnly, []StepResult{program(1, "begun\n1..1\nok 1 - x\n")}, true},
		"a test alone":           {onlyX, []StepResult{program(0, x), asks("abcd")}, true},
		"and a step that failed": {onlyX, []StepResult{program(0, x), asks("abc")}, false},
	} {
		if got := test.issue.Excuses(c.Judge(test.got)); got != test.want {
			t.Errorf("%s: %v, %v", name, got, c.Judge(test.got))
		}
	}
	good := program(0, "begun\n1..1\nok 1 - x\n")
	if k := catalog.Known("wine", "10.0", c)[1]; k.Excuses(c.Judge([]StepResult{good, asks("xyz")})) {
		t.Error("an output that is not declared is excused")
	}
	if _, err := Load(Source{Name: "f", Data: []byte(caseText("", "run: {program: a.exe}") + "known_issues: [{guest: wine, case: s.c, step: run, actual: {exit: 1, failed: [x]}, reason: r}]\n")}); err == nil {
		t.Error("tests of a program without a report")
	}
}

// TestWhyTheSampleFailed: where its sub-component is not as demanded, the status that made it so is told by name.
func TestWhyTheSampleFailed(t *testing.T) {
	c := oneCase(t, "state: {phase: listening}")
	for name, test := range map[string]struct {
		status uint64
		actual string
	}{
		"a failure": {0xC000020A, "phase failed, error STATUS_ADDRESS_ALREADY_EXISTS (0xC000020A)"},
		"none":      {0, "phase failed"},
		"unnamed":   {0xC0DE0BAD, "phase failed, error 0xC0DE0BAD"},
	} {
		values := make([]uint64, 10)
		values[abi.ValueStatePhase], values[abi.ValueStateStatus] = abi.PhaseFailed, test.status
		d := c.Judge([]StepResult{{Step: 0, Runs: 1, Values: values}})
		if len(d) != 1 || d[0].Expected != "phase listening" || d[0].Actual != test.actual || !strings.HasSuffix(d[0].Message, "got "+strings.TrimPrefix(test.actual, "phase ")) {
			t.Errorf("%s: %+v", name, d)
		}
	}
	own := oneCase(t, "state: {error: STATUS_SUCCESS}")
	values := make([]uint64, 10)
	values[abi.ValueStateStatus] = 0xC000020A
	if d := own.Judge([]StepResult{{Step: 0, Runs: 1, Values: values}}); len(d) != 1 || strings.Count(d[0].Actual, "STATUS_") != 1 {
		t.Errorf("the status itself: %+v", d)
	}
}

// TestKnownForVersions has one case that deviates in another way from some version on, and later not at all.
func TestKnownForVersions(t *testing.T) {
	catalog := load(t, known("case: s.c, step: capture, versions: [8.0, 9.0], fixed: 10.0, actual: {status: STATUS_SUCCESS}")+
		"  - {guest: wine, reason: r, case: s.c, step: capture, versions: [10.0, 10.0], fixed: 11.0, actual: {status: STATUS_PENDING}}\n")
	var got []string
	for _, version := range []string{"7.0", "8.0", "9.5", "10.0", "11.0"} {
		words := "none"
		for _, k := range catalog.Known("wine", version, catalog.All()[0]) {
			words = k.Actual() + " of " + k.Versions.String()
		}
		got = append(got, words)
	}
	want := "none, STATUS_SUCCESS of 8.0 to 9.0, STATUS_SUCCESS of 8.0 to 9.0, STATUS_PENDING of 10.0, none"
	if got := strings.Join(got, ", "); got != want {
		t.Errorf("from 7.0 to 11.0: %s; want %s", got, want)
	}
}
