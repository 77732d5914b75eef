//go:build linux

package guest

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"wskharness/guest/agent"
	"wskharness/guest/transfer"
	"wskharness/guest/transfer/frame"
)

func TestPull(t *testing.T) {
	f := newFakeGuest(t)
	g := f.connect()
	data := randomBytes(140<<10 + 3)
	f.write(`C:\x\a b.dmp`, data)
	f.write(`C:\x\empty`, nil)
	for name, tc := range map[string]struct {
		path   string
		o      transfer.PullOptions
		want   []byte
		ranges int
	}{
		"one range":    {`C:\x\a b.dmp`, transfer.PullOptions{}, data, 1},
		"ranges":       {`C:\x\a b.dmp`, transfer.PullOptions{RangeBytes: 40 << 10}, data, 4},
		"side by side": {`C:\x\a b.dmp`, transfer.PullOptions{RangeBytes: 10 << 10, Parallel: 5}, data, 15},
		"exact":        {`C:\x\a b.dmp`, transfer.PullOptions{RangeBytes: int64(len(data))}, data, 1},
		"middle":       {`C:\x\a b.dmp`, transfer.PullOptions{Offset: 100, Length: 60 << 10, RangeBytes: 50 << 10}, data[100 : 100+60<<10], 2},
		"to the end":   {`C:\x\a b.dmp`, transfer.PullOptions{Offset: 100 << 10, Length: 1 << 30}, data[100<<10:], 1},
		"at the end":   {`C:\x\a b.dmp`, transfer.PullOptions{Offset: int64(len(data))}, nil, 1},
		"empty":        {`C:\x\empty`, transfer.PullOptions{}, nil, 1},
		"within size":  {`C:\x\a b.dmp`, transfer.PullOptions{MaxBytes: int64(len(data))}, data, 1},
	} {
		t.Run(name, func(t *testing.T) {
			var told []transfer.Progress
			tc.o.Progress = func(p transfer.Progress) { told = append(told, p) }
			w := window{tc.o.Offset, make([]byte, len(tc.want))}
			stats, err := g.Pull(t.Context(), tc.path, w, tc.o)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(w.data, tc.want) || stats.Bytes != int64(len(tc.want)) || stats.Ranges != tc.ranges || stats.Tries != tc.ranges {
				t.Errorf("%+v", stats)
			}
			if last := told[len(told)-1]; last.Done != last.Total || last.Done != tc.o.Offset+int64(len(tc.want)) {
				t.Errorf("progress %v; want last.Done == last.Total and last.Done == tc.o.Offset+int64(len(tc.want))", told)
			}
		})
	}
}

func TestPullRefuses(t *testing.T) {
	f := newFakeGuest(t)
	g := f.connect()
	f.write(`C:\x\a`, make([]byte, 1000))
	var limit *agent.LimitError
	if _, err := g.Pull(t.Context(), `C:\x\a`, window{0, make([]byte, 1000)}, transfer.PullOptions{MaxBytes: 999}); !errors.As(err, &limit) {
		t.Errorf("beyond the limit: %v; want errors.As(err, &limit)", err)
	}
	var refused *transfer.Error
	if _, err := g.Pull(t.Context(), `C:\x\b`, window{0, make([]byte, 1000)}, transfer.PullOptions{}); !errors.As(err, &refused) || refused.Win32 != 2 {
		t.Errorf("not there: %v; want errors.As(err, &refused) and refused.Win32 == 2", err)
	}
	for _, o := range []transfer.PullOptions{{Offset: -1}, {Length: -1}, {RangeBytes: -1}, {Parallel: 17}} {
		if _, err := g.Pull(t.Context(), `C:\x\a`, window{0, make([]byte, 1000)}, o); err == nil {
			t.Errorf("%+v was taken; want an error", o)
		}
	}
	full := errors.New("disk full")
	if _, err := g.Pull(t.Context(), `C:\x\a`, failingWriter{full}, transfer.PullOptions{}); !errors.Is(err, full) {
		t.Errorf("disk full: %v; want errors.Is(err, full)", err)
	}
	if _, err := g.Pull(t.Context(), `C:\x`+"\x00", window{0, make([]byte, 1000)}, transfer.PullOptions{}); err == nil {
		t.Error("a path with a NUL was taken")
	}
}

