//go:build linux

package remote_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"wskharness/remote"
	"wskharness/remote/internal/transcript"
	"wskharness/remote/internal/wsman"
)

// replay answers with what Windows was recorded to answer, each answer once, in order, the next one
// for the action that is asked for. Only the name of the request that it relates to is changed.
type replay struct {
	t    *testing.T
	mu   sync.Mutex
	left []transcript.Exchange
	seen []string
}

func (r *replay) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	body, err := io.ReadAll(req.Body)
	if err != nil {
		r.t.Error(err)
	}
	env, err := wsman.ParseEnvelope(body)
	if err != nil {
		r.t.Errorf("the client sent %v", err)
		return
	}
	r.seen = append(r.seen, env.Action()[strings.LastIndexByte(env.Action(), '/')+1:])
	for len(r.left) > 0 {
		next := r.left[0]
		r.left = r.left[1:]
		if next.Action(r.t) != env.Action() {
			continue
		}
		recorded, err := wsman.ParseEnvelope([]byte(next.Request))
		if err != nil {
			r.t.Error(err)
		}
		w.Header().Set("Content-Type", "application/soap+xml;charset=UTF-8")
		w.WriteHeader(next.Status)
		io.WriteString(w, strings.ReplaceAll(next.Response, recorded.MessageID(), env.MessageID()))
		return
	}
	r.t.Errorf("the client asked for %s, which is not in what is left of the recording", env.Action())
	w.WriteHeader(http.StatusGone)
}

func TestReplayOfWindows(t *testing.T) {
	type outcome struct {
		Result  remote.Result
		Fault   *remote.Fault // of the command
		Actions string
	}
	path := remote.CommandLine{Line: `C:\Windows\system32\WindowsPowerShell\v1.0\powershell.exe`, SkipShell: true}
	for _, test := range []struct {
		name string
		line remote.CommandLine
		want outcome
		part string // of standard output, which is then not compared
	}{
		{name: "standard", want: outcome{Result: remote.Result{Stdout: []byte("hi\r\n")}, Actions: "Create Command Receive Signal Delete"}},
		{name: "stderr_rc", want: outcome{
			Result:  remote.Result{ExitCode: 1, Stdout: []byte("out \r\n"), Stderr: []byte("err \r\n")},
			Actions: "Create Command Receive Signal Delete"}},
		{name: "operation_timeout", want: outcome{Result: remote.Result{Stdout: []byte("hi\nhi again\n")},
			Actions: "Create Command Receive Receive Receive Receive Signal Delete"}},
		{name: "bad_cmd_id", want: outcome{
			Fault:   &remote.Fault{Action: "Receive", HTTPStatus: 500, Code: wsman.CodeUnexpectedSelectors, Subcode: "InvalidSelectors"},
			Actions: "Create Command Receive Delete"}},
		{name: "no_cmd_shell", want: outcome{
			Fault:   &remote.Fault{Action: "Command", HTTPStatus: 500, Code: 2147942402, Subcode: "InternalError", Provider: "Shell cmd plugin"},
			Actions: "Create Command Delete"}},
		{name: "no_cmd_shell", line: path, want: outcome{Result: remote.Result{Stdout: []byte("hi\n")}, Actions: "Create Command Receive Signal Delete"}},
		{name: "open_already_opened", line: remote.CommandLine{Line: "-"}, want: outcome{Actions: "Create Delete"}},
		{name: "noprofile", want: outcome{Actions: "Create Command Receive Signal Delete"}, part: "USERPROFILE=C:\\Users\\Default\r\n"},
		{name: "environment", want: outcome{Actions: "Create Command Receive Signal Delete"}, part: "1234=5678\r\nPROMPT="},
	} {
		t.Run(test.name, func(t *testing.T) {
			recorded := transcript.Load(t, test.name)
			if test.line.Line == path.Line {
				recorded = append(recorded[:1:1], recorded[2:]...) // without the start that failed
			}
			server := &replay{t: t, left: recorded}
			ts := httptest.NewServer(server)
			t.Cleanup(ts.Close)
			client := dial(t, remote.Endpoint{URL: ts.URL + "/wsman", User: "u", Password: "p", Auth: remote.AuthBasic, AllowPlain: true}, remote.Options{})
			shell := openShell(t, client, remote.ShellOptions{})
			var got outcome
			if test.line.Line != "-" {
				line := test.line
				if line.Line == "" {
					line.Line = "cmd.exe"
				}
				result, err := shell.Run(t.Context(), line, nil)
				got.Result = result
				if fault, ok := errors.AsType[*remote.Fault](err); ok {
					got.Fault = fault
				} else if err != nil {
					t.Fatal(err)
				}
			}
			if err := shell.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			got.Actions = strings.Join(server.seen, " ")
			if got.Fault != nil {
				if got.Fault.Reason == "" {
					t.Error("a fault without a reason")
				}
				got.Fault.Reason, got.Fault.Detail = "", "" // Windows' words
			}
			if test.part != "" {
				if !strings.Contains(string(got.Result.Stdout), test.part) {
					t.Errorf("standard output lacks %q:\n%s", test.part, got.Result.Stdout)
				}
				got.Result.Stdout = nil
			}
			for _, output := range []*[]byte{&got.Result.Stdout, &got.Result.Stderr} {
				if len(*output) == 0 {
					*output = nil
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error("-want +got:\n" + diff)
			}
		})
	}
}
