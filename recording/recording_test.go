package recording

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"wskharness/disk"
	"wskharness/remote"
)

// read gives the lines of a recording.
func read(t *testing.T, path string) (all []Line) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := Read(f, func(l Line) error { all = append(all, l); return nil }); err != nil {
		t.Fatal(err)
	}
	return all
}

func never(t *testing.T) func(string) {
	return func(text string) { t.Errorf("told %q, want nothing", text) }
}

// TestSecretInPieces gives a secret in two envelopes, with those of another command in between.
func TestSecretInPieces(t *testing.T) {
	r := newRedaction(remote.NewRedactor("hunter22"))
	piece := func(command, text, end string) string {
		body := fmt.Sprintf(`<s:Body><rsp:Stream Name="stdout" CommandId="%s"%s>%s</rsp:Stream></s:Body>`, command, end, base64.StdEncoding.EncodeToString([]byte(text)))
		redacted := r.body([]byte(body), "1")
		begin, stop, _ := nextStream(redacted)
		data, err := base64.StdEncoding.DecodeString(redacted[begin:stop])
		if err != nil {
			t.Errorf("%s: %v", redacted, err)
		}
		return string(data)
	}
	a := piece("A", "it is hun", "")
	b := piece("B", "hunt", ` End="true"`)
	a += piece("A", "ter22 and hunt", "") + piece("A", "", ` End="TRUE"`)
	if a != "it is [redacted] and hunt" || b != "hunt" {
		t.Errorf("%q and %q, want %q and %q", a, b, "it is [redacted] and hunt", "hunt")
	}
	if got := r.body([]byte("<Command>type hunter22 < x</Command><rsp:Stream Name=\"x\">?? hunter22</rsp:Stream>"), "1"); strings.Contains(got, "hunter22") || !strings.Contains(got, "type [redacted]") {
		t.Error(got)
	}
}

// TestKilledController reads the file of a recording that is not over, cut anywhere.
func TestKilledController(t *testing.T) {
	dir := t.TempDir()
	r := Start(disk.OS(), dir, nil, never(t))
	record := r.Client()
	path := filepath.Join(dir, FileName)
	for i := range 3 {
		record(remote.Exchange{Action: fmt.Sprint(i), Request: []byte("q"), Answer: []byte("a"), Err: errors.New("e")})
		for len(linesOf(path)) != i+1 { // each is on disk soon, the recorder still open
			time.Sleep(time.Millisecond)
		}
	}
	r.Close()
	record(remote.Exchange{Action: "late"})
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	most := 0
	for n := range len(whole) + 1 {
		var actions []string
		if err := Read(bytes.NewReader(whole[:n]), func(l Line) error { actions = append(actions, l.Action); return nil }); err != nil {
			t.Errorf("%d bytes: %v", n, err)
		}
		if len(actions) < most || !slices.Equal(actions, []string{"0", "1", "2"}[:len(actions)]) {
			t.Errorf("%d bytes: %v", n, actions)
		}
		most = len(actions)
	}
	if most != 3 {
		t.Errorf("%d lines in the whole, want 3", most)
	}
	again := Start(disk.OS(), dir, nil, never(t)) // a controller that resumes
	again.Client()(remote.Exchange{Action: "again"})
	again.Close()
	if lines := read(t, filepath.Join(dir, "exchanges-2.ndjson.gz")); len(lines) != 1 || lines[0].Action != "again" {
		t.Errorf("the second recording has %v", lines)
	}
}

func linesOf(path string) (all []Line) {
	if f, err := os.Open(path); err == nil {
		defer f.Close()
		_ = Read(f, func(l Line) error { all = append(all, l); return nil })
	}
	return all
}

// badDisk is one that goes wrong, or stands still until it is let go.
type badDisk struct {
	disk.FS
	write func() error
}

type badFile struct {
	disk.File
	write func() error
}

func (d badDisk) OpenFile(name string, flag int, mode os.FileMode) (disk.File, error) {
	f, err := d.FS.OpenFile(name, flag, mode)
	return badFile{f, d.write}, err
}

