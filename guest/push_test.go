//go:build linux

package guest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"wskharness/guest/agent"
	"wskharness/guest/transfer"
	"wskharness/guest/transfer/frame"
	"wskharness/remote/winrmd"
	"wskharness/winerr"
)

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(n)}).Read(b)
	return b
}

func TestPushOfAPackageTakesFewRequests(t *testing.T) {
	f := newFakeGuest(t)
	g := f.connect()
	driver, plan := randomBytes(60<<10), []byte("plan")
	files := []transfer.File{transfer.Contents(`C:\wskharness\runs\r\plan.bin`, plan), transfer.Contents(`C:\wskharness\store\x\wsksample.sys`, driver)}
	requests := func(push func()) int64 {
		before := f.asked.count()
		push()
		return f.asked.count() - before
	}
	n := requests(func() {
		stats, err := g.Push(t.Context(), files, nil)
		if want := (transfer.PushStats{Files: 2, Bytes: 60<<10 + 4, Sent: 60<<10 + 4, Tries: 1}); err != nil || stats != want {
			t.Errorf("got %+v, %v; want %+v and no error", stats, err, want)
		}
	})
	if n > 4 { // the final signal of this command and of the one before included
		t.Errorf("%d requests for a small package", n)
	}
	if got, _ := f.read(files[1].Path); !bytes.Equal(got, driver) {
		t.Error("the driver did not arrive as it was")
	}
	// Again: this Guest knows that it is there, so it asks first.
	n = requests(func() {
		stats, err := g.Push(t.Context(), files, nil)
		if want := (transfer.PushStats{Files: 2, Skipped: 2, Bytes: 60<<10 + 4, Tries: 1}); err != nil || stats != want {
			t.Errorf("got %+v, %v; want %+v and no error", stats, err, want)
		}
	})
	if n > 4 {
		t.Errorf("%d requests for nothing; want n <= 4", n)
	}
}

// Another controller has brought it there before: this one sends unasked, for nothing, and gets by.
func TestPushOfWhatIsThereAlready(t *testing.T) {
	f := newFakeGuest(t)
	g := f.connect()
	data := randomBytes(100 << 10)
	f.write(`C:\x\a`, data)
	stats, err := g.Push(t.Context(), []transfer.File{transfer.Contents(`C:\x\a`, data)}, nil)
	if err != nil || stats.Skipped != 1 || stats.Files != 1 {
		t.Errorf("got %+v, %v; want no error and stats.Skipped == 1 and stats.Files == 1", stats, err)
	}
}

func TestPushOfALargeFile(t *testing.T) {
	f := newFakeGuest(t)
	g := f.connect()
	data := randomBytes(1<<20 + 17)
	local := filepath.Join(t.TempDir(), "big")
	if err := os.WriteFile(local, data, 0o600); err != nil {
		t.Fatal(err)
	}
	before, asked := f.client.Stats(), f.asked.count()
	var told []int64
	stats, err := g.Push(t.Context(), []transfer.File{{Path: `C:\x\big`, Local: local}, transfer.Contents(`C:\x\empty`, nil)}, func(p transfer.Progress) { told = append(told, p.Done) })
	if err != nil {
		t.Fatal(err)
	}
	if want := (transfer.PushStats{Files: 2, Bytes: int64(len(data)), Sent: int64(len(data)), Tries: 1}); stats != want {
		t.Errorf("got %+v; want %+v", stats, want)
	}
	if got, _ := f.read(`C:\x\big`); !bytes.Equal(got, data) {
		t.Error("it did not arrive as it was")
	}
	after := f.client.Stats()
	n := f.asked.count() - asked
	t.Logf("1 MiB: %d requests, %.2f bytes on the wire for each", n, float64(after.BytesSent-before.BytesSent)/float64(len(data)))
	if n > 8 {
		t.Errorf("%d requests; want n <= 8", n)
	}
	if len(told) == 0 || told[len(told)-1] != int64(len(data)) {
		t.Errorf("progress %v; want len(told) != 0 and told[len(told)-1] == int64(len(data))", told)
	}
	for i := 1; i < len(told); i++ {
		if told[i] <= told[i-1] {
			t.Fatalf("progress went back: %v", told)
		}
	}
}

