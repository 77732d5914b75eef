package prepare_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"wskharness/prepare"
	"wskharness/prepare/windows"
	"wskharness/prepare/windowstest"
)

func certificate(t testing.TB) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// everything is all that a target can be asked to be.
func everything(t testing.TB) prepare.Options {
	return prepare.Options{
		Certificate: certificate(t), Verifier: &prepare.Verifier{Flags: "standard", Drivers: []string{"wsksample.sys"}},
		Debug: &prepare.Debugging{Host: 0x0a000002, HostPort: 50000}, HTTPS: true, LogOn: logOn(t, "secret"),
	}
}

func preparation(w windows.Host, o prepare.Options) *prepare.Preparation {
	p := prepare.New(w, o)
	p.Pause = time.Microsecond
	return p
}

// statuses are findings by their settings.
func statuses(findings []prepare.Finding) map[string]prepare.Status {
	all := map[string]prepare.Status{}
	for _, f := range findings {
		all[f.Setting] = f.Status
	}
	return all
}

// A plain Windows is prepared in one go, with one reboot; then there is nothing left to do; and it is brought back to the byte.
func TestRunAndUndo(t *testing.T) {
	for name, german := range map[string]bool{"English": false, "German": true} {
		t.Run(name, func(t *testing.T) {
			w := windowstest.New()
			w.German = german
			before := w.Snapshot()
			p := preparation(w, everything(t))
			plan, err := p.Plan(t.Context())
			if err != nil || !plan.Reboot {
				t.Fatalf("%+v, %v", plan, err)
			}
			if after := w.Snapshot(); after != before {
				t.Fatalf("a plan changed something:\n%s", difference(before, after))
			}
			booted := w.Booted
			if err := p.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			if w.Booted != booted+1 {
				t.Errorf("got %d boots, want 1", w.Booted-booted)
			}
			findings, err := p.Look(t.Context())
			for _, f := range findings {
				if f.Wrong() {
					t.Errorf("%s is %s: %s", f.Setting, f.Status, f.Detail)
				}
			}
			prepared, changes := w.Snapshot(), w.Changes
			if err := errors.Join(err, p.Run(t.Context())); err != nil {
				t.Fatal(err)
			}
			if w.Changes != changes || w.Snapshot() != prepared || w.Booted != booted+1 {
				t.Errorf("the second time it made %d changes and %d boots", w.Changes-changes, w.Booted-booted-1)
			}
			back, err := p.PlanUndo(t.Context())
			if err != nil || len(back) < 20 {
				t.Errorf("%v, %v", back, err)
			}
			if err := p.Undo(t.Context()); err != nil {
				t.Fatal(err)
			}
			if after := w.Snapshot(); after != before || w.Recovery != 0 {
				t.Errorf("it was not brought back, BitLocker asked %d times:\n%s", w.Recovery, difference(before, after))
			}
			w.Reboot()
			if w.Booted--; w.Recovery != 0 {
				t.Error("BitLocker asks for its recovery key behind the next boot")
			}
			if w.Booted != booted+2 {
				t.Errorf("got %d boots for the undo, want 1", w.Booted-booted-1)
			}
			if err := p.Undo(t.Context()); !errors.Is(err, prepare.ErrNothingToUndo) {
				t.Errorf("got %v, want %v", err, prepare.ErrNothingToUndo)
			}
		})
	}
}

// difference is the lines that only one of two texts has.
func difference(before, after string) string {
	var b strings.Builder
	was, is := strings.Split(before, "\n"), strings.Split(after, "\n")
	for _, line := range was {
		if !slices.Contains(is, line) {
			fmt.Fprintf(&b, "- %.300s\n", line)
		}
	}
	for _, line := range is {
		if !slices.Contains(was, line) {
			fmt.Fprintf(&b, "+ %.300s\n", line)
		}
	}
	return b.String()
}

// interruptions are the ways in which a controller is gone behind a change.
var interruptions = map[string]struct{ goesOn, crashes bool }{
	"the script ends": {false, false}, "the script goes on": {true, false}, "the machine crashes": {false, true}, "the script goes on, the machine crashes": {true, true},
}

