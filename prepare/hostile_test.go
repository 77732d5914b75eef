package prepare_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode"

	"wskharness/prepare"
	"wskharness/prepare/windows"
	"wskharness/prepare/windowstest"
	"wskharness/vm/powershell"
	"wskharness/winerr"
)

// liar answers one call of its own choice.
type liar struct {
	windows.Host
	about  func(windows.Call) bool
	answer windows.Answer
}

func (l liar) Do(ctx context.Context, calls []windows.Call) ([]windows.Answer, error) {
	answers, err := l.Host.Do(ctx, calls)
	for n := range answers {
		if l.about(calls[n]) {
			answers[n] = l.answer
		}
	}
	return answers, err
}

// asked are the calls that a host is asked.
type asked struct {
	windows.Host
	calls map[string]windows.Call
}

func (a asked) Do(ctx context.Context, calls []windows.Call) ([]windows.Answer, error) {
	for _, c := range calls {
		text, _ := json.Marshal(c)
		a.calls[string(text)] = c
	}
	return a.Host.Do(ctx, calls)
}

// lies are answers that a Windows would not give.
func lies() map[string]windows.Answer {
	const escape = "\x1b[2J\x00\u202e\u2066evil\r\n"
	values := func(v string) map[string]string {
		m := map[string]string{}
		for _, name := range []string{"user", "sid", "administrator", "PartOfDomain", "Domain", "TotalPhysicalMemory", "FreeSpace", "ProtectionStatus", "port", "thumbprint", "certificate",
			"Basic", "Kerberos", "Negotiate", "Certificate", "CredSSP", "AllowUnencrypted", "issuer", "subject", "uri", "enabled", "VirtualizationBasedSecurityStatus", "SecurityServicesRunning"} {
			m[name] = v
		}
		return m
	}
	raw := base64.StdEncoding.EncodeToString
	return map[string]windows.Answer{
		"nothing": {}, "a type of its own": {Type: escape, Data: escape, Name: escape, Key: escape}, "control characters": {Type: windows.Text, Data: strings.Repeat(escape, 200)},
		"a large number": {Type: windows.DWord, Data: "99999999999999999999999999"}, "no number": {Type: windows.DWord, Data: "-1"}, "bytes": {Type: windows.Binary, Data: "zz"},
		"a long list": {Type: windows.List, Data: strings.Repeat(`C:\pagefile.sys 1 1`+"\x00", 5000)}, "no Base64": {Type: "Exit", Data: "!!"}, "a program's noise": {Type: "Exit", Data: raw([]byte(escape)), Complaint: escape},
		"policies of another shape": {Type: "Exit", Data: raw([]byte(`{"Policies":[{"PolicyID":7,"IsOnDisk":{}},{"PolicyID":"x"}]}`))}, "policies without end": {Type: "Exit", Data: raw([]byte(`{"Policies":[` + strings.Repeat(`[`, 9999)))},
		"an object that lies": {Type: "Object", Objects: powershell.List[map[string]string]{values(escape)}}, "an empty object": {Type: "Object", Objects: powershell.List[map[string]string]{nil}},
		"many objects": {Type: "Objects", Objects: make(powershell.List[map[string]string], 1000)}, "an object of numbers": {Type: "Account", Objects: powershell.List[map[string]string]{values("18446744073709551615")}},
		"values in values": {Type: "Values", Values: powershell.List[windows.Answer]{{Type: escape, Name: escape}, {Name: "VerifyDrivers", Type: windows.Text, Data: escape}}},
		"a failure":        {Type: "Failed", Error: escape, Code: winerr.Win32(0xFFFFFFFF)}, "not executed": {Type: "Skipped"},
	}
}

// Whatever a machine answers to whichever question, and in whichever place: nothing falls over, nothing of it reaches a terminal
// that is not fit to, and a lie about who has logged on, or about Secure Boot's being on, makes nothing good of what is bad.
func TestHostileAnswers(t *testing.T) {
	o := everything(t)
	w := windowstest.New()
	calls := map[string]windows.Call{}
	if _, err := preparation(asked{w, calls}, o).Plan(t.Context()); err != nil {
		t.Fatal(err)
	}
	said := 0
	for text, call := range calls {
		for name, answer := range lies() {
			host := liar{w, func(c windows.Call) bool {
				same, _ := json.Marshal(c)
				return string(same) == text
			}, answer}
			plan, err := preparation(host, o).Plan(t.Context())
			shown := ""
			if err != nil {
				shown = err.Error()
			} else {
				for _, f := range plan.Findings {
					shown += f.Detail + " " + f.Fix + " "
				}
			}
			said++
			if bad := strings.IndexFunc(shown, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }); bad >= 0 {
				t.Errorf("%s answered with %s: %.100q is said", call.Do+" "+call.Name+call.Program+call.Query, name, shown[max(0, bad-40):])
			}
			if len(shown) > 64<<10 {
				t.Errorf("%s answered with %s: %d bytes are said", text, name, len(shown))
			}
		}
	}
	t.Logf("%d calls, %d lies", len(calls), said)
	if len(calls) < 30 {
		t.Errorf("only %d calls were asked", len(calls))
	}
}