type failingWriter struct{ err error }

func (f failingWriter) WriteAt([]byte, int64) (int, error) { return 0, f.err }

func TestPullNoticesAnAgentThatLies(t *testing.T) {
	size := func(n uint64) frame.Frame { return frame.Frame{Kind: frame.Size, Offset: n} }
	data := func(at uint64, s string) frame.Frame {
		return frame.Frame{Kind: frame.Data, Offset: at, Payload: []byte(s)}
	}
	end := func(at uint64) frame.Frame {
		return frame.Frame{Kind: frame.End, Offset: at, Payload: make([]byte, 32)}
	}
	endOf := func(at uint64, s string) frame.Frame {
		sum := sha256.Sum256([]byte(s))
		return frame.Frame{Kind: frame.End, Offset: at, Payload: sum[:]}
	}
	for name, tc := range map[string]struct {
		say  []frame.Frame
		want string
	}{
		"no size":     {[]frame.Frame{data(0, "hello")}, "DATA came"},
		"two sizes":   {[]frame.Frame{size(5), size(6)}, "SIZE came"},
		"a hole":      {[]frame.Frame{size(5), data(1, "ell")}, "[1, "},
		"too much":    {[]frame.Frame{size(5), data(0, "hello!")}, "[0, 6)"},
		"too little":  {[]frame.Frame{size(5), data(0, "hell"), endOf(4, "hell")}, "before it had said all"},
		"half a lie":  {[]frame.Frame{size(5), data(0, "hell"), endOf(4, "hell"), data(4, "o"), endOf(5, "hello")}, "broke the protocol"},
		"END only":    {[]frame.Frame{size(5), end(5)}, "END at 5"},
		"no END":      {[]frame.Frame{size(5), data(0, "hello")}, "before it had said all"},
		"other kind":  {[]frame.Frame{size(5), {Kind: frame.Have}}, "unexpected HAVE"},
		"other file":  {[]frame.Frame{size(5), {Kind: frame.Data, File: 1, Payload: []byte("x")}}, "about file 1"},
		"wrong hash":  {[]frame.Frame{size(5), data(0, "hello"), end(5)}, "given up after 6 tries"},
		"not a frame": {nil, "before it had said all"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeGuest(t)
			g := f.connect()
			g.retry.tries = 6
			f.onOutput = func(_ *fakeAgent, _ string, w io.Writer) io.Writer { return &replaceWriter{w: w, with: tc.say} }
			f.write(`C:\x\a`, []byte("hello"))
			_, err := g.Pull(t.Context(), `C:\x\a`, window{0, make([]byte, 100)}, transfer.PullOptions{})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v does not say %q", err, tc.want)
			}
		})
	}
}

// crashOnce takes WinRM down after so many bytes of a get, once.
func crashOnce(f *fakeGuest, after int) {
	var mu sync.Mutex
	left, done := after, false
	f.onOutput = func(a *fakeAgent, command string, w io.Writer) io.Writer {
		return writerFunc(func(p []byte) (int, error) {
			mu.Lock()
			left -= len(p)
			crash := command == "get" && left < 0 && !done
			done = done || crash
			mu.Unlock()
			if crash {
				a.crash(testBoot) // or it might be through before it is cut
			}
			return w.Write(p)
		})
	}
}

