//go:build linux

package winrmd_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"wskharness/remote/internal/wsman"
	"wskharness/remote/winrmd"
	"wskharness/remote/winrmd/winrmdtest"
)

// speaker is a host whose commands write pieces, one by one, to both outputs, and end when their input does.
type speaker struct{ pieces []string }

func (h speaker) Start(ctx context.Context, _ winrmd.Spec) (winrmd.Process, error) {
	p := speaking{}
	in, input := io.Pipe()
	p.input = input
	for i := range p.outputs {
		r, w := io.Pipe()
		p.outputs[i] = r
		go func() {
			for _, piece := range h.pieces {
				io.WriteString(w, piece)
			}
			io.Copy(io.Discard, in)
			w.Close()
		}()
	}
	context.AfterFunc(ctx, func() { in.Close() })
	return p, nil
}

type speaking struct {
	input   io.WriteCloser
	outputs [2]io.Reader
}

func (p speaking) Stdin() io.WriteCloser                       { return p.input }
func (p speaking) Stdout() io.Reader                           { return p.outputs[0] }
func (p speaking) Stderr() io.Reader                           { return p.outputs[1] }
func (p speaking) Signal(context.Context, winrmd.Signal) error { return p.input.Close() }
func (p speaking) Wait() (uint32, error)                       { return 0, nil }

// heard is what a command wrote, and its pieces as they arrived, by stream.
type heard struct {
	text   [2]bytes.Buffer
	pieces [2][]string
}

// hear receives until a command is done. More headers may go with each request.
func (e endpoint) hear(t *testing.T, shell, command, headers string) (h heard) {
	t.Helper()
	for done := false; !done; {
		status, env := e.send(t, ask{action: wsman.ActionReceive, shell: shell, headers: headers, body: receive(command)})
		if code, _, _ := faultOf(env); code == fmt.Sprint(wsman.CodeTimedOut) {
			continue
		}
		if status != 200 {
			t.Fatalf("Receive: HTTP %d, want 200", status)
		}
		response := env.Body.Child(wsman.NSShell, "ReceiveResponse")
		for _, s := range response.All(wsman.NSShell, "Stream") {
			piece, err := base64.StdEncoding.DecodeString(s.Content())
			if err != nil {
				t.Fatal(err)
			}
			i := 0
			if s.Attr("", "Name") == "stderr" {
				i = 1
			}
			h.text[i].Write(piece)
			h.pieces[i] = append(h.pieces[i], string(piece))
		}
		done = response.Child(wsman.NSShell, "CommandState").Attr("", "State") == wsman.StateDone
	}
	return h
}

// openWith makes a shell with a code page.
func (e endpoint) openWith(t *testing.T, codepage string) string {
	t.Helper()
	status, env := e.send(t, ask{action: wsman.ActionCreate, options: map[string]string{wsman.OptionCodepage: codepage}, body: newShell})
	id := env.Body.Child(wsman.NSShell, "Shell").Child(wsman.NSShell, "ShellId").Content()
	if status != 200 || id == "" {
		t.Fatalf("Create: HTTP %d", status)
	}
	return id
}

func end(command string) string {
	return `<rsp:Send><rsp:Stream Name="stdin" CommandId="` + command + `" End="true"/></rsp:Send>`
}

const everyKind = "grün, naïve, e\u0301, Привет, 中文, 😀, 👩‍👩‍👧, \u200f, \U0010FFFF, \r\n"

// TestCharactersStayWhole has outputs come in pieces that end amid characters: no piece of an answer does, in a shell that
// asked for UTF-8, and what there is of bytes arrives as it was written.
func TestCharactersStayWhole(t *testing.T) {
	small := "<w:MaxEnvelopeSize>8192</w:MaxEnvelopeSize><w:OperationTimeout>PT5S</w:OperationTimeout>"
	bytewise := func(text string) (pieces []string) {
		for i := range len(text) {
			pieces = append(pieces, text[i:i+1])
		}
		return pieces
	}
	for _, test := range []struct {
		name     string
		codepage string
		pieces   []string
		whole    bool // each piece of an answer is valid UTF-8
	}{
		{"byte by byte", "65001", bytewise(everyKind), true},
		{"byte by byte, for long", "65001", bytewise(strings.Repeat(everyKind, 100)), true},
		{"more than an answer has room for", "65001", []string{strings.Repeat("😀", 40000)}, true},
		{"more than an answer has room for, one byte off", "65001", []string{"x" + strings.Repeat("中", 40000)}, true},
		{"Latin-1", "65001", []string{"gr\xfcn", "\xfc", "gr\xfcn"}, false},
		{"nothing but halves", "65001", []string{"\xf0\x9f", "\xf0\x9f", "\xc3", "\xc3"}, false},
		{"the end is a half", "65001", []string{"x\xf0\x9f\x98"}, false},
		{"another code page", "437", []string{"gr\x81n", "\xf0\x9f", "\xc3"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			e := serve(t, winrmd.Options{Host: speaker{pieces: test.pieces}})
			shell := e.openWith(t, test.codepage)
			command := e.start(t, shell, "x", nil)
			if status, _ := e.send(t, ask{action: wsman.ActionSend, shell: shell, body: end(command)}); status != 200 {
				t.Fatalf("Send: HTTP %d, want 200", status)
			}
			got := e.hear(t, shell, command, small)
			for i, want := 0, strings.Join(test.pieces, ""); i < 2; i++ {
				if got.text[i].String() != want {
					t.Errorf("stream %d: got %.60q (%d bytes), want %.60q (%d bytes)", i, &got.text[i], got.text[i].Len(), want, len(want))
				}
				for _, piece := range got.pieces[i] {
					if test.whole && !utf8.ValidString(piece) {
						t.Errorf("stream %d: a piece ends amid a character: …%q", i, piece[max(0, len(piece)-8):])
					}
				}
			}
		})
	}
}

