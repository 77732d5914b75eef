//go:build unix

package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wskharness/disk"
	"wskharness/driver"
	"wskharness/vm/kinds"
)

// filledCache makes a home of the test's own, with something in each room of the cache, and returns the cache's folder.
func filledCache(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, folder := range map[string]string{"XDG_CACHE_HOME": "cache", "XDG_CONFIG_HOME": "config", "TMPDIR": "tmp"} {
		path := filepath.Join(dir, folder)
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		t.Setenv(name, path)
	}
	cache := filepath.Join(dir, "cache", "wskharness")
	for _, room := range append(driver.Rooms(), filepath.Join("wine", "templates")) {
		entry := filepath.Join(cache, room, "entry")
		if err := errors.Join(os.MkdirAll(entry, 0o755), os.WriteFile(filepath.Join(entry, "file"), make([]byte, 10_000), 0o444)); err != nil {
			t.Fatal(err)
		}
	}
	return cache
}

func entries(t *testing.T, cache string) (n int) {
	t.Helper()
	for _, room := range append(driver.Rooms(), filepath.Join("wine", "templates")) {
		if _, err := os.Stat(filepath.Join(cache, room, "entry", "file")); err == nil {
			n++
		}
	}
	return n
}

// Nothing is removed while somebody is at work with the cache, nor by a dry run; then all is.
func TestClean(t *testing.T) {
	cache := filledCache(t)
	all := entries(t, cache)
	if found, err := Clean(kinds.All(), false, true); err != nil || len(found) != all || found[0].Size < 10_000 || entries(t, cache) != all {
		t.Errorf("dry: %+v, %v", found, err)
	}
	release := driver.Cache{Dir: cache}.Reference()
	if found, err := Clean(kinds.All(), false, false); !errors.Is(err, driver.ErrInUse) || found != nil || entries(t, cache) != all {
		t.Errorf("while it is used: %+v, %v", found, err)
	}
	release()
	if found, err := Clean(kinds.All(), false, false); err != nil || len(found) != all || entries(t, cache) != 0 {
		t.Errorf("%d entries are left: %+v, %v", entries(t, cache), found, err)
	}
	if found, err := Clean(kinds.All(), false, false); err != nil || len(found) != 0 {
		t.Errorf("of an empty cache: %+v, %v", found, err)
	}
}

// The signing key goes only when that is asked for, and with it nothing else that is in its folder.
func TestCleanKeys(t *testing.T) {
	filledCache(t)
	dir, err := driver.SigningDir()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]bool{"test-signing.pem": true, "test-signing.until-2026-01-01.1f.pem": true, "mine.pem": false} // which go
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("key"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, keys := range []bool{false, true} {
		found, err := Clean(kinds.All(), keys, false)
		if err != nil || len(found) == 0 {
			t.Fatalf("%+v, %v", found, err)
		}
		if last := found[len(found)-1]; last.Path != dir || (last.Stays == "") != keys {
			t.Errorf("keys %t: %+v", keys, last)
		}
		for name, goes := range files {
			if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != !(keys && goes) {
				t.Errorf("keys %t: %s: %v", keys, name, err)
			}
		}
	}
}

// A cache that can't be locked stays as it is, and says why; the other one is cleaned all the same.
func TestCleanBesideAReadOnlyCache(t *testing.T) {
	cache := filledCache(t)
	all := entries(t, cache)
	if err := os.Mkdir(filepath.Join(cache, ".in-use"), 0o700); err != nil { // which root can't write to, either
		t.Fatal(err)
	}
	spare := filepath.Join(os.TempDir(), fmt.Sprintf("wskharness-cache-%d", os.Getuid()))
	left := filepath.Join(spare, "build", "entry")
	if err := os.MkdirAll(left, 0o700); err != nil {
		t.Fatal(err)
	}
	found, err := Clean(kinds.All(), false, false)
	if err == nil || strings.Contains(err.Error(), "try again") || !strings.Contains(err.Error(), cache) {
		t.Errorf("the error is %v", err)
	}
	if n := entries(t, cache); n != all {
		t.Errorf("%d of %d entries of the cache that can't be locked are left", n, all)
	}
	if _, err := os.Stat(left); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the other cache is not cleaned: %v", err)
	}
	for _, one := range found {
		if stays := one.Stays != ""; stays != strings.HasPrefix(one.Path, cache) {
			t.Errorf("%+v", one)
		}
	}
}

// A cache is known by whichever name it is given: what a guest is made of stays, and a link to the spare one is not another.
func TestCleanByAnotherName(t *testing.T) {
	cache := filledCache(t)
	real := filepath.Join(filepath.Dir(cache), "real")
	if err := errors.Join(os.Rename(cache, real), os.Symlink(real, cache)); err != nil {
		t.Fatal(err)
	}
	guest := filepath.Join(real, "wine", "guests", "wine-22222222")
	if err := os.MkdirAll(guest, 0o700); err != nil {
		t.Fatal(err)
	}
	needed := filepath.Join(cache, "build", "entry", "file") // by the name that the cache had for who made it
	config := fmt.Sprintf(`{"template": %q, "host": %q}`, filepath.Join(cache, "wine", "templates", "entry"), needed)
	lock, err := os.Create(filepath.Join(guest, "lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	err = errors.Join(os.WriteFile(filepath.Join(guest, "guest.json"), []byte(config), 0o600),
		disk.TryLock(lock))
	if err != nil {
		t.Fatal(err)
	}
	found, err := leftIn(kinds.All(), driver.Cache{Dir: real})
	if err != nil {
		t.Fatal(err)
	}
	stay := 0
	for _, one := range found {
		if one.Stays != "" {
			stay++
		}
	}
	if stay != 3 { // the guest, its template, its host
		t.Errorf("%d stay of %+v", stay, found)
	}
	spare := filepath.Join(os.TempDir(), fmt.Sprintf("wskharness-cache-%d", os.Getuid()))
	if err := errors.Join(os.Remove(cache), os.Rename(real, spare), os.Symlink(spare, cache)); err != nil {
		t.Fatal(err)
	}
	if all := caches(); len(all) != 1 {
		t.Errorf("%+v", all)
	}
}

func TestNeeds(t *testing.T) {
	needed := []string{"/c/build/ab/agent.exe", "/c/wine/templates/12", ""}
	for path, want := range map[string]bool{
		"/c/build/ab": true, "/c/build/a": false, "/c/build/abc": false, "/c/wine/templates/12": true, "/c/wine/templates/1": false, "/c/build/ab/agent.exe": true,
	} {
		if got := needs(needed, path); got != want {
			t.Errorf("%s: %t, want %t", path, got, want)
		}
	}
}