func TestPullFetchesALostRangeAgain(t *testing.T) {
	for name, parallel := range map[string]int{"one by one": 1, "side by side": 3} {
		t.Run(name, func(t *testing.T) {
			f := newFakeGuest(t)
			g := f.connect()
			data := randomBytes(250 << 10)
			f.write(`C:\x\a`, data)
			crashOnce(f, 150<<10)
			w := window{0, make([]byte, len(data))}
			stats, err := g.Pull(t.Context(), `C:\x\a`, w, transfer.PullOptions{RangeBytes: 50 << 10, Parallel: parallel})
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(w.data, data) || stats.Ranges != 5 || stats.Tries < 6 {
				t.Errorf("got %+v; want bytes.Equal(w.data, data) and stats.Ranges == 5 and stats.Tries >= 6", stats)
			}
		})
	}
}

func TestPullFile(t *testing.T) {
	f := newFakeGuest(t)
	g := f.connect()
	data := randomBytes(330 << 10)
	f.write(`C:\x\a`, data)
	for name, tc := range map[string]struct {
		part  []byte
		bytes int // that are fetched, beyond the comparison
	}{
		"from nothing":         {nil, len(data)},
		"resumed":              {data[:300<<10], 30 << 10},
		"resumed near nothing": {data[:10], len(data) - 10},
		"all there":            {data, 0},
		"of another file":      {bytes.Repeat([]byte("x"), 300<<10), len(data)},
		"of a longer file":     {append(bytes.Clone(data), 0, 0, 0), len(data)},
		"of a far longer file": {make([]byte, 1<<20), len(data)},
	} {
		t.Run(name, func(t *testing.T) {
			local := filepath.Join(t.TempDir(), "a")
			if tc.part != nil {
				if err := os.WriteFile(partPlace(local), tc.part, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			stats, err := g.PullFile(t.Context(), `C:\x\a`, local, transfer.PullOptions{RangeBytes: 128 << 10, MaxBytes: int64(len(data))})
			if err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(local)
			if err != nil || !bytes.Equal(got, data) || stats.Bytes != int64(tc.bytes) {
				t.Errorf("got %+v, %v; want no error and bytes.Equal(got, data) and stats.Bytes == int64(tc.bytes)", stats, err)
			}
			if _, err := os.Stat(partPlace(local)); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the part is left: %v; want errors.Is(err, os.ErrNotExist)", err)
			}
		})
	}
}

func TestPullFileKeepsWhatItHas(t *testing.T) {
	f := newFakeGuest(t)
	g := f.connect()
	data := randomBytes(330 << 10)
	f.write(`C:\x\a`, data)
	local := filepath.Join(t.TempDir(), "a")
	var mu sync.Mutex
	gets := 0
	f.onOutput = func(_ *fakeAgent, command string, w io.Writer) io.Writer {
		mu.Lock()
		defer mu.Unlock()
		if command == "get" {
			if gets++; gets > 3 {
				return &replaceWriter{w: w, with: []frame.Frame{{Kind: frame.Error, Offset: 32, Payload: []byte("in use")}}}
			}
		}
		return w
	}
	_, err := g.PullFile(t.Context(), `C:\x\a`, local, transfer.PullOptions{RangeBytes: 100 << 10, Parallel: 1})
	if err == nil || !strings.Contains(err.Error(), "in use") {
		t.Fatalf("error %v; want an error and strings.Contains(err.Error(), \"in use\")", err)
	}
	if part, err := os.ReadFile(partPlace(local)); err != nil || !bytes.Equal(part, data[:300<<10]) {
		t.Errorf("%d bytes were kept, %v; want no error and bytes.Equal(part, data[:300<<10])", len(part), err)
	}
	f.onOutput = nil
	if stats, err := g.PullFile(t.Context(), `C:\x\a`, local, transfer.PullOptions{}); err != nil || stats.Bytes != 30<<10 {
		t.Errorf("got %+v, %v; want no error and stats.Bytes == 30<<10", stats, err)
	}
}

// window is memory that stands for a piece of a file, from an offset on.
type window struct {
	from int64
	data []byte
}

func (w window) WriteAt(p []byte, off int64) (int, error) { return copy(w.data[off-w.from:], p), nil }
