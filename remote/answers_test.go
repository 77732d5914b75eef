//go:build linux

package remote_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"wskharness/remote"
	"wskharness/remote/internal/wsman"
)

// canned answers each action with bodies of its own, one after the other; the last one stays.
type canned struct {
	mu      sync.Mutex
	answers map[string][]string // by action's last part
	asked   []string
}

func (c *canned) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	env, err := wsman.ParseEnvelope(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	action := env.Action()[strings.LastIndexByte(env.Action(), '/')+1:]
	c.asked = append(c.asked, action)
	answers := c.answers[action]
	if len(answers) == 0 {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if len(answers) > 1 {
		c.answers[action] = answers[1:]
	}
	status, uri := http.StatusOK, env.Action()+"Response"
	if strings.Contains(answers[0], "s:Fault") {
		status, uri = http.StatusInternalServerError, wsman.ActionFault
	}
	w.Header().Set("Content-Type", "application/soap+xml;charset=UTF-8")
	w.WriteHeader(status)
	fmt.Fprintf(w, `<s:Envelope xmlns:s="%s" xmlns:a="%s" xmlns:rsp="%s"><s:Header><a:Action>%s</a:Action><a:RelatesTo>%s</a:RelatesTo></s:Header><s:Body>%s</s:Body></s:Envelope>`,
		wsman.NSEnvelope, wsman.NSAddressing, wsman.NSShell, uri, env.MessageID(), answers[0])
}

func fault(code uint32) string {
	return fmt.Sprintf(`<s:Fault><s:Code><s:Value>s:Receiver</s:Value></s:Code><s:Detail><f:WSManFault xmlns:f="%s" Code="%d"/></s:Detail></s:Fault>`, wsman.NSFault, code)
}

func streams(exit string, pieces ...string) string {
	var b strings.Builder
	b.WriteString("<rsp:ReceiveResponse>")
	for _, p := range pieces {
		b.WriteString(`<rsp:Stream Name="stdout" CommandId="c">` + p + `</rsp:Stream>`)
	}
	if exit == "" {
		return b.String() + `<rsp:CommandState CommandId="c" State="` + wsman.StateRunning + `"/></rsp:ReceiveResponse>`
	}
	return b.String() + `<rsp:CommandState CommandId="c" State="` + wsman.StateDone + `"><rsp:ExitCode>` + exit + `</rsp:ExitCode></rsp:CommandState></rsp:ReceiveResponse>`
}

// bothStates is an answer that has two states.
const bothStates = `<rsp:ReceiveResponse><rsp:CommandState CommandId="c" State="` + wsman.StateRunning + `"/><rsp:CommandState CommandId="c" State="` + wsman.StateDone + `"><rsp:ExitCode>7</rsp:ExitCode></rsp:CommandState></rsp:ReceiveResponse>`

// ended is an answer with the last piece of an output.
func ended(piece string) string {
	return strings.Replace(streams("", piece), `CommandId="c">`, `CommandId="c" End="true">`, 1)
}

// TestOddAnswers holds the client to answers that the endpoint never gives.
func TestOddAnswers(t *testing.T) {
	noLeaks(t)
	for _, test := range []struct {
		name     string
		receive  []string
		stdout   string
		exit     uint32
		err      string // part of it
		receives int
	}{
		{name: "pipe ended, then the exit code", receive: []string{streams("", "aGk="), fault(109), streams("3")}, stdout: "hi", exit: 3, receives: 3},
		{name: "pipe ended as an HRESULT", receive: []string{fault(2147942509), streams("3")}, exit: 3, receives: 2},
		{name: "pipe ended for good", receive: []string{fault(109)}, err: "code 109", receives: 2},
		{name: "aborted", receive: []string{fault(995)}, err: "code 995", receives: 1},
		{name: "empty answers", receive: []string{streams(""), streams(""), streams("0", "eA==")}, stdout: "x", receives: 3},
		{name: "hasty time-outs", receive: []string{fault(2150858793), fault(2150858793), streams("0")}, receives: 3},
		{name: "a negative exit code", receive: []string{streams("-1073741819")}, exit: 0xC0000005, receives: 1},
		{name: "no exit code", receive: []string{streams("x")}, err: `exit code is "x"`, receives: 1},
		{name: "running and done at once", receive: []string{bothStates}, exit: 7, receives: 1},
		{name: "another command is done", receive: []string{strings.ReplaceAll(streams("0"), `"c"`, `"d"`)}, err: "state of another command", receives: 1},
		{name: "done twice", receive: []string{strings.ReplaceAll(bothStates, wsman.StateRunning+`"/>`, wsman.StateDone+`"><rsp:ExitCode>0</rsp:ExitCode></rsp:CommandState>`)}, err: "two exit codes", receives: 1},
		{name: "output behind its end", receive: []string{ended("eA=="), streams("0", "eA==")}, stdout: "x", err: "was over", receives: 2},
		{name: "silence behind its end", receive: []string{ended("eA=="), streams("0", "")}, stdout: "x", receives: 2},
		{name: "not base64", receive: []string{streams("0", "%%")}, err: "not base64", receives: 1},
		{name: "nonsense", receive: []string{"<rsp:Nonsense/>"}, err: "has 0 ReceiveResponses", receives: 1},
		{name: "not found", receive: nil, err: "HTTP 404", receives: 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := &canned{answers: map[string][]string{
				"Create":  {"<rsp:Shell><rsp:ShellId>s</rsp:ShellId></rsp:Shell>"},
				"Command": {"<rsp:CommandResponse><rsp:CommandId>c</rsp:CommandId></rsp:CommandResponse>"},
				"Receive": test.receive, "Signal": {"<rsp:SignalResponse/>"}, "Delete": {""},
			}}
			ts := httptest.NewServer(server)
			t.Cleanup(ts.Close)
			client := dial(t, remote.Endpoint{URL: ts.URL + "/wsman", User: "u", Password: "p", Auth: remote.AuthBasic, AllowPlain: true}, quick())
			shell := openShell(t, client, remote.ShellOptions{})
			got, err := shell.Run(t.Context(), remote.CommandLine{Line: "x"}, nil)
			if test.err == "" && err != nil || test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
				t.Errorf("got %v, want %q", err, test.err)
			}
			if string(got.Stdout) != test.stdout || got.ExitCode != test.exit {
				t.Errorf("got %q, exit code %d", got.Stdout, got.ExitCode)
			}
			if err := shell.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(strings.Join(server.asked, " "), "Receive"); n != test.receives {
				t.Errorf("asked %d times, want %v: %v", n, test.receives, server.asked)
			}
		})
	}
}

