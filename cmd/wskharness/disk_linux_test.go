package main

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"wskharness/results"
	"wskharness/testtime"
	"wskharness/vm"
)

// smallDisk is a disk of 2 MiB, on which the runs of "small" are.
func (l *life) smallDisk(t *testing.T) string {
	t.Helper()
	disk := filepath.Join(l.dir, "small")
	if err := os.Mkdir(disk, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size=2m"); err != nil {
		t.Skip("no small disk can be made: ", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(disk, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return disk
}

// TestFullDisk fills the disk of the run folder while a run is under way: the run ends with exit code 3 and says why, what
// was recorded is whole, nothing is left running, and when there is room again --resume goes on to the verdicts of an
// undisturbed run, each of them once.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	l := newLife(t)
	disk := l.smallDisk(t)
	l.wskharness(t, "undisturbed", "run", "life.*")
	want := l.verdicts(t, "undisturbed")
	ballast := filepath.Join(disk, "ballast")
	if err := fill(ballast, room(t, filepath.Join(l.dir, "undisturbed", "latest"))); err != nil {
		t.Fatal(err)
	}
	cmd, said := l.command(testtime.Context(t), "small", "run", "life.*")
	err := cmd.Run()
	if !strings.Contains(l.journal("small"), string(results.KindCaseStarted)) {
		t.Errorf("the disk was full before any case began: %s", said)
	}
	if code := cmd.ProcessState.ExitCode(); code != results.ExitInfrastructure || !strings.Contains(said.String(), "no space left on device") {
		t.Errorf("exit code %d (%v): %s", code, err, said)
	}
	events, err := results.Read(strings.NewReader(l.journal("small")))
	if err != nil {
		t.Errorf("what was recorded is not whole: %v", err)
	}
	for _, e := range events {
		if e.Kind == results.KindCaseFinished && want[e.Case] != string(e.Verdict.Outcome) {
			t.Errorf("%s is called %s, not %s", e.Case, e.Verdict.Outcome, want[e.Case])
		}
	}
	if n := len(events); n > 0 && events[n-1].Kind == results.KindRunFinished {
		t.Error("the run came to its end: the disk was not full")
	}
	l.nothingLeft(t)
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	again := l.wskharness(t, "small", "run", "--resume", "latest")
	if got := l.verdicts(t, "small"); !maps.Equal(got, want) {
		t.Errorf("after the resume: got %v, want %v: %s", got, want, again)
	}
	l.nothingLeft(t)
}

// TestFullDiskFromTheBeginning has no room for even the first event: why is said first, and not what comes of it.
func TestFullDiskFromTheBeginning(t *testing.T) {
	t.Parallel()
	l := newLife(t)
	disk := l.smallDisk(t)
	if err := fill(filepath.Join(disk, "ballast"), int64(os.Getpagesize())); err != nil {
		t.Fatal(err)
	}
	cmd, said := l.command(testtime.Context(t), "small", "run", "life.*")
	err := cmd.Run()
	if code := cmd.ProcessState.ExitCode(); code != results.ExitInfrastructure || !strings.Contains(said.String(), "no space left on device") ||
		strings.Contains(said.String(), "context canceled") {
		t.Errorf("exit code %d (%v): %s", code, err, said)
	}
	l.nothingLeft(t)
}

// TestReadOnlyRoom has doctor look at a cache of which one room can't be written, as when it is somebody else's.
func TestReadOnlyRoom(t *testing.T) {
	cache := t.TempDir()
	room := filepath.Join(cache, "wskharness", "wine")
	if err := os.MkdirAll(room, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", room, "tmpfs", unix.MS_RDONLY, ""); err != nil {
		t.Skip("no disk can be made that is read-only: ", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(room, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	checked := space(t, cache)
	if checked.OK || !strings.Contains(checked.Detail, room) || !strings.Contains(checked.Detail, "read-only file system") {
		t.Errorf("%+v", checked)
	}
}

// space is what doctor says of the room for a cache.
func space(t *testing.T, cache string) vm.Check {
	t.Helper()
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(sharedCache(t), "test-config"))
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("TMPDIR", t.TempDir()) // where the cache is that is used instead
	var out bytes.Buffer
	command(t, &out, "doctor", "--json")
	var checks []vm.Check
	if err := json.Unmarshal(out.Bytes(), &checks); err != nil {
		t.Fatal(err)
	}
	for _, c := range checks {
		if c.Name == "disk space" {
			return c
		}
	}
	t.Fatalf("nothing is said of it: %s", &out)
	return vm.Check{}
}

// page is what a file system in memory gives at a time.
const page = 4096

// room is what a run like the one in a folder needs until its cases are over, but for the end of its journal.
func room(t *testing.T, run string) int64 {
	t.Helper()
	run, err := filepath.EvalSymlinks(run)
	if err != nil {
		t.Fatal(err)
	}
	pages := int64(-2)
	err = filepath.WalkDir(run, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || slices.Contains([]string{"junit.xml", "summary.md"}, entry.Name()) {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			pages += (info.Size() + page - 1) / page
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return pages * page
}

// fill writes until there is no room, and leaves so much of it.
func fill(path string, room int64) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	for written := int64(0); ; written += page {
		if _, err := file.Write(make([]byte, page)); err != nil {
			return file.Truncate(written - room)
		}
	}
}
