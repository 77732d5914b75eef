package prepare

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"wskharness/guest/untrusted"
	"wskharness/prepare/windows"
)

// FuzzRecord: what says what a target was is read, or refused, and what is read is written as it was.
func FuzzRecord(f *testing.F) {
	f.Add([]byte(`{"version":1,"made":"2026-11-30T00:00:00Z","items":[{"setting":"test-signing","kind":"boot","place":"{current}","name":"16000049","was":{"key":"BCD"},"reboot":true}]}`))
	f.Add([]byte(`{"version":2,"items":[{"kind":"registry"},{"kind":"registry"},{"kind":"tea"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := parseRecord(data)
		if err != nil {
			return
		}
		for _, o := range r.Items {
			kind, err := kindOf(o.item)
			if err != nil {
				t.Fatalf("got %v of a record that was read; want no error", err)
			}
			_, _ = kind.write(o.item, state{}, o.Was)
			_ = o.item.String() + o.Was.String()
		}
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatalf("got %v; want no error", err)
		}
		if _, err := parseRecord(text); err != nil {
			t.Errorf("got %v of what was written; want no error", err)
		}
	})
}

// FuzzPrograms: what programs of a guest print is read to the end, whatever it is.
func FuzzPrograms(f *testing.F) {
	f.Add(`{"Policies":[{"PolicyID":"784c4414-79f4-4c32-a6a5-f0fb42a51d0d","IsOnDisk":"True","IsEnforced":true}],"OperationResult":0}`)
	f.Add("Verifier-Flags: 0x000209bb\r\n\r\n  [X] 0x00000001 Spezieller Pool.\r\nwsksample.sys\r\n")
	f.Add("C:\\pagefile.sys 1024 2048\x00?:\\pagefile.sys")
	f.Fuzz(func(t *testing.T, out string) {
		if all, err := parsePolicies(out); err == nil {
			for _, p := range all {
				if !untrusted.IsGUID(p.id) {
					t.Errorf("got the policy %q; want a GUID", p.id)
				}
			}
		}
		for _, file := range effectiveVerifier(out).Drivers {
			if !strings.HasSuffix(file, ".sys") && len(file) < 64 || len(file) > 80 {
				t.Errorf("got the driver %q; want a file", file)
			}
		}
		neverSleeps(out)
		if size, managed := pageFile(state{Type: windows.List, Data: out}); managed && size != 0 {
			t.Errorf("got %d of a managed page file; want 0", size)
		}
	})
}

// liar answers whatever it is asked with the same words.
type liar []windows.Answer

func (l liar) Do(_ context.Context, calls []windows.Call) ([]windows.Answer, error) {
	answers := make([]windows.Answer, len(calls))
	for n := range answers {
		if len(l) > 0 {
			answers[n] = l[n%len(l)]
		}
	}
	return answers, nil
}

// FuzzHostile: a guest that answers anything at all is looked at to the end, and what is shown of it is fit to be shown.
func FuzzHostile(f *testing.F) {
	f.Add([]byte(`[{"type":"DWord","data":"1"},{"type":"String","data":"x\u001b[2J"},{"type":"Exit","data":"e30="},{"type":"Objects","objects":[{"ProtectionStatus":"1","user":"\u001b"}]}]`))
	f.Add([]byte(`[{"type":"Failed","error":"Zugriff","code":5},{"type":""},{"type":"Binary","data":"01"},{"type":"Values","values":[{"name":"VerifyDrivers","type":"MultiString"}]}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var said []windows.Answer
		if json.Unmarshal(data, &said) != nil || len(said) > 50 {
			return
		}
		o := Options{Verifier: &Verifier{Flags: "0x1", Drivers: []string{"a.sys"}}, Debug: &Debugging{Port: 1, Baud: 9600}}
		p := &Preparation{Host: liar(said), Options: o}
		findings, err := p.Look(t.Context())
		if err != nil {
			return
		}
		for _, f := range findings {
			if strings.ContainsAny(f.Detail, "\x1b\x00\r\n") || len(f.Detail) > 20000 {
				t.Errorf("got %.200q; want what is fit to be shown", f.Detail)
			}
		}
		_, _ = p.Plan(t.Context())
		_, _ = p.PlanUndo(t.Context())
	})
}

// A value is what it was, also as to the keys that it needed.
func TestRestored(t *testing.T) {
	for name, test := range map[string]struct {
		was, now state
		want     bool
	}{
		"the same":             {dword(1), dword(1), true},
		"another":              {dword(1), dword(2), false},
		"gone, with its key":   {state{Key: "SOFTWARE"}, state{Key: "SOFTWARE"}, true},
		"gone, its key is not": {state{Key: "SOFTWARE"}, state{}, false},
		"gone from its key":    {state{}, state{}, true},
	} {
		if got := (original{Was: test.was}).restored(test.now); got != test.want {
			t.Errorf("%s: got %t, want %t", name, got, test.want)
		}
	}
}
