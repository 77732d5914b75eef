package remote

import (
	"fmt"
	"strings"
	"testing"

	"wskharness/remote/internal/wsman"
)

// answerOf is what a Receive is answered with, its ReceiveResponse having this content.
func answerOf(t testing.TB, content string) wsman.Envelope {
	t.Helper()
	env, err := wsman.ParseEnvelope([]byte(`<s:Envelope xmlns:s="` + wsman.NSEnvelope + `" xmlns:rsp="` + wsman.NSShell + `"><s:Header/><s:Body><rsp:ReceiveResponse>` + content + `</rsp:ReceiveResponse></s:Body></s:Envelope>`))
	if err != nil {
		t.Fatal(err)
	}
	return env
}

func stateElement(id, state, code string) string {
	var b strings.Builder
	b.WriteString("<rsp:CommandState")
	if id != "" {
		b.WriteString(` CommandId="` + id + `"`)
	}
	if state != "" {
		b.WriteString(` State="` + state + `"`)
	}
	b.WriteString(">")
	if code != "" {
		b.WriteString("<rsp:ExitCode>" + code + "</rsp:ExitCode>")
	}
	return b.String() + "</rsp:CommandState>"
}

func TestCommandStates(t *testing.T) {
	running, pending := stateElement("C-1", wsman.StateRunning, ""), stateElement("C-1", wsman.StatePending, "")
	done := func(code string) string { return stateElement("C-1", wsman.StateDone, code) }
	piece := `<rsp:Stream Name="stdout" CommandId="C-1">aGk=</rsp:Stream>`
	end := `<rsp:Stream Name="stdout" CommandId="C-1" End="true"/>`
	for _, test := range []struct {
		name    string
		content string
		done    bool
		code    uint32
		err     string // part of it
	}{
		{name: "no state", content: piece},
		{name: "running", content: running},
		{name: "pending", content: pending},
		{name: "done", content: done("7"), done: true, code: 7},
		{name: "running, then done", content: running + done("7"), done: true, code: 7},
		{name: "done, then running", content: done("7") + running, done: true, code: 7},
		{name: "pending, running, done", content: pending + running + done("7"), done: true, code: 7},
		{name: "done twice, the same", content: done("7") + done("7"), done: true, code: 7},
		{name: "done twice, once without a code", content: done("") + done("7"), done: true, code: 7},
		{name: "done twice, the same number", content: done("-1") + done("4294967295"), done: true, code: 1<<32 - 1},
		{name: "done twice, differently", content: done("0") + done("7"), err: "two exit codes, 0 and 7"},
		{name: "done twice, once with nonsense", content: done("0") + done("x"), err: `exit code is "x"`},
		{name: "two codes in one state", content: strings.Replace(done("0"), "</rsp:CommandState>", "<rsp:ExitCode>7</rsp:ExitCode></rsp:CommandState>", 1), err: "two exit codes"},
		{name: "running with a code", content: stateElement("C-1", wsman.StateRunning, "0")},
		{name: "running with a code, done with another", content: stateElement("C-1", wsman.StateRunning, "0") + done("7"), done: true, code: 7},

		{name: "another command's", content: stateElement("C-2", wsman.StateDone, "0"), err: `state of another command, "C-2"`},
		{name: "another command's behind its own", content: done("7") + stateElement("C-2", wsman.StateDone, "0"), err: "another command"},
		{name: "another command's before its own", content: stateElement("C-2", wsman.StateRunning, "") + done("7"), err: "another command"},
		{name: "an id in other letters", content: stateElement(" c-1 ", wsman.StateDone, "7"), done: true, code: 7},
		{name: "no id", content: stateElement("", wsman.StateDone, "7"), done: true, code: 7},
		{name: "no id, running and done", content: stateElement("", wsman.StateRunning, "") + stateElement("", wsman.StateDone, "7"), done: true, code: 7},
		{name: "the shell is done, the command is not", content: stateElement("", wsman.StateDone, "0") + running},
		{name: "the shell is done, and so is the command", content: done("7") + stateElement("", wsman.StateDone, "0"), done: true, code: 7},

		{name: "an unknown state", content: stateElement("C-1", wsman.NSShell+"/CommandState/Finished", "0"), err: "unknown state"},
		{name: "a state without its address", content: stateElement("C-1", "Done", "0"), err: `unknown state of the command, "Done"`},
		{name: "a state in other letters", content: stateElement("C-1", strings.ToUpper(wsman.StateDone), "0"), err: "unknown state"},
		{name: "done, then an unknown one", content: done("0") + stateElement("C-1", "x", ""), err: "unknown state"},
		{name: "a state amid white space", content: stateElement("C-1", "\n "+wsman.StateDone+" ", "7"), done: true, code: 7},
		{name: "an element without a state", content: stateElement("C-1", "", "0")},

		{name: "a negative code", content: done("-1073741819"), done: true, code: 0xC0000005},
		{name: "a large code", content: done("4294967295"), done: true, code: 1<<32 - 1},
		{name: "a code that is too large", content: done("4294967296"), err: `exit code is "4294967296"`},
		{name: "a code that is too small", content: done("-2147483649"), err: "exit code"},
		{name: "a code with its sign", content: done("+7"), done: true, code: 7},
		{name: "a code amid white space", content: done("\n\t7\n"), done: true, code: 7},
		{name: "no code", content: done(""), err: "no exit code"},
		{name: "a blank code", content: done(" "), err: `exit code is ""`},
		{name: "a word for a code", content: done("zero"), err: "exit code"},
		{name: "a hexadecimal code", content: done("0x0"), err: "exit code"},
		{name: "a broken code", content: done("0.0"), err: "exit code"},

		{name: "before its streams", content: done("7") + piece + end, done: true, code: 7},
		{name: "behind its streams", content: piece + end + done("7"), done: true, code: 7},
		{name: "between its streams", content: running + piece + done("7") + end, done: true, code: 7},
		{name: "another prefix", content: strings.NewReplacer("rsp:", "q:", "<rsp:CommandState", `<q:CommandState xmlns:q="`+wsman.NSShell+`"`).Replace(done("7")), done: true, code: 7},
		{name: "no prefix", content: strings.NewReplacer("<rsp:CommandState", `<CommandState xmlns="`+wsman.NSShell+`"`, "rsp:", "").Replace(done("7")), done: true, code: 7},
		{name: "of another namespace", content: strings.NewReplacer("<rsp:CommandState", `<CommandState xmlns="urn:other"`, "rsp:", "").Replace(done("0")) + running},
		{name: "a code of another namespace", content: strings.NewReplacer("rsp:ExitCode", "ExitCode").Replace(done("0")), err: "no exit code"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := receivedOutput(answerOf(t, test.content), "c-1")
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) || r.done {
					t.Errorf("got %+v, %v; want an error about %q", r, err, test.err)
				}
				return
			}
			if err != nil || r.done != test.done || r.exitCode != test.code {
				t.Errorf("done %v, exit code %d, %v; want %v, %d", r.done, r.exitCode, err, test.done, test.code)
			}
		})
	}
}