func (f badFile) Write(p []byte) (int, error) {
	if err := f.write(); err != nil {
		return 0, err
	}
	return f.File.Write(p)
}

// TestFullDisk ends the recording, and says so; whoever talks to the guest hears nothing of it.
func TestFullDisk(t *testing.T) {
	var mu sync.Mutex
	var told []string
	r := Start(badDisk{disk.OS(), func() error { return syscall.ENOSPC }}, t.TempDir(), nil, func(text string) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, text)
	})
	record := r.Client()
	for range 1000 {
		record(remote.Exchange{Action: "Send", Request: make([]byte, 1000)})
	}
	r.Close()
	mu.Lock()
	defer mu.Unlock()
	if len(told) != 1 || !strings.Contains(told[0], "not recorded any further, and the run goes on: no space left on device") {
		t.Errorf("told %q, want once that the disk is full", told)
	}
	gone := Start(disk.OS(), filepath.Join(t.TempDir(), "no", "such"), nil, func(string) {})
	gone.Client()(remote.Exchange{})
	gone.Close()
	var none *Recorder
	if none.Client() != nil {
		t.Error("no recorder records")
	}
	none.Close()
}

// TestSlowDisk holds nobody up: what does not fit into the queue is missing, and the recording says how much.
func TestSlowDisk(t *testing.T) {
	ctx, letGo := context.WithCancel(t.Context())
	dir := t.TempDir()
	r := Start(badDisk{disk.OS(), func() error { <-ctx.Done(); return nil }}, dir, nil, never(t))
	record := r.Client()
	body := make([]byte, maxQueue/4)
	for range 40 {
		record(remote.Exchange{Action: "Send", Request: body})
	}
	letGo()
	for r.waits() {
		time.Sleep(time.Millisecond)
	}
	record(remote.Exchange{Action: "after"})
	r.Close()
	lines := read(t, filepath.Join(dir, FileName))
	kept, note := 0, ""
	for _, l := range lines {
		if l.Note != "" {
			note = l.Note
		} else if kept++; l.Action == "Send" && !l.Cut {
			t.Error("a body is longer than is kept, and is not said to be cut")
		}
	}
	if want := fmt.Sprintf("%d exchanges are missing here", 41-kept); kept < 4 || !strings.Contains(note, want) {
		t.Errorf("%d are kept, and the note is %q, want %q", kept, note, want)
	}
}

func (r *Recorder) waits() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.queue) > 0
}

// TestRedact takes out of a recording what was not known to be secret then.
func TestRedact(t *testing.T) {
	dir := t.TempDir()
	r := Start(disk.OS(), dir, nil, never(t))
	r.Client()(remote.Exchange{Action: "Send", Request: []byte("<A>later-known</A>"), Err: errors.New("not later-known")})
	r.Close()
	f, err := os.Open(filepath.Join(dir, FileName))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out bytes.Buffer
	if err := Redact(&out, f, remote.NewRedactor("later-known"), strings.ToLower); err != nil {
		t.Fatal(err)
	}
	var got Line
	if err := Read(&out, func(l Line) error { got = l; return nil }); err != nil {
		t.Fatal(err)
	}
	if got.Request != "<a>[redacted]</a>" || got.Error != "not [redacted]" || got.Action != "Send" {
		t.Errorf("%+v", got)
	}
}

// FuzzBody holds what is recorded to be text, and without the secret.
func FuzzBody(f *testing.F) {
	f.Add([]byte(`<rsp:Stream Name="a" CommandId='b' End="true">aHVudGVyMjI=</rsp:Stream>hunter22`))
	f.Add([]byte(`<Stream>`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r := newRedaction(remote.NewRedactor("hunter22"))
		if got := r.body(body, "1"); strings.Contains(got, "hunter22") {
			t.Errorf("%q became %q", body, got)
		}
	})
}

// FuzzRead reads whatever there may be.
func FuzzRead(f *testing.F) {
	f.Add([]byte("\x1f\x8b"))
	f.Fuzz(func(t *testing.T, data []byte) { _ = Read(bytes.NewReader(data), func(Line) error { return nil }) })
}
