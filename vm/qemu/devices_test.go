//go:build linux

package qemu

import (
	"bytes"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"wskharness/remote"
	"wskharness/testtime"
	"wskharness/vm"
	"wskharness/vm/access"
	"wskharness/vm/lease"
)

// A guest with UEFI and a TPM has both of its own, and they are part of its snapshot. It has nothing to boot from.
func TestFirmwareAndTPM(t *testing.T) {
	t.Parallel()
	for _, need := range []string{"swtpm", qemuProgram, "qemu-img"} {
		if _, err := exec.LookPath(need); err != nil {
			t.Skip(err)
		}
	}
	found, err := findFirmware(knownFirmware)
	if err != nil {
		t.Skip(err)
	}
	ctx := testtime.Context(t)
	image := filepath.Join(t.TempDir(), "base.qcow2")
	if err := makeImage(ctx, "make an image", "create", "-q", "-f", "qcow2", image, "64M"); err != nil {
		t.Fatal(err)
	}
	was, err := os.ReadFile(found.Vars)
	if err != nil {
		t.Fatal(err)
	}
	l, err := lease.Make(t.TempDir(), "firmware")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.Discard(); err != nil {
			t.Error(err)
		}
	}()
	path, err := exec.LookPath(qemuProgram)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{lease: l, console: newConsole(), log: hclog.NewNullLogger(), claims: claims{all: map[net.Conn]*claim{}}, stop: func() {}, config: guestConfig{
		ID: "firmware", Program: path, Service: access.Service{Transport: "https", Port: 5986},
		Spec:  spec{Image: image, Format: "qcow2", Disk: "sata", Network: "e1000e", Firmware: found, Memory: 128, CPUs: 1, Accel: "tcg", TPM: true, Clock: "localtime", Port: 5986},
		Clean: clean{Disk: image, Format: "qcow2", Vars: found.Vars, VarsFormat: "raw"},
	}}
	if loaded, err := s.fresh(ctx); err != nil || loaded {
		t.Fatal(loaded, err)
	}
	if err := s.start(ctx, false); err != nil {
		t.Fatal(err)
	}
	defer func() { s.turnOff() }()
	m := s.running()
	var tpms []struct{ Model, Options any }
	if err := m.monitor.Run(ctx, "query-tpm", nil, &tpms); err != nil || len(tpms) != 1 {
		t.Errorf("got %v, %v, want one TPM", tpms, err)
	}
	if err := s.snapshot(ctx); err != nil {
		t.Fatal(err)
	}
	if loaded, err := s.revert(ctx); err != nil || !loaded || s.running() != m {
		t.Errorf("got %v, %v, want the same QEMU at its snapshot", loaded, err)
	}
	template := filepath.Join(t.TempDir(), "template")
	if err := s.settle(ctx, template); err != nil {
		t.Fatal(err)
	}
	select {
	case <-m.tpm.Ended:
	case <-ctx.Done():
		t.Fatal("the TPM goes on")
	}
	s.config.Template = template
	loaded, err := s.fresh(ctx)
	if err == nil {
		err = s.start(ctx, loaded)
	}
	if err != nil || !loaded {
		t.Fatalf("start from the snapshot: %v, %v", loaded, err)
	}
	tpm := s.running().tpm
	s.turnOff()
	select {
	case <-tpm.Ended:
	default:
		t.Error("the TPM goes on")
	}
	if now, err := os.ReadFile(found.Vars); err != nil || !bytes.Equal(now, was) {
		t.Errorf("the firmware's own variables have changed, %v", err)
	}
}

// What is kept is what every later guest begins with, and what the guest itself goes back to; a second time as well.
func TestCheckpoint(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.cache = t.TempDir()
	p := l.provider("")
	ctx := testtime.Context(t)
	m := l.acquire(p)
	says(t, m, "write first")
	if err := m.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
	says(t, m, "exists first")
	says(t, m, "write second")
	if err := m.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
	says(t, m, "write dirt")
	if err := m.Revert(ctx); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"exists first", "exists second", "absent dirt"} {
		says(t, m, line)
	}
	noEvent(t, m)
	if err := m.Release(ctx); err != nil {
		t.Fatal(err)
	}
	next := l.acquire(p)
	for _, line := range []string{"exists first", "exists second", "absent dirt"} {
		says(t, next, line)
	}
	if err := next.Release(ctx); err != nil {
		t.Fatal(err)
	}
	disks, err := filepath.Glob(filepath.Join(checkpointsDir(l.cache), "*", "*", diskFile))
	if err != nil || len(disks) != 1 {
		t.Errorf("got checkpoints %q, %v, want one", disks, err)
	}
	other, err := p.compose(ctx, vm.Target{Name: "other"})
	if err != nil || other.Clean.Disk != l.guest.Image {
		t.Errorf("another target begins with %+v, %v, want the image", other.Clean, err)
	}
	changed := identity{Path: l.guest.Image, Size: 1}
	if _, _, err := readCheckpoint(checkpointsOf(l.cache, "vm", l.guest.Image), changed); err == nil || !strings.Contains(err.Error(), "was changed after a checkpoint") {
		t.Errorf("got %v, want an image that was changed", err)
	}
	if err := os.Remove(disks[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Acquire(ctx, vm.Target{Name: "vm"}); err == nil || !strings.Contains(err.Error(), "is not whole") {
		t.Errorf("got %v, want a checkpoint that is not whole", err)
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	dated := func(t *testing.T, ahead time.Duration) remote.Endpoint {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Date"] = nil
			if ahead != 0 {
				w.Header().Set("Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat))
			}
			w.WriteHeader(http.StatusUnauthorized)
		}))
		t.Cleanup(server.Close)
		return remote.Endpoint{URL: server.URL + "/wsman", User: "u", Password: "p", Auth: remote.AuthBasic, AllowPlain: true}
	}
	if err := setClock(t.Context(), dated(t, time.Second/2), "would fail"); err != nil {
		t.Errorf("a clock that is right: got %v", err)
	}
	for name, test := range map[string]struct {
		ahead   time.Duration
		command string
		want    string
	}{
		"it can't be told": {-time.Hour, noClock, ""},
		"it does not tell": {0, "set-date {unix}", "does not tell the time"},
		"nobody can":       {-time.Hour, "set-date {unix}", "set the clock of a guest that goes on from a snapshot"},
	} {
		err := setClock(t.Context(), dated(t, test.ahead), test.command)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
}
