package driver

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestUsable(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	spare := filepath.Join(dir, fmt.Sprintf("wskharness-cache-%d", os.Getuid()))
	good := Cache{Dir: filepath.Join(dir, "new", "cache")}
	if c, why, err := good.Usable(); c != good || why != nil || err != nil {
		t.Errorf("one that can be made: %v, %v, %v", c, why, err)
	}
	if left, err := os.ReadDir(good.Dir); err != nil || len(left) > 0 {
		t.Errorf("left in it: %v, %v", left, err)
	}
	bad := Cache{Dir: filepath.Join(file, "cache")}
	c, why, err := bad.Usable()
	var told *CacheError
	if c.Dir != spare || !errors.As(why, &told) || told.Dir != bad.Dir || err != nil {
		t.Errorf("a file in its place: %v, %v, %v", c, why, err)
	}
	t.Setenv("TMPDIR", file)
	if c, _, err = bad.Usable(); err == nil || c.Dir != "" || !strings.Contains(err.Error(), "XDG_CACHE_HOME") {
		t.Errorf("no other place: %v, %v", c, err)
	}
}
