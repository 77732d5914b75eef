//go:build linux

package replaytest

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"wskharness/disk"
	"wskharness/recording"
	"wskharness/remote"
	"wskharness/remote/winrmd"
	"wskharness/remote/winrmd/winrmdtest"
	"wskharness/testtime"
)

// record keeps what a client says to an endpoint in front of this machine.
func record(t *testing.T, secret string, o winrmd.Options, do func(ctx context.Context, client *remote.WinRM)) []recording.Line {
	t.Helper()
	cert, err := winrmd.NewCertificate("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	o.Host, o.User, o.Password, o.Certificate = winrmdtest.LocalHost{}, "tester", "secret", cert.TLS
	server, err := winrmd.New(o)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	r := recording.Start(disk.OS(), dir, remote.NewRedactor(remote.Secret(secret)), func(text string) { t.Error(text) })
	client, err := remote.New(remote.Endpoint{
		URL: "https://" + winrmdtest.Serve(t, server) + "/wsman", User: "tester", Password: "secret", Auth: remote.AuthNTLM, PinSHA256: cert.SHA256,
	}, remote.Options{Record: r.Client()})
	if err != nil {
		t.Fatal(err)
	}
	do(testtime.Context(t), client)
	if err := client.Close(); err != nil {
		t.Log(err)
	}
	r.Close()
	f, err := os.Open(filepath.Join(dir, recording.FileName))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var lines []recording.Line
	if err := recording.Read(f, func(l recording.Line) error { lines = append(lines, l); return nil }); err != nil {
		t.Fatal(err)
	}
	return lines
}

func shellOf(t *testing.T, ctx context.Context, client *remote.WinRM) *remote.Shell {
	t.Helper()
	shell, err := client.Shell(ctx, remote.ShellOptions{Name: "ours", Env: map[string]string{"A": " b "}})
	if err != nil {
		t.Fatal(err)
	}
	return shell
}

// holds does a recording again, and wants no difference, and nothing left.
func holds(t *testing.T, lines []recording.Line, shells, left int) {
	t.Helper()
	r := New(lines)
	all := r.Left
	for _, s := range r.Shells {
		differences, not := s.Hold(testtime.Context(t), t)
		for _, d := range differences {
			t.Error(d)
		}
		all = append(all, not...)
	}
	if len(r.Shells) != shells || len(all) != left {
		t.Errorf("%d shells, and these could not be done again: %q; want %d and %d", len(r.Shells), all, shells, left)
	}
}

// dialogue is a recording of commands of every sort.
func dialogue(t *testing.T) []recording.Line {
	const secret = "t0p-secret-77"
	return record(t, secret, winrmd.Options{}, func(ctx context.Context, client *remote.WinRM) {
		shell := shellOf(t, ctx, client)
		run := func(line remote.CommandLine, input io.Reader) {
			if _, err := shell.Run(ctx, line, input); err != nil {
				if _, fault := errors.AsType[*remote.Fault](err); !fault {
					t.Error(err)
				}
			}
		}
		run(remote.CommandLine{Line: "echo out; echo err >&2; exit 3"}, nil)
		run(remote.CommandLine{Line: "echo", Args: []string{"a b", `c"d\`, secret}}, nil)
		run(remote.CommandLine{Line: "cat; echo " + secret}, strings.NewReader(strings.Repeat("0123456789abcdef", 60_000)+secret))
		run(remote.CommandLine{Line: "head -c 2000000 /dev/zero | tr '\\0' x"}, nil)
		run(remote.CommandLine{Line: "/no/such/program", SkipShell: true, Args: []string{"", `\\`, `a\"b`, "c d\\"}}, nil)
		run(remote.CommandLine{Line: "exec <&-; sleep 0.1"}, strings.NewReader("nobody reads"))

		// Input that is an answer to output, while another command runs.
		first, err := shell.Start(ctx, remote.CommandLine{Line: "echo ready; read a; echo got $a; cat"})
		if err != nil {
			t.Fatal(err)
		}
		second, err := shell.Start(ctx, remote.CommandLine{Line: "trap 'echo interrupted; exit 7' INT; echo up; while :; do sleep 0.05; done"})
		if err != nil {
			t.Fatal(err)
		}
		word := make([]byte, 6)
		if _, err := io.ReadFull(first.Stdout, word); err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"one\n", "two", "three"} {
			if _, err := io.WriteString(first.Stdin, text); err != nil {
				t.Fatal(err)
			}
		}
		if err := first.Stdin.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(second.Stdout, word[:3]); err != nil {
			t.Fatal(err)
		}
		if err := second.Signal(ctx, remote.SignalCtrlC); err != nil {
			t.Fatal(err)
		}
		for _, c := range []*remote.Command{first, second} {
			var rest sync.WaitGroup
			rest.Go(func() { _, _ = io.Copy(io.Discard, c.Stdout) })
			if _, err := c.Wait(ctx); err != nil {
				t.Error(err)
			}
			rest.Wait()
		}

		// One that the controller ends, and one that it ends with the shell.
		for _, ended := range []bool{true, false} {
			running, stop := context.WithCancel(ctx)
			c, err := shell.Start(running, remote.CommandLine{Line: "echo begun; sleep 1000"})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(c.Stdout, word); err != nil {
				t.Fatal(err)
			}
			if ended {
				stop()
				_, _ = c.Wait(ctx)
			}
			defer stop()
		}
		if err := shell.Close(ctx); err != nil {
			t.Error(err)
		}
	})
}

// TestReplayOfADialogue does again what a real client said to a real endpoint.
func TestReplayOfADialogue(t *testing.T) {
	lines := dialogue(t)
	holds(t, lines, 1, 0)
	shell := New(lines).Shells[0]
	want := map[string]string{"echo out; echo err >&2; exit 3": "exit code 3", "echo begun; sleep 1000": givenUp}
	for _, c := range shell.Commands {
		if end, ok := want[c.line()]; ok && c.Want().End != end {
			t.Errorf("%s: %s, want %s", c.line(), c.Want().End, end)
		}
	}
	if len(shell.Commands) != 10 || shell.Options().Env["A"] != " b " || shell.Options().Name != "ours" {
		t.Errorf("%d commands, %+v", len(shell.Commands), shell.Options())
	}
	only := shell.Only(shell.Commands[0])
	if differences, left := only.Hold(testtime.Context(t), t); len(differences)+len(left) > 0 {
		t.Errorf("one command alone: %q, %q", differences, left)
	}
}

// TestReplayOfALongSilence has the server say that there is nothing to say.
func TestReplayOfALongSilence(t *testing.T) {
	lines := record(t, "-", winrmd.Options{Limits: winrmd.Limits{MaxTimeoutms: 300}}, func(ctx context.Context, client *remote.WinRM) {
		shell := shellOf(t, ctx, client)
		if _, err := shell.Run(ctx, remote.CommandLine{Line: "sleep 1; echo late"}, nil); err != nil {
			t.Error(err)
		}
		if err := shell.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	if n := len(New(lines).Shells[0].Commands[0].receives); n < 3 {
		t.Fatalf("%d Receives, want some that have nothing", n)
	}
	holds(t, lines, 1, 0)
}

// TestReplayOfFaults has things go wrong with every kind of request, and does that again.
func TestReplayOfFaults(t *testing.T) {
	for name, inject := range map[string]func(r winrmd.Request) bool{
		"command": func(r winrmd.Request) bool { return r.Action == "Command" && r.Count == 2 },
		"send":    func(r winrmd.Request) bool { return r.Action == "Send" && r.Count == 2 },
		"receive": func(r winrmd.Request) bool { return r.Action == "Receive" && r.Count == 2 },
		"signal":  func(r winrmd.Request) bool { return r.Action == "Signal" && r.Count == 1 },
		"delete":  func(r winrmd.Request) bool { return r.Action == "Delete" && r.Count == 1 },
		"create":  func(r winrmd.Request) bool { return r.Action == "Create" && r.Count == 1 },
	} {
		for _, kind := range []winrmd.FaultKind{winrmd.Drop, winrmd.LoseAnswer, winrmd.HalfClose, winrmd.Unauthorized, winrmd.ServerError, winrmd.TooLarge, winrmd.QuotaUsedUp} {
			t.Run(name+" "+kind.String(), func(t *testing.T) {
				t.Parallel()
				o := winrmd.Options{Inject: func(r winrmd.Request) winrmd.InjectedFault {
					if inject(r) {
						return winrmd.InjectedFault{Kind: kind}
					}
					return winrmd.InjectedFault{}
				}}
				lines := record(t, "-", o, func(ctx context.Context, client *remote.WinRM) {
					shell, err := client.Shell(ctx, remote.ShellOptions{})
					if err != nil {
						if shell, err = client.Shell(ctx, remote.ShellOptions{}); err != nil {
							t.Fatal(err)
						}
					}
					for _, bytes := range []int{500_000, 10} { // the first takes two Sends
						_, _ = shell.Run(ctx, remote.CommandLine{Line: "cat; echo; sleep 0.2; echo more"}, strings.NewReader(strings.Repeat("x", bytes)))
					}
					_ = shell.Close(ctx)
				})
				holds(t, lines, 1, 0)
			})
		}
	}
}

// stream changes the bytes of the first stream of an answer that has some.
func stream(l *recording.Line, change func([]byte) []byte) bool {
	_, rest, found := strings.Cut(l.Answer, "CommandId=")
	_, rest, more := strings.Cut(rest, ">")
	data, _, closed := strings.Cut(rest, "<")
	if !found || !more || !closed || data == "" {
		return false
	}
	bytes, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		return false
	}
	l.Answer = strings.Replace(l.Answer, ">"+data+"<", ">"+base64.StdEncoding.EncodeToString(change(bytes))+"<", 1)
	return true
}

// TestWhatIsNotAsRecorded breaks each of the things that a replay is to notice: the client is judged by what was, and gets
// something else.
func TestWhatIsNotAsRecorded(t *testing.T) {
	lines := dialogue(t)
	at := func(action, has string) int {
		for i, l := range lines {
			if l.Action == action && strings.Contains(l.Request+l.Answer, has) {
				return i
			}
		}
		t.Fatalf("no %s with %q", action, has)
		return 0
	}
	for name, test := range map[string]struct {
		change func(l []recording.Line) []recording.Line
		want   string
	}{
		"an answer": {func(l []recording.Line) []recording.Line {
			stream(&l[at("Receive", "stdout\"")], func(b []byte) []byte { b[0] ^= 1; return b })
			return l
		}, "differs at byte 0"},
		"an exit code": {func(l []recording.Line) []recording.Line {
			i := at("Receive", "ExitCode>3<")
			l[i].Answer = strings.Replace(l[i].Answer, "ExitCode>3<", "ExitCode>0<", 1)
			return l
		}, "exit code 0, want exit code 3"},
		"an answer that is missing": {func(l []recording.Line) []recording.Line {
			i := at("Receive", "ExitCode>3<")
			return slices.Delete(l, i, i+1)
		}, "want exit code 3"},
		"input that is missing": {func(l []recording.Line) []recording.Line {
			i := at("Send", base64.StdEncoding.EncodeToString([]byte("two")))
			return slices.Delete(l, i, i+1)
		}, "and the client sends"},
		"input that is another": {func(l []recording.Line) []recording.Line {
			i := at("Send", base64.StdEncoding.EncodeToString([]byte("two")))
			l[i].Request = strings.Replace(l[i].Request, base64.StdEncoding.EncodeToString([]byte("two")), base64.StdEncoding.EncodeToString([]byte("tow")), 1)
			return l
		}, `has other input: "tow", and the client sends "two"`},
		"input in another order": {func(l []recording.Line) []recording.Line {
			i, j := at("Send", base64.StdEncoding.EncodeToString([]byte("one\n"))), at("Send", base64.StdEncoding.EncodeToString([]byte("three")))
			l[i].Request, l[j].Request = l[j].Request, l[i].Request
			return l
		}, "has other input"},
		"output in another order": {func(l []recording.Line) []recording.Line {
			all := New(l).Shells[0].Commands[3].receives // two million bytes: more than one answer
			x, y := all[0], all[len(all)-1]
			l[x.n-1].Answer, l[y.n-1].Answer = strings.ReplaceAll(l[y.n-1].Answer, y.request.MessageID(), x.request.MessageID()), strings.ReplaceAll(l[x.n-1].Answer, x.request.MessageID(), y.request.MessageID())
			return l
		}, "standard output has"},
		"a signal": {func(l []recording.Line) []recording.Line {
			i := at("Signal", "ctrl_c")
			l[i].Request = strings.Replace(l[i].Request, "ctrl_c", "ctrl_break", 1)
			return l
		}, "has another Signal"},
		"a command": {func(l []recording.Line) []recording.Line {
			i := at("Command", "exit 3")
			l[i].Request = strings.Replace(l[i].Request, "exit 3", "exit 4", 1)
			return l
		}, "has another Command"},
		"a shell": {func(l []recording.Line) []recording.Line {
			i := at("Create", "")
			l[i].Request = strings.Replace(l[i].Request, `"ours"`, `"theirs"`, 1)
			return l
		}, "has another Create"},
		"a start that was refused": {func(l []recording.Line) []recording.Line {
			i := at("Command", "2147942402")
			l[i].Answer = strings.ReplaceAll(l[i].Answer, "2147942402", "2147942405")
			return l
		}, "fault 2147942405 (HTTP 500), want fault 2147942402"},
		"an answer that was lost": {func(l []recording.Line) []recording.Line {
			i := at("Receive", "ExitCode>3<")
			l[i].Status, l[i].Answer, l[i].Error = 0, "", "EOF"
			return l
		}, "no answer, want exit code 3"},
		"an answer to another request": {func(l []recording.Line) []recording.Line {
			i := at("Receive", "ExitCode>3<")
			l[i].Answer = strings.Replace(l[i].Answer, "RelatesTo>uuid:", "RelatesTo>uuid:0", 1)
			return l
		}, "no answer, want exit code 3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			was, is := New(lines), New(test.change(slices.Clone(lines)))
			differences, _ := is.Shells[0].hold(testtime.Context(t), t, was.Shells[0])
			if all := strings.Join(differences, "\n"); !strings.Contains(all, test.want) {
				t.Errorf("got %s\nwant %q in it", all, test.want)
			}
		})
	}
}

// TestHoles has lines that are missing, cut, or no envelopes, and a controller that was killed: what is whole is done again.
func TestHoles(t *testing.T) {
	lines := record(t, "-", winrmd.Options{}, func(ctx context.Context, client *remote.WinRM) {
		shell := shellOf(t, ctx, client)
		for _, line := range []string{"echo one", "echo two; exit 2", "echo three"} {
			if _, err := shell.Run(ctx, remote.CommandLine{Line: line}, nil); err != nil {
				t.Error(err)
			}
		}
		if err := shell.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	second := slices.IndexFunc(lines, func(l recording.Line) bool { return strings.Contains(l.Answer, "ExitCode>2<") })
	if second < 0 {
		t.Fatal("no exit code 2")
	}
	note := recording.Line{Note: "2 exchanges are missing here"}
	noted := slices.Insert(slices.Clone(lines), second, note)
	holds(t, slices.Delete(noted, second+1, second+2), 1, 2) // the note, and the command around it

	cut := slices.Clone(lines)
	cut[second].Cut = true
	holds(t, cut, 1, 1)

	garbled := slices.Clone(lines)
	garbled[second].Request = "<s:Envel"
	holds(t, garbled, 1, 2)

	for n := range lines {
		holds(t, lines[:n+1], 1, 0)
		if r := New(lines[n+1:]); len(r.Shells) != 0 || n < len(lines)-2 && len(r.Left) == 0 {
			t.Errorf("behind line %d: %d shells, and %q is left", n+1, len(r.Shells), r.Left)
		}
	}
}

// FuzzNew sorts whatever there may be, and reads what became of it.
func FuzzNew(f *testing.F) {
	f.Add([]byte("<Envelope/>"), []byte("<a/>"), "a\\\" b")
	f.Fuzz(func(t *testing.T, request, said []byte, line string) {
		envelope := func(action, body string) string {
			return `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"><s:Header><a:Action>` + action + `</a:Action></s:Header><s:Body>` + body + `</s:Body></s:Envelope>`
		}
		lines := []recording.Line{
			{Action: "Create", Status: 200, Request: envelope("http://schemas.xmlsoap.org/ws/2004/09/transfer/Create", ""), Answer: envelope("", "<ShellId>x</ShellId>")},
			{Action: "?", Status: 200, Request: string(request), Answer: string(said)}, {Request: envelope(string(request), string(said))},
		}
		for _, s := range New(lines).Shells {
			s.Options()
			for _, c := range s.Commands {
				c.Want()
				c.CommandLine()
			}
			NewServer(s).Findings()
		}
		args := unquote(line)
		quoted := make([]string, len(args))
		for i, a := range args {
			quoted[i] = remote.QuoteArg(a)
		}
		if again := unquote(strings.Join(quoted, " ")); !slices.Equal(args, again) {
			t.Errorf("%q became %q, and that %q", line, args, again)
		}
	})
}
