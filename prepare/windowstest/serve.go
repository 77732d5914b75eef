package windowstest

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync/atomic"
	"testing"
	"unicode/utf16"

	"wskharness/prepare/windows"
	"wskharness/remote"
	"wskharness/remote/winrmd"
	"wskharness/remote/winrmd/winrmdtest"
)

// Serve has a WinRM endpoint in front of a Windows, whose PowerShell is played: it knows the one script that it is sent. While
// the machine boots its connections are cut, and the first logons behind a boot are refused.
func Serve(t testing.TB, w *Windows) remote.Endpoint {
	t.Helper()
	certificate, err := winrmd.NewCertificate("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	h := &host{w: w}
	server, err := winrmd.New(winrmd.Options{Host: h, User: "tester", Password: "secret", Certificate: certificate.TLS, Inject: func(winrmd.Request) winrmd.InjectedFault {
		if h.refuse.Add(-1) >= 0 {
			return winrmd.InjectedFault{Kind: winrmd.Unauthorized}
		}
		return winrmd.InjectedFault{}
	}})
	if err != nil {
		t.Fatal(err)
	}
	h.server = server
	return remote.Endpoint{URL: "https://" + winrmdtest.Serve(t, server) + "/wsman", User: "tester", Password: "secret", Auth: remote.AuthBasic, PinSHA256: certificate.SHA256}
}

type host struct {
	w      *Windows
	server *winrmd.Server
	refuse atomic.Int64 // requests that are answered with 401
}

// Start is of winrmd.Host.
func (h *host) Start(_ context.Context, spec winrmd.Spec) (winrmd.Process, error) {
	_, encoded, found := strings.Cut(spec.Command, "powershell.exe -NoLogo -NoProfile -NonInteractive -ExecutionPolicy Bypass -InputFormat Text -EncodedCommand ")
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || !found || len(spec.Line) > 8191 {
		return nil, fmt.Errorf("%.100q is not played: %w", spec.Command, fs.ErrNotExist)
	}
	var units []uint16
	for n := 0; n+1 < len(raw); n += 2 {
		units = append(units, uint16(raw[n])|uint16(raw[n+1])<<8)
	}
	if text := string(utf16.Decode(units)); !strings.Contains(text, "$input") || !strings.Contains(text, "scriptblock") {
		return nil, fmt.Errorf("%q is not played: %w", text, fs.ErrNotExist)
	}
	in, to := io.Pipe()
	out, from := io.Pipe()
	p := &process{in: to, out: out, ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		defer from.Close()
		said, err := h.play(in)
		if err != nil {
			p.code = 1
		}
		_, _ = io.WriteString(from, said)
	}()
	return p, nil
}

// play executes what PowerShell reads.
func (h *host) play(in io.Reader) (string, error) {
	text, err := io.ReadAll(in)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		if len(line) > 8000 {
			return "", errors.New("a line that is too long")
		}
	}
	first, second, _ := strings.Cut(strings.ReplaceAll(string(text), "\r\n", ""), ".")
	script, err := base64.StdEncoding.DecodeString(first)
	if err != nil || !bytes.Contains(script, []byte("function Invoke-Call")) {
		return "", errors.Join(errors.New("not the script"), err)
	}
	list, err := base64.StdEncoding.DecodeString(second)
	if err != nil {
		return "", err
	}
	var all struct {
		Calls []windows.Call `json:"calls"`
	}
	if err := json.Unmarshal(list, &all); err != nil {
		return "", err
	}
	answers, err := h.w.Do(context.Background(), all.Calls)
	if err != nil {
		if _, down := errors.AsType[*remote.ConnError](err); down {
			go h.reboot()
		}
		return "", err
	}
	said, err := json.Marshal(map[string]any{"answers": answers})
	return "wskharness-answer " + base64.StdEncoding.EncodeToString(said) + "\r\n", err
}

// reboot is what clients see of one.
func (h *host) reboot() {
	h.server.Reset()
	h.w.mu.Lock()
	h.w.late, h.w.away = 0, 0
	h.w.start()
	h.w.mu.Unlock()
	h.refuse.Store(2)
	h.server.Resume()
}

type process struct {
	in    *io.PipeWriter
	out   *io.PipeReader
	ended chan struct{}
	code  uint32
}

func (p *process) Stdin() io.WriteCloser { return p.in }
func (p *process) Stdout() io.Reader     { return p.out }
func (p *process) Stderr() io.Reader     { return strings.NewReader("") }

// Signal is of winrmd.Process.
func (p *process) Signal(context.Context, winrmd.Signal) error {
	p.in.CloseWithError(io.ErrClosedPipe)
	p.out.CloseWithError(io.ErrClosedPipe)
	return nil
}

// Wait is of winrmd.Process.
func (p *process) Wait() (uint32, error) {
	<-p.ended
	return p.code, nil
}
