//go:build linux

package winrmd_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"wskharness/remote/internal/transcript"
	"wskharness/remote/internal/wsman"
	"wskharness/remote/winrmd"
)

// scripted is a host whose commands do what a recording shows: the test steps them.
type scripted struct {
	mu      sync.Mutex
	command *scriptedProcess // the newest
}

func (h *scripted) Start(ctx context.Context, spec winrmd.Spec) (winrmd.Process, error) {
	if spec.SkipShell && !strings.Contains(spec.Program, `\`) {
		return nil, fmt.Errorf("start %s: %w", spec.Program, fs.ErrNotExist)
	}
	p := &scriptedProcess{exit: make(chan uint32, 1)}
	for i := range p.read {
		p.read[i], p.write[i] = io.Pipe()
	}
	context.AfterFunc(ctx, func() { p.end(1) })
	h.mu.Lock()
	defer h.mu.Unlock()
	h.command = p
	return p, nil
}

type scriptedProcess struct {
	read  [2]*io.PipeReader
	write [2]*io.PipeWriter
	once  sync.Once
	exit  chan uint32
}

type nowhere struct{ io.Writer }

func (nowhere) Close() error { return nil }

func (p *scriptedProcess) Stdin() io.WriteCloser                             { return nowhere{io.Discard} }
func (p *scriptedProcess) Stdout() io.Reader                                 { return p.read[0] }
func (p *scriptedProcess) Stderr() io.Reader                                 { return p.read[1] }
func (p *scriptedProcess) Signal(ctx context.Context, _ winrmd.Signal) error { p.end(1); return nil }
func (p *scriptedProcess) Wait() (uint32, error)                             { return <-p.exit, nil }
func (p *scriptedProcess) end(code uint32) {
	p.once.Do(func() {
		p.exit <- code
		p.write[0].Close()
		p.write[1].Close()
	})
}

// play makes the command write and end as a recorded answer shows.
func (p *scriptedProcess) play(t *testing.T, answer *wsman.Element) {
	t.Helper()
	for _, s := range answer.All(wsman.NSShell, "Stream") {
		data, err := base64.StdEncoding.DecodeString(s.Content())
		if err != nil {
			t.Fatal(err)
		}
		which := 0
		if s.Attr("", "Name") == "stderr" {
			which = 1
		}
		if len(data) > 0 {
			p.write[which].Write(data)
			p.write[which].Write(nil) // is read once the endpoint has put the bytes away: what comes next is behind them
		}
	}
	if code := answer.Child(wsman.NSShell, "CommandState").Child(wsman.NSShell, "ExitCode"); code != nil {
		var n uint32
		fmt.Sscan(code.Content(), &n)
		p.end(n)
	}
}

// shape is an envelope's structure as text: elements by full name, with those attributes and texts
// that have a meaning, not those that are different each time. Pieces of one stream that follow
// each other count as one.
func shape(t *testing.T, data []byte) string {
	t.Helper()
	root, err := wsman.Parse(data)
	if err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	var b strings.Builder
	var walk func(e *wsman.Element, indent string)
	walk = func(e *wsman.Element, indent string) {
		fmt.Fprintf(&b, "%s{%s}%s", indent, e.Space, e.Local)
		for _, name := range []string{"Name", "State", "End", "Code", "provider"} {
			if v := e.Attr("", name); v != "" && e.Local != "Variable" {
				fmt.Fprintf(&b, " %s=%q", name, v)
			}
		}
		switch e.Local {
		case "Action", "RelatesTo", "To", "ResourceURI", "ResourceUri", "Value", "FaultDetail", "ExitCode",
			"IdleTimeOut", "InputStreams", "OutputStreams", "ShellRunTime", "ShellInactivity", "Variable":
			fmt.Fprintf(&b, " %q", e.Content())
		}
		var stream string
		var content []byte
		flush := func() {
			if stream != "" {
				fmt.Fprintf(&b, "\n%s  stream %s %q", indent, stream, content)
			}
			stream, content = "", nil
		}
		for _, c := range e.Children {
			switch {
			case c.Local == "ActivityId": // only newer hosts send it
				continue
			case c.Local == "Stream" && c.Attr("", "End") == "":
				if name := c.Attr("", "Name"); name != stream {
					flush()
					stream = name
				}
				piece, err := base64.StdEncoding.DecodeString(c.Content())
				if err != nil {
					t.Fatal(err)
				}
				content = append(content, piece...)
				continue
			}
			flush()
			b.WriteByte('\n')
			walk(c, indent+"  ")
		}
		flush()
	}
	walk(root, "")
	return b.String()
}

func TestAnswersAsWindowsDid(t *testing.T) {
	for _, name := range []string{"standard", "stderr_rc", "no_cmd_shell", "bad_cmd_id", "environment", "noprofile", "open_already_opened", "operation_timeout"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			recorded := transcript.Load(t, name)
			host := &scripted{}
			// The recording waited for its whole OperationTimeout; the cap makes that short.
			e := serve(t, winrmd.Options{Host: host, Limits: winrmd.Limits{MaxTimeoutms: 100}})
			ours := strings.NewReplacer() // recorded ids to ours
			var names []string
			rename := func(what, child string, theirs, mine wsman.Envelope) {
				find := func(env wsman.Envelope) string {
					return env.Body.Child(wsman.NSShell, what).Child(wsman.NSShell, child).Content()
				}
				if find(theirs) != "" && find(mine) != "" {
					names = append(names, find(theirs), find(mine))
					ours = strings.NewReplacer(names...)
				}
			}
			for i, x := range recorded {
				theirs, err := wsman.ParseEnvelope([]byte(x.Response))
				if err != nil {
					t.Fatal(err)
				}
				if body := theirs.Body.Child(wsman.NSShell, "ReceiveResponse"); body != nil {
					host.command.play(t, body)
				}
				status, answer := e.ask(t, []byte(ours.Replace(x.Request)))
				if status != x.Status {
					t.Errorf("message %d: HTTP %d, Windows answered %d", i, status, x.Status)
				}
				if diff := cmp.Diff(shape(t, []byte(x.Response)), shape(t, answer)); diff != "" {
					t.Errorf("message %d (%s) (-Windows +ours):\n%s", i, x.Action(t), diff)
				}
				mine, err := wsman.ParseEnvelope(answer)
				if err != nil {
					t.Fatal(err)
				}
				rename("Shell", "ShellId", theirs, mine)
				rename("CommandResponse", "CommandId", theirs, mine)
			}
		})
	}
}

// ask sends an envelope over HTTPS with Basic authentication.
func (e endpoint) ask(t testing.TB, envelope []byte) (int, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+e.secure+"/wsman", bytes.NewReader(envelope))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(testUser, testPassword)
	req.Header.Set("Content-Type", "application/soap+xml;charset=UTF-8")
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, body
}
