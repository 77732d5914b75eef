package qemu

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"wskharness/disk"
	"wskharness/remote"
	"wskharness/vm"
	"wskharness/vm/lease"
)

// guest is one that is up, as others than its controller see it.
type guest struct {
	state
	reach *reach
}

// member is a guest, with all that a person can ask of it.
type member struct {
	*guest
	*reach
}

var (
	_ vm.Guest           = member{}
	_ vm.Resetter        = member{}
	_ vm.Switch          = member{}
	_ vm.NMIInjector     = member{}
	_ vm.Console         = member{}
	_ vm.ConsoleFollower = member{}
	_ vm.MemoryDumper    = member{}
	_ vm.Checkpointer    = member{}
)

// RemoteEndpoint is where the guest's WinRM answers, with its password.
func (g *guest) RemoteEndpoint() (remote.Endpoint, error) {
	return g.reach.config.Service.Endpoint("127.0.0.1", g.Port, g.reach.getenv)
}

// Revert brings the guest back to its clean state, whoever has it.
func (g *guest) Revert(ctx context.Context) (ready time.Duration, err error) {
	err = g.reach.cycle(ctx, doRevert)
	return g.reach.ReadyAfter(), err
}

// Down ends the guest, whoever has it, and returns when nothing of it is left.
func (g *guest) Down(ctx context.Context) error { return down(ctx, g.Dir) }

// list finds the guests that are up, oldest first.
func list(_ context.Context, h vm.Host) ([]vm.Guest, error) {
	up, err := members(h.Cache, h.Getenv)
	var all []vm.Guest
	for _, one := range up {
		all = append(all, one)
	}
	return all, err
}

func members(cache string, getenv func(string) string) ([]member, error) {
	dirs, err := lease.Folders(leasesDir(cache))
	if err != nil {
		return nil, fmt.Errorf("list the guests of QEMU: %w", err)
	}
	var up []member
	for _, dir := range dirs {
		one := &guest{reach: &reach{dir: dir, getenv: getenv}}
		if !lease.Held(dir) || lease.Read(dir, stateFile, &one.state) != nil || lease.Read(dir, configFile, &one.reach.config) != nil {
			continue // dead, or not up yet
		}
		one.Dir = dir
		up = append(up, member{one, one.reach})
	}
	slices.SortFunc(up, func(a, b member) int { return a.Started.Compare(b.Started) })
	return up, nil
}

// sweep removes what guests have left whose processes were killed. Their QEMU the kernel has ended.
func sweep(_ context.Context, h vm.Host) ([]string, error) {
	swept, err := lease.Sweep(leasesDir(h.Cache), (*lease.Lease).Discard)
	for i, dir := range swept {
		swept[i] = "what was left in " + dir
	}
	return swept, err
}

// dying is how long a process that was killed may take to be gone, and to let go of what it held.
const dying = 10 * time.Second

// remove removes the folder of a guest whose processes have ended, or are just ending.
func remove(dir string) error {
	for begun := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		l, err := lease.Take(dir)
		switch {
		case err == nil:
			return l.Discard()
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case !errors.Is(err, disk.ErrLocked) || time.Since(begun) > dying:
			return fmt.Errorf("remove the guest in %s: %w", dir, err)
		}
	}
}

// kept is all that is in the cache: guests, with what each is made of; snapshots to start from; checkpoints of targets.
func kept(cache string) ([]vm.Kept, error) {
	dirs, err := lease.Folders(leasesDir(cache))
	if err != nil {
		return nil, fmt.Errorf("look for guests of QEMU: %w", err)
	}
	var all []vm.Kept
	for _, dir := range dirs {
		id := filepath.Base(dir)
		one := vm.Kept{What: "QEMU guest " + id, Dir: dir, Guest: id}
		if !lease.Held(dir) {
			one.What += ", whose process was killed"
			one.Guest, one.Remove = "", func([]string) error { return remove(dir) }
		}
		var c guestConfig
		if lease.Read(dir, configFile, &c) == nil {
			for _, path := range []string{c.Template, c.Clean.Disk} {
				if path != "" {
					one.Needs = append(one.Needs, path)
				}
			}
		}
		all = append(all, one)
	}
	for what, room := range map[string]string{"QEMU snapshots of guests that are up": templatesDir(cache), "QEMU checkpoints (vm prepare makes them again)": checkpointsDir(cache)} {
		found, err := lease.Folders(room)
		if err != nil {
			return nil, err
		}
		all = append(all, vm.Kept{What: what, Dir: room, Entries: append([]string{}, found...), Remove: removeAll})
	}
	slices.SortStableFunc(all, func(a, b vm.Kept) int { return strings.Compare(a.Dir, b.Dir) })
	return all, nil
}

func removeAll(paths []string) error {
	var errs []error
	for _, path := range paths {
		errs = append(errs, os.RemoveAll(path))
	}
	return errors.Join(errs...)
}
