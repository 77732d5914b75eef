package main

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"wskharness/results"
)

// TestFullDisk fills the disk of the run folder while a run is under way: the run ends with exit code 3 and says why, what
// was recorded is whole, nothing is left running, and when there is room again --resume goes on to the verdicts of an
// undisturbed run, each of them once.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	l := newLife(t)
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
	l.wskharness(t, "undisturbed", "run", "life.*")
	want := l.verdicts(t, "undisturbed")
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	cmd, said := l.command(ctx, "small", "run", "life.*")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ballast := filepath.Join(disk, "ballast")
	for !strings.Contains(l.journal("small"), string(results.KindCaseStarted)) && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	if err := fill(ballast); err != nil {
		t.Error(err)
	}
	err := cmd.Wait()
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

// fill writes until there is no room.
func fill(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	page := make([]byte, 4096)
	for {
		if _, err := file.Write(page); err != nil {
			return nil
		}
	}
}
