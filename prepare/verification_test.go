package prepare_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"wskharness/prepare"
	"wskharness/prepare/windows"
	"wskharness/prepare/windowstest"
)

func verification(w windows.Host) prepare.Verification {
	return prepare.Verification{Host: w, Pause: time.Microsecond}
}

var (
	standard = prepare.Verifier{Flags: "standard", Drivers: []string{"wsksample.sys"}}
	lowOnes  = prepare.Verifier{Flags: "0x4", Drivers: []string{"NETIO.sys"}, Faults: &prepare.Faults{Probability: 100, Tags: []string{"Wsk1", "Wsk2"}, Minutes: 1}}
)

// memory is the key in which Driver Verifier keeps its settings.
const memory = `SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management`

// Driver Verifier is set, is in effect, and is brought back to the byte, on a Windows where it was off, and on one where it was
// somebody's own.
func TestVerification(t *testing.T) {
	for name, before := range map[string]func(*windowstest.Windows){
		"off": func(*windowstest.Windows) {},
		"somebody's": func(w *windowstest.Windows) {
			w.Set(memory, "VerifyDrivers", windows.Text, "other.sys")
			w.Set(memory, "VerifyDriverLevel", windows.DWord, "9")
			w.Reboot()
		},
		"German": func(w *windowstest.Windows) { w.German = true },
	} {
		t.Run(name, func(t *testing.T) {
			w := windowstest.New()
			before(w)
			was, verified := w.Snapshot(), fmt.Sprint(w.Verified)
			v := verification(w)
			if found, err := v.End(t.Context()); found || err != nil {
				t.Fatalf("ended before it had begun: %t, %v", found, err)
			}
			is, err := v.Begin(t.Context(), standard)
			if err != nil || is.Flags != 0x209bb || fmt.Sprint(is.Drivers) != "[wsksample.sys]" || !is.Covers(standard) || is.Covers(lowOnes) {
				t.Fatalf("got %v, %v", is, err)
			}
			is, err = v.Begin(t.Context(), lowOnes)
			if err != nil || is.String() != "this boot verifies netio.sys with the flags 0x4" {
				t.Fatalf("got %v, %v", is, err)
			}
			for value, want := range map[string]string{"VerifierFaultProbability": "100", "VerifierFaultTags": "Wsk1 Wsk2", "VerifierFaultBootMinutes": "1"} {
				if got := w.Registry[memory][value].Data; got != want {
					t.Errorf("%s is %q, want %q", value, got, want)
				}
			}
			if found, err := v.End(t.Context()); !found || err != nil {
				t.Fatalf("%t, %v", found, err)
			}
			if after := w.Snapshot(); after != was || fmt.Sprint(w.Verified) != verified {
				t.Errorf("it verifies %s, and did %s:\n%s", w.Verified, verified, difference(was, after))
			}
		})
	}
}

// A controller that goes away at any change leaves a Windows that the next one brings back.
func TestVerificationCutOff(t *testing.T) {
	for _, crashes := range []bool{false, true} {
		for cut := 1; ; cut++ {
			w := windowstest.New()
			was := w.Snapshot()
			w.Cut, w.Crashes = cut, crashes
			_, err := verification(w).Begin(t.Context(), standard)
			if err == nil {
				_, err = verification(w).End(t.Context())
			}
			if err == nil {
				if cut < 5 {
					t.Errorf("only %d changes", cut)
				}
				break
			}
			if !errors.Is(err, windowstest.ErrCut) {
				t.Fatalf("cut at %d: %v", cut, err)
			}
			w.Cut = 0
			if _, err := verification(w).End(t.Context()); err != nil {
				t.Errorf("cut at %d: %v", cut, err)
			}
			if after := w.Snapshot(); after != was || len(w.Verified) > 0 {
				t.Errorf("cut at %d: it verifies %s:\n%s", cut, w.Verified, difference(was, after))
			}
		}
	}
}

// What is set and not in effect is an error, which says what is; so is what is brought back and still in effect.
func TestVerificationNotInEffect(t *testing.T) {
	for name, test := range map[string]struct {
		booting func(*windowstest.Windows)
		want    string
	}{
		"nothing":        {func(w *windowstest.Windows) { w.Verified = nil }, "this boot verifies nothing; it is set for wsksample.sys"},
		"another driver": {func(w *windowstest.Windows) { w.Verified = []string{"a.sys"} }, "this boot verifies a.sys with the flags 0x209bb; it is set for wsksample.sys"},
		"one more":       {func(w *windowstest.Windows) { w.Verified = append(w.Verified, "a.sys") }, "this boot verifies a.sys, wsksample.sys with the flags 0x209bb"},
	} {
		t.Run(name, func(t *testing.T) {
			w := windowstest.New()
			w.Booting = test.booting
			if _, err := verification(w).Begin(t.Context(), standard); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
	w := windowstest.New()
	if _, err := verification(w).Begin(t.Context(), standard); err != nil {
		t.Fatal(err)
	}
	w.Booting = func(w *windowstest.Windows) { w.Verified = []string{"wsksample.sys"} }
	const want = "it is set as it was before, for nothing, and this boot verifies wsksample.sys"
	if found, err := verification(w).End(t.Context()); !found || err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %t, %v; want %s", found, err, want)
	}
}
