//go:build linux

package qemu

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"wskharness/testtime"
	"wskharness/vm"
	"wskharness/vm/lease"
)

func kill(pid int) error { return syscall.Kill(pid, syscall.SIGKILL) }

// linkSnapshots gives a cache the snapshots of the shared one.
func linkSnapshots(t *testing.T, cache string) {
	t.Helper()
	newLab(t).warmUp()
	if err := os.MkdirAll(filepath.Join(cache, "qemu"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(templatesDir(sharedCache), templatesDir(cache)); err != nil {
		t.Fatal(err)
	}
}

// warmUp makes the snapshot that the tests start from, and says where it is.
func (l *lab) warmUp() string {
	l.t.Helper()
	p := l.provider(warm)
	c, err := p.compose(testtime.Context(l.t), vm.Target{Name: "vm"})
	if err != nil {
		l.t.Fatal(err)
	}
	folder, err := p.template(testtime.Context(l.t), c)
	if err != nil {
		l.t.Fatal(err)
	}
	return folder
}

// What can't be started is told, with what to do about it, and leaves nothing.
func TestFailures(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	old := filepath.Join(t.TempDir(), "old-qemu")
	if err := os.WriteFile(old, []byte("#!/bin/sh\necho QEMU emulator version 6.2.0\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		more   string
		args   []string
		change func(p *provider)
		want   string
	}{
		"port taken":                  {more: ", host_port: " + port, want: "port " + port + " of this machine is taken"},
		"an option that is not known": {args: []string{"-frobnicate"}, want: "does not know an option"},
		"a device that is not known":  {args: []string{"-device", "flux-capacitor"}, want: "does not know an option or a device"},
		"the image goes away":         {change: func(p *provider) { p.opts.spec.Image += ".gone" }, want: "no such file"},
		"another program":             {change: func(p *provider) { p.opts.program = "qemu-system-nothing" }, want: "is not on PATH"},
		"too old":                     {change: func(p *provider) { p.opts.program = old }, want: "is QEMU 6.2.0, and 7.2 is the oldest"},
		"too much memory":             {more: ", memory: 4096G", args: []string{"-overcommit", "mem-lock=off", "-mem-prealloc"}, want: "lower memory"},
		"no process to serve it":      {change: func(p *provider) { p.opts.serve = []string{"/bin/false"} }, want: "has ended"},
		"no such process":             {change: func(p *provider) { p.opts.serve = []string{"/no/such/program"} }, want: "no such file"},
		"no time to boot":             {more: ", boot_within: 1ms", want: "boot_within"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(l.text(test.more, test.args...), "memory: 160M, ", map[bool]string{true: "", false: "memory: 160M, "}[strings.Contains(test.more, "memory:")], 1)
			d, err := defineIn("/", text)
			if err != nil {
				t.Fatal(err)
			}
			made, err := d.Provider(l.host())
			if err != nil {
				t.Fatal(err)
			}
			p := made.(*provider)
			if test.change != nil {
				test.change(p)
			}
			m, err := p.Acquire(testtime.Context(t), vm.Target{Name: "broken"})
			if err == nil {
				t.Error(m.Release(context.WithoutCancel(t.Context())))
				t.Fatal("it came up")
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q in it", err, test.want)
			}
			l.nothingOf(t, "broken")
		})
	}
}

// left is what there is of guests of a target: folders and processes.
func (l *lab) left(t *testing.T, target string) ([]string, error) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(leasesDir(l.cache), target+"-*"))
	for _, pid := range qemusOf(t, "guest="+target+"-") {
		left = append(left, fmt.Sprint("process ", pid))
	}
	return left, err
}

// nothingOf checks that there are no guests of a target.
func (l *lab) nothingOf(t *testing.T, target string) {
	t.Helper()
	if left, err := l.left(t, target); err != nil || len(left) > 0 {
		t.Errorf("%q is left, %v", left, err)
	}
}

// A base image that another program writes to is left alone.
func TestImageInUse(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	image := filepath.Join(t.TempDir(), "base.qcow2")
	if err := copyFile(t.Context(), l.guest.Image, image); err != nil {
		t.Fatal(err)
	}
	other := *l.guest
	other.Image = image
	l.guest = &other
	writer := exec.Command(qemuProgram, "-machine", "none", "-nodefaults", "-display", "none", "-monitor", "stdio", "-S", "-blockdev", blockdev("disk", "qcow2", image, false))
	in, err := writer.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := writer.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := writer.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close(); _ = writer.Process.Kill(); _ = writer.Wait() }()
	if _, err := out.Read(make([]byte, 1)); err != nil { // it greets, and has the image
		t.Fatal(err)
	}
	_, err = l.provider("").Acquire(testtime.Context(t), vm.Target{Name: "inuse"})
	if err == nil || !strings.Contains(err.Error(), "another program writes to the image "+image) {
		t.Errorf("got %v, want an image that is in use", err)
	}
	l.nothingOf(t, "inuse")
}

