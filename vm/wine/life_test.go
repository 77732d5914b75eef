//go:build linux

package wine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"wskharness/remote"
	"wskharness/testtime"
	"wskharness/vm"
	"wskharness/vm/lease"
	"wskharness/vm/vmtest"
)

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func TestReleaseLeavesNothing(t *testing.T) {
	t.Parallel()
	m := acquire(t, testProvider(t, nil))
	var config guestConfig
	if err := lease.Read(m.state.Dir, configFile, &config); err != nil {
		t.Fatal(err)
	}
	if len(processesOf(prefixOf(m.state.Dir))) == 0 || !exists(config.Temp) {
		t.Fatal("a guest that is up has no processes or no sockets: the check proves nothing")
	}
	folders := serverFolders(prefixOf(m.state.Dir), config.Temp)
	if used := slices.DeleteFunc(slices.Clone(folders), func(f string) bool { return !exists(f) }); len(used) == 0 { // without namespaces clients make a second one
		t.Fatalf("of %v there is none: want a folder of the guest's wineserver, or the check proves nothing", folders)
	}
	if err := m.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := processesOf(prefixOf(m.state.Dir)); len(left) > 0 {
		t.Errorf("processes %v are left", left)
	}
	if left := slices.DeleteFunc(folders, func(f string) bool { return !exists(f) }); len(left) > 0 {
		t.Errorf("its wineserver's folder %v is left", left)
	}
	if exists(m.state.Dir) || exists(config.Temp) {
		t.Error("the folder or the sockets are left")
	}
	testtime.Await(t, "the end of the process that served", func() bool { return !alive(m.state.PID) })
}

