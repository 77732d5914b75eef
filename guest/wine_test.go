//go:build linux

package guest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wskharness/driver"
	"wskharness/driver/abi"
	"wskharness/guest/agent"
	"wskharness/guest/journal"
	"wskharness/guest/transfer"
	"wskharness/remote"
)

// TestRealAgent holds this package and the agent, built from driver/agent, to the same protocol: on
// a real Wine, over real WinRM. Its parts share one guest, because making one takes seconds.
func TestRealAgent(t *testing.T) {
	t.Parallel()
	w := newWineGuest(t)
	agent := buildAgent(t)
	w.seed(t, agent)
	options := Options{Agent: agent, retryPause: 10 * time.Millisecond}
	g, err := Connect(t.Context(), w.client, options)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close(context.Background())
	g.slow = time.Hour // however slow the machine that the tests run on
	if n := w.asked.count(); n > 4 {
		t.Errorf("%d requests to connect; want n <= 4", n)
	}
	t.Run("facts", func(t *testing.T) { realFacts(t, g) })
	t.Run("push", func(t *testing.T) { realPush(t, w, g) })
	t.Run("push large", func(t *testing.T) { realPushLarge(t, w, g) })
	t.Run("push striped", func(t *testing.T) { realPushStriped(t, w, options) })
	t.Run("compressed", func(t *testing.T) { realCompressed(t, w, g) })
	t.Run("push refused", func(t *testing.T) { realPushRefused(t, g) })
	t.Run("pull", func(t *testing.T) { realPull(t, w, g) })
	t.Run("tree", func(t *testing.T) { realTree(t, w, g) })
	t.Run("tree refused", func(t *testing.T) { realTreeRefused(t, w, g) })
	t.Run("names", func(t *testing.T) { realNames(t, w, g) })
	t.Run("dumps", func(t *testing.T) { realDumps(t, w, g) })
	t.Run("integrity", func(t *testing.T) { realIntegrity(t, w, g) })
	t.Run("exec", func(t *testing.T) { realExec(t, g) })
	t.Run("state and disturbances", func(t *testing.T) { realState(t, w, g) })
	t.Run("run", func(t *testing.T) { realRun(t, w, g) })
	t.Run("run refused", func(t *testing.T) { realRunRefused(t, g) })
	t.Run("clean", func(t *testing.T) { realClean(t, w, g) })
	t.Run("bare guest", func(t *testing.T) { realBootstrapByScript(t, w, options) })
	t.Run("another agent", func(t *testing.T) { realBootstrapByAgent(t, w, options) })
}

func realFacts(t *testing.T, g *Guest) {
	f := g.Facts()
	if f.Kind() != KindWine || f.Arch != "x64" || f.Build == 0 || !strings.HasPrefix(f.Describe(), "wine ") {
		t.Errorf("got %s: %+v; want f.Kind() == KindWine and f.Arch == \"x64\" and f.Build != 0 and strings.HasPrefix(f.Describe(), \"wine \")", f.Describe(), f)
	}
	if d := time.Since(f.Time); d < -time.Minute || d > time.Minute {
		t.Errorf("the guest's clock is off by %s; want d >= -time.Minute and d <= time.Minute", d)
	}
	again, err := g.Refresh(t.Context())
	if err != nil || again.BootID != f.BootID {
		t.Errorf("got %+v, %v; want no error and again.BootID == f.BootID", again, err)
	}
	t.Log(f.Describe(), f.Capabilities())
}

