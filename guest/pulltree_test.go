package guest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// realTree pushes a tree and pulls it back, with the real agent.
func realTree(t *testing.T, w *wineGuest, g *Guest) {
	want := map[string]string{
		"empty": "", "ein Ordner/": "", "ein Ordner/ü 世界.txt": "unicode", "leer/": "", "leer/auch/": "",
		"big.bin": string(randomBytes(3<<20 + 7)), "limit.bin": string(randomBytes(gatherLimit)), "deep/": "", "deep/a/": "", "deep/a/b/": "", "deep/a/b/c": "c",
	}
	for i := range 300 {
		want[fmt.Sprintf("ein Ordner/%d", i)] = strings.Repeat("x", i)
	}
	var tree Tree
	if err := tree.Add(writeTree(t, want), `C:\trees\one`); err != nil {
		t.Fatal(err)
	}
	told := Progress{}
	before := w.asked.count()
	stats, err := g.PushTree(t.Context(), &tree, func(p Progress) { told = p })
	if err != nil || stats.Files != 305 || stats.Bytes != tree.Bytes() || told != (Progress{tree.Bytes(), tree.Bytes()}) {
		t.Fatalf("%+v, %v; last told: %+v", stats, err, told)
	}
	t.Logf("%d requests to push", w.asked.count()-before)
	if diff := cmp.Diff(want, readTree(t, w.path(`C:\trees\one`))); diff != "" {
		t.Errorf("in the guest (-want +got):\n%s", diff)
	}

	local := filepath.Join(t.TempDir(), "new", "back")
	before = w.asked.count()
	pulled, err := g.PullTree(t.Context(), `C:\trees\one`, local, func(p Progress) { told = p })
	if want := (TreeStats{Files: 305, Folders: 6, Bytes: tree.Bytes(), Fetched: tree.Bytes()}); err != nil || !cmp.Equal(pulled, want) {
		t.Errorf("%+v, %v", pulled, err)
	}
	if told != (Progress{tree.Bytes(), tree.Bytes()}) {
		t.Errorf("last told: %+v", told)
	}
	if diff := cmp.Diff(want, readTree(t, local)); diff != "" {
		t.Errorf("back here (-want +got):\n%s", diff)
	}
	n := w.asked.count() - before
	t.Logf("%d requests to pull", n)
	if n > 12 {
		t.Errorf("%d requests for 305 files", n)
	}

	// Again, with one file changed, one gone, and one of which half is here.
	big := filepath.Join(local, "big.bin")
	if err := os.Rename(big, big+partSuffix); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(big+partSuffix, 2<<20); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(local, "limit.bin"), randomBytes(gatherLimit - 1)[:gatherLimit-1], 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(local, "empty")); err != nil {
		t.Fatal(err)
	}
	pulled, err = g.PullTree(t.Context(), `C:\trees\one`, local, nil)
	again := TreeStats{Files: 305, Folders: 6, Skipped: 302, Bytes: tree.Bytes(), Fetched: gatherLimit + 1<<20 + 7, Resumed: 2 << 20}
	if err != nil || !cmp.Equal(pulled, again) {
		t.Errorf("again: %+v, %v", pulled, err)
	}
	if diff := cmp.Diff(want, readTree(t, local)); diff != "" {
		t.Errorf("again (-want +got):\n%s", diff)
	}
	// One file is a tree, too.
	for what, skipped := range []int{0, 1} {
		pulled, err = g.PullTree(t.Context(), `C:\trees\one\big.bin`, filepath.Join(local, "copy"), nil)
		if err != nil || pulled.Files != 1 || pulled.Skipped != skipped {
			t.Errorf("a file, time %d: %+v, %v", what, pulled, err)
		}
	}
}

