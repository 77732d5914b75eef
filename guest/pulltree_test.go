//go:build linux

package guest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"wskharness/guest/agent"
	"wskharness/guest/transfer"
	"wskharness/guest/transfer/frame"
)

// realTree pushes a tree and pulls it back, with the real agent.
func realTree(t *testing.T, w *wineGuest, g *Guest) {
	want := map[string]string{
		"empty": "", "ein Ordner/": "", "ein Ordner/ü 世界.txt": "unicode", "leer/": "", "leer/auch/": "",
		"big.bin": string(randomBytes(3<<20 + 7)), "limit.bin": string(randomBytes(frame.MaxPayload)), "deep/": "", "deep/a/": "", "deep/a/b/": "", "deep/a/b/c": "c",
	}
	for i := range 300 {
		want[fmt.Sprintf("ein Ordner/%d", i)] = strings.Repeat("x", i)
	}
	var tree transfer.Tree
	if err := tree.Add(writeTree(t, want), `C:\trees\one`); err != nil {
		t.Fatal(err)
	}
	told := transfer.Progress{}
	before := w.asked.count()
	stats, err := g.PushTree(t.Context(), &tree, func(p transfer.Progress) { told = p })
	if err != nil || stats.Files != 305 || stats.Bytes != tree.Bytes() || told != (transfer.Progress{Done: tree.Bytes(), Total: tree.Bytes()}) {
		t.Fatalf("%+v, %v; last told: %+v", stats, err, told)
	}
	t.Logf("%d requests to push", w.asked.count()-before)
	if diff := cmp.Diff(want, readTree(t, w.path(`C:\trees\one`))); diff != "" {
		t.Errorf("in the guest (-want +got):\n%s", diff)
	}

	local := filepath.Join(t.TempDir(), "new", "back")
	before = w.asked.count()
	pulled, err := g.PullTree(t.Context(), `C:\trees\one`, local, transfer.TreeOptions{Progress: func(p transfer.Progress) { told = p }})
	if want := (transfer.TreeStats{Files: 305, Folders: 6, Bytes: tree.Bytes(), Fetched: tree.Bytes()}); err != nil || !cmp.Equal(pulled, want) {
		t.Errorf("got %+v, %v; want no error and cmp.Equal(pulled, want)", pulled, err)
	}
	if told != (transfer.Progress{Done: tree.Bytes(), Total: tree.Bytes()}) {
		t.Errorf("last told: %+v; want told == (transfer.Progress{Done: tree.Bytes(), Total: tree.Bytes()})", told)
	}
	if diff := cmp.Diff(want, readTree(t, local)); diff != "" {
		t.Errorf("back here (-want +got):\n%s", diff)
	}
	n := w.asked.count() - before
	t.Logf("%d requests to pull", n)
	if n > 12 {
		t.Errorf("%d requests for 305 files; want n <= 12", n)
	}

	// Again, with one file changed, one gone, and one of which half is here.
	big := filepath.Join(local, "big.bin")
	if err := os.Rename(big, partPlace(big)); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(partPlace(big), 2<<20); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(local, "limit.bin"), randomBytes(frame.MaxPayload - 1)[:frame.MaxPayload-1], 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(local, "empty")); err != nil {
		t.Fatal(err)
	}
	pulled, err = g.PullTree(t.Context(), `C:\trees\one`, local, transfer.TreeOptions{})
	again := transfer.TreeStats{Files: 305, Folders: 6, Skipped: 302, Bytes: tree.Bytes(), Fetched: frame.MaxPayload + 1<<20 + 7, Resumed: 2 << 20}
	if err != nil || !cmp.Equal(pulled, again) {
		t.Errorf("again: %+v, %v; want no error and cmp.Equal(pulled, again)", pulled, err)
	}
	if diff := cmp.Diff(want, readTree(t, local)); diff != "" {
		t.Errorf("again (-want +got):\n%s", diff)
	}
	// One file is a tree, too.
	for what, skipped := range []int{0, 1} {
		pulled, err = g.PullTree(t.Context(), `C:\trees\one\big.bin`, filepath.Join(local, "copy"), transfer.TreeOptions{})
		if err != nil || pulled.Files != 1 || pulled.Skipped != skipped {
			t.Errorf("a file, time %d: %+v, %v; want no error and pulled.Files == 1 and pulled.Skipped == skipped", what, pulled, err)
		}
	}
}

