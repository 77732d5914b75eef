package results

import (
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"testing"
	"time"

	"wskharness/disk"
)

func TestRunID(t *testing.T) {
	now := time.Date(2026, 11, 23, 19, 45, 30, 0, time.FixedZone("CET", 3600))
	seen := make(map[string]bool)
	for range 100 {
		id := RunID(now)
		if !regexp.MustCompile(`^20261123-184530-[a-z2-9]{4}$`).MatchString(id) {
			t.Fatalf("run id %q", id)
		}
		seen[id] = true
	}
	if len(seen) < 90 {
		t.Errorf("only %d different names in 100", len(seen))
	}
	if earlier, later := RunID(now), RunID(now.Add(time.Second)); earlier >= later {
		t.Errorf("%s does not sort before %s", earlier, later)
	}
}

func TestNewRunDir(t *testing.T) {
	base := filepath.Join(t.TempDir(), "deep", "runs")
	for _, id := range []string{"20261123-184530-aaaa", "20261123-184531-bbbb"} {
		dir, err := NewRunDir(disk.OS(), base, id)
		if err != nil {
			t.Fatal(err)
		}
		PointLatest(base, id)
		if to, err := os.Readlink(filepath.Join(base, "latest")); runtime.GOOS != "windows" && (err != nil || to != id) {
			t.Errorf("latest points at %q (%v), want %q", to, err, id)
		}
		if dir != filepath.Join(base, id) {
			t.Errorf("folder %s", dir)
		}
	}
	if _, err := NewRunDir(disk.OS(), base, "20261123-184530-aaaa"); err == nil {
		t.Error("a run folder was made twice")
	}
	for _, id := range []string{"", "latest", "../out", `a\b`, ".hidden", "a/b"} {
		if _, err := NewRunDir(disk.OS(), base, id); err == nil {
			t.Errorf("a run named %q was accepted", id)
		}
	}
	want := 3
	if runtime.GOOS == "windows" {
		want = 2
	}
	if left := names(t, base); len(left) != want {
		t.Errorf("in the base: %v, want two runs, and latest where there are links", left)
	}
}

// TestNewRunDirWithoutLink: where latest cannot be a link, the run goes on.
func TestNewRunDirWithoutLink(t *testing.T) {
	base := t.TempDir()
	if err := os.MkdirAll(filepath.Join(base, "latest", "somebody's"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := NewRunDir(disk.OS(), base, "run"); err != nil {
		t.Fatal(err)
	}
	PointLatest(base, "run")
	if left := names(t, base); len(left) != 2 {
		t.Errorf("in the base: %v, want latest and run", left)
	}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}