// realState asks for the state of what is not there, disturbs a guest that does not let itself be disturbed, and leaves
// behind what a disturbance that was killed does.
func realState(t *testing.T, w *wineGuest, g *Guest) {
	state, err := g.State(t.Context(), "wsksample", "no-such-run")
	if err != nil || state.Run != "absent" || state.Win32 != 2 || state.FreeBytes == nil || *state.FreeBytes == 0 {
		t.Errorf("got %+v, %v; want no error and state.Run == \"absent\" and state.Win32 == 2 and state.FreeBytes != nil and *state.FreeBytes != 0", state, err)
	}
	var refused *agent.Error
	if h, err := g.ShiftClock(t.Context(), 240*time.Hour, time.Second); !errors.As(err, &refused) || !strings.Contains(refused.Complaint, "1314") {
		t.Errorf("a clock that is its host's was set: %v, %v; want errors.As(err, &refused) and strings.Contains(refused.Complaint, \"1314\")", h, err)
	}
	ballast := w.path(Home + `\ballast`)
	if h, err := g.FillDisk(t.Context(), 1, time.Second); !errors.As(err, &refused) || !strings.Contains(refused.Complaint, "more than is allowed") {
		t.Errorf("a disk that is its host's was filled: %v, %v; want errors.As(err, &refused) and strings.Contains(refused.Complaint, \"more than is allowed\")", h, err)
	}
	if _, err := os.Stat(ballast); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a refused fill left something behind: %v; want errors.Is(err, os.ErrNotExist)", err)
	}
	if err := os.WriteFile(ballast, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Refresh(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(ballast); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what a killed fill left is still there: %v; want errors.Is(err, os.ErrNotExist)", err)
	}
}

