package guest

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"wskharness/driver/abi"
	"wskharness/guest/journal"
)

const stateText = `{"run":"running","freeBytes":4096,"driver":"running","win32":0,"steps":1,"irps":1,"outstanding":[1,0,1,2,1,1],"inflight":[` +
	`{"kind":1,"op":15,"context":1,"named":2,"case":3,"step":4,"runner":5,"iteration":6,"thread":52,"ns":8600000000},` +
	`{"kind":2,"op":26,"context":0,"named":0,"case":3,"step":1,"runner":0,"iteration":0,"thread":"0xffffe0001234a080","ns":9}]}` + "\n"

func TestParseState(t *testing.T) {
	got, err := parseState([]byte(stateText))
	free := uint64(4096)
	want := State{Run: "running", Driver: "running", FreeBytes: &free, Steps: 1, Irps: 1, Outstanding: journal.Residue{Registrations: 1, Threads: 1, PoolBlocks: 2, Sockets: 1, Irps: 1}, Inflight: []Inflight{
		{Op: 15, Context: 1, Named: 2, Case: 3, Step: 4, Runner: 5, Iteration: 6, Thread: 52, Took: 8600 * time.Millisecond},
		{IRP: true, Op: 26, Case: 3, Step: 1, Thread: 0xffffe0001234a080, Took: 9},
	}}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	got, err = parseState([]byte(`{"run":"gone","driver":"stopped","win32":1460}`))
	if diff := cmp.Diff(State{Run: "gone", Driver: "stopped", Win32: 1460}, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	one := stateText[strings.Index(stateText, `{"kind"`):strings.Index(stateText, `,{"kind":2`)]
	for name, text := range map[string]string{
		"no word":              strings.Replace(stateText, `"run":"running"`, `"run":"well"`, 1),
		"no counts":            `{"run":"gone","driver":"stopped","win32":0}`,
		"an unknown kind":      strings.Replace(stateText, `"kind":1`, `"kind":7`, 1),
		"a negative step":      strings.Replace(stateText, `"step":4`, `"step":-4`, 1),
		"an operation without": strings.Replace(stateText, `"op":15,`, ``, 1),
		"too short a residue":  strings.Replace(stateText, `[1,0,1,2,1,1]`, `[1,0,1]`, 1),
		"too many operations":  strings.Replace(stateText, one, one+strings.Repeat(","+one, abi.MaxInflight), 1),
	} {
		if got, err := parseState([]byte(text)); err == nil {
			t.Errorf("%s is taken for %+v; want an error", name, got)
		}
	}
}

func FuzzParseState(f *testing.F) {
	f.Add([]byte(stateText))
	f.Add([]byte(`{"run":"gone","driver":"stopped","win32":1460}`))
	f.Fuzz(func(t *testing.T, out []byte) {
		s, err := parseState(out)
		if err != nil {
			return
		}
		if len(s.Inflight) > abi.MaxInflight || len(s.Driver) > 40+len("…") || s.Steps < 0 {
			t.Errorf("got %+v; want len(s.Inflight) <= abi.MaxInflight and len(s.Driver) <= 40+len(\"…\") and s.Steps >= 0", s)
		}
		for _, a := range s.Inflight {
			if a.Case < 0 || a.Step < 0 || a.Took < 0 {
				t.Errorf("got %+v; want a.Case >= 0 and a.Step >= 0 and a.Took >= 0", a)
			}
		}
	})
}
