package journal

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"wskharness/driver/abi"
	"wskharness/guest/journal/journaltest"
)

func TestParseRecord(t *testing.T) {
	step := `{"seq":4,"ms":5,"ev":"step","n":1,"step":2,"status":3221225635,"origin":0,"runs":16,"ns":1800,"maxNs":2000,"v":[1,2,3,4,5,6,7,8,9,"0xFFFFFFFFFFFFFFFF"],"ok":0,"it":[3,17],"new":{"field":1}}`
	want := Record{Ev: EvStep, Seq: 4, At: 5 * time.Millisecond, N: 1, Step: 2, Status: 0xC00000A3, Runs: 16, Took: 1800, Most: 2000,
		V: [abi.MaxValues]uint64{1, 2, 3, 4, 5, 6, 7, 8, 9, 1<<64 - 1}, It: &Failure{3, 17}, Raw: []byte(step)}
	got, err := parseRecord([]byte(step))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	end := `{"seq":5,"ms":6,"ev":"case-end","n":0,"ran":2,"why":"io","win32":433,"left":[1,2,3,4,5,6],"after":[0,0,1,0,0,0]}`
	got, err = parseRecord([]byte(end))
	want = Record{Ev: EvCaseEnd, Seq: 5, At: 6 * time.Millisecond, Ran: 2, Why: "io", Win32: 433, Left: Residue{1, 2, 3, 4, 5, 6}, After: Residue{Threads: 1}, Raw: []byte(end)}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if got.After.Zero() || !(Residue{}).Zero() {
		t.Error("Zero is wrong")
	}
	over := `{"seq":6,"ms":7,"ev":"run-end","why":"done","cases":2,"kept":3}`
	got, err = parseRecord([]byte(over))
	want = Record{Ev: EvRunEnd, Seq: 6, At: 7 * time.Millisecond, Why: "done", Cases: 2, Kept: 3, Raw: []byte(over)}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	output := `{"seq":6,"ms":7,"ev":"output","n":1,"step":2,"of":"stderr","total":70000,"data":"aGkK"}`
	got, err = parseRecord([]byte(output))
	want = Record{Ev: EvOutput, Seq: 6, At: 7 * time.Millisecond, N: 1, Step: 2, Of: "stderr", Total: 70000, Data: []byte("hi\n"), Raw: []byte(output)}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	last := strings.Replace(output, `"total":70000`, `"total":70000,"at":69997`, 1)
	want.Last, want.Raw = true, []byte(last)
	if got, err = parseRecord([]byte(last)); err != nil || !cmp.Equal(want, got) {
		t.Error(cmp.Diff(want, got), err)
	}
	for _, bad := range []string{strings.Replace(last, "69997", "69998", 1), strings.Replace(last, "stderr", "report", 1), strings.Replace(last, "69997", "18446744073709551615", 1)} {
		if got, err = parseRecord([]byte(bad)); err == nil {
			t.Errorf("%s is taken for %+v; want an error", bad, got)
		}
	}
	plain := `{"seq":7,"ms":8,"ev":"case-end","n":0,"ran":2,"why":"done","driver":"running"}`
	if got, err = parseRecord([]byte(plain)); err != nil || got.Driver != "running" || !got.Left.Zero() {
		t.Errorf("got %+v, %v; want no error and got.Driver == \"running\" and got.Left.Zero()", got, err)
	}
	taken := `{"seq":7,"ms":8,"ev":"case-end","n":0,"ran":2,"why":"io","under":[2,3],"win32":1062,"driver":"stopped"}`
	if got, err = parseRecord([]byte(taken)); err != nil || got.Driver != "stopped" || got.Win32 != 1062 || got.Under == nil || *got.Under != (StepRange{2, 3}) {
		t.Errorf("got %+v, %v; want no error and got.Driver == \"stopped\" and got.Win32 == 1062 and got.Under != nil and *got.Under == (StepRange{2, 3})", got, err)
	}
	back := `{"seq":7,"ms":8,"ev":"case-end","n":0,"ran":2,"why":"done","back":"start","win32":317,"entry":3221225626,"left":[0,0,0,0,0,0],"after":[0,0,0,0,0,0]}`
	if got, err = parseRecord([]byte(back)); err != nil || got.Back != "start" || got.Win32 != 317 || got.Entry != 0xC000009A || got.Under != nil {
		t.Errorf("got %+v, %v; want no error and got.Back == \"start\" and got.Win32 == 317 and got.Entry == 0xC000009A and got.Under == nil", got, err)
	}
	again := `{"seq":2,"ms":8,"ev":"driver-start","ok":0,"win32":317,"why":"start","entry":3235777453,"again":3235777453}`
	if got, err = parseRecord([]byte(again)); err != nil || got.Entry != 0xC0DE0BAD || got.Again == nil || *got.Again != 0xC0DE0BAD {
		t.Errorf("got %+v, %v; want no error and got.Entry == 0xC0DE0BAD and got.Again != nil and *got.Again == 0xC0DE0BAD", got, err)
	}
	hung := `{"seq":2,"ms":8,"ev":"driver-start","ok":0,"win32":1460,"why":"hang","entry":0,"again":258}`
	for _, good := range []string{hung, strings.Replace(again, `"entry":3235777453`, `"entry":0`, 1),
		strings.Replace(again, `"entry":3235777453,"again":3235777453`, `"entry":0,"again":0`, 1),
		strings.Replace(back, `"entry":3221225626`, `"entry":3221225626,"again":3221225626`, 1)} {
		if got, err = parseRecord([]byte(good)); err != nil || got.Again == nil {
			t.Errorf("got %+v, %v; want no error and got.Again != nil", got, err)
		}
	}
	left := `{"seq":7,"ms":8,"ev":"driver-left","ok":1,"win32":0,"sha256":"` + testSHA + `","driver":"running"}`
	if got, err = parseRecord([]byte(left)); err != nil || got.Ev != EvDriverLeft || !got.OK || got.SHA256 != testSHA || got.Driver != "running" {
		t.Errorf("got %+v, %v; want no error and got.Ev == EvDriverLeft and got.OK and got.SHA256 == testSHA and got.Driver == \"running\"", got, err)
	}
	stuck := `{"seq":7,"ms":8,"ev":"driver-stop","ok":0,"win32":1052,"why":"refused","ms2":3}`
	if got, err = parseRecord([]byte(stuck)); err != nil || got.OK || got.Why != "refused" || got.Win32 != 1052 || got.SHA256 != "" {
		t.Errorf("got %+v, %v; want no error and not got.OK and got.Why == \"refused\" and got.Win32 == 1052 and got.SHA256 == \"\"", got, err)
	}
	for _, bad := range []string{
		strings.Replace(taken, "[2,3]", "[2,0]", 1), strings.Replace(taken, "[2,3]", "[2]", 1), strings.Replace(taken, "[2,3]", "[-1,1]", 1),
		strings.Replace(taken, `"why":"io"`, `"why":"done"`, 1), strings.Replace(taken, "stopped", "well", 1),
		strings.Replace(back, `"start"`, `"tired"`, 1), strings.Replace(back, `,"entry":3221225626`, "", 1), strings.Replace(back, `,"win32":317`, "", 1),
		strings.Replace(hung, "258", "259", 1), strings.Replace(hung, "hang", "start", 1), strings.Replace(hung, `"why":"hang"`, `"why":"hash"`, 1),
		strings.Replace(again, `"start"`, `"hang"`, 1), strings.Replace(again, `"again":3235777453`, `"again":0`, 1), strings.Replace(again, `"again":3235777453`, `"again":3235777454`, 1),
		strings.Replace(again, `"ok":0`, `"ok":1`, 1), strings.Replace(plain, `"ran":2`, `"ran":2,"again":0`, 1),
		strings.Replace(left, "running", "stopped", 1), strings.Replace(left, testSHA, "x", 1), strings.Replace(left, `"ok":1`, `"ok":0`, 1),
		strings.Replace(left, `,"sha256":"`+testSHA+`"`, "", 1), strings.Replace(left, `"ok":1`, `"ok":0,"why":"refused"`, 1),
		strings.Replace(stuck, "refused", "state", 1), strings.Replace(stuck, `,"why":"refused"`, "", 1), strings.Replace(stuck, `"ok":0`, `"ok":1`, 1),
		strings.Replace(output, "stderr", "stdin", 1), strings.Replace(output, "aGkK", "a", 1),
		strings.Replace(output, `"total":70000,`, "", 1), strings.Replace(plain, "running", "well", 1),
		strings.Replace(plain, `,"driver":"running"`, "", 1),
	} {
		if got, err := parseRecord([]byte(bad)); err == nil {
			t.Errorf("got %s: %+v; want an error", bad, got)
		}
	}
	order := `{"seq":6,"ms":7,"ev":"reboot","n":3,"step":2}`
	if got, err = parseRecord([]byte(order)); err != nil || got.Ev != EvReboot || got.N != 3 || got.Step != 2 {
		t.Errorf("got %+v, %v; want no error and got.Ev == EvReboot and got.N == 3 and got.Step == 2", got, err)
	}
	boot := `{"seq":7,"ms":900,"ev":"boot","boot":"` + testBoot + `","unixMs":5}`
	if got, err = parseRecord([]byte(boot)); err != nil || got.Ev != EvBoot || got.Boot != testBoot {
		t.Errorf("got %+v, %v; want no error and got.Ev == EvBoot and got.Boot == testBoot", got, err)
	}
	if _, err = parseRecord([]byte(`{"seq":7,"ms":900,"ev":"boot","boot":"now"}`)); err == nil {
		t.Error("a boot without an id is accepted")
	}
	refused := `{"seq":2,"ms":3,"ev":"driver-start","ok":0,"win32":23,"entry":0,"why":"hash"}`
	if got, err = parseRecord([]byte(refused)); err != nil || got.OK || got.Why != "hash" || got.Win32 != 23 {
		t.Errorf("got %+v, %v; want no error and not got.OK and got.Why == \"hash\" and got.Win32 == 23", got, err)
	}
}