func realPush(t *testing.T, w *wineGuest, g *Guest) {
	big, small := randomBytes(2<<20+5), []byte("plan")
	files := []transfer.File{transfer.Contents(`C:\wskharness\store\p 1\big.bin`, big), transfer.Contents(`C:\wskharness\store\p 1\ü.txt`, small), transfer.Contents(`C:\wskharness\store\p 1\empty`, nil)}
	// What an interrupted push left behind: the agent must ask for the rest only.
	part := w.path(partPath(files[0].Path))
	if err := os.MkdirAll(filepath.Dir(part), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(part, big[:1<<20], 0o600); err != nil {
		t.Fatal(err)
	}
	stats, err := g.Push(t.Context(), files, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := int64(len(big) - 1<<20 + len(small)); stats.Sent != want || stats.Files != 3 {
		t.Errorf("%+v: %d bytes should have been sent; want stats.Sent == want and stats.Files == 3", stats, want)
	}
	for _, f := range files {
		want := make([]byte, f.Size)
		f.Data.ReadAt(want, 0)
		if got, err := os.ReadFile(w.path(f.Path)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s did not arrive as it was: %v; want no error and bytes.Equal(got, want)", f.Path, err)
		}
	}
	if stats, err = g.Push(t.Context(), files, nil); err != nil || stats.Skipped != 3 || stats.Sent != 0 {
		t.Errorf("again: %+v, %v; want no error and stats.Skipped == 3 and stats.Sent == 0", stats, err)
	}
	before := w.asked.count()
	if _, err = g.Push(t.Context(), []transfer.File{transfer.Contents(`C:\wskharness\runs\x\plan.bin`, small), transfer.Contents(`C:\wskharness\store\q\x.sys`, randomBytes(40<<10))}, nil); err != nil {
		t.Error(err)
	}
	if n := w.asked.count() - before; n > 4 {
		t.Errorf("%d requests for a small package; want n <= 4", n)
	}
}

// What a large file costs on the wire.
func realPushLarge(t *testing.T, w *wineGuest, g *Guest) {
	const size = 4 << 20
	file := transfer.Contents(`C:\wskharness\store\large`, randomBytes(size))
	before, asked := w.client.Stats(), w.asked.count()
	if _, err := g.Push(t.Context(), []transfer.File{file}, nil); err != nil {
		t.Fatal(err)
	}
	after := w.client.Stats()
	n := w.asked.count()
	if n -= asked; n > 16 {
		t.Errorf("%d requests; want n <= 16", n)
	}
	if sent := after.BytesSent - before.BytesSent; sent > size*14/10 {
		t.Errorf("%d bytes on the wire for %d; want sent <= size*14/10", sent, size)
	}
	if _, err := g.Push(t.Context(), []transfer.File{file}, nil); err != nil {
		t.Fatal(err)
	}
	if n = w.asked.count() - asked - n; n > 4 { // the final signals of both included
		t.Errorf("%d requests for what is there", n)
	}
}

// firstChunkThere reports whether the agent has marked the first chunk of an upload as written.
func (w *wineGuest) firstChunkThere(path string) bool {
	const layout = 56 // bytes before the marks
	marks, err := os.ReadFile(w.path(partPath(path)) + ".map")
	return err == nil && len(marks) > layout && marks[layout] == 1
}

// A large file over several streams, interrupted and gone on with.
func realPushStriped(t *testing.T, w *wineGuest, options Options) {
	g, err := Connect(t.Context(), w.client, options)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close(context.Background())
	g.slow = 1 // as on a link where every round trip takes long
	const size = 9<<20 + 11
	data := randomBytes(size)
	file := transfer.Contents(`C:\wskharness\store\striped\large`, data)
	ctx, cancel := context.WithCancel(t.Context())
	_, err = g.Push(ctx, []transfer.File{file}, func(p transfer.Progress) {
		// What counts later is what is whole from the start on: the first chunk need not be the first to arrive.
		if p.Done > size/2 && w.firstChunkThere(file.Path) {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("the interrupted push: %v; want errors.Is(err, context.Canceled)", err)
	}
	if _, err := os.Stat(w.path(file.Path)); err == nil {
		t.Error("an interrupted push left something under the file's own name")
	}
	shells := w.client.Stats().Requests
	stats, err := g.Push(t.Context(), []transfer.File{file, transfer.Contents(`C:\wskharness\store\striped\small`, data[:5])}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v, %d requests", stats, w.client.Stats().Requests-shells)
	if stats.Files != 2 || stats.Sent >= size {
		t.Errorf("%+v: of %d bytes, those that were there should not have been sent again; want stats.Files == 2 and stats.Sent < size", stats, size)
	}
	if got, err := os.ReadFile(w.path(file.Path)); err != nil || !bytes.Equal(got, data) {
		t.Errorf("the file is not what was sent: %d bytes, %v; want no error and bytes.Equal(got, data)", len(got), err)
	}
	for _, left := range []string{partPath(file.Path), partPath(file.Path) + ".map"} {
		if _, err := os.Stat(w.path(left)); err == nil {
			t.Errorf("%s was left behind; want an error", left)
		}
	}
	// Many ranges side by side, the way back.
	back := window{0, make([]byte, size)}
	if _, err := g.Pull(t.Context(), file.Path, back, transfer.PullOptions{RangeBytes: 1 << 20}); err != nil || !bytes.Equal(back.data, data) {
		t.Errorf("what was pulled is not what was pushed: %v; want no error and bytes.Equal(back.data, data)", err)
	}
	lie := file
	lie.Path, lie.SHA256 = `C:\wskharness\store\striped\lie`, strings.Repeat("ab", 32)
	_, err = g.Push(t.Context(), []transfer.File{lie}, nil)
	if refused, ok := errors.AsType[*transfer.Error](err); !ok || refused.Win32 != 23 {
		t.Errorf("a wrong hash: %v; want ok and refused.Win32 == 23", err)
	}
}

// What compresses well travels compressed, both ways.
func realCompressed(t *testing.T, w *wineGuest, g *Guest) {
	data := bytes.Repeat([]byte("nothing here repeats itself, nothing at all; "), 100000)
	before := w.client.Stats()
	file := transfer.Contents(`C:\wskharness\store\text`, data)
	if _, err := g.Push(t.Context(), []transfer.File{file}, nil); err != nil {
		t.Fatal(err)
	}
	pushed := w.client.Stats()
	if sent := pushed.BytesSent - before.BytesSent; sent > int64(len(data)/20) {
		t.Errorf("%d bytes sent for %d that compress; want sent <= int64(len(data)/20)", sent, len(data))
	}
	back := window{0, make([]byte, len(data))}
	if _, err := g.Pull(t.Context(), file.Path, back, transfer.PullOptions{}); err != nil || !bytes.Equal(back.data, data) {
		t.Errorf("what was pulled is not what was pushed: %v; want no error and bytes.Equal(back.data, data)", err)
	}
	if got := w.client.Stats().BytesReceived - pushed.BytesReceived; got > int64(len(data)/20) {
		t.Errorf("%d bytes received for %d that compress; want got <= int64(len(data)/20)", got, len(data))
	}
}

func realPushRefused(t *testing.T, g *Guest) {
	_, err := g.Push(t.Context(), []transfer.File{{Path: `C:\x\a`, Data: strings.NewReader("hello"), Size: 5, SHA256: strings.Repeat("ab", 32)}}, nil)
	refused, ok := errors.AsType[*transfer.Error](err)
	if !ok || refused.Win32 != 23 || refused.Path != `C:\x\a` || !strings.Contains(refused.Text, "SHA-256") {
		t.Errorf("wrong hash: %v", err)
	}
	_, err = g.Push(t.Context(), []transfer.File{transfer.Contents(`C:\windows\system32\ntdll.dll\x`, []byte("hello"))}, nil)
	if !errors.As(err, &refused) {
		t.Errorf("below a file: %v; want errors.As(err, &refused)", err)
	}
}

func realPull(t *testing.T, w *wineGuest, g *Guest) {
	data := randomBytes(3<<20 + 1)
	if err := os.WriteFile(w.path(`C:\big file.dmp`), data, 0o600); err != nil {
		t.Fatal(err)
	}
	local := filepath.Join(t.TempDir(), "big")
	stats, err := g.PullFile(t.Context(), `C:\big file.dmp`, local, transfer.PullOptions{RangeBytes: 1 << 20, Parallel: 2})
	if err != nil || stats.Ranges != 4 {
		t.Fatalf("got %+v, %v; want no error and stats.Ranges == 4", stats, err)
	}
	if got, err := os.ReadFile(local); err != nil || !bytes.Equal(got, data) {
		t.Errorf("it did not arrive as it was: %v; want no error and bytes.Equal(got, data)", err)
	}
	if err := os.WriteFile(w.path(`C:\none`), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if stats, err := g.Pull(t.Context(), `C:\none`, window{}, transfer.PullOptions{}); err != nil || stats.Size != 0 {
		t.Errorf("empty: %+v, %v; want no error and stats.Size == 0", stats, err)
	}
	var refused *transfer.Error
	if _, err := g.Pull(t.Context(), `C:\not there`, window{}, transfer.PullOptions{}); !errors.As(err, &refused) || refused.Win32 != 2 {
		t.Errorf("not there: %v; want errors.As(err, &refused) and refused.Win32 == 2", err)
	}
}

func realExec(t *testing.T, g *Guest) {
	var out bytes.Buffer
	code, err := g.Exec(t.Context(), remote.CommandLine{Line: "echo hello & exit 7"}, nil, &out, nil)
	if err != nil || code != 7 || strings.TrimSpace(out.String()) != "hello" {
		t.Errorf("exit code %d, %q, %v; want no error and code == 7 and strings.TrimSpace(out.String()) == \"hello\"", code, out.String(), err)
	}
}

// buildSample builds and pushes the sample driver, and returns where it is and its hash.
func buildSample(t *testing.T, g *Guest) (string, *driver.Artifact) {
	t.Helper()
	tc, err := driver.FindToolchain(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cache, err := driver.DefaultCache()
	if err != nil {
		t.Fatal(err)
	}
	sample, err := driver.Build(t.Context(), tc, driver.SampleSpec(nil), cache)
	if err != nil {
		t.Fatal(err)
	}
	path := StorePath(sample.SHA256[:16], "wsksample.sys")
	if _, err := g.Push(t.Context(), []transfer.File{{Path: path, Local: sample.Path, SHA256: sample.SHA256}}, nil); err != nil {
		t.Fatal(err)
	}
	return path, sample
}

// sleepPlan is a plan (driver/include/wskplan.h) of cases that sleep so long each.
func sleepPlan(id, driverPath string, sha256 [32]byte, cases uint32, sleep time.Duration) []byte {
	const caseBytes, batchBytes, stepBytes, headerBytes = 32, 44, 200, 112
	text := []byte("\x00" + id + "\x00" + driverPath + "\x00" + "wsksample\x00" + "test.sleep\x00")
	at := func(s string) uint32 { return uint32(bytes.Index(text, []byte("\x00"+s+"\x00")) + 1) }
	offCase := uint32(headerBytes)
	offBatch := offCase + cases*caseBytes
	offStep := (offBatch + batchBytes + 7) &^ 7
	offText := offStep + stepBytes
	var b []byte
	u32 := func(values ...uint32) {
		for _, v := range values {
			b = binary.LittleEndian.AppendUint32(b, v)
		}
	}
	u32(abi.PlanMagic, abi.PlanVersion, abi.ABI, offText+uint32(len(text)), 0, cases, offCase, 1, offBatch, 1, offStep, uint32(len(text)), offText,
		at(id), at(driverPath), at("wsksample"), 120000, 120000, 0, 0)
	b = append(b, sha256[:]...)
	for range cases {
		u32(at("test.sleep"), 0, 1, 60000, 0, 0, 0, 0)
	}
	u32(0, 1, 1, 1, 0, 0, 60000, 0, 0, 0, 0)
	step := make([]byte, stepBytes)
	binary.LittleEndian.PutUint32(step, abi.OpSleep)
	binary.LittleEndian.PutUint32(step[8:], 60000)
	binary.LittleEndian.PutUint64(step[40:], uint64(sleep.Milliseconds()))
	b = append(append(append(b, make([]byte, int(offStep)-len(b))...), step...), text...)
	binary.LittleEndian.PutUint32(b[16:], crc32.ChecksumIEEE(b))
	return b
}

func realRun(t *testing.T, w *wineGuest, g *Guest) {
	path, sample := buildSample(t, g)
	image, err := os.ReadFile(sample.Path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(image)
	before := w.client.Stats().Requests
	var raw bytes.Buffer
	s, err := g.StartRun(t.Context(), Run{ID: "real-1", Plan: sleepPlan("real-1", path, sum, 1, 20*time.Millisecond),
		Files: []transfer.File{{Path: path, Local: sample.Path, SHA256: sample.SHA256}}, Journal: &raw})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	records, err := all(t, s)
	t.Logf("a run of one case: %d requests\n%s", w.client.Stats().Requests-before, raw.String())
	if err != io.EOF {
		t.Fatal(err)
	}
	var events []string
	for _, r := range records {
		events = append(events, string(r.Ev))
	}
	if got, want := strings.Join(events, " "), "run-start driver-start case-start step case-end driver-stop run-end"; got != want {
		t.Fatalf("events %s, not %s", got, want)
	}
	start, up, step := records[0], records[1], records[3]
	if start.Boot != g.Facts().BootID || start.Agent != g.Facts().SHA256 || up.SHA256 != sample.SHA256 || !step.OK || step.Took < 15*time.Millisecond {
		t.Errorf("%+v\n%+v\n%+v", start, up, step)
	}
	written, err := os.ReadFile(w.path(JournalPath("real-1")))
	if err != nil || !bytes.Equal(written, raw.Bytes()) {
		t.Errorf("the copy of the journal differs: %v; want no error and bytes.Equal(written, raw.Bytes())", err)
	}
	// From the middle, after the run, and by somebody who was not there before.
	again, err := g.Follow(t.Context(), "real-1", journal.Position{Offset: records[3].Offset, Seq: records[2].Seq}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	rest, err := all(t, again)
	if err != io.EOF || len(rest) != 4 || rest[0].Seq != 4 {
		t.Errorf("%d records, %v; want err == io.EOF and len(rest) == 4 and rest[0].Seq == 4", len(rest), err)
	}
	realCancel(t, g, path, sample, sum)
}

// realCancel leaves a run that would take long, follows it anew, and cancels it.
func realCancel(t *testing.T, g *Guest, path string, sample *driver.Artifact, sum [32]byte) {
	s, err := g.StartRun(t.Context(), Run{ID: "real-2", Plan: sleepPlan("real-2", path, sum, 5000, 100*time.Millisecond),
		Files: []transfer.File{{Path: path, Local: sample.Path, SHA256: sample.SHA256}}})
	if err != nil {
		t.Fatal(err)
	}
	var last journal.Record
	for last.Ev != journal.EvCaseStart {
		if last, err = s.Next(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	s.Close()
	if err := g.Cancel(t.Context(), "real-2"); err != nil {
		t.Fatal(err)
	}
	again, err := g.Follow(t.Context(), "real-2", s.position(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	records, err := all(t, again)
	if err != io.EOF || len(records) < 2 {
		t.Fatalf("%d records, %v; want err == io.EOF and len(records) >= 2", len(records), err)
	}
	stop, end := records[len(records)-2], records[len(records)-1]
	if end.Why != "cancelled" || end.Cases == 5000 || stop.Ev != journal.EvDriverStop || !stop.OK {
		t.Errorf("%s\n%s; want end.Why == \"cancelled\" and end.Cases != 5000 and stop.Ev == journal.EvDriverStop and stop.OK", stop.Raw, end.Raw)
	}
}

func realRunRefused(t *testing.T, g *Guest) {
	s, err := g.StartRun(t.Context(), Run{ID: "real-3", Plan: []byte("this is no plan")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	records, err := all(t, s)
	refused, ok := errors.AsType[*agent.Error](err)
	if !ok || refused.Complaint == "" || len(records) != 1 || records[0].Why != "plan" {
		t.Errorf("got %+v, %v; want ok and refused.Complaint != \"\" and len(records) == 1 and records[0].Why == \"plan\"", records, err)
	}
	again, err := g.StartRun(t.Context(), Run{ID: "real-3", Plan: []byte("this is no plan")})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if _, err := again.Next(t.Context()); !errors.As(err, &refused) || !strings.Contains(err.Error(), "already") {
		t.Errorf("the same run twice: %v; want errors.As(err, &refused) and strings.Contains(err.Error(), \"already\")", err)
	}
	realTakesRefused(t, g)
	never, err := g.Follow(t.Context(), "never-was", journal.Position{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer never.Close()
	if _, err := never.Next(t.Context()); !errors.As(err, &refused) || !strings.Contains(err.Error(), "never-was") {
		t.Errorf("a run that never was: %v; want errors.As(err, &refused) and strings.Contains(err.Error(), \"never-was\")", err)
	}
}

// realTakesRefused: what a step keeps and takes has to be there, and is checked before anything starts. The places are
// those of WSKP_STEP.
func realTakesRefused(t *testing.T, g *Guest) {
	const checkCount, keep, from, fromArg, value, compare, checkFrom, executor = 88, 90, 92, 94, 96, 98, 100, 192
	for i, put := range []map[int]uint16{
		{keep: 17},
		{from: 17 << 8},
		{from: 10},
		{from: 1<<8 | 10},
		{from: 1 << 8, fromArg: 6},
		{checkCount: 1, value: 0, compare: 1, checkFrom: 17 << 8},
		{executor: 1, keep: 1},
		{executor: 1, from: 1 << 8},
	} {
		id := fmt.Sprintf("real-takes-%d", i)
		plan := sleepPlan(id, `C:\no.sys`, [32]byte{}, 1, time.Millisecond)
		step := plan[binary.LittleEndian.Uint32(plan[40:]):]
		for at, number := range put {
			binary.LittleEndian.PutUint16(step[at:], number)
		}
		clear(plan[16:20])
		binary.LittleEndian.PutUint32(plan[16:], crc32.ChecksumIEEE(plan))
		s, err := g.StartRun(t.Context(), Run{ID: id, Plan: plan})
		if err != nil {
			t.Fatal(err)
		}
		records, err := all(t, s)
		s.Close()
		refused, ok := errors.AsType[*agent.Error](err)
		if !ok || !strings.Contains(refused.Complaint, "it keeps or takes a value that it can't") || len(records) != 1 || records[0].Why != "plan" {
			t.Errorf("%v: %+v, %v", put, records, err)
		}
	}
}

// realBootstrapByAgent moves the agent to where an older one would be: it has to bring itself home.
func realBootstrapByAgent(t *testing.T, w *wineGuest, options Options) {
	home := filepath.Dir(w.path(AgentPath(options.Agent.SHA256)))
	if err := os.Rename(home, filepath.Join(filepath.Dir(home), "0123456789abcdef")); err != nil {
		t.Fatal(err)
	}
	g, err := Connect(t.Context(), w.client, options)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// realBootstrapByScript takes everything away that is of the harness.
func realBootstrapByScript(t *testing.T, w *wineGuest, options Options) {
	if err := os.RemoveAll(w.path(Home)); err != nil {
		t.Fatal(err)
	}
	g, err := Connect(t.Context(), w.client, options)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Close(t.Context()); err != nil {
		t.Error(err)
	}
	entries, err := os.ReadDir(filepath.Dir(w.path(AgentPath(options.Agent.SHA256))))
	if err != nil || len(entries) != 1 {
		t.Errorf("left beside the agent: %v, %v; want no error and len(entries) == 1", entries, err)
	}
}