func TestAnotherRequestsAnswer(t *testing.T) {
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/soap+xml")
		fmt.Fprintf(w, `<s:Envelope xmlns:s="%s" xmlns:a="%s"><s:Header><a:Action>%sResponse</a:Action><a:RelatesTo>uuid:other</a:RelatesTo></s:Header><s:Body/></s:Envelope>`,
			wsman.NSEnvelope, wsman.NSAddressing, wsman.ActionCreate)
	}))
	t.Cleanup(ts.Close)
	client := dial(t, remote.Endpoint{URL: ts.URL + "/wsman", User: "u", Password: "p", Auth: remote.AuthBasic, AllowPlain: true}, quick())
	_, err := client.Shell(t.Context(), remote.ShellOptions{})
	if lost, maybe := remote.IsUnanswered(err); !lost || !maybe {
		t.Errorf("got %v, want a ConnError", err)
	}
}

func TestEndlessAnswer(t *testing.T) {
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/soap+xml")
		for r.Context().Err() == nil {
			if _, err := w.Write(bytes.Repeat([]byte("x"), 64<<10)); err != nil {
				return
			}
		}
	}))
	t.Cleanup(ts.Close)
	client := dial(t, remote.Endpoint{URL: ts.URL + "/wsman", User: "u", Password: "p", Auth: remote.AuthBasic, AllowPlain: true}, remote.Options{})
	_, err := client.Shell(t.Context(), remote.ShellOptions{})
	if err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("got %v", err)
	}
	if n := client.Stats().BytesReceived; n > 8<<20 {
		t.Errorf("read %d bytes of it", n)
	}
}
