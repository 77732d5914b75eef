//go:build linux

package qemu

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"wskharness/testtime"
	"wskharness/vm"
	"wskharness/vm/vmtest"
)

// says runs a command in a guest, and gives what it prints.
func says(t *testing.T, m vm.Machine, line string) string {
	t.Helper()
	r := vmtest.Command(testtime.Context(t), t, m, line)
	if r.ExitCode != 0 {
		t.Errorf("%s: exit code %d: %s", line, r.ExitCode, r.Stderr)
	}
	return strings.TrimSpace(string(r.Stdout))
}

// Ten guests of one image at a time, each with a disk of its own.
func TestTenGuestsOfOneImage(t *testing.T) {
	t.Parallel()
	const guests = 10
	l := newLab(t)
	p := l.provider(warm)
	machines := make([]vm.Machine, guests)
	var all sync.WaitGroup
	for i := range machines {
		all.Go(func() {
			m, err := p.Acquire(testtime.Context(t), vm.Target{Name: fmt.Sprintf("ten%d", i)})
			if err != nil {
				t.Error(err)
				return
			}
			machines[i] = m
		})
	}
	all.Wait()
	defer func() {
		for _, m := range machines {
			all.Go(func() {
				if m == nil {
					return
				}
				if err := m.Release(context.WithoutCancel(t.Context())); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}()
	if t.Failed() {
		return
	}
	for i, m := range machines {
		says(t, m, fmt.Sprintf("write mine %d", i))
	}
	urls := map[string]bool{}
	for i, m := range machines {
		urls[m.Endpoint().URL] = true
		if got, want := says(t, m, "read mine"), fmt.Sprint(i); got != want {
			t.Errorf("guest %d has %q on its disk, want %q", i, got, want)
		}
	}
	if len(urls) != guests {
		t.Errorf("got %d addresses, want %d", len(urls), guests)
	}
	if err := machines[0].Revert(testtime.Context(t)); err != nil {
		t.Fatal(err)
	}
	says(t, machines[0], "absent mine")
	if got := says(t, machines[1], "read mine"); got != "1" {
		t.Errorf("after another was reverted, guest 1 has %q on its disk, want 1", got)
	}
}

// A crash is told, the memory is dumped while the guest stands still, and the guest boots again; an NMI is a crash, too. After each
// the guest goes back to its snapshot, at the right time of day.
func TestCrash(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	m := l.acquire(l.provider(warm + ", memory_dump: panic"))
	ctx := testtime.Context(t)
	var followed lockedBuffer
	following, stop := context.WithCancel(ctx)
	over := make(chan error, 1)
	go func() { over <- m.FollowConsole(following, &followed) }()
	for _, crash := range []func(){
		func() { vmtest.Command(ctx, t, m, "crash") },
		func() {
			if err := m.InjectNMI(ctx); err != nil {
				t.Fatal(err)
			}
		},
	} {
		boot := says(t, m, "boot-id")
		says(t, m, "write dirt")
		crash()
		event(t, m, vm.Panicked)
		dump := filepath.Join(t.TempDir(), "memory")
		format, err := m.DumpMemory(ctx, dump)
		if err != nil || format != "elf" {
			t.Fatalf("got format %q, %v, want elf", format, err)
		}
		checkDump(t, dump)
		event(t, m, vm.Reset)
		if again, err := m.DumpMemory(ctx, dump); err == nil || !strings.Contains(err.Error(), "is there already") {
			t.Errorf("got %q, %v, want a file that is there already", again, err)
		}
		if err := m.Revert(ctx); err != nil {
			t.Fatal(err)
		}
		says(t, m, "absent dirt")
		if got := says(t, m, "boot-id"); got != boot {
			t.Errorf("got boot %s, want that of the snapshot, %s", got, boot)
		}
		var now int64
		if _, err := fmt.Sscan(says(t, m, "date"), &now); err != nil || time.Since(time.Unix(now, 0)).Abs() > time.Minute {
			t.Errorf("the guest's clock has %s, %v", time.Unix(now, 0), err)
		}
	}
	if said, err := m.Console(); err != nil || !bytes.Contains(said, []byte("Kernel panic")) {
		t.Errorf("got the console %q, %v, want the kernel's panic in it", said, err)
	}
	says(t, m, "console this is the last word")
	testtime.Await(t, "the word on the console", func() bool { return strings.Contains(followed.String(), "this is the last word") })
	stop()
	if err := <-over; err != nil {
		t.Error(err)
	}
	if text := followed.String(); !strings.Contains(text, "Kernel panic") {
		t.Errorf("got %q, want the kernel's panic in it", text)
	}
	alive := filepath.Join(t.TempDir(), "memory")
	if format, err := m.DumpMemory(ctx, alive); err != nil || format != "elf" {
		t.Errorf("got format %q, %v, want elf", format, err)
	}
	says(t, m, "echo it goes on")
}

// checkDump looks whether a file is what QEMU writes of a memory.
func checkDump(t *testing.T, path string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	head := make([]byte, 4)
	info, err := f.Stat()
	if _, readErr := f.ReadAt(head, 0); err != nil || readErr != nil || string(head) != "\x7fELF" || info.Size() < 100<<20 || info.Mode().Perm() != 0o600 {
		t.Errorf("the dump begins with %q, %v, has %d bytes and mode %v, %v", head, readErr, info.Size(), info.Mode(), err)
	}
}

type lockedBuffer struct {
	mu   sync.Mutex
	data bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.data.Write(p)
}
func (b *lockedBuffer) String() string { b.mu.Lock(); defer b.mu.Unlock(); return b.data.String() }

// A guest that turns itself off is told of, stays, and can be turned on again or reverted.
func TestPower(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	m := l.acquire(l.provider(warm))
	ctx := testtime.Context(t)
	power := func(want vm.Power) {
		t.Helper()
		if got, err := m.Power(ctx); err != nil || got != want {
			t.Errorf("got power %q, %v, want %q", got, err, want)
		}
	}
	power(vm.On)
	says(t, m, "write dirt")
	vmtest.Command(ctx, t, m, "poweroff")
	event(t, m, vm.Stopped)
	power(vm.Off)
	if err := m.TurnOn(ctx); err != nil {
		t.Fatal(err)
	}
	power(vm.On)
	says(t, m, "exists dirt")
	noEvent(t, m)
	if err := m.TurnOff(ctx); err != nil {
		t.Fatal(err)
	}
	power(vm.Off)
	if _, err := m.DumpMemory(ctx, filepath.Join(t.TempDir(), "m")); err == nil || !strings.Contains(err.Error(), "is off") {
		t.Errorf("got %v, want a guest that is off", err)
	}
	if err := m.Revert(ctx); err != nil {
		t.Fatal(err)
	}
	says(t, m, "absent dirt")
	vmtest.Command(ctx, t, m, "poweroff")
	event(t, m, vm.Stopped)
	if err := m.Revert(ctx); err != nil {
		t.Fatal(err)
	}
	says(t, m, "echo up")
	noEvent(t, m)
}

// noEvent checks that nothing is told that was asked for.
func noEvent(t *testing.T, m vm.Machine) {
	t.Helper()
	select {
	case e := <-m.Events():
		t.Errorf("got event %+v, want none", e)
	default:
	}
}

// A QEMU that is killed is told of, and takes all the rest along.
func TestQEMUIsKilled(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	m := l.acquire(l.provider(warm))
	ctx := testtime.Context(t)
	found := qemusOf(t, "guest="+filepath.Base(m.dir))
	if len(found) != 1 {
		t.Fatalf("got processes %d, want one QEMU", found)
	}
	if err := kill(found[0]); err != nil {
		t.Fatal(err)
	}
	if e := event(t, m, vm.Stopped); !strings.Contains(e.Text, "killed") {
		t.Errorf("got %q, want how QEMU has ended", e.Text)
	}
	select {
	case <-m.Ended():
	case <-ctx.Done():
		t.Fatal("Ended is open")
	}
	if err := m.Revert(ctx); err == nil {
		t.Error("a guest that is gone was reverted")
	}
	if err := m.Release(ctx); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(m.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its folder: got %v, want none", err)
	}
}

// A guest that was kept is found by others, who can do all with it that there is to do.
func TestKeptGuest(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.cache = t.TempDir()
	linkSnapshots(t, l.cache)
	p := l.provider(warm)
	first := l.acquire(p)
	ctx := testtime.Context(t)
	id, err := first.Keep(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, open := <-first.Events(); open {
		t.Error("Events has one, want its end")
	}
	all, err := list(ctx, l.host())
	if err != nil || len(all) != 1 || all[0].Info().ID != id || !all[0].Info().Kept || all[0].Info().User != l.guest.User {
		t.Fatalf("got %+v, %v, want the guest %s", all, err, id)
	}
	one := all[0].(member)
	defer func() {
		if err := one.Down(context.WithoutCancel(ctx)); err != nil {
			t.Error(err)
		}
	}()
	if swept, err := sweep(ctx, l.host()); err != nil || len(swept) != 0 {
		t.Errorf("swept %q, %v, want nothing", swept, err)
	}
	if found, err := kept(l.cache); err != nil || !slices.ContainsFunc(found, func(k vm.Kept) bool { return k.Guest == id && len(k.Needs) == 2 }) {
		t.Errorf("kept: %+v, %v, want the guest with what it is made of", found, err)
	}
	again, err := p.Reuse(ctx, vm.Target{Name: "vm", Run: "run1"})
	if err != nil {
		t.Fatal(err)
	}
	if again.Endpoint().URL != one.Info().Endpoint {
		t.Errorf("got %s, want the kept guest's address", again.Endpoint().URL)
	}
	if m, err := p.Reuse(ctx, vm.Target{Name: "vm", Run: "run2", Guest: id}); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("got %v, %v, want a guest that is in use", m, err)
	}
	says(t, again, "write dirt")
	if ready, err := one.Revert(ctx); err != nil || ready == 0 {
		t.Errorf("got %s, %v", ready, err)
	}
	says(t, again, "absent dirt")
	says(t, again, "write dirt")
	again.(*machine).claim.conn.Close() // as of a controller that is killed
	testtime.Await(t, "it to be noted that the guest was abandoned", func() bool {
		up, err := members(l.cache, os.Getenv)
		return err == nil && len(up) == 1 && up[0].Abandoned
	})
	again, err = p.Reuse(ctx, vm.Target{Name: "vm", Run: "run3"})
	if err != nil {
		t.Fatal(err)
	}
	says(t, again, "absent dirt")
	if _, err := again.(vm.Keeper).Keep(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := one.DumpMemory(ctx, filepath.Join(t.TempDir(), "memory")); err != nil {
		t.Error(err)
	}
	if _, err := one.Console(); err != nil {
		t.Error(err)
	}
	other := l.provider(warm + ", memory_dump: panic")
	if m, err := other.Reuse(ctx, vm.Target{Name: "vm"}); !errors.Is(err, vm.ErrNoMachine) {
		t.Errorf("got %v, %v, want no machine: it is made of something else", m, err)
	}
	if err := one.Down(ctx); err != nil {
		t.Error(err)
	}
	if all, err := list(ctx, l.host()); err != nil || len(all) != 0 {
		t.Errorf("got %+v, %v, want no guests", all, err)
	}
	if _, err := p.Reuse(ctx, vm.Target{Name: "vm"}); !errors.Is(err, vm.ErrNoMachine) {
		t.Errorf("got %v, want no machine", err)
	}
}