// Every connection is cut and every shell forgotten in the middle of it, twice.
func TestPushResumes(t *testing.T) {
	f := newFakeGuest(t)
	g := f.connect()
	cuts := 0
	var begun []int64
	f.onData = func(a *fakeAgent, n int, at int64) {
		if n == 1 {
			begun = append(begun, at)
		}
		if n == 2 && cuts < 2 {
			cuts++
			a.crash(testBoot)
		}
	}
	data := randomBytes(3 << 19)
	stats, err := g.Push(t.Context(), []transfer.File{transfer.Contents(`C:\x\big`, data)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := f.read(`C:\x\big`); !bytes.Equal(got, data) {
		t.Error("it did not arrive as it was")
	}
	if stats.Tries < 3 || stats.Files != 1 || stats.Skipped != 0 {
		t.Errorf("got %+v; want stats.Tries >= 3 and stats.Files == 1 and stats.Skipped == 0", stats)
	}
	// Each conversation wrote a frame before it was cut, and the next went on behind it.
	if want := []int64{0, 256 << 10, 2 * 256 << 10}; !slices.Equal(begun, want) {
		t.Errorf("the conversations began at %d, not %d", begun, want)
	}
}

func TestPushGivesUp(t *testing.T) {
	f := newFakeGuest(t)
	f.inject = func(r winrmd.Request) winrmd.InjectedFault {
		if r.Action == "Send" {
			return winrmd.InjectedFault{Kind: winrmd.Drop}
		}
		return winrmd.InjectedFault{}
	}
	g := f.connect()
	g.retry.tries = 6
	stats, err := g.Push(t.Context(), []transfer.File{transfer.Contents(`C:\x\a`, randomBytes(300<<10))}, nil)
	if err == nil || !strings.Contains(err.Error(), "given up after 6 tries") || stats.Tries != 6 {
		t.Errorf("got %+v, %v; want an error and strings.Contains(err.Error(), \"given up after 6 tries\") and stats.Tries == 6", stats, err)
	}
	if _, there := f.read(`C:\x\a`); there {
		t.Error("a file that did not arrive is there")
	}
}

func TestPushReportsWhatTheAgentRefuses(t *testing.T) {
	wrong := strings.Repeat("ab", 32)
	f := newFakeGuest(t)
	g := f.connect()
	for name, tc := range map[string]struct {
		file  transfer.File
		win32 winerr.Win32
	}{
		"wrong hash":       {transfer.File{Path: `C:\x\a`, Data: strings.NewReader("hello"), Size: 5, SHA256: wrong}, winerr.ErrorCRC},
		"wrong hash, long": {transfer.File{Path: `C:\x\b`, Data: bytes.NewReader(randomBytes(300 << 10)), Size: 300 << 10, SHA256: wrong}, winerr.ErrorCRC},
	} {
		t.Run(name, func(t *testing.T) {
			stats, err := g.Push(t.Context(), []transfer.File{tc.file}, nil)
			refused, ok := errors.AsType[*transfer.Error](err)
			if !ok || refused.Win32 != tc.win32 || refused.Path != tc.file.Path || stats.Tries != 1 {
				t.Errorf("got %+v, %v; want ok and refused.Win32 == tc.win32 and refused.Path == tc.file.Path and stats.Tries == 1", stats, err)
			}
			if _, there := f.read(tc.file.Path); there {
				t.Error("it is there all the same")
			}
		})
	}
}

// A file that has become shorter since it was looked at is told as that.
func TestPushOfAFileThatShrinks(t *testing.T) {
	data := randomBytes(3 << 20)
	sum := sha256.Sum256(data)
	f := newFakeGuest(t)
	g := f.connect()
	_, err := g.Push(t.Context(), []transfer.File{{Path: `C:\x`, Data: bytes.NewReader(data[:2<<20+5]), Size: int64(len(data)), SHA256: hex.EncodeToString(sum[:])}}, nil)
	if err == nil || !strings.Contains(err.Error(), `push C:\x: it has become shorter: 2097157 bytes, and 3145728 when it was looked at`) {
		t.Errorf("%v", err)
	}
	if _, there := f.read(`C:\x`); there {
		t.Error("it is there all the same")
	}
}

// An empty file has as many bytes when it is there as when it is not: it is there already only if it was.
func TestPushOfAnEmptyFile(t *testing.T) {
	f := newFakeGuest(t)
	g := f.connect()
	files := []transfer.File{transfer.Contents(`C:\empty`, nil), transfer.Contents(`C:\other`, []byte("other"))}
	for _, skipped := range []int{0, 2} {
		if stats, err := g.Push(t.Context(), files, nil); err != nil || stats.Files != 2 || stats.Skipped != skipped {
			t.Errorf("%+v, %v; want %d there already", stats, err, skipped)
		}
	}
}

func TestPushNoticesAnAgentThatLies(t *testing.T) {
	for name, tc := range map[string]struct {
		say  []frame.Frame
		want string
	}{
		"HAVE beyond":  {[]frame.Frame{{Kind: frame.Have, Offset: 99}}, "HAVE for file 0 at 99"},
		"HAVE of half": {[]frame.Frame{{Kind: frame.Have, Offset: 2, Payload: []byte{1}}}, "there since now"},
		"HAVE twice":   {[]frame.Frame{{Kind: frame.Have}, {Kind: frame.Have}}, "out of order"},
		"DONE at once": {[]frame.Frame{{Kind: frame.Done, Offset: 5, Payload: make([]byte, 32)}}, "out of turn"},
		"other hash":   {[]frame.Frame{{Kind: frame.Have}, {Kind: frame.Done, Offset: 5, Payload: make([]byte, 32)}}, "another size or hash"},
		"no such file": {[]frame.Frame{{Kind: frame.Have, File: 7}}, "file 7 of 1"},
		"silence":      {nil, "without saying"},
		"wrong kind":   {[]frame.Frame{{Kind: frame.Size}}, "unexpected SIZE"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeGuest(t)
			g := f.connect()
			f.onOutput = func(_ *fakeAgent, _ string, w io.Writer) io.Writer {
				return &replaceWriter{w: w, with: tc.say}
			}
			_, err := g.Push(t.Context(), []transfer.File{transfer.Contents(`C:\x\a`, []byte("hello"))}, nil)
			if _, ok := errors.AsType[*agent.ProtocolError](err); !ok || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v does not say %q", err, tc.want)
			}
		})
	}
}