func realTreeRefused(t *testing.T, w *wineGuest, g *Guest) {
	for path, want := range map[string]EntryKind{`C:\trees`: EntryFolder, `C:\trees\one\empty`: EntryFile, `C:\trees\none`: EntryAbsent, `C:\no\where`: EntryAbsent} {
		if e, err := g.Look(t.Context(), path); err != nil || e.Kind != want || e.Path != "" {
			t.Errorf("%s: %+v, %v", path, e, err)
		}
	}
	refused, ok := errors.AsType[*TransferError](g.makeFolders(t.Context(), []string{`C:\trees\two`, `C:\trees\one\empty`}))
	if !ok || refused.Win32 != 267 || refused.Path != `C:\trees\one\empty` {
		t.Errorf("a folder where a file is: %v", refused)
	}
	local := filepath.Join(t.TempDir(), "x")
	_, err := g.PullTree(t.Context(), `C:\trees\none`, local, nil)
	if refused, ok = errors.AsType[*TransferError](err); !ok || refused.Win32 != 2 {
		t.Errorf("absent: %v", err)
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
	stats, err := g.PullTree(t.Context(), `C:\trees\three`, local, nil)
	if os.Getuid() == 0 { // who can read everything
		return
	}
	if refused, ok = errors.AsType[*TransferError](err); !ok || refused.Path != `C:\trees\three\secret` || stats.Files != 1 {
		t.Errorf("unreadable: %+v, %v", stats, err)
	}
}

// lie answers a gather with frames of the test's making.
func lie(frames ...frame) func(*fakeAgent) uint32 {
	return func(a *fakeAgent) uint32 {
		in := frameReader{r: a.in}
		if _, err := in.next(); err != nil {
			return 2
		}
		for _, f := range frames {
			a.send(f)
		}
		return 0
	}
}

func whole(file uint16, data string) []frame {
	sum := sha256.Sum256([]byte(data))
	return []frame{
		{kind: frameSize, file: file, offset: uint64(len(data))},
		{kind: frameData, file: file, payload: []byte(data)},
		{kind: frameEnd, file: file, offset: uint64(len(data)), payload: sum[:]},
	}
}

const twoFiles = `{"kind":"folder","path":""}` + "\n" + `{"kind":"file","path":"a","size":2}` + "\n" + `{"kind":"file","path":"b","size":2}` + "\n" + `{"kind":"end","entries":3}` + "\n"

// Whatever the agent answers, a file has its name only when it is whole.
func TestPullTreeOfAHostileAgent(t *testing.T) {
	good := append(whole(0, "aa"), whole(1, "bb")...)
	with := func(i int, change func(*frame)) []frame {
		frames := slices.Clone(good)
		change(&frames[i])
		return frames
	}
	tests := map[string]struct {
		frames []frame
		here   []string
		want   string // in the error
	}{
		"as agreed":         {frames: good, here: []string{"a", "b"}},
		"one lost":          {frames: good[:3], here: []string{"a"}, want: "after 1 files of 2"},
		"nothing":           {want: "after 0 files"},
		"out of order":      {frames: whole(1, "bb"), want: "about file 1"},
		"one too many":      {frames: append(slices.Clone(good), good[3:]...), here: []string{"a", "b"}, want: "file 2 of 2"},
		"cut in a file":     {frames: good[:5], here: []string{"a"}, want: "unexpected EOF"},
		"have what is not":  {frames: []frame{{kind: frameHave, file: 0, offset: 2}}, want: "not here"},
		"a wrong size":      {frames: with(0, func(f *frame) { f.offset = 3 }), want: "DATA of 2 bytes"},
		"a wrong offset":    {frames: with(1, func(f *frame) { f.offset = 1 }), want: "at 1"},
		"a wrong end":       {frames: with(2, func(f *frame) { f.offset = 1 }), want: "at 1"},
		"another's data":    {frames: with(1, func(f *frame) { f.file = 1 }), want: "DATA about file 1"},
		"a wrong hash":      {frames: with(2, func(f *frame) { f.payload = make([]byte, 32) }), want: "CRC"},
		"a frame of put":    {frames: []frame{{kind: frameDone, payload: make([]byte, 32)}}, want: "unexpected DONE"},
		"one is refused":    {frames: append([]frame{{kind: frameError, offset: 5, payload: []byte("read a: denied\x1b")}}, good[3:]...), here: []string{"b"}, want: "read a: denied"},
		"all is refused":    {frames: []frame{{kind: frameError, file: allFiles, offset: 8, payload: []byte("no memory")}}, want: "no memory"},
		"large, as it says": {frames: append([]frame{{kind: frameSize, offset: gatherLimit + 1}}, good[3:]...), here: []string{"b"}, want: "not found"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFakeGuest(t)
			g := f.connect()
			g.retry.tries = 2
			f.listing, f.gather = twoFiles, lie(test.frames...)
			dir := filepath.Join(t.TempDir(), "x")
			_, err := g.PullTree(t.Context(), `C:\x`, dir, nil)
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) || strings.Contains(fmt.Sprint(err), "\x1b") {
				t.Errorf("%v; want %q", err, test.want)
			}
			var here []string
			for name := range readTree(t, dir) {
				if !strings.HasSuffix(name, partSuffix) {
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
		in := frameReader{r: a.in}
		request, err := in.next()
		if err != nil {
			return 2
		}
		asked = append(asked, int(request.file))
		if len(asked) == 1 {
			for _, f := range whole(0, "aa") {
				a.send(f)
			}
			damaged := appendFrame(nil, whole(1, "bb")[1])
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
	stats, err := g.PullTree(t.Context(), `C:\x`, dir, nil)
	if err != nil || stats.Files != 2 || stats.Fetched != 4 || !slices.Equal(asked, []int{2, 1}) {
		t.Errorf("%+v, %v; asked about %v files", stats, err, asked)
	}
	if got := readTree(t, dir); !maps.Equal(got, map[string]string{"a": "aa", "b": "bb"}) {
		t.Errorf("%q", got)
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
			return os.Symlink(filepath.Join(outside, "a"), filepath.Join(dir, "b.part"))
		}, listing(`{"kind":"file","path":"b","size":2}`), "a file is to come here"},
		"a name and its part": {func(*testing.T, string, string) error { return nil }, listing(`{"kind":"file","path":"b"}`, `{"kind":"file","path":"B.Part"}`), "temporary name"},
		"a name of 300 bytes": {func(*testing.T, string, string) error { return nil }, listing(fmt.Sprintf(`{"kind":"file","path":%q}`, strings.Repeat("世", 100))), "too long for this machine"},
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
			_, err := g.PullTree(t.Context(), `C:\x`, dir, nil)
			if _, ok := errors.AsType[*NamesError](err); !ok || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v; want %q", err, test.want)
			}
			if got := readTree(t, outside); len(got) > 0 {
				t.Errorf("written outside: %q", got)
			}
			if now := f.ran()[ran:]; len(now) != 1 {
				t.Errorf("more than the listing was asked for: %q", now)
			}
		})
	}
}

func TestPullTreeLeavesLinksOut(t *testing.T) {
	f := newFakeGuest(t)
	g := f.connect()
	f.listing = `{"kind":"folder","path":""}` + "\n" + `{"kind":"link","path":"there"}` + "\n" + `{"kind":"end","entries":2}` + "\n"
	stats, err := g.PullTree(t.Context(), `C:\x`, filepath.Join(t.TempDir(), "x"), nil)
	if err != nil || !slices.Equal(stats.Links, []string{`C:\x\there`}) {
		t.Errorf("%+v, %v", stats, err)
	}
}