func TestStreamsOfAnAnswer(t *testing.T) {
	for _, test := range []struct {
		name    string
		content string
		stdout  string
		end     bool
		err     string
	}{
		{name: "in pieces", content: `<rsp:Stream Name="stdout">aGk=</rsp:Stream><rsp:Stream Name="stdout" End="false">aGk=</rsp:Stream>`, stdout: "hihi"},
		{name: "end", content: `<rsp:Stream Name="stdout" End="true">aGk=</rsp:Stream>`, stdout: "hi", end: true},
		{name: "end by number", content: `<rsp:Stream Name="stdout" End="1"/>`, end: true},
		{name: "end in capitals", content: `<rsp:Stream Name="stdout" End="TRUE"/>`, end: true},
		{name: "end amid white space", content: `<rsp:Stream Name="stdout" End=" True "/>`, end: true},
		{name: "no end", content: `<rsp:Stream Name="stdout" End="0"/>`},
		{name: "nonsense for an end", content: `<rsp:Stream Name="stdout" End="yes"/>`, err: `"yes" is neither true nor false`},
		{name: "end before the last piece", content: `<rsp:Stream Name="stdout" End="true"/><rsp:Stream Name="stdout">aGk=</rsp:Stream>`, stdout: "hi", end: true},
		{name: "end of the other one", content: `<rsp:Stream Name="stderr" End="true"/>`},
		{name: "white space in it", content: "<rsp:Stream Name=\"stdout\">\r\n aG\n\tk=\n</rsp:Stream>", stdout: "hi"},
		{name: "another command's", content: `<rsp:Stream Name="stdout" CommandId="d">aGk=</rsp:Stream>`, err: "output of another command"},
		{name: "another stream's", content: `<rsp:Stream Name="pr">aGk=</rsp:Stream>`, err: "unknown stream"},
		{name: "no name", content: `<rsp:Stream>aGk=</rsp:Stream>`, err: "unknown stream"},
		{name: "a second response", content: `</rsp:ReceiveResponse><rsp:ReceiveResponse>`, err: "2 ReceiveResponses"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := receivedOutput(answerOf(t, test.content), "c")
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("got %+v, %v; want an error about %q", r, err, test.err)
				}
				return
			}
			if err != nil || string(r.data[stdout]) != test.stdout || r.end[stdout] != test.end {
				t.Errorf("got %q, end %v, %v", r.data[stdout], r.end[stdout], err)
			}
		})
	}
}