// TestHalfACharacter has a command write a part of a character and go on: it arrives when nothing else comes.
func TestHalfACharacter(t *testing.T) {
	e := serve(t, winrmd.Options{Host: speaker{pieces: []string{"\xf0\x9f"}}})
	shell := e.openWith(t, "65001")
	command := e.start(t, shell, "x", nil)
	var got [2]string
	for got[0] == "" || got[1] == "" {
		_, env := e.send(t, ask{action: wsman.ActionReceive, shell: shell, headers: "<w:OperationTimeout>PT0.05S</w:OperationTimeout>", body: receive(command)})
		for _, s := range env.Body.Child(wsman.NSShell, "ReceiveResponse").All(wsman.NSShell, "Stream") {
			piece, _ := base64.StdEncoding.DecodeString(s.Content())
			got[map[string]int{"stdout": 0, "stderr": 1}[s.Attr("", "Name")]] += string(piece)
		}
	}
	if got != [2]string{"\xf0\x9f", "\xf0\x9f"} {
		t.Errorf("got %q", got)
	}
}

// TestAnyBytes holds that what is kept back for its end's sake is neither lost nor moved, whatever it is.
func TestAnyBytes(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	alphabet := []string{"a", "\xc3", "\xbc", "\xf0", "\x9f", "\x98", "\x80", "ü", "😀", "\xff", "\xed\xa0\x80"}
	for range 20 {
		var pieces []string
		for range random.IntN(200) {
			var b strings.Builder
			for range random.IntN(40) {
				b.WriteString(alphabet[random.IntN(len(alphabet))])
			}
			pieces = append(pieces, b.String())
		}
		e := serve(t, winrmd.Options{Host: speaker{pieces: pieces}})
		shell := e.openWith(t, "65001")
		command := e.start(t, shell, "x", nil)
		e.send(t, ask{action: wsman.ActionSend, shell: shell, body: end(command)})
		got := e.hear(t, shell, command, "<w:MaxEnvelopeSize>8192</w:MaxEnvelopeSize>")
		for i, want := 0, strings.Join(pieces, ""); i < 2; i++ {
			if got.text[i].String() != want {
				t.Fatalf("stream %d: got %q, want %q", i, &got.text[i], want)
			}
		}
	}
}

// consoles is a host that takes some code pages.
type consoles struct {
	winrmdtest.LocalHost
	mu    sync.Mutex
	asked []int
}

func (c *consoles) TakesCodepage(_ context.Context, codepage int) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, codepage)
	switch codepage {
	case 437, 65001:
		return true, nil
	case 999:
		return false, errors.New("the machine is off")
	}
	return false, nil
}

func TestCodePages(t *testing.T) {
	host := &consoles{}
	e := serve(t, winrmd.Options{Host: host})
	for _, test := range []struct {
		codepage string
		asked    bool
		refused  bool
	}{
		{"65001", true, false},
		{"437", true, false},
		{" 65001 ", true, false},
		{"999", true, false}, // not known now: the command tells
		{"12345", true, true},
		{"0", true, true},
		{"65535", true, true},
		{"65536", false, true},
		{"-1", false, true},
		{"utf-8", false, true},
		{"", false, true},
		{"6 5001", false, true},
	} {
		host.asked = nil
		status, env := e.send(t, ask{action: wsman.ActionCreate, options: map[string]string{wsman.OptionCodepage: test.codepage}, body: newShell})
		code, subcode, _ := faultOf(env)
		if refused := status == 500 && code == fmt.Sprint(wsman.CodeInvalidOptionValue) && subcode == "w:InvalidOptions"; refused != test.refused || !refused && status != 200 {
			t.Errorf("%q: HTTP %d, fault %s %s; want it refused: %v", test.codepage, status, code, subcode, test.refused)
		}
		if test.asked != (len(host.asked) == 1) {
			t.Errorf("%q: the host was asked about %v", test.codepage, host.asked)
		}
		detail := env.Body.Child(wsman.NSEnvelope, "Fault").Child(wsman.NSEnvelope, "Detail").Child(wsman.NSFault, "WSManFault").Child(wsman.NSFault, "Message").Content()
		if test.refused && !strings.Contains(detail, "code page "+strings.TrimSpace(test.codepage)) {
			t.Errorf("%q: %q does not say which", test.codepage, detail)
		}
	}
	if status, _ := e.send(t, ask{action: wsman.ActionCreate, body: newShell}); status != 200 || host.asked[len(host.asked)-1] != 437 {
		t.Errorf("without a code page: HTTP %d, the host was asked about %v", status, host.asked)
	}
}