func realTreeRefused(t *testing.T, w *wineGuest, g *Guest) {
	for path, want := range map[string]transfer.EntryKind{`C:\trees`: transfer.EntryFolder, `C:\trees\one\empty`: transfer.EntryFile, `C:\trees\none`: transfer.EntryAbsent, `C:\no\where`: transfer.EntryAbsent} {
		if e, err := g.Look(t.Context(), path); err != nil || e.Kind != want || e.Path != "" {
			t.Errorf("got %s: %+v, %v; want no error and e.Kind == want and e.Path == \"\"", path, e, err)
		}
	}
	_, err := g.PushTree(t.Context(), &transfer.Tree{Folders: []string{`C:\trees\two`, `C:\trees\one\empty`}}, nil)
	refused, ok := errors.AsType[*transfer.Error](err)
	if !ok || refused.Win32 != 267 || refused.Path != `C:\trees\one\empty` {
		t.Errorf("a folder where a file is: %v", refused)
	}
	local := filepath.Join(t.TempDir(), "x")
	_, err = g.PullTree(t.Context(), `C:\trees\none`, local, transfer.TreeOptions{})
	if refused, ok = errors.AsType[*transfer.Error](err); !ok || refused.Win32 != 2 {
		t.Errorf("absent: %v; want ok and refused.Win32 == 2", err)
	}
	// A file that can't be read: the others come, and the error tells of it.
	secret := w.path(`C:\trees\three\secret`)
	for path, mode := range map[string]os.FileMode{secret: 0, w.path(`C:\trees\three\open`): 0o600} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x"), mode); err != nil {
			t.Fatal(err)
		}
	}
	stats, err := g.PullTree(t.Context(), `C:\trees\three`, local, transfer.TreeOptions{})
	if os.Getuid() == 0 { // who can read everything
		return
	}
	if refused, ok = errors.AsType[*transfer.Error](err); !ok || refused.Path != `C:\trees\three\secret` || stats.Files != 1 {
		t.Errorf("unreadable: %+v, %v", stats, err)
	}
}

// lie answers a gather with frames of the test's making.
func lie(frames ...frame.Frame) func(*fakeAgent) uint32 {
	return func(a *fakeAgent) uint32 {
		in := frame.NewReader(a.in)
		if _, err := in.Next(); err != nil {
			return 2
		}
		for _, f := range frames {
			a.send(f)
		}
		return 0
	}
}

func whole(file uint16, data string) []frame.Frame {
	sum := sha256.Sum256([]byte(data))
	return []frame.Frame{
		{Kind: frame.Size, File: file, Offset: uint64(len(data))},
		{Kind: frame.Data, File: file, Payload: []byte(data)},
		{Kind: frame.End, File: file, Offset: uint64(len(data)), Payload: sum[:]},
	}
}

const twoFiles = `{"kind":"folder","path":""}` + "\n" + `{"kind":"file","path":"a","size":2}` + "\n" + `{"kind":"file","path":"b","size":2}` + "\n" + `{"kind":"end","entries":3}` + "\n"