// A machine on which nothing can be written down is left as it was: its disk is full, or the file is somebody's.
func TestNothingIsChangedUnwritten(t *testing.T) {
	for _, code := range []winerr.Win32{112, winerr.ErrorAccessDenied} { // ERROR_DISK_FULL
		w := windowstest.New()
		before := w.Snapshot()
		w.Refuse = func(c windows.Call) error {
			if c.Do == "writeFile" {
				return &windows.CallError{Call: c, Code: code, Text: "There is not enough space on the disk"}
			}
			return nil
		}
		err := preparation(w, everything(t)).Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), "write down on the target what it was") || w.Changes != 0 || w.Snapshot() != before {
			t.Errorf("got %v and %d changes", err, w.Changes)
		}
	}
}

// A record that is none is told, and nothing is done by it: neither is the machine prepared over it, nor brought back by it.
func TestRecordThatIsNone(t *testing.T) {
	const file = `C:\wskharness\prepare\originals.json`
	for name, text := range map[string]string{
		"empty": "", "cut": `{"version":1,"items":[`, "another version": `{"version":2}`, "another kind": `{"version":1,"items":[{"kind":"tea","was":{}}]}`, "a list": `[]`, "two": `{"version":1}{}`,
		"an item twice":  `{"version":1,"items":[{"kind":"registry","place":"a","name":"b","was":{}},{"kind":"registry","place":"a","name":"b","was":{}}]}`,
		"wrong types":    `{"version":"1","items":7}`,
		"too many":       `{"version":1,"items":[` + strings.TrimSuffix(strings.Repeat(`{"kind":"registry","was":{}},`, 1001), ",") + `]}`,
		"control":        `{"version":1,"items":[{"kind":"` + "\\u001b[2J" + `","was":{}}]}`,
		"deep":           strings.Repeat(`{"items":[`, 5000),
		"not even UTF-8": "\xff\xfe{",
	} {
		w := windowstest.New()
		w.Files[file] = []byte(text)
		before := w.Snapshot()
		p := preparation(w, everything(t))
		_, planned := p.PlanUndo(t.Context())
		for doing, err := range map[string]error{"run": p.Run(t.Context()), "undo": p.Undo(t.Context()), "plan": planned} {
			if err == nil || errors.Is(err, prepare.ErrNothingToUndo) || !strings.Contains(err.Error(), "look at it by hand") || strings.Contains(err.Error(), "\x1b") || len(err.Error()) > 100<<10 {
				t.Errorf("%s, %s: got %.300q", name, doing, fmt.Sprint(err))
			}
		}
		if w.Changes != 0 || w.Snapshot() != before {
			t.Errorf("%s: %d changes", name, w.Changes)
		}
	}
}

// meanwhile does something before the first call of a kind is executed.
type meanwhile struct {
	windows.Host
	before string
	do     func()
}

func (m *meanwhile) Do(ctx context.Context, calls []windows.Call) ([]windows.Answer, error) {
	for _, c := range calls {
		if do := m.do; c.Do == m.before && do != nil {
			m.do = nil
			do()
		}
	}
	return m.Host.Do(ctx, calls)
}

// Two that prepare a machine at a time, from different hosts: the one that comes second to write down what the machine was is told,
// and changes nothing. What the machine was is what it was before both.
func TestTwoAtATime(t *testing.T) {
	for name, before := range map[string]string{"it is looked at": "account", "it is written down": "writeFile", "it is changed": "setValue"} {
		w := windowstest.New()
		original := w.Snapshot()
		o := everything(t)
		var second error
		host := &meanwhile{Host: w, before: before, do: func() {
			if second = preparation(w, o).Run(t.Context()); second != nil {
				t.Errorf("%s: the other: %v", name, second)
			}
		}}
		err := preparation(host, o).Run(t.Context())
		if before == "writeFile" && (err == nil || !strings.Contains(err.Error(), "somebody else writes it")) {
			t.Errorf("%s: got %v; want that somebody else is at it", name, err)
		}
		if err := preparation(w, o).Undo(t.Context()); err != nil {
			t.Errorf("%s: undo: %v", name, err)
		}
		if after := w.Snapshot(); after != original {
			t.Errorf("%s: it was not brought back:\n%s", name, difference(original, after))
		}
	}
}