// Cut off behind each of its changes, and begun again, it ends as if it had not been, and is brought back to the byte.
func TestCutOffAnywhere(t *testing.T) {
	o := everything(t)
	whole := windowstest.New()
	if err := preparation(whole, o).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	prepared, total := whole.Snapshot(), whole.Changes
	t.Logf("%d changes, in %d conversations", total, whole.Conversations)
	for name, how := range interruptions {
		t.Run(name, func(t *testing.T) {
			for cut := 1; cut <= total; cut++ {
				w := windowstest.New()
				before := w.Snapshot()
				w.Cut, w.GoesOn, w.Crashes = cut, how.goesOn, how.crashes
				if err := preparation(w, o).Run(t.Context()); !errors.Is(err, windowstest.ErrCut) {
					t.Fatalf("cut %d: %v", cut, err)
				}
				if err := preparation(w, o).Run(t.Context()); err != nil {
					t.Fatalf("cut %d, begun again: %v", cut, err)
				}
				if left := without(difference(prepared, w.Snapshot())); left != "" {
					t.Errorf("cut %d:\n%s", cut, left)
				}
				findings, err := preparation(w, o).Look(t.Context())
				if wrong := slices.ContainsFunc(findings, prepare.Finding.Wrong); wrong || err != nil {
					t.Errorf("cut %d: %v, %v", cut, statuses(findings), err)
				}
				if err := preparation(w, o).Undo(t.Context()); err != nil {
					t.Fatalf("cut %d, undone: %v", cut, err)
				}
				if after := w.Snapshot(); after != before || w.Recovery != 0 {
					t.Errorf("cut %d: it was not brought back, BitLocker asked %d times:\n%s", cut, w.Recovery, difference(before, after))
				}
			}
		})
	}
}

// without takes out what differs between any two targets: when the record was made, and the debugger's key.
func without(difference string) string {
	var left []string
	for line := range strings.Lines(difference) {
		if !strings.Contains(line, `originals.json`) && !strings.Contains(line, `\1200001d|`) {
			left = append(left, line)
		}
	}
	return strings.Join(left, "")
}

// Cut off behind each of its changes, the undo goes on where it was, too.
func TestUndoCutOffAnywhere(t *testing.T) {
	o := everything(t)
	for name, how := range interruptions {
		t.Run(name, func(t *testing.T) {
			for cut, over := 1, false; !over; cut++ {
				w := windowstest.New()
				before := w.Snapshot()
				if err := preparation(w, o).Run(t.Context()); err != nil {
					t.Fatal(err)
				}
				w.Cut, w.GoesOn, w.Crashes = w.Changes+cut, how.goesOn, how.crashes
				err := preparation(w, o).Undo(t.Context())
				if over = err == nil; !over && !errors.Is(err, windowstest.ErrCut) {
					t.Fatalf("cut %d: %v", cut, err)
				}
				if !over {
					if err := preparation(w, o).Undo(t.Context()); err != nil && !errors.Is(err, prepare.ErrNothingToUndo) {
						t.Fatalf("cut %d, begun again: %v", cut, err)
					}
				}
				if after := w.Snapshot(); after != before || w.Recovery != 0 {
					t.Errorf("cut %d: it was not brought back, BitLocker asked %d times:\n%s", cut, w.Recovery, difference(before, after))
				}
			}
		})
	}
}

// A target that can't be prepared is left as it was, and it is said what is in the way.
func TestBlocked(t *testing.T) {
	for name, test := range map[string]struct {
		make func(w *windowstest.Windows)
		want string
	}{
		"Secure Boot": {func(w *windowstest.Windows) {
			w.SecureBoot = true
			w.Set(`SYSTEM\CurrentControlSet\Control\SecureBoot\State`, "UEFISecureBootEnabled", windows.DWord, "1")
		}, "secure-boot: Secure Boot is on"},
		"a filtered token":   {func(w *windowstest.Windows) { w.Filtered = true }, "LocalAccountTokenFilterPolicy"},
		"no administrator":   {func(w *windowstest.Windows) { w.Filtered, w.User = true, "" }, "S-1-5-32-544"},
		"an old Windows":     {func(w *windowstest.Windows) { w.Set(versionKey, "CurrentBuildNumber", windows.Text, "9600") }, "use Windows 10"},
		"a locked BitLocker": {func(w *windowstest.Windows) { w.Protection["C:"] = "2" }, "manage-bde -status"},
	} {
		t.Run(name, func(t *testing.T) {
			w := windowstest.New()
			test.make(w)
			before := w.Snapshot()
			err := preparation(w, everything(t)).Run(context.Background())
			if _, ok := errors.AsType[*prepare.BlockedError](err); !ok || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
			if after := w.Snapshot(); after != before || w.Changes != 0 {
				t.Errorf("%d changes:\n%s", w.Changes, difference(before, after))
			}
		})
	}
}

const versionKey = `SOFTWARE\Microsoft\Windows NT\CurrentVersion`

// A reboot that is still to come when the controller is gone is made up for, also where nothing on the machine tells of it.
func TestRebootIsNotForgotten(t *testing.T) {
	w := windowstest.New()
	o := prepare.Options{Keep: slices.DeleteFunc(prepare.Names(), func(n string) bool { return n == "crash-dump" })}
	w.Cut = w.Changes + 4 // what is written down, and three values
	booted := w.Booted
	if err := preparation(w, o).Run(t.Context()); !errors.Is(err, windowstest.ErrCut) || w.Booted != booted {
		t.Fatalf("got %v and %d boots; want to be cut off before the reboot", err, w.Booted-booted)
	}
	if err := preparation(w, o).Run(t.Context()); err != nil || w.Booted != booted+1 {
		t.Errorf("got %d boots, %v; want 1", w.Booted-booted, err)
	}
}
