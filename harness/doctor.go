package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"wskharness/driver"
	"wskharness/vm/wine"
)

// Check is one thing that a machine has or lacks.
type Check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Needed bool   `json:"needed"` // by the configured targets; else it is only worth knowing
	Detail string `json:"detail"` // what was found, or why it is needed
	Fix    string `json:"fix,omitempty"`
}

// lowSpace is where a run may fill the disk: a guest's own files and a crash's evidence.
const lowSpace = 2 << 30

// Examine looks for what the configured targets need on this machine.
func Examine(ctx context.Context, c *Config, env Env) []Check {
	wineNeeded := false
	for _, t := range c.Targets {
		wineNeeded = wineNeeded || t.Provider == ProviderWine
	}
	return []Check{
		compiler(ctx), certificate(), guestSoftware(ctx, wineNeeded), space(env.Cache), kvm(),
	}
}

func compiler(ctx context.Context) Check {
	c := Check{Name: "cross compiler", Needed: true}
	tc, err := driver.FindToolchain(ctx)
	if err != nil {
		return c.missing(err)
	}
	v, err := tc.Versions(ctx)
	if err != nil {
		return c.missing(err)
	}
	if err := tc.CheckLibraries(ctx, driver.AgentSpec()); err != nil {
		return c.missing(err)
	}
	c.OK, c.Detail = true, v.Compiler
	return c
}

func certificate() Check {
	c := Check{Name: "test certificate", Needed: true}
	dir, err := driver.SigningDir()
	if err != nil {
		return c.missing(err)
	}
	signer, err := driver.LoadOrCreateSigner(dir, time.Now())
	if err != nil {
		return c.missing(err)
	}
	c.OK = true
	c.Detail = fmt.Sprintf("valid until %s, %s", signer.Certificate.NotAfter.Format(time.DateOnly), signer.Path)
	return c
}

func guestSoftware(ctx context.Context, needed bool) Check {
	c := Check{Name: "Wine", Needed: needed}
	found, err := wine.Find(ctx)
	if err != nil {
		return c.missing(err)
	}
	c.OK, c.Detail = true, found.Version+", "+found.Loader
	return c
}

func space(dir string) Check {
	c := Check{Name: "disk space", Needed: true}
	var fs unix.Statfs_t
	err := tryWriting(dir)
	if err == nil {
		err = unix.Statfs(dir, &fs)
	}
	if err != nil {
		c.Detail = fmt.Sprintf("builds and guests can't be kept in %s: %v", dir, err)
		c.Fix = "set XDG_CACHE_HOME to a folder that can be written"
		return c
	}
	free := fs.Bavail * uint64(fs.Bsize)
	c.OK = free >= lowSpace
	c.Detail = fmt.Sprintf("%.1f GiB free for %s", float64(free)/(1<<30), dir)
	if !c.OK {
		c.Fix = "free some space, or set XDG_CACHE_HOME to a larger disk"
	}
	return c
}

// tryWriting makes a cache where there is none, and a file in it and in each of its rooms: only by trying is it known who
// may do that, and one run with sudo is enough to make rooms that are not this user's.
func tryWriting(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	folders := []string{dir}
	for _, e := range entries {
		if e.IsDir() {
			folders = append(folders, filepath.Join(dir, e.Name()))
		}
	}
	for _, folder := range folders {
		if err := tryFile(folder); err != nil {
			return err
		}
	}
	return nil
}

// tryFile makes a file in a folder, and removes it.
func tryFile(folder string) error {
	f, err := os.CreateTemp(folder, ".doctor-")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

func kvm() Check {
	c := Check{Name: "KVM", Detail: "hardware virtualisation, for Windows guests on this machine"}
	f, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if err != nil {
		c.Detail += ": " + err.Error()
		return c
	}
	c.OK = f.Close() == nil
	return c
}

// missing explains a check by an error, with the install command where the error knows it.
func (c Check) missing(err error) Check {
	c.Detail = err.Error()
	var tool *driver.MissingToolError
	var guest *wine.MissingError
	switch {
	case errors.As(err, &tool):
		c.Detail, c.Fix = tool.Tool+": "+tool.Why, tool.Install
	case errors.As(err, &guest):
		c.Detail, c.Fix = guest.Why, guest.Install
	}
	return c
}

// CacheDir is where builds, templates and guests are kept: the user's cache folder.
func CacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache folder: %w (set HOME or XDG_CACHE_HOME)", err)
	}
	return filepath.Join(dir, "wskharness"), nil
}
