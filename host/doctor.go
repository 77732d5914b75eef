// Package host is this machine: what it has and lacks, what is kept on it, and which machines are in use from it.
package host

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"wskharness/config"
	"wskharness/disk"
	"wskharness/driver"
	"wskharness/vm"
)

// lowSpace is where a run may fill the disk: a guest's own files and a crash's evidence.
const lowSpace = 2 << 30

// Examine looks for what the configured targets need on this machine.
func Examine(ctx context.Context, c *config.Config, kinds []vm.Kind) []vm.Check {
	checks := []vm.Check{compiler(ctx, c), certificate()}
	for _, kind := range kinds {
		if kind.Checks != nil {
			needed := slices.ContainsFunc(c.Targets, func(t config.Target) bool { return t.Kind.Name == kind.Name })
			checks = append(checks, kind.Checks(ctx, needed)...)
		}
	}
	for i := range c.Targets {
		if t := &c.Targets[i]; t.Machine.Check != nil {
			checks = append(checks, named(t))
		}
	}
	return append(append(checks, space()), ofThisSystem()...)
}

// named looks for the files that a target names: images, programs.
func named(t *config.Target) vm.Check {
	c := vm.Check{Name: "target " + t.Name, Needed: true, OK: true, Detail: "the files and programs that it names are there"}
	if err := t.Machine.Check(); err != nil {
		c.OK, c.Detail, c.Fix = false, err.Error(), "put them where the configuration says, or change it"
	}
	return c
}

// compiler looks for what compiles the agent and the driver, unless this program has them in it.
func compiler(ctx context.Context, config *config.Config) vm.Check {
	c := vm.Check{Name: "cross compiler", Needed: true}
	own := driver.Prebuilt(driver.AgentSpec())
	if own && (config.External != nil || driver.Prebuilt(driver.SampleSpec(config.Defines))) {
		c.OK, c.Detail = true, "not needed: what a run is made of is in this program"
		if config.External != nil {
			c.Detail = "not needed here: the agent is in this program, and the driver is your own"
		}
		return c
	}
	tc, err := driver.FindToolchain(ctx)
	if err != nil {
		return missing(c, err)
	}
	v, err := tc.Versions(ctx)
	if err != nil {
		return missing(c, err)
	}
	if err := tc.CheckLibraries(ctx, driver.AgentSpec()); err != nil {
		return missing(c, err)
	}
	c.OK, c.Detail = true, v.Compiler
	return c
}

func certificate() vm.Check {
	c := vm.Check{Name: "test certificate", Needed: true}
	signer, err := driver.UserSigner(time.Now())
	if err != nil {
		return missing(c, err)
	}
	c.OK = true
	c.Detail = fmt.Sprintf("valid until %s, %s", signer.Certificate.NotAfter.Format(time.DateOnly), signer.Path)
	c.Detail = strings.Join(append([]string{c.Detail}, signer.Notices...), "; ")
	return c
}

// space looks at the cache that is configured: that there is another in its place may go unnoticed for long.
func space() vm.Check {
	c := vm.Check{Name: "disk space", Needed: true, Fix: driver.SetCache + " to a folder that can be written"}
	var free uint64
	cache, err := driver.DefaultCache()
	if err == nil {
		err = cache.Writable()
	}
	if err == nil {
		free, err = disk.Space(cache.Dir)
	}
	if err != nil {
		c.Detail = "builds and guests can't be kept where they should be: " + err.Error()
		return c
	}
	c.Fix = ""
	c.OK = free >= lowSpace
	c.Detail = fmt.Sprintf("%.1f GiB free for %s", float64(free)/(1<<30), cache.Dir)
	if !c.OK {
		c.Fix = "free some space, or " + driver.SetCache + " to a larger disk"
	}
	return c
}

// missing explains a check by an error, with the install command where the error knows it.
func missing(c vm.Check, err error) vm.Check {
	c.Detail = err.Error()
	if tool, ok := errors.AsType[*driver.MissingToolError](err); ok {
		c.Detail, c.Fix = tool.Tool+": "+tool.Why, tool.Install
	}
	return c
}