func TestWhatAnAnswerNames(t *testing.T) {
	for _, test := range []struct {
		name string
		ids  []string
		want string // "" is an error
	}{
		{"one", []string{"A"}, "A"},
		{"twice the same", []string{"A", "", "a"}, "A"},
		{"two", []string{"A", "B"}, ""},
		{"none", nil, ""},
		{"blank", []string{"", ""}, ""},
	} {
		if got, err := theID("shell", test.ids); got != test.want || (err == nil) != (test.want != "") {
			t.Errorf("%s: got %q, %v", test.name, got, err)
		}
	}
}

// FuzzCommandStates puts any number of states in any order: an end is believed only if one says so that is of this
// command or of none, and it has an exit code that one of them gives.
func FuzzCommandStates(f *testing.F) {
	f.Add([]byte{0, 1, 7})
	f.Add([]byte{2, 130, 4, 66})
	f.Fuzz(func(t *testing.T, plan []byte) {
		ids, states := []string{"c", "C", "", "d"}, []string{wsman.StateDone, wsman.StateRunning, wsman.StatePending, "x"}
		codes := []string{"", "0", "7", "x"}
		var content strings.Builder
		own, ends := 0, map[string]bool{}
		for _, p := range plan[:min(len(plan), 20)] {
			id, state, code := ids[p&3], states[p>>2&3], codes[p>>4&3]
			content.WriteString(stateElement(id, state, code))
			if id == "c" || id == "C" {
				own++
			}
			if state == wsman.StateDone {
				ends[strings.ToLower(id)+code] = true
			}
		}
		r, err := receivedOutput(answerOf(t, content.String()), "c")
		if err != nil {
			return
		}
		whose := "c"
		if own == 0 {
			whose = ""
		}
		if says := ends[whose+"0"] || ends[whose+"7"]; r.done != says {
			t.Fatalf("got done %v, want %v: %s", r.done, says, &content)
		}
		if r.done && !ends[fmt.Sprint(whose, r.exitCode)] {
			t.Errorf("exit code %d: %s", r.exitCode, &content)
		}
	})
}
