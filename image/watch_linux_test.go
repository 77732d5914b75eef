package image

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"wskharness/vm/qmp"
)

func TestWatch(t *testing.T) {
	line := func(text string) func(*watch) error {
		return func(w *watch) error { _, err := w.line(time.Now(), text); return err }
	}
	event := func(name, data string) func(*watch) error {
		return func(w *watch) error {
			_, err := w.event(qmp.Event{Name: name, Data: json.RawMessage(data)})
			return err
		}
	}
	read := func(disc int64) func(*watch) error {
		return func(w *watch) error { w.read(time.Now(), disc, disc); return nil }
	}
	restart, off := event("RESET", `{"guest": true, "reason": "guest-reset"}`), event("SHUTDOWN", `{"guest": true, "reason": "guest-shutdown"}`)
	type steps = []func(*watch) error
	for name, test := range map[string]struct {
		steps steps
		phase phase
		want  string // of the error that the last step gives
	}{
		"nothing yet":           {steps{read(1 << 20), line("SeaBIOS"), event("RESET", `{"guest": false}`)}, booting, ""},
		"read":                  {steps{read(1 << 20), read(40 << 20)}, installing, ""},
		"told":                  {steps{line("wskharness: step winpe")}, installing, ""},
		"firmware restarts":     {steps{restart}, booting, ""},
		"installed":             {steps{read(40 << 20), restart}, settingUp, ""},
		"restarts":              {steps{read(40 << 20), restart, restart, restart}, settingUp, ""},
		"reset by us":           {steps{read(40 << 20), event("RESET", `{"guest": false}`)}, installing, ""},
		"over and over":         {append(slices.Repeat(steps{restart}, restarts+1), restart), settingUp, "over and over"},
		"fails in Windows PE":   {steps{line("wskharness: step apply"), line("wskharness: failed dism /Apply-Image\r")}, installing, "while installing (Windows PE) (the last step told was: apply): dism /Apply-Image"},
		"fails in Windows":      {steps{read(40 << 20), restart, line("wskharness: failed finish.ps1, line 7: no")}, settingUp, "while setting up (Windows): finish.ps1, line 7: no"},
		"off too early":         {steps{read(40 << 20), off}, installing, "turned itself off while installing"},
		"off as told":           {steps{func(w *watch) error { w.phase = proven; return nil }, off}, proven, ""},
		"ended by somebody":     {steps{event("SHUTDOWN", `{"guest": false, "reason": "host-signal"}`)}, booting, ""},
		"crash":                 {steps{read(40 << 20), restart, event("GUEST_PANICKED", `{"action": "run"}`)}, settingUp, "crashed while setting up"},
		"full":                  {steps{event("BLOCK_IO_ERROR", `{"device": "", "node-name": "system", "nospace": true, "operation": "write", "action": "stop", "reason": "No space left on device"}`)}, booting, "is full"},
		"broken":                {steps{event("BLOCK_IO_ERROR", `{"node-name": "windows", "operation": "read", "action": "stop", "reason": "Input/output error"}`)}, booting, "can't read windows: Input/output error"},
		"reported to the guest": {steps{event("BLOCK_IO_ERROR", `{"node-name": "windows", "operation": "read", "action": "report", "reason": "Input/output error"}`)}, booting, ""},
		"garbage":               {steps{event("SHUTDOWN", `[]`)}, booting, "read QEMU's event SHUTDOWN"},
	} {
		t.Run(name, func(t *testing.T) {
			w := &watch{}
			if name == "over and over" {
				w.phase = settingUp
			}
			var err error
			for at, step := range test.steps {
				if err != nil {
					t.Fatalf("step %d: %v", at, err)
				}
				err = step(w)
				if name == "over and over" && at < restarts {
					if err != nil {
						t.Fatalf("restart %d: %v", at, err)
					}
				} else if name == "over and over" {
					break
				}
			}
			if w.phase != test.phase || (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %s, %v; want %s, %q", w.phase, err, test.phase, test.want)
			}
		})
	}
}

func TestStalled(t *testing.T) {
	w := &watch{}
	now := time.Now()
	w.read(now, 0, 0)
	for n := range 5 {
		now = now.Add(time.Minute)
		w.read(now, 0, int64(n))
	}
	if err := w.stalled(now, time.Minute); err != nil {
		t.Errorf("something was read: %v", err)
	}
	w.read(now.Add(time.Minute), 0, w.moved)
	if err := w.stalled(now.Add(time.Minute), time.Minute); err == nil || !strings.Contains(err.Error(), "nothing was read, written or told for 1m0s") {
		t.Errorf("got %v", err)
	}
	if _, err := w.line(now.Add(time.Minute), "anything"); err != nil {
		t.Fatal(err)
	}
	if err := w.stalled(now.Add(90*time.Second), time.Minute); err != nil {
		t.Errorf("something was told: %v", err)
	}
}

func TestLines(t *testing.T) {
	var got []string
	l := &lines{take: func(line string) { got = append(got, line) }}
	for _, part := range []string{"a\r\nb", "c\n\n", strings.Repeat("x", 3*longestLine), "\nlast"} {
		fmt.Fprint(l, part)
	}
	if want := []string{"a", "bc", "", strings.Repeat("x", longestLine)}; !slices.Equal(got, want) {
		t.Errorf("got %.60q", got)
	}
}

// FuzzWatch: whatever a machine tells, it is followed.
func FuzzWatch(f *testing.F) {
	f.Add("wskharness: step winpe\nwskharness: failed x\n", "RESET", `{"guest": true}`)
	f.Fuzz(func(t *testing.T, serial, name, data string) {
		w := &watch{}
		l := &lines{take: func(line string) {
			if tell, _ := w.line(time.Now(), line); strings.ContainsAny(tell, "\n\x1b") {
				t.Errorf("%q is shown as it is", tell)
			}
		}}
		fmt.Fprint(l, serial)
		_, _ = w.event(qmp.Event{Name: name, Data: json.RawMessage(data)})
	})
}
