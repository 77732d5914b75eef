package driver

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A cache that can't be written costs time, and nothing else.
func TestUnusableCache(t *testing.T) {
	tc := toolchain(t)
	signer := newSigner(t)
	want := build(t, tc, pairSpec("pair.sys", nil), Cache{Dir: t.TempDir()})
	check := func(t *testing.T, cache Cache) {
		t.Helper()
		t.Setenv("TMPDIR", t.TempDir())
		pkg, err := BuildPackage(t.Context(), tc, pairSpec("pair.sys", nil), cache, signer, signer.Certificate.NotBefore)
		if err != nil {
			t.Fatal(err)
		}
		if got := pkg.Manifest.Unsigned.SHA256; got != want.SHA256 {
			t.Errorf("SHA-256 %s, want %s", got, want.SHA256)
		}
		again, err := Build(t.Context(), tc, pairSpec("pair.sys", nil), cache)
		if err != nil || !again.Cached {
			t.Errorf("the second build is not found in the spare cache: %v", err)
		}
	}
	t.Run("a file in its place", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "cache")
		if err := os.WriteFile(file, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		check(t, Cache{Dir: file})
	})
	for name, options := range map[string]string{"full": "size=64k", "read-only": "ro"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := syscall.Mount("wskharness", dir, "tmpfs", flagsOf(options), strings.TrimPrefix(options, "ro")); err != nil {
				t.Skipf("a file system of its own can't be mounted: %v", err)
			}
			t.Cleanup(func() {
				if err := syscall.Unmount(dir, 0); err != nil {
					t.Error(err)
				}
			})
			check(t, Cache{Dir: dir})
		})
	}
	t.Run("no spare one either", func(t *testing.T) {
		t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "missing"))
		_, err := Build(t.Context(), tc, pairSpec("pair.sys", nil), Cache{Dir: os.DevNull})
		if err == nil || !strings.Contains(err.Error(), os.DevNull) || !strings.Contains(err.Error(), "XDG_CACHE_HOME") {
			t.Errorf("got %v, want it to say where and what to do", err)
		}
	})
	t.Run("both full", func(t *testing.T) {
		t.Setenv("TMPDIR", t.TempDir())
		for name, full := range map[string]error{
			"the layout":   fmt.Errorf("build: %w", &fs.PathError{Op: "mkdir", Path: "src", Err: syscall.ENOSPC}),
			"the cache":    &CacheError{Dir: "/cache", Err: syscall.EDQUOT},
			"the compiler": &CacheError{Dir: "/cache", Err: &toolError{Args: []string{"gcc"}, Output: "No space left on device"}},
		} {
			_, err := inCache(Cache{Dir: "/cache"}, func(Cache) (int, error) { return 0, full })
			if !errors.Is(err, full) || strings.Count(err.Error(), "make room, or set XDG_CACHE_HOME") != 1 {
				t.Errorf("%s: got %v, want it to say once what to do", name, err)
			}
		}
	})
	t.Run("a spare one of somebody else's", func(t *testing.T) {
		temp := t.TempDir()
		t.Setenv("TMPDIR", temp)
		trap := filepath.Join(temp, fmt.Sprintf("wskharness-cache-%d", os.Getuid()))
		if err := os.Symlink(t.TempDir(), trap); err != nil {
			t.Fatal(err)
		}
		if _, err := Build(t.Context(), tc, pairSpec("pair.sys", nil), Cache{Dir: os.DevNull}); err == nil {
			t.Error("a link was followed")
		}
	})
}

func flagsOf(options string) uintptr {
	if options == "ro" {
		return syscall.MS_RDONLY
	}
	return 0
}
