//go:build linux

package guest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"wskharness/guest/transfer"
	"wskharness/remote"
	"wskharness/remote/winrmd"
)

func TestConnectTakesFourRequests(t *testing.T) {
	f := newFakeGuest(t)
	g := f.connect()
	if err := g.Close(t.Context()); err != nil { // waits for the final signal
		t.Fatal(err)
	}
	// Create, Command, Signal; then Delete. Receive, the fourth to connect, is not counted.
	if n := f.asked.count(); n != 4 {
		t.Errorf("%d requests, not 4", n)
	}
	if got, want := g.Facts().Describe(), "wine 8.0 as Windows 10 Pro (19045)"; got != want {
		t.Errorf("the guest is %q, not %q", got, want)
	}
}

func TestConnectRefusesWhatTheAgentCannotSay(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(string) string
		want   string
	}{
		"no JSON":     {func(string) string { return "hello\n" }, "not the JSON object"},
		"two objects": {func(s string) string { return s + s }, "more than one"},
		"boot id":     {func(s string) string { return strings.Replace(s, testBoot, "yesterday", 1) }, "no GUID"},
		"control":     {func(s string) string { return strings.Replace(s, "FAKE", `FA\u001bKE`, 1) }, "printable"},
		"endless":     {func(s string) string { return strings.Repeat(" ", maxJSON) + s }, "beyond the limit"},
		"code page":   {func(s string) string { return strings.Replace(s, `"oemcp":850`, `"oemcp":65536`, 1) }, "oemcp"},
		"cpus":        {func(s string) string { return strings.Replace(s, `"cpus":2`, `"cpus":-2`, 1) }, "cpus"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeGuest(t)
			f.info = tc.change
			_, err := Connect(t.Context(), f.client, f.options(f.seed()))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v does not say %q", err, tc.want)
			}
		})
	}
}

func TestRefreshNoticesAReboot(t *testing.T) {
	f := newFakeGuest(t)
	g := f.connect()
	if _, err := g.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	const later = "99999999-2222-3333-4444-555555555555"
	f.reboot(later)
	// What is done next finds the shell gone, makes a new one, and sees another boot id.
	_, err := g.Push(t.Context(), []transfer.File{transfer.Contents(`C:\x\a`, []byte("x"))}, nil)
	rebooted, ok := errors.AsType[*RebootedError](err)
	if !ok || rebooted.Was != testBoot || rebooted.Now != later {
		t.Fatalf("push after a reboot: %v; want ok and rebooted.Was == testBoot and rebooted.Now == later", err)
	}
	if _, err := g.Refresh(t.Context()); !errors.As(err, &rebooted) {
		t.Fatalf("refresh: %v; want errors.As(err, &rebooted)", err)
	}
	if _, err := g.Push(t.Context(), []transfer.File{transfer.Contents(`C:\x\a`, []byte("x"))}, nil); err != nil {
		t.Errorf("push after refresh: %v; want no error", err)
	}
}

func TestExecStreams(t *testing.T) {
	f := newFakeGuest(t)
	f.special = func(spec winrmd.Spec, in io.Reader, out, errs io.Writer) (uint32, bool) {
		if spec.Command == "forever" {
			for {
				if _, err := out.Write(make([]byte, 1<<16)); err != nil {
					return 1, true
				}
			}
		}
		fmt.Fprint(errs, "to stderr")
		io.Copy(out, in)
		return 3000000000, true
	}
	g := f.connect()
	var out, errs bytes.Buffer
	in := bytes.Repeat([]byte("0123456789"), 20000)
	code, err := g.Exec(t.Context(), remote.CommandLine{Line: "cat"}, bytes.NewReader(in), &out, &errs)
	if err != nil || code != 3000000000 || !bytes.Equal(out.Bytes(), in) || errs.String() != "to stderr" {
		t.Errorf("exit code %d, error %v, %d bytes of output, %q; want no error and code == 3000000000 and bytes.Equal(out.Bytes(), in) and errs.String() == \"to stderr\"", code, err, out.Len(), errs.String())
	}
	full := errors.New("disk full")
	if _, err = g.Exec(t.Context(), remote.CommandLine{Line: "forever"}, nil, writerFunc(func(p []byte) (int, error) { return 0, full }), nil); !errors.Is(err, full) {
		t.Errorf("a writer that fails: %v; want errors.Is(err, full)", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err = g.Exec(ctx, remote.CommandLine{Line: "forever"}, nil, writerFunc(func(p []byte) (int, error) { cancel(); return len(p), nil }), nil)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v; want errors.Is(err, context.Canceled)", err)
	}
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// Who gives up while the guest is just asked for it gives back what the guest may have granted.
func TestConnectIsCutOff(t *testing.T) {
	f := newFakeGuest(t)
	o := f.options(f.seed())
	o.Owner = LeaseOwner("run-1", "host")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	f.info = func(s string) string {
		cancel()
		owner, err := json.Marshal(o.Owner)
		if err != nil {
			t.Error(err)
		}
		return strings.Replace(s, "{", fmt.Sprintf(`{"lease":{"granted":true,"number":7,"owner":%s,"running":false},`, owner), 1)
	}
	if _, err := Connect(ctx, f.client, o); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v; want %v", err, context.Canceled)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if last := f.commands[len(f.commands)-1]; last != "release --lease 7" {
		t.Errorf("got commands %q; want the last to be release --lease 7", f.commands)
	}
}