// replaceWriter says something else than what it is given.
type replaceWriter struct {
	once sync.Once
	w    io.Writer
	with []frame.Frame
}

func (r *replaceWriter) Write(p []byte) (int, error) {
	r.once.Do(func() {
		for _, f := range r.with {
			r.w.Write(frame.Append(nil, f))
		}
	})
	return len(p), nil
}

// One byte is damaged on the way to the controller: worth another try.
func TestPushTriesAgainAfterDamage(t *testing.T) {
	f := newFakeGuest(t)
	g := f.connect()
	var once sync.Once
	f.onOutput = func(_ *fakeAgent, command string, w io.Writer) io.Writer {
		return writerFunc(func(p []byte) (int, error) {
			p = bytes.Clone(p)
			if command == "put" && len(p) > frame.HeaderSize {
				once.Do(func() { p[len(p)-1] ^= 1 })
			}
			return w.Write(p)
		})
	}
	stats, err := g.Push(t.Context(), []transfer.File{transfer.Contents(`C:\x\a`, []byte("hello"))}, nil)
	if err != nil || stats.Tries != 2 {
		t.Errorf("got %+v, %v; want no error and stats.Tries == 2", stats, err)
	}
}

func TestPushChecksAllFilesFirst(t *testing.T) {
	f := newFakeGuest(t)
	g := f.connect()
	before := len(f.ran())
	_, err := g.Push(t.Context(), []transfer.File{
		transfer.Contents(`C:\x\..\a`, nil), transfer.Contents(`C:\x\b`, nil), transfer.Contents(`c:\X\B`, nil), {Path: `C:\x\c`}, {Path: `C:\x\d`, Local: "/nonexistent/file"},
		{Path: `C:\x\e`, Local: t.TempDir()}, {Path: `C:\x\f`, Data: strings.NewReader(""), SHA256: "xyz"},
	}, nil)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{`C:\x\..\a`, "named twice", "either Local or Data", "/nonexistent/file", "not a regular file", "no SHA-256"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error does not say %q: %v", want, err)
		}
	}
	if len(f.ran()) != before {
		t.Error("something was sent")
	}
}

func TestPushOfAFileThatCannotBeRead(t *testing.T) {
	f := newFakeGuest(t)
	g := f.connect()
	bad := errors.New("disk on fire")
	_, err := g.Push(t.Context(), []transfer.File{{Path: `C:\x\a`, Data: failingReader{bad}, Size: 1 << 20, SHA256: strings.Repeat("ab", 32)}}, nil)
	if !errors.Is(err, bad) {
		t.Errorf("error %v; want errors.Is(err, bad)", err)
	}
}

type failingReader struct{ err error }

func (f failingReader) ReadAt([]byte, int64) (int, error) { return 0, f.err }

func TestPushInBatches(t *testing.T) {
	f := newFakeGuest(t)
	g := f.connect()
	var files []transfer.File
	for i := range 1024 + 5 {
		files = append(files, transfer.Contents(`C:\x\`+strings.Repeat("n", i%40)+string(rune('a'+i%26))+strings.Repeat("m", i/40), []byte{byte(i)}))
	}
	stats, err := g.Push(t.Context(), files, nil)
	if err != nil || stats.Files != len(files) || stats.Tries != 2 {
		t.Errorf("got %+v, %v; want no error and stats.Files == len(files) and stats.Tries == 2", stats, err)
	}
}

func TestPushEndsWithItsContext(t *testing.T) {
	f := newFakeGuest(t)
	g := f.connect()
	ctx, cancel := context.WithCancel(t.Context())
	f.onData = func(a *fakeAgent, n int, at int64) {
		if n == 2 {
			cancel()
		}
	}
	_, err := g.Push(ctx, []transfer.File{transfer.Contents(`C:\x\a`, randomBytes(1<<20))}, nil)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v; want errors.Is(err, context.Canceled)", err)
	}
}