// A snapshot that is not there is told as that, and made anew.
func TestSnapshotIsMissing(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	folder := l.warmUp()
	broken := filepath.Join(t.TempDir(), "broken")
	if err := copyFolder(t.Context(), folder, broken); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("qemu-img", "snapshot", "-d", snapshotTag, filepath.Join(broken, diskFile)).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	p := l.provider(warm)
	c, err := p.compose(t.Context(), vm.Target{Name: "broken"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c.Template = range []string{broken, filepath.Join(broken, "gone")} {
		if _, err := p.bringUp(testtime.Context(t), c); !errors.Is(err, errNoSnapshot) {
			t.Errorf("got %v, want %v", err, errNoSnapshot)
		}
	}
	l.nothingOf(t, "broken")
}

// An Acquire that is given up, whenever that is, leaves nothing.
func TestAcquireIsCancelled(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.warmUp()
	for _, more := range []string{"", warm} {
		p := l.provider(more)
		for after := time.Millisecond; after < 3*time.Second; after *= 3 {
			ctx, cancel := context.WithTimeout(testtime.Context(t), after)
			m, err := p.Acquire(ctx, vm.Target{Name: "cancelled"})
			cancel()
			switch {
			case err == nil:
				if err := m.Release(context.WithoutCancel(ctx)); err != nil {
					t.Error(err)
				}
			case !errors.Is(err, context.DeadlineExceeded):
				t.Errorf("after %s: got %v, want the deadline", after, err)
			}
			l.nothingOf(t, "cancelled")
		}
	}
}

// What was left by processes that were killed is found and removed.
func TestSweep(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.cache = t.TempDir()
	linkSnapshots(t, l.cache)
	m := l.acquire(l.provider(warm))
	server, err := dial(t.Context(), m.dir)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := peer(server.conn)
	server.conn.Close()
	if err != nil {
		t.Fatal(err)
	}
	if err := kill(pid); err != nil {
		t.Fatal(err)
	}
	testtime.Await(t, "QEMU to end with what serves it", func() bool { return !lease.Held(m.dir) && len(qemusOf(t, m.dir)) == 0 })
	if up, err := list(t.Context(), l.host()); err != nil || len(up) != 0 {
		t.Errorf("got %+v, %v, want no guests", up, err)
	}
	swept, err := sweep(t.Context(), l.host())
	if err != nil || len(swept) != 1 || !strings.Contains(swept[0], m.dir) {
		t.Errorf("swept %q, %v, want %s", swept, err, m.dir)
	}
	if err := m.Release(t.Context()); err != nil {
		t.Error(err)
	}
}

// A disk that is full stops the guest, and is told as that.
func TestDiskIsFull(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.cache = t.TempDir()
	linkSnapshots(t, l.cache)
	leases := leasesDir(l.cache)
	if err := os.MkdirAll(leases, 0o700); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(l.warmUp(), diskFile))
	if err != nil {
		t.Fatal(err)
	}
	mount := func(bytes int64) {
		t.Helper()
		if err := syscall.Mount("none", leases, "tmpfs", 0, "mode=700,size="+strconv.FormatInt(bytes, 10)); err != nil {
			t.Skip("mount a small file system: ", err)
		}
	}
	unmount := func() {
		if err := syscall.Unmount(leases, 0); err != nil {
			t.Error(err)
		}
	}
	mount(1 << 20)
	_, err = l.provider(warm).Acquire(testtime.Context(t), vm.Target{Name: "full"})
	if err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("got %v, want a disk that is full", err)
	}
	l.nothingOf(t, "full")
	unmount()
	mount(info.Size() + 2<<20)
	defer unmount()
	m, err := l.provider(warm).Acquire(testtime.Context(t), vm.Target{Name: "full"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := m.Release(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()
	filler := filepath.Join(leases, "filler")
	if err := os.WriteFile(filler, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filler, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	f.Close()
	go func() { _ = runOnce(t.Context(), m.Endpoint(), "write big "+strings.Repeat("x", 200_000)) }()
	if e := event(t, m, vm.Stopped); !strings.Contains(e.Text, "is full") {
		t.Errorf("got %q, want a disk that is full", e.Text)
	}
}