// Whatever the agent answers, a file has its name only when it is whole.
func TestPullTreeOfAHostileAgent(t *testing.T) {
	good := append(whole(0, "aa"), whole(1, "bb")...)
	with := func(i int, change func(*frame.Frame)) []frame.Frame {
		frames := slices.Clone(good)
		change(&frames[i])
		return frames
	}
	tests := map[string]struct {
		frames []frame.Frame
		here   []string
		want   string // in the error
	}{
		"as agreed":         {frames: good, here: []string{"a", "b"}},
		"one lost":          {frames: good[:3], here: []string{"a"}, want: "after 1 files of 2"},
		"nothing":           {want: "after 0 files"},
		"out of order":      {frames: whole(1, "bb"), want: "about file 1"},
		"one too many":      {frames: append(slices.Clone(good), good[3:]...), here: []string{"a", "b"}, want: "file 2 of 2"},
		"cut in a file":     {frames: good[:5], here: []string{"a"}, want: "unexpected EOF"},
		"have what is not":  {frames: []frame.Frame{{Kind: frame.Have, File: 0, Offset: 2}}, want: "not here"},
		"a wrong size":      {frames: with(0, func(f *frame.Frame) { f.Offset = 3 }), want: "DATA of 2 bytes"},
		"a wrong offset":    {frames: with(1, func(f *frame.Frame) { f.Offset = 1 }), want: "at 1"},
		"a wrong end":       {frames: with(2, func(f *frame.Frame) { f.Offset = 1 }), want: "at 1"},
		"another's data":    {frames: with(1, func(f *frame.Frame) { f.File = 1 }), want: "DATA about file 1"},
		"a wrong hash":      {frames: with(2, func(f *frame.Frame) { f.Payload = make([]byte, 32) }), want: "damaged on its way"},
		"a frame of put":    {frames: []frame.Frame{{Kind: frame.Done, Payload: make([]byte, 32)}}, want: "unexpected DONE"},
		"one is refused":    {frames: append([]frame.Frame{{Kind: frame.Error, Offset: 5, Payload: []byte("read a: denied\x1b")}}, good[3:]...), here: []string{"b"}, want: "read a: denied"},
		"all is refused":    {frames: []frame.Frame{{Kind: frame.Error, File: 0xFFFF, Offset: 8, Payload: []byte("no memory")}}, want: "no memory"},
		"large, as it says": {frames: append([]frame.Frame{{Kind: frame.Size, Offset: frame.MaxPayload + 1}}, good[3:]...), here: []string{"b"}, want: "not found"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFakeGuest(t)
			g := f.connect()
			g.retry.tries = 2
			f.listing, f.gather = twoFiles, lie(test.frames...)
			dir := filepath.Join(t.TempDir(), "x")
			_, err := g.PullTree(t.Context(), `C:\x`, dir, transfer.TreeOptions{})
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) || strings.Contains(fmt.Sprint(err), "\x1b") {
				t.Errorf("%v; want %q", err, test.want)
			}
			var here []string
			for name := range readTree(t, dir) {
				if !strings.HasSuffix(name, ".part") {
					here = append(here, name)
				}
			}
			if slices.Sort(here); !slices.Equal(here, test.here) {
				t.Errorf("here: %q, want %q", here, test.here)
			}
		})
	}
}

// What was answered before contact was lost is not asked for again.
func TestPullTreeGoesOnAfterLostContact(t *testing.T) {
	f := newFakeGuest(t)
	g := f.connect()
	f.listing = twoFiles
	var asked []int
	f.gather = func(a *fakeAgent) uint32 {
		in := frame.NewReader(a.in)
		request, err := in.Next()
		if err != nil {
			return 2
		}
		asked = append(asked, int(request.File))
		if len(asked) == 1 {
			for _, f := range whole(0, "aa") {
				a.send(f)
			}
			damaged := frame.Append(nil, whole(1, "bb")[1])
			damaged[len(damaged)-1] ^= 1
			a.send(whole(1, "bb")[0])
			a.out.Write(damaged)
			return 0
		}
		for _, f := range whole(0, "bb") {
			a.send(f)
		}
		return 0
	}
	dir := t.TempDir()
	stats, err := g.PullTree(t.Context(), `C:\x`, dir, transfer.TreeOptions{})
	if err != nil || stats.Files != 2 || stats.Fetched != 4 || !slices.Equal(asked, []int{2, 1}) {
		t.Errorf("%+v, %v; asked about %v files; want no error and stats.Files == 2 and stats.Fetched == 4 and slices.Equal(asked, []int{2, 1})", stats, err, asked)
	}
	if got := readTree(t, dir); !maps.Equal(got, map[string]string{"a": "aa", "b": "bb"}) {
		t.Errorf("got %q; want maps.Equal(got, map[string]string{\"a\": \"aa\", \"b\": \"bb\"})", got)
	}
}

