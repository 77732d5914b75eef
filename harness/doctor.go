package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
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
		compiler(ctx), certificate(), guestSoftware(ctx, wineNeeded), confinement(ctx), space(), kvm(),
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
	signer, err := driver.UserSigner(time.Now())
	if err != nil {
		return c.missing(err)
	}
	c.OK = true
	c.Detail = fmt.Sprintf("valid until %s, %s", signer.Certificate.NotAfter.Format(time.DateOnly), signer.Path)
	c.Detail = strings.Join(append([]string{c.Detail}, signer.Notices...), "; ")
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

// confinement tells what a driver on a Wine guest can reach of this machine.
func confinement(ctx context.Context) Check {
	found := wine.LookForConfinement(ctx)
	c := Check{Name: "Wine confinement", OK: found.Whole(), Detail: found.String()}
	if !c.OK {
		c.Fix = "run drivers that you don't trust elsewhere, or as another user"
		if found.Bubblewrap == "" {
			c.Fix = "apt-get install --no-install-recommends bubblewrap, where user namespaces are allowed; else " + c.Fix
		}
	}
	return c
}

// space looks at the cache that is configured: that there is another in its place may go unnoticed for long.
func space() Check {
	c := Check{Name: "disk space", Needed: true, Fix: "set XDG_CACHE_HOME to a folder that can be written"}
	var fs unix.Statfs_t
	dir, err := CacheDir()
	if err == nil {
		err = driver.Cache{Dir: dir}.Writable()
	}
	if err == nil {
		err = unix.Statfs(dir, &fs)
	}
	if err != nil {
		c.Detail = "builds and guests can't be kept where they should be: " + err.Error()
		return c
	}
	c.Fix = ""
	free := fs.Bavail * uint64(fs.Bsize)
	c.OK = free >= lowSpace
	c.Detail = fmt.Sprintf("%.1f GiB free for %s", float64(free)/(1<<30), dir)
	if !c.OK {
		c.Fix = "free some space, or set XDG_CACHE_HOME to a larger disk"
	}
	return c
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
