package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"

	"wskharness/config"
	"wskharness/driver"
	"wskharness/remote"
	"wskharness/settings"
	"wskharness/suites"
	"wskharness/targets"
	"wskharness/vm"
	"wskharness/vm/kinds"
)

// common are the flags that every command has.
type common struct {
	io      streams
	config  string
	verbose bool
	made    *vm.Host // what env has made; nil: nobody has asked for it
	release func()   // lets go of the cache that is used, which the end of the process does, too
}

func (c *common) logger(w io.Writer) hclog.Logger {
	level := hclog.Error
	if c.verbose {
		level = hclog.Debug
	}
	return hclog.New(&hclog.LoggerOptions{Name: "wskharness", Level: level, Output: w})
}

func (c *common) load() (*config.Config, error) { return config.Load(kinds.All(), c.config, ".") }

// catalog is every suite and case of the configuration.
func (c *common) catalog() (*suites.Catalog, error) {
	config, err := c.load()
	if err != nil {
		return nil, err
	}
	return config.Catalog()
}

// env is what a run needs of this machine.
func (c *common) env() (vm.Host, error) {
	if c.made != nil {
		return *c.made, nil
	}
	if err := checkHomes(c.io.getenv); err != nil {
		return vm.Host{}, err
	}
	usable, why, err := driver.UserCache()
	if err != nil {
		return vm.Host{}, err
	}
	if why != nil {
		c.io.tell(fmt.Sprintf("%v; until then %s is used", why, usable.Dir))
	}
	c.release = usable.Reference()
	exe, err := os.Executable()
	if err == nil {
		exe, err = filepath.EvalSymlinks(exe)
	}
	if err != nil {
		return vm.Host{}, fmt.Errorf("find this program, to serve a guest with: %w", err)
	}
	c.made = &vm.Host{
		Logger: c.logger(c.io.err), Cache: usable.Dir, Program: []string{exe}, Kinds: kinds.All(), Getenv: c.io.getenv, Tell: c.io.tell,
	}
	return *c.made, nil
}

// checkHomes refuses folders of the user that depend on the current one: there would be another signing key, and another
// cache, wherever a command is given, and Wine takes no such path.
func checkHomes(getenv func(string) string) error {
	names, root := []string{"HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"}, "/"
	if runtime.GOOS == "windows" {
		names, root = []string{"LocalAppData", "AppData"}, `a drive, as C:\`
	}
	for _, name := range names {
		if dir := getenv(name); dir != "" && !filepath.IsAbs(dir) {
			return &settings.UsageError{Err: fmt.Errorf("%s is %q, which is not an absolute path: set it to one that begins with %s", name, dir, root)}
		}
	}
	return nil
}

// configAndEnv is what most commands begin with.
func (c *common) configAndEnv() (*config.Config, vm.Host, error) {
	config, err := c.load()
	if err != nil {
		return nil, vm.Host{}, err
	}
	env, err := c.env()
	return config, env, err
}

// onGuest connects to a guest that is up, or to a static target.
func (c *common) onGuest(ctx context.Context, name string, do func(context.Context, vm.Host, *remote.WinRM) error) error {
	config, env, err := c.configAndEnv()
	if err != nil {
		return err
	}
	client, err := targets.Dial(ctx, config, env, name)
	if err != nil {
		return err
	}
	return errors.Join(do(ctx, env, client), client.Close())
}

// first is an argument that may be left out.
func first(args []string) string { return append(args, "")[0] }

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// completeCases offers suites and cases to the shell.
func (c *common) completeCases(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	catalog, err := c.catalog()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var words []string
	for _, s := range catalog.Suites {
		words = append(words, s.Name+"\t"+s.Doc)
		for _, one := range s.Cases {
			words = append(words, one.Name()+"\t"+one.Doc)
		}
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}

func (c *common) completeTargets(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	config, err := c.load()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return config.TargetNames(), cobra.ShellCompDirectiveNoFileComp
}

func (c *common) completeGuests(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	env, err := c.env()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	guests, err := targets.Guests(cmd.Context(), env)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var names []string
	for _, up := range guests {
		if g := up.Info(); g.Kept {
			names = append(names, g.ID+"\t"+g.Target+", up since "+g.Started.Format(time.TimeOnly))
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