// Nothing that lies in the destination leads out of it, and nothing is written before all is checked.
func TestPullTreeIntoWhatIsThere(t *testing.T) {
	listing := func(entries ...string) string {
		return `{"kind":"folder","path":""}` + "\n" + strings.Join(entries, "\n") + "\n" + fmt.Sprintf(`{"kind":"end","entries":%d}`, len(entries)+1) + "\n"
	}
	folder, file := `{"kind":"folder","path":"sub"}`, `{"kind":"file","path":"sub\\a","size":2}`
	tests := map[string]struct {
		prepare func(t *testing.T, dir, outside string) error
		listing string
		want    string
	}{
		"a link for a folder": {func(_ *testing.T, dir, outside string) error { return os.Symlink(outside, filepath.Join(dir, "sub")) }, listing(folder, file), "a folder is to come here"},
		"a link within":       {func(_ *testing.T, dir, _ string) error { return os.Symlink(".", filepath.Join(dir, "sub")) }, listing(folder, file), "a folder is to come here"},
		"a file for a folder": {func(_ *testing.T, dir, _ string) error {
			return os.WriteFile(filepath.Join(dir, "sub"), nil, 0o600)
		}, listing(folder, file), "a folder is to come here"},
		"a folder for a file": {func(_ *testing.T, dir, _ string) error {
			return os.MkdirAll(filepath.Join(dir, "sub", "a"), 0o700)
		}, listing(folder, file), "a file is to come here"},
		"a link for a file": {func(_ *testing.T, dir, outside string) error {
			return os.Symlink(filepath.Join(outside, "a"), filepath.Join(dir, "b"))
		}, listing(`{"kind":"file","path":"b","size":2}`), "a file is to come here"},
		"a link for a part": {func(_ *testing.T, dir, outside string) error {
			return os.Symlink(filepath.Join(outside, "a"), filepath.Join(dir, partName("b")))
		}, listing(`{"kind":"file","path":"b","size":2}`), "a file is to come here"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFakeGuest(t)
			g := f.connect()
			f.listing, f.gather = test.listing, lie(whole(0, "aa")...)
			dir, outside := t.TempDir(), t.TempDir()
			if err := test.prepare(t, dir, outside); err != nil {
				t.Fatal(err)
			}
			ran := len(f.ran())
			_, err := g.PullTree(t.Context(), `C:\x`, dir, transfer.TreeOptions{})
			if _, ok := errors.AsType[*transfer.NamesError](err); !ok || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v; want %q", err, test.want)
			}
			if got := readTree(t, outside); len(got) > 0 {
				t.Errorf("written outside: %q; want len(got) <= 0", got)
			}
			if now := f.ran()[ran:]; len(now) != 1 {
				t.Errorf("more than the listing was asked for: %q; want len(now) == 1", now)
			}
		})
	}
}

// What can't be had under its name, or not be asked for, is told, and the rest comes.
func TestPullTreeLeavesNamesOut(t *testing.T) {
	const root = `{"kind":"folder","path":""}` + "\n"
	file := func(path string) string { return fmt.Sprintf(`{"kind":"file","path":%q,"size":2}`+"\n", path) }
	folder := func(path string) string { return fmt.Sprintf(`{"kind":"folder","path":%q}`+"\n", path) }
	wide := strings.Repeat("世", 86) // 258 bytes
	for name, test := range map[string]struct {
		listing string
		here    []string
		want    []string // in the error; none: no error
	}{
		"255 bytes":               {listing: file(strings.Repeat("世", 85)), here: []string{strings.Repeat("世", 85)}},
		"258 bytes":               {listing: file("a") + file(wide), here: []string{"a"}, want: []string{"all but 1 path\n", "258 bytes", "by itself"}},
		"a folder of 258 bytes":   {listing: file("a") + folder(wide) + folder(wide+`\b`) + file(wide+`\b\c`), here: []string{"a"}, want: []string{"all but 1 path\n", "258 bytes"}},
		"kept apart by NTFS":      {listing: file("I.txt") + file("ı.txt"), here: []string{"I.txt", "ı.txt"}},
		"a case-sensitive folder": {listing: file("A") + file("a"), here: []string{"A", "a"}},
		"NFC and NFD":             {listing: file("e\u0301") + file("\u00e9"), here: []string{"e\u0301", "\u00e9"}},
		"what was a part":         {listing: file("b") + file("b.part"), here: []string{"b", "b.part"}},
		"a part":                  {listing: file("b") + file(partName("b")), here: []string{"b"}, want: []string{"kept for files on their way"}},
		"a device":                {listing: file("b") + file("con.txt"), here: []string{"b"}, want: []string{"con.txt", "device"}},
		"a dot at the end":        {listing: file("b") + folder("c.") + file(`c.\d`), here: []string{"b"}, want: []string{"all but 1 path\n", "dot"}},
		"no Unicode":              {listing: file("b") + `{"kind":"unreadable","path":"\ufffd","win32":1113}` + "\n", here: []string{"b"}, want: []string{"half a pair"}},
		"an unreadable folder":    {listing: file("b") + folder("c") + `{"kind":"unreadable","path":"c","win32":5}` + "\n", here: []string{"b", "c/"}, want: []string{"ERROR_ACCESS_DENIED (5)"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeGuest(t)
			g := f.connect()
			f.listing = root + test.listing + fmt.Sprintf(`{"kind":"end","entries":%d}`+"\n", strings.Count(test.listing, "\n")+1)
			var frames []frame.Frame
			for i := range test.here {
				if !strings.HasSuffix(test.here[i], "/") {
					frames = append(frames, whole(uint16(i), "aa")...)
				}
			}
			f.gather = lie(frames...)
			dir := t.TempDir()
			_, err := g.PullTree(t.Context(), `C:\x`, dir, transfer.TreeOptions{})
			if refused, ok := errors.AsType[*transfer.NamesError](err); ok != (len(test.want) > 0) || ok && !refused.Rest || err != nil && !ok {
				t.Errorf("%v", err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v; want %q", err, want)
				}
			}
			if here := slices.Sorted(maps.Keys(readTree(t, dir))); !slices.Equal(here, test.here) {
				t.Errorf("here: %q, want %q", here, test.here)
			}
		})
	}
}

