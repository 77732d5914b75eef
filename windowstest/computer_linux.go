package windowstest

import (
	"context"
	_ "embed" // the source of a DLL
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"wskharness/child"
	"wskharness/disk"
	"wskharness/driver"
	"wskharness/vm/wine"
)

// Computer is a Wine prefix that a driver developer's programs run in. Its drive Z: is all of this machine, as this user has it.
type Computer struct {
	// Room is a folder on this machine, for what is to go when the computer does; with the Wine guests whose cache is in a folder of a
	// folder in it (testing.T.TempDir makes such).
	Room string

	software *wine.Software
	prefix   string
	sockets  string
	lock     *os.File
}

// rooms is how the folders of computers are called, beside the template that their prefixes are clones of.
const rooms = "windows-"

//go:embed testdata/bcryptprimitives.c
var bcryptprimitives string

// New makes a computer. Before that it clears away those whose makers were killed. It is the caller's to end.
func New(ctx context.Context) (c *Computer, err error) {
	software, err := wine.Find(ctx)
	if err != nil {
		return nil, err
	}
	cache, err := driver.DefaultCache()
	if err == nil {
		err = os.MkdirAll(cache.Dir, 0o755)
	}
	if err != nil {
		return nil, err
	}
	if err := sweep(cache.Dir); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(cache.Dir, rooms)
	if err != nil {
		return nil, err
	}
	c = in(dir, software)
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("make a Windows of Wine: %w", err), c.End())
		}
	}()
	if c.lock, err = disk.OpenLocked(filepath.Join(dir, "lock")); err != nil {
		return nil, err
	}
	if err := errors.Join(os.Mkdir(c.Room, 0o700), os.Mkdir(c.sockets, 0o700)); err != nil {
		return nil, err
	}
	if err := errors.Join(wine.Prefix(ctx, cache.Dir, c.prefix, software), wine.PlaceServer(c.prefix, c.sockets)); err != nil {
		return nil, err
	}
	if err := os.Symlink("/", filepath.Join(c.prefix, "dosdevices", "z:")); err != nil { // a guest has none
		return nil, err
	}
	return c, c.complete(ctx, dir)
}

func in(dir string, software *wine.Software) *Computer {
	return &Computer{Room: filepath.Join(dir, "room"), software: software, prefix: filepath.Join(dir, "prefix"), sockets: socketsOf(dir)}
}

// Open is the computer in a folder, which whoever has made it ends.
func Open(ctx context.Context, dir string) (*Computer, error) {
	software, err := wine.Find(ctx)
	if err != nil {
		return nil, err
	}
	return in(dir, software), nil
}

// Dir is the computer's folder on this machine.
func (c *Computer) Dir() string { return filepath.Dir(c.prefix) }

// complete puts the DLL into the computer's system folder that Go's runtime asks for and Wine 8 lacks.
func (c *Computer) complete(ctx context.Context, dir string) error {
	dll := filepath.Join(c.prefix, "drive_c", "windows", "system32", "bcryptprimitives.dll")
	if _, err := os.Stat(dll); !errors.Is(err, fs.ErrNotExist) {
		return err // a later Wine has it
	}
	toolchain, err := driver.FindToolchain(ctx)
	if err != nil {
		return err
	}
	source := filepath.Join(dir, "bcryptprimitives.c")
	env, err := child.Environment{}.List()
	if err := errors.Join(err, os.WriteFile(source, []byte(bcryptprimitives), 0o600)); err != nil {
		return err
	}
	said, err := child.Command(ctx, env, toolchain.CC, "-shared", "-O2", "-o", dll, source, "-ladvapi32").CombinedOutput()
	if err != nil {
		return fmt.Errorf("compile %s: %w: %s", source, err, said)
	}
	return nil
}

// socketsOf is the folder of the sockets of a computer in a folder: their paths must be short.
func socketsOf(dir string) string {
	return filepath.Join("/tmp", "wc"+strings.TrimPrefix(filepath.Base(dir), rooms))
}

// Command is a program of Windows, in a folder of this machine: with Wine.Start it is started.
func (c *Computer) Command(ctx context.Context, dir, program string, args ...string) *exec.Cmd {
	cmd := child.Command(ctx, c.Environment(), c.Loader(), append([]string{program}, args...)...)
	cmd.Dir = dir
	return cmd
}

// Environment is what Wine's loader is started with.
func (c *Computer) Environment() []string {
	return append(c.software.Environment(c.prefix, c.sockets, "-all"), "WINEDLLOVERRIDES=mscoree,mshtml=")
}

// Loader is the program of Wine that starts those of Windows.
func (c *Computer) Loader() string { return c.software.Loader }

// Drive is a folder of this machine that is below C:\ of the computer.
func (c *Computer) Drive(path ...string) string {
	return filepath.Join(append([]string{c.prefix, "drive_c"}, path...)...)
}

// End ends all that runs on the computer, and removes it.
func (c *Computer) End() error {
	err := end(c.Dir())
	if c.lock != nil {
		disk.Unlock(c.lock)
	}
	return err
}

// end ends the computer in a folder, and the Wine guests that have one of the folders in its room for their cache.
func end(dir string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var errs []error
	caches, _ := filepath.Glob(filepath.Join(dir, "room", "*", "*", "wine")) // the pattern is one
	for _, cache := range caches {
		guests, err := wine.List(filepath.Dir(cache))
		errs = append(errs, err)
		for i := range guests {
			errs = append(errs, guests[i].Down(ctx))
		}
		_, err = wine.Sweep(filepath.Dir(cache))
		errs = append(errs, err)
	}
	prefix, sockets := filepath.Join(dir, "prefix"), socketsOf(dir)
	errs = append(errs, wine.EndPrefix(prefix, ""), wine.ForgetServer(prefix, sockets), os.RemoveAll(sockets), os.RemoveAll(dir))
	err := errors.Join(errs...)
	if err != nil {
		return fmt.Errorf("end the Windows in %s: %w", dir, err)
	}
	return nil
}

// sweep ends the computers of processes that are gone.
func sweep(cache string) error {
	dirs, err := filepath.Glob(filepath.Join(cache, rooms+"*"))
	for _, dir := range dirs {
		lock, busy := disk.OpenLocked(filepath.Join(dir, "lock"))
		if busy != nil {
			continue // somebody has it, or has just removed it
		}
		err = errors.Join(err, end(dir))
		disk.Unlock(lock)
	}
	return err
}
