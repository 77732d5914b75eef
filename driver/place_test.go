package driver

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
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
	if c, why, err := good.usable(); c != good || why != nil || err != nil {
		t.Errorf("one that can be made: got %v, %v, %v, want %v", c, why, err, good)
	}
	if left, err := os.ReadDir(good.Dir); err != nil || len(left) > 0 {
		t.Errorf("left in it: got %v, %v, want nothing", left, err)
	}
	bad := Cache{Dir: filepath.Join(file, "cache")}
	c, why, err := bad.usable()
	var told *CacheError
	if c.Dir != spare || !errors.As(why, &told) || told.Dir != bad.Dir || err != nil {
		t.Errorf("a file in its place: got %v, %v, %v, want %s, and why", c, why, err, spare)
	}
	t.Setenv("TMPDIR", file)
	if c, _, err = bad.usable(); err == nil || c.Dir != "" || !strings.Contains(err.Error(), "XDG_CACHE_HOME") {
		t.Errorf("no other place: %v, %v", c, err)
	}
}

// Where the user has no folder that can be written, another one does, and it is said why.
func TestWithoutHome(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	spare := filepath.Join(dir, fmt.Sprintf("wskharness-cache-%d", os.Getuid()))
	for name, home := range map[string]string{"no home": "", "a home that can't be made": "/proc/none", "a file": "/dev/null/home"} {
		t.Run(name, func(t *testing.T) {
			for variable, value := range map[string]string{"HOME": home, "XDG_CACHE_HOME": "", "XDG_CONFIG_HOME": ""} {
				t.Setenv(variable, value)
			}
			cache, why, err := UserCache()
			if err != nil || cache.Dir != spare || why == nil || !strings.Contains(why.Error(), "set XDG_CACHE_HOME") {
				t.Errorf("got %v, %v, %v, want %s, and why", cache, why, err, spare)
			}
			signer, err := UserSigner(time.Now())
			if err != nil {
				t.Fatal(err)
			}
			if said := strings.Join(signer.Notices, "\n"); filepath.Dir(signer.Path) != filepath.Join(spare, "signing") || !strings.Contains(said, "set XDG_CONFIG_HOME") || !strings.Contains(said, signer.Path) {
				t.Errorf("got the key %s and notices %q, want it in %s, and that said", signer.Path, said, spare)
			}
			again, err := UserSigner(time.Now())
			if err != nil || thumbprint(again.Certificate.Raw) != thumbprint(signer.Certificate.Raw) {
				t.Errorf("the next time it is another: %v", err)
			}
		})
	}
	t.Setenv("HOME", dir)
	signer, err := UserSigner(time.Now())
	if err != nil || len(signer.Notices) > 0 || signer.Path != filepath.Join(dir, ".config", "wskharness", "signing", signerFile) {
		t.Errorf("with a home: %+v, %v", signer, err)
	}
	// A key that must not be used is not got round by another.
	if err := os.Chmod(signer.Path, 0o644); err != nil {
		t.Fatal(err)
	}
	if other, err := UserSigner(time.Now()); err == nil {
		t.Errorf("a key that others may read: %s", other.Path)
	}
}