func TestPullTreeLeavesLinksOut(t *testing.T) {
	f := newFakeGuest(t)
	g := f.connect()
	f.listing = `{"kind":"folder","path":""}` + "\n" + `{"kind":"link","path":"there"}` + "\n" + `{"kind":"end","entries":2}` + "\n"
	stats, err := g.PullTree(t.Context(), `C:\x`, filepath.Join(t.TempDir(), "x"), transfer.TreeOptions{})
	if err != nil || !slices.Equal(stats.Links, []string{`C:\x\there`}) {
		t.Errorf("%+v, %v", stats, err)
	}
}

func listingOf(sizes map[string]int) string {
	var lines strings.Builder
	lines.WriteString(`{"kind":"folder","path":""}` + "\n")
	for _, name := range slices.Sorted(maps.Keys(sizes)) {
		fmt.Fprintf(&lines, `{"kind":"file","path":%q,"size":%d}`+"\n", name, sizes[name])
	}
	fmt.Fprintf(&lines, `{"kind":"end","entries":%d}`+"\n", len(sizes)+1)
	return lines.String()
}

// What a guest says of its files is not what it sends: bytes count when they arrive, over all files together.
func TestPullTreeStaysWithinItsBytes(t *testing.T) {
	const large = frame.MaxPayload + 1
	huge := int(1) << 62
	small := func(n int) []frame.Frame { // n files of 2 bytes
		var frames []frame.Frame
		for i := range n {
			frames = append(frames, whole(uint16(i), "aa")...)
		}
		return frames
	}
	tests := map[string]struct {
		listed map[string]int
		sent   []frame.Frame  // as answers to gather
		files  map[string]int // what get sends of large ones
		max    int64
		place  string // where it ends; empty: it doesn't
		told   int    // commands beside the listing
	}{
		"as much as allowed":          {listed: map[string]int{"a": 2, "b": 2}, sent: small(2), max: 4, told: 1},
		"too much as listed":          {listed: map[string]int{"a": 2, "b": 2}, sent: small(2), max: 3, place: `C:\x: its files`},
		"a sum that overflows":        {listed: map[string]int{"a": huge, "b": huge, "c": huge, "d": huge}, max: 100, place: `C:\x: its files`},
		"one byte listed, more sent":  {listed: map[string]int{"a": 1}, sent: whole(0, "aa"), max: 1, place: `C:\x\a`, told: 1},
		"many small ones":             {listed: map[string]int{"a": 0, "b": 0, "c": 0}, sent: small(3), max: 5, place: `C:\x\c`, told: 1},
		"one byte listed, large sent": {listed: map[string]int{"a": 1}, sent: []frame.Frame{{Kind: frame.Size, Offset: large}}, files: map[string]int{"a": large}, max: 100000, place: `C:\x\a`, told: 2},
		"large ones together": {listed: map[string]int{"a": large, "b": 1}, sent: []frame.Frame{{Kind: frame.Size, Offset: large}},
			files: map[string]int{"a": large, "b": large}, max: 2*large - 1, place: `C:\x\b`, told: 3},
		"small and large together": {listed: map[string]int{"a": 2, "b": large}, sent: whole(0, "aa"), files: map[string]int{"b": large + 1}, max: large + 2, place: `C:\x\b`, told: 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFakeGuest(t)
			g := f.connect()
			f.listing, f.gather = listingOf(test.listed), lie(test.sent...)
			for name, size := range test.files {
				f.write(`C:\x\`+name, make([]byte, size))
			}
			ran, dir := len(f.ran()), t.TempDir()
			stats, err := g.PullTree(t.Context(), `C:\x`, dir, transfer.TreeOptions{MaxBytes: test.max})
			limit, ended := errors.AsType[*agent.LimitError](err)
			if ended != (test.place != "") || err != nil && !ended || ended && (limit.Limit != test.max || !strings.Contains(err.Error(), test.place)) {
				t.Errorf("%v; want %q", err, test.place)
			}
			if stats.Fetched > test.max {
				t.Errorf("%d bytes were fetched; at most %d may be", stats.Fetched, test.max)
			}
			total := 0
			for _, content := range readTree(t, dir) {
				total += len(content)
			}
			if int64(total) > test.max {
				t.Errorf("%d bytes are here; at most %d may be", total, test.max)
			}
			if now := f.ran()[ran+1:]; len(now) != test.told {
				t.Errorf("it was asked for %q; want len(now) == test.told", now)
			}
		})
	}
}

// Bytes that were damaged on their way don't count: they come once more.
func TestPullTreeCountsWhatIsDamagedOnce(t *testing.T) {
	f := newFakeGuest(t)
	g := f.connect()
	data := randomBytes(frame.MaxPayload + 90<<10)
	f.listing, f.gather = listingOf(map[string]int{"a": len(data)}), lie()
	f.write(`C:\x\a`, data)
	frames, gets := 0, 0
	f.onOutput = func(_ *fakeAgent, command string, w io.Writer) io.Writer {
		if command == "get" {
			gets++
		}
		return writerFunc(func(p []byte) (int, error) {
			if command == "get" {
				if frames++; frames == 4 { // after two whole ones with data
					p = slices.Clone(p)
					p[len(p)-1] ^= 1
				}
			}
			return w.Write(p)
		})
	}
	stats, err := g.PullTree(t.Context(), `C:\x`, t.TempDir(), transfer.TreeOptions{MaxBytes: int64(len(data))})
	if err != nil || stats.Fetched != int64(len(data)) || gets != 2 {
		t.Errorf("%+v, %v; asked for %d times; want no error and stats.Fetched == int64(len(data)) and gets == 2", stats, err, gets)
	}
}

// What comes into the destination while a tree is fetched is not followed, neither out of it nor to another file of it.
func TestPullTreeFollowsNothingThatComesMeanwhile(t *testing.T) {
	const large = frame.MaxPayload + 1
	link := func(to string) func(place string) error {
		return func(place string) error { return os.Symlink(to, place) }
	}
	for name, test := range map[string]struct {
		place   string // where it comes, as the agent is asked about the small file before
		come    func(place string) error
		refused bool
	}{
		"a link out of it": {partName("b"), link("../outside/b"), true},
		"an absolute one": {partName("b"), func(place string) error {
			return os.Symlink(filepath.Join(filepath.Dir(filepath.Dir(place)), "outside", "b"), place)
		}, true},
		"a link to another":            {partName("b"), link("mine"), true},
		"a pipe":                       {partName("b"), func(place string) error { return syscall.Mkfifo(place, 0o600) }, true},
		"a link in the file's place":   {"b", link("../outside/b"), false}, // it is replaced
		"a link for the small one":     {partName("a"), link("mine"), true},
		"a link out for the small one": {partName("a"), link("../outside/a"), true},
		"a pipe for the small one":     {partName("a"), func(place string) error { return syscall.Mkfifo(place, 0o600) }, true},
		"another folder in the place":  {"", nil, false}, // what is held open is what is written to
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeGuest(t)
			g := f.connect()
			g.retry.tries = 2
			top := t.TempDir()
			dir, outside := filepath.Join(top, "x"), filepath.Join(top, "outside")
			if err := errors.Join(os.Mkdir(dir, 0o700), os.Mkdir(outside, 0o700), os.WriteFile(filepath.Join(dir, "mine"), []byte("mine"), 0o600)); err != nil {
				t.Fatal(err)
			}
			f.listing = listingOf(map[string]int{"a": 2, "b": large})
			f.write(`C:\x\b`, make([]byte, large))
			f.gather = func(a *fakeAgent) uint32 {
				err := os.Rename(dir, dir+".moved")
				if test.come != nil {
					err = errors.Join(os.Rename(dir+".moved", dir), test.come(filepath.Join(dir, test.place)))
				} else {
					err = errors.Join(err, os.Symlink("outside", dir))
				}
				if err != nil {
					t.Error(err)
				}
				return lie(whole(0, "aa")...)(a)
			}
			_, err := g.PullTree(t.Context(), `C:\x`, dir, transfer.TreeOptions{})
			if (err != nil) != test.refused {
				t.Errorf("%v; want an error: %v", err, test.refused)
			}
			if got := readTree(t, outside); len(got) > 0 {
				t.Errorf("written outside: %d files; want len(got) <= 0", len(got))
			}
			if test.come == nil {
				dir += ".moved"
			}
			if got, err := os.ReadFile(filepath.Join(dir, "mine")); err != nil || string(got) != "mine" {
				t.Errorf("another file of the folder: %d bytes, %v; want no error and string(got) == \"mine\"", len(got), err)
			}
		})
	}
}

// realNames brings names to a guest that a rule of ours could stumble over, and back: as long as there are any, kept apart by
// less than a case, taken up in the middle; and leaves out, by name, those that can't be asked for or be had here.
func realNames(t *testing.T, w *wineGuest, g *Guest) {
	long := strings.Repeat("l", 255)
	want := map[string]string{
		long: string(randomBytes(2<<20 + 5)), strings.Repeat("p", 251): "p", strings.Repeat("世", 85): "wide", "a\x7fb": "DEL",
		"\u00e9": "NFC", "e\u0301": "NFD", "x": "x", "x.part": "no part of x", "𐐨": "small", "CONx": "no device", ".x": "a dot before",
	}
	var tree transfer.Tree
	if err := tree.Add(writeTree(t, want), `C:\names`); err != nil {
		t.Fatal(err)
	}
	// What an interrupted push has left of the longest name is gone on with.
	part := w.path(partPath(`C:\names\` + long))
	if err := errors.Join(os.MkdirAll(filepath.Dir(part), 0o755), os.WriteFile(part, []byte(want[long][:1<<20]), 0o600)); err != nil {
		t.Fatal(err)
	}
	stats, err := g.PushTree(t.Context(), &tree, nil)
	if err != nil || stats.Files != len(want) || stats.Sent != tree.Bytes()-1<<20 {
		t.Errorf("got %+v, %v; want no error and stats.Files == len(want) and stats.Sent == tree.Bytes()-1<<20", stats, err)
	}
	if diff := cmp.Diff(want, readTree(t, w.path(`C:\names`))); diff != "" {
		t.Errorf("in the guest (-want +got):\n%s", diff)
	}
	// Only others than we make these, as a program of the guest does.
	for _, name := range []string{"ı.txt", "I.txt", "Case", "case", "con.txt", partName("x")} {
		if err := os.WriteFile(filepath.Join(w.path(`C:\names`), name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"ı.txt", "I.txt", "Case", "case"} { // as a case-sensitive folder of NTFS has the last two
		want[name] = name
	}
	local := t.TempDir()
	_, err = g.PullTree(t.Context(), `C:\names`, local, transfer.TreeOptions{})
	if refused, ok := errors.AsType[*transfer.NamesError](err); !ok || refused.Total != 2 || !strings.Contains(err.Error(), "con.txt") || !strings.Contains(err.Error(), partName("x")) {
		t.Errorf("left out: %v", err)
	}
	if diff := cmp.Diff(want, readTree(t, local)); diff != "" {
		t.Errorf("back here (-want +got):\n%s", diff)
	}
}