// Each change to a good record makes one that is refused, and says why.
func TestParseRecordRefuses(t *testing.T) {
	lines := journalLines(1)
	for name, tc := range map[string]struct {
		line     int
		old, new string
		want     string
	}{
		"seq 0":       {0, `"seq":1`, `"seq":0`, "seq counts from 1"},
		"no seq":      {0, `"seq":1,`, ``, "seq is not a number"},
		"fraction":    {0, `"ms":0`, `"ms":0.5`, "neither an unsigned number"},
		"boot":        {0, testBoot, "x", "no GUID"},
		"agent":       {0, testSHA, "x", "no SHA-256"},
		"run":         {0, runID, `..\\x`, "run id"},
		"cases":       {0, `"cases":1`, `"cases":-1`, "cases is not"},
		"sha256":      {1, testSHA, "xyz", "no SHA-256"},
		"base":        {1, "0xfffff80123450000", "0xg", "neither"},
		"ok 2":        {1, `"ok":1`, `"ok":2`, "neither 0 nor 1"},
		"why missing": {1, `"ok":1`, `"ok":0`, "why is missing"},
		"case":        {2, `"n":0`, `"n":99999999`, "n is not"},
		"nine values": {3, `0,"0xffffffffffffffff"`, `0`, "v has 9 values"},
		"null value":  {3, `"0xffffffffffffffff"`, `null`, "null"},
		"it":          {3, `"ok":1`, `"ok":1,"it":[1]`, "it has 1 values"},
		"origin":      {3, `"origin":0`, `"origin":9`, "origin 9"},
		"skipped":     {3, `"origin":0`, `"origin":4`, "origin 4"},
		"status":      {3, `"status":0`, `"status":4294967296`, "not the JSON object"},
		"left":        {4, `"left":[0,0,0,0,0,0]`, `"left":[0,0,0]`, "left has 3 numbers"},
		"io":          {4, `"why":"done"`, `"why":"io"`, "win32 is missing"},
		"ms2":         {5, `"ms2":14`, `"ms2":"x"`, "neither"},
		"two objects": {6, "}", "}{}", "more than one"},
	} {
		t.Run(name, func(t *testing.T) {
			line := strings.TrimSuffix(lines[tc.line], "\n")
			if _, err := parseRecord([]byte(line)); err != nil {
				t.Fatal(err)
			}
			changed := strings.Replace(line, tc.old, tc.new, 1)
			if changed == line {
				t.Fatal("nothing was changed")
			}
			if _, err := parseRecord([]byte(changed)); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v does not say %q", err, tc.want)
			}
		})
	}
}

func FuzzRecord(f *testing.F) {
	for _, l := range journalLines(1) {
		f.Add([]byte(strings.TrimSuffix(l, "\n")))
	}
	f.Add([]byte(`{"seq":2,"ms":3,"ev":"driver-start","ok":0,"win32":23,"why":"hash"}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		r, err := parseRecord(in)
		if err != nil {
			if len(err.Error()) > 8<<10 {
				t.Fatalf("an error of %d bytes; want len(err.Error()) <= 8<<10", len(err.Error()))
			}
			return
		}
		if r.Seq == 0 || r.At < 0 || r.N < 0 || r.Step < 0 || r.Took < 0 || r.StopTook < 0 || r.Origin > abi.OriginSkipped {
			t.Fatalf("%q was read as %+v", in, r)
		}
	})
}

const (
	runID    = journaltest.RunID
	testBoot = journaltest.Boot
)

var testSHA = journaltest.SHA()

func journalLines(cases int) []string { return journaltest.Lines(cases) }

func journalBytes(lines []string) []byte { return []byte(strings.Join(lines, "")) }
