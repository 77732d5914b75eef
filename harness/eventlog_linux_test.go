package harness

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"wskharness/config"
	"wskharness/harness/harnesstest"
	"wskharness/remote"
	"wskharness/results"
	"wskharness/targets"
	"wskharness/testtime"
	"wskharness/vm/wine"
)

// loggedEvent is an event as wevtutil prints it, of another century: nobody is to look at its time.
func loggedEvent(provider string, id, record int, data string) string {
	return fmt.Sprintf("<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='%s'/><EventID>%d</EventID>"+
		"<TimeCreated SystemTime='1999-12-31T23:59:59.9Z'/><EventRecordID>%d</EventRecordID></System><EventData>%s</EventData></Event>\r\n", provider, id, record, data)
}

// rebooter turns the guest off and on while a case is under way.
type rebooter struct {
	t    *testing.T
	up   *wine.State
	name string
}

func (r rebooter) Handle(e results.Update) error {
	if e.Kind != results.KindCaseStarted || e.Case != r.name {
		return nil
	}
	ctx := testtime.Context(r.t)
	return r.up.Reset(ctx)
}

// TestRebootWithAnEvent lets a machine that nobody watches reboot in mid-case, with no dump but an event log: a stop code
// in it that was not there before makes it a bugcheck, whatever the guest's clock says; anything else is an unexpected reboot.
func TestRebootWithAnEvent(t *testing.T) {
	env := testEnv(t)
	up := harnesstest.BringUp(t, env.Host)
	client, err := targets.Dial(t.Context(), &config.Config{}, env.Host, up.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	t.Run("a clock that is wrong", func(t *testing.T) { guestInAnotherYear(t, env, client) })
	logs := filepath.Join(up.Dir, "prefix", "drive_c", "windows", "system32", "winevt", "Logs")
	if err := errors.Join(os.MkdirAll(logs, 0o755), os.WriteFile(filepath.Join(logs, "System.evtx"), nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	const before = 4711
	code := "<Data Name='BugcheckCode'>209</Data><Data Name='BugcheckParameter1'>0x10</Data>"
	for _, test := range []struct {
		name, log string
		outcome   results.Outcome
		reason    string
		evidence  string
	}{
		{"a stop code", loggedEvent("Microsoft-Windows-Kernel-Power", 41, before+2, code),
			results.Bugcheck, "bugcheck 0x000000D1 (0x10, 0x0, 0x0, 0x0)", "DRIVER_IRQL_NOT_LESS_OR_EQUAL"},
		{"an old one, and nonsense", loggedEvent("Microsoft-Windows-Kernel-Power", 41, before, code) + "<Event>",
			results.Lost, "the System event log has no stop code", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			config := serveStatic(t, &tamperer{client: client, answer: func(line string) (string, bool) {
				switch {
				case strings.Contains(line, "/c:1 "):
					return loggedEvent("Service Control Manager", 7036, before, ""), true
				case strings.Contains(line, fmt.Sprintf("EventRecordID>%d and", before)):
					return test.log, true
				}
				return "", false
			}}, "", map[string]string{"slow.yaml": slowSuite})
			done := executeRun(t, env, config, rebooter{t, up, "slow.three"}, "slow.three")
			said := summary(done)
			if got := harnesstest.Outcomes(done.Record)["slow.three"]; got != test.outcome {
				t.Errorf("it is called %s\n%s", got, said)
			}
			if reason := harnesstest.ReasonOf(done.Record, "slow.three"); !strings.Contains(reason, test.reason) {
				t.Errorf("%s", reason)
			}
			var found []string
			for _, e := range done.Record.Targets[0].Cases[0].Attempts[0].Evidence {
				if e.Kind == "event-log" {
					found = append(found, e.Text)
				}
			}
			if all := strings.Join(found, "\n"); !strings.Contains(all, test.evidence) || (test.evidence == "") != (all == "") {
				t.Errorf("its evidence: %q\n%s", all, said)
			}
		})
	}
}

var ofTheGuestsClock = regexp.MustCompile(`"(unixMs|timeUnixMs)":\d{13}`)

var jsonOfAgent = regexp.MustCompile(`wskagent\.exe"? (info|run|tail)\b`)

// guestInAnotherYear runs cases on a guest whose clock says 2001: order, times and verdicts are as ever.
func guestInAnotherYear(t *testing.T, env Env, client *remote.WinRM) {
	var turned atomic.Int32
	config := serveStatic(t, &tamperer{client: client, output: func(line string, r io.Reader) io.Reader {
		if !jsonOfAgent.MatchString(line) {
			return r
		}
		turned.Add(1)
		pr, pw := io.Pipe()
		go func() {
			for lines := bufio.NewReader(r); ; {
				text, err := lines.ReadBytes('\n')
				if _, werr := pw.Write(ofTheGuestsClock.ReplaceAll(text, []byte(`"$1":1000000000000`))); err != nil || werr != nil {
					pw.CloseWithError(err)
					return
				}
			}
		}()
		return pr
	}}, "", map[string]string{"slow.yaml": slowSuite})
	begun := time.Now()
	done := executeRun(t, env, config, nil, "slow.one", "slow.four")
	want := map[string]results.Outcome{"slow.one": results.Pass, "slow.four": results.Pass}
	if diff := cmp.Diff(want, harnesstest.Outcomes(done.Record)); diff != "" {
		t.Errorf("%s\n%s", diff, summary(done))
	}
	journal, err := os.Open(filepath.Join(done.Dir, results.JournalName))
	if err != nil {
		t.Fatal(err)
	}
	defer journal.Close()
	events, err := results.Read(journal)
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range events {
		if e.Seq != uint64(i+1) || e.Time.Before(begun) || e.Time.After(time.Now()) {
			t.Errorf("event %d is of %s, and not after %s", e.Seq, e.Time, begun)
		}
	}
	if turned.Load() < 2 {
		t.Errorf("the clock was turned %d times", turned.Load())
	}
}