// A process that serves a guest and is killed takes everything of the guest along.
func TestAKilledServingProcess(t *testing.T) {
	t.Parallel()
	p := testProvider(t, nil)
	m := acquire(t, p)
	if err := syscall.Kill(m.state.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for range m.Events() { // closed when nobody serves the machine any more
	}
	select {
	case <-m.Ended():
	case <-testtime.Context(t).Done():
		t.Error("the machine does not say that it has ended")
	}
	testtime.Await(t, "the guest's end", func() bool { return len(processesOf(prefixOf(m.state.Dir))) == 0 && !exists(m.state.Dir) })
	if up, err := List(p.opts.Root); err != nil || len(up) != 0 {
		t.Errorf("List: %v, %v; want no guest", up, err)
	}
}

// Where its guard is killed, too, Sweep removes the rest, and ends even a driver's thread that never calls
// anybody.
func TestSweepEndsAHungDriver(t *testing.T) {
	withoutNamespaces(t)
	p := testProvider(t, nil)
	m := acquire(t, p)
	if r := vmtest.Command(t.Context(), t, m, loadFaulty); r.ExitCode != 0 {
		t.Fatalf("exit code %d, want 0: %s%s", r.ExitCode, r.Stdout, r.Stderr)
	}
	shell := open(t, m, remote.ShellOptions{})
	if _, err := shell.Start(t.Context(), remote.CommandLine{Line: `C:\probe.exe ioctl 0x804`}); err != nil {
		t.Fatal(err)
	}
	testtime.Await(t, "the program that hangs", func() bool { return count(t, m, "probe.exe") == 1 })
	killServing(t, m)
	if len(processesOf(prefixOf(m.state.Dir))) == 0 {
		t.Fatal("the driver's thread is gone without Sweep: the test proves nothing")
	}
	swept, err := Sweep(p.opts.Root)
	if err != nil || len(swept) != 1 || exists(m.state.Dir) {
		t.Errorf("Sweep: %v, %v; want the folder of the one dead guest, removed", swept, err)
	}
	if left := processesOf(prefixOf(m.state.Dir)); len(left) > 0 {
		t.Errorf("processes %v are left", left)
	}
}

// withoutNamespaces has guests confined without them, as on a machine that does not have bubblewrap: the kernel would end
// all of a guest's processes with their namespace.
func withoutNamespaces(t *testing.T) {
	t.Helper()
	_, _ = compiled() // who needs it says what is missing; it needs a compiler, and then never again
	t.Setenv("PATH", t.TempDir())
}

// servingProcesses are those with the guest's folder on their command line.
func servingProcesses(dir string) []int {
	var found []int
	paths, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range paths {
		cmdline, err := os.ReadFile(path)
		if err != nil || !strings.HasSuffix(strings.TrimRight(string(cmdline), "\x00"), "\x00"+dir) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil && !isZombie(pid) {
			found = append(found, pid)
		}
	}
	return found
}

// aboutToEnd has a guest brought up that stays up unclaimed for no longer than it has to, so that whoever has it brought up
// can claim it: for twice as long as all of that takes, the template apart, and longer where this machine stands still meanwhile.
func aboutToEnd(t *testing.T) (p *Provider, m *Machine, unclaimed time.Duration) {
	t.Helper()
	patient := testProvider(t, nil)
	acquire(t, patient)
	begun := time.Now()
	acquire(t, patient)
	for unclaimed = 2 * time.Since(begun); ; unclaimed *= 2 {
		p = testProvider(t, func(o *Options) { o.Unclaimed = unclaimed })
		claimed, err := p.Acquire(testtime.Context(t), vm.Target{Name: "test"})
		switch {
		case err == nil:
			releaseAtEnd(t, claimed)
			return p, claimed.(*Machine), unclaimed
		case testtime.Context(t).Err() != nil:
			t.Fatal(err)
		}
		t.Logf("not claimed within %s: %v", unclaimed, err)
	}
}

func TestAGuestThatNobodyClaimsEnds(t *testing.T) {
	t.Parallel()
	_, m, unclaimed := aboutToEnd(t)
	testtime.Await(t, "more than the limit", func() bool { return time.Since(m.state.Started) > 2*unclaimed })
	if !lease.Held(m.state.Dir) {
		t.Fatal("a claimed guest ended")
	}
	m.claim.conn.Close() // what the kernel does for a controller that is killed
	testtime.Await(t, "the guest's end", func() bool { return !exists(m.state.Dir) && !alive(m.state.PID) })
}

func TestAKeptGuestIsAdopted(t *testing.T) {
	t.Parallel()
	p, m, unclaimed := aboutToEnd(t)
	if r := vmtest.Command(t.Context(), t, m, `echo mine > C:\mine.txt`); r.ExitCode != 0 {
		t.Fatalf("got exit code %d, want 0", r.ExitCode)
	}
	if _, err := m.Keep(t.Context()); err != nil {
		t.Fatal(err)
	}
	kept := time.Now()
	testtime.Await(t, "more than the limit", func() bool { return time.Since(kept) > 2*unclaimed })
	killServer(t, m)
	testtime.Await(t, "the boot after it", func() bool { return rebooted(m.state.Dir) })
	guests, err := List(p.opts.Root)
	if err != nil || len(guests) != 1 || !guests[0].Kept || guests[0].ID != m.state.ID {
		t.Fatalf("List: %+v, %v; want the kept guest", guests, err)
	}
	again, err := attach(t.Context(), guests[0].Dir, "")
	if err != nil {
		t.Fatal(err)
	}
	if e := next(t, again); e.Kind != vm.Reset {
		t.Errorf("%+v; want the reset while nobody had claimed the guest", e)
	}
	up(t, again)
	if r := vmtest.Command(t.Context(), t, again, `type C:\mine.txt`); r.ExitCode != 0 {
		t.Errorf("exit code %d: the adopted guest is another one", r.ExitCode)
	}
	if err := again.Release(t.Context()); err != nil {
		t.Error(err)
	}
	if exists(m.state.Dir) {
		t.Error("the guest's folder is left")
	}
}

func rebooted(dir string) bool {
	var s State
	return lease.Read(dir, stateFile, &s) == nil && s.Boots == 2
}

func TestDownEndsAClaimedGuest(t *testing.T) {
	t.Parallel()
	m := acquire(t, testProvider(t, nil))
	if err := m.state.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range m.Events() {
	}
	if exists(m.state.Dir) || len(processesOf(prefixOf(m.state.Dir))) > 0 {
		t.Error("something of the guest is left")
	}
}

// An Acquire that is cancelled at any moment leaves nothing; checkNothingLeft looks.
func TestACancelledAcquireLeavesNothing(t *testing.T) {
	t.Parallel()
	p := testProvider(t, nil)
	acquire(t, p).Release(t.Context()) // the template is there
	for _, after := range []time.Duration{time.Millisecond, 20 * time.Millisecond, 60 * time.Millisecond, 150 * time.Millisecond, 300 * time.Millisecond} {
		ctx, cancel := context.WithTimeout(t.Context(), after)
		m, err := p.Acquire(ctx, vm.Target{Name: "test"})
		cancel()
		switch {
		case err == nil: // a fast machine
			if err := m.Release(t.Context()); err != nil {
				t.Error(err)
			}
		case !errors.Is(err, context.DeadlineExceeded):
			t.Errorf("cancelled after %s: %v; want the context's error", after, err)
		}
		if left, err := os.ReadDir(guestsDir(p.opts.Root)); err != nil && !errors.Is(err, os.ErrNotExist) || len(left) > 0 {
			t.Errorf("cancelled after %s: %v is left, %v", after, left, err)
		}
	}
}

// Nor does one that is cancelled when its guest is up already, and only has to be claimed.
func TestAnAcquireThatIsCancelledAtLastLeavesNothing(t *testing.T) {
	t.Parallel()
	p := testProvider(t, nil)
	l := unserved(t, p)
	dir := l.Dir
	err := p.serve(t.Context(), l)
	l.Lock.Close()
	if err != nil {
		t.Fatal(err)
	}
	var config guestConfig
	if err := lease.Read(dir, configFile, &config); err != nil {
		t.Fatal(err)
	}
	if serving := servingProcesses(dir); len(serving) != 2 {
		t.Fatalf("processes %v serve the guest: the check proves nothing", serving)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if m, err := claim(ctx, dir); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %v; want the context's error", m, err)
	}
	if serving := servingProcesses(dir); len(serving) > 0 || exists(config.Temp) {
		t.Errorf("processes %v serve the guest still, or its sockets are left", serving)
	}
}

// A library of the template that a guest has written to spoils no other guest.
func TestASpoiledTemplateIsRenewed(t *testing.T) {
	t.Parallel()
	software, err := Find(t.Context())
	if err != nil {
		t.Skip(err)
	}
	p := testProvider(t, nil)
	m := acquire(t, p)
	var config guestConfig
	if err := lease.Read(m.state.Dir, configFile, &config); err != nil {
		t.Fatal(err)
	}
	// A template of this test's own: the user's is not to be spoiled.
	private := filepath.Join(p.opts.Root, "private")
	if err := linkTree(config.Template, private); err != nil {
		t.Fatal(err)
	}
	if err := clone(private, filepath.Join(p.opts.Root, "sound")); err != nil {
		t.Fatalf("clone of a sound template: %v", err)
	}
	library := private + "/drive_c/windows/system32/version.dll"
	if err := errors.Join(os.Remove(library), os.WriteFile(library, []byte("spoiled"), 0o644)); err != nil { // a link, so far
		t.Fatal(err)
	}
	if err := clone(private, filepath.Join(p.opts.Root, "unsound")); !errors.Is(err, errSpoiled) {
		t.Fatalf("clone of a spoiled template: %v; want errSpoiled", err)
	}
	if err := renewTemplate(t.Context(), private, software); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(library); err != nil || len(data) < 1000 {
		t.Errorf("version.dll has %d bytes after the template was renewed, %v", len(data), err)
	}
	makeOwn(t, library) // in place of the link to Wine's installation, where there is one
	for _, mode := range []fs.FileMode{0, 0o755 | fs.ModeSetuid} {
		info, err := os.Lstat(library)
		if err == nil {
			err = os.Chmod(library, mode)
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := clone(private, filepath.Join(p.opts.Root, fmt.Sprintf("unsound-%o", mode))); !errors.Is(err, errSpoiled) {
			t.Errorf("clone of a template with a library of mode %s: %v; want errSpoiled", mode, err)
		}
		if err := checkSeal(private); !errors.Is(err, errSpoiled) {
			t.Errorf("a template with a library of mode %s: %v; want errSpoiled", mode, err)
		}
		if err := os.Chmod(library, info.Mode()); err != nil {
			t.Fatal(err)
		}
	}
	if made, copied := cost(t, private); made > 100 || copied > 4<<20 {
		t.Errorf("a clone makes %d files and folders and copies %d bytes: is something of the desktop left?", made, copied)
	}
}

// makeOwn makes a file of a template's a copy that is older than its seal, whatever it is a link to.
func makeOwn(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err == nil {
		err = errors.Join(os.Remove(path), os.WriteFile(path, data, 0o644), os.Chtimes(path, time.Unix(1e9, 0), time.Unix(1e9, 0)))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// cost is what a clone of a template has to make anew: files and folders, and bytes.
func cost(t *testing.T, template string) (made int, copied int64) {
	t.Helper()
	err := filepath.WalkDir(template, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Type()&fs.ModeSymlink != 0 || entry.Type().IsRegular() && isImage(path) {
			return err // links get another name
		}
		made++
		info, err := entry.Info()
		if err == nil && entry.Type().IsRegular() {
			copied += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return made, copied
}

// linkTree makes a second tree of the same files.
func linkTree(from, to string) error {
	return exec.Command("cp", "-al", from, to).Run()
}
