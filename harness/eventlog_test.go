package harness

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"wskharness/results"
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
	up   *UpGuest
	name string
}

func (r rebooter) Handle(e results.Event) error {
	if e.Kind != results.KindCaseStarted || e.Case != r.name {
		return nil
	}
	ctx, cancel := context.WithTimeout(r.t.Context(), 20*time.Second)
	defer cancel()
	return wine.Reset(ctx, r.up.State)
}

// TestRebootWithAnEvent lets a machine that nobody watches reboot in mid-case, with no dump but an event log: a stop code
// in it that was not there before makes it a bugcheck, whatever the guest's clock says; anything else is an unexpected reboot.
func TestRebootWithAnEvent(t *testing.T) {
	env := testEnv(t)
	up := bringUp(t, env)
	client, err := Dial(&Config{}, env, up.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	const before = 4711
	code := "<Data Name='BugcheckCode'>209</Data><Data Name='BugcheckParameter1'>0x10</Data>"
	for _, test := range []struct {
		name, log string
		outcome   results.Outcome
		reason    string
		evidence  string
	}{
		{"a stop code with a dump", loggedEvent("Microsoft-Windows-WER-SystemErrorReporting", 1001, before+9,
			`<Data Name='param1'>0x000000e2 (0x11, 0x22, 0x33, 0x44)</Data><Data Name='param2'>C:\Windows\MEMORY.DMP</Data>`) +
			loggedEvent("Microsoft-Windows-Kernel-Power", 41, before+2, strings.Replace(code, "209", "226", 1)),
			results.Bugcheck, "bugcheck 0x000000E2 (0x11, 0x22, 0x33, 0x44)", `a dump was saved in C:\Windows\MEMORY.DMP`},
		{"a stop code that nobody reported yet", loggedEvent("Microsoft-Windows-Kernel-Power", 41, before+2, code),
			results.Bugcheck, "bugcheck 0x000000D1 (0x10, 0x0, 0x0, 0x0)", "DRIVER_IRQL_NOT_LESS_OR_EQUAL"},
		{"power lost", loggedEvent("Microsoft-Windows-Kernel-Power", 41, before+2, strings.Replace(code, "209", "0", 1)),
			results.Lost, "rebooted unexpectedly", "no stop code: power was lost"},
		{"an old one", loggedEvent("Microsoft-Windows-Kernel-Power", 41, before, code), results.Lost, "the System event log has no stop code", ""},
		{"nonsense", "<Event><System>", results.Lost, "rebooted unexpectedly", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			config := serveStatic(t, &tamperer{client: client, answer: func(line string) (string, bool) {
				switch {
				case strings.Contains(line, "MEMORY.DM?"):
					return "1118208*01/01/1999 01:02 AM*C:\\Windows\\System32\\winevt\\Logs\\System.evtx\r\n", true
				case strings.Contains(line, "/c:1 "):
					return loggedEvent("Service Control Manager", 7036, before, ""), true
				case strings.Contains(line, fmt.Sprintf("EventRecordID>%d and", before)):
					return test.log, true
				}
				return "", false
			}}, "", map[string]string{"slow.yaml": slowSuite})
			done := carryOut(t, env, config, rebooter{t, up, "slow.one"}, "slow.one")
			said := summary(done)
			if got := outcomes(done.Record)["slow.one"]; got != test.outcome {
				t.Errorf("it is called %s\n%s", got, said)
			}
			if reason := reasonOf(done.Record, "slow.one"); !strings.Contains(reason, test.reason) {
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

// TestEventLogIsThere looks for the event log's file in the list of dumps.
func TestEventLogIsThere(t *testing.T) {
	for list, want := range map[string]bool{
		"":                            false,
		"1*x*C:\\Windows\\MEMORY.DMP": false,
		"1*x*C:\\Windows\\MEMORY.DMP\r\n69632*01/02/2026 01:02 AM*C:\\WINDOWS\\System32\\winevt\\Logs\\System.evtx\r\n": true,
		"1*x*C:\\elsewhere\\System.evtx": false,
	} {
		if got := logPath.MatchString(list); got != want {
			t.Errorf("%q: %t", list, got)
		}
	}
}
