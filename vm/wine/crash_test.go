//go:build linux

package wine

import (
	"bytes"
	"debug/pe"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"wskharness/remote"
	"wskharness/remote/winrmd"
	"wskharness/remote/winrmd/winrmdtest"
	"wskharness/testtime"
	"wskharness/vm"
	"wskharness/vm/vmtest"
	"wskharness/winerr"
)

const loadFaulty = `sc create faulty type= kernel start= demand binPath= C:\faulty.sys && sc start faulty`

// crash loads the faulty driver, sends it a control code, and returns what the machine tells of it.
func crash(t *testing.T, m *Machine, code string) vm.Event {
	t.Helper()
	shell := open(t, m, remote.ShellOptions{})
	if r, err := shell.Run(t.Context(), remote.CommandLine{Line: loadFaulty}, nil); err != nil || r.ExitCode != 0 {
		t.Fatalf("load the driver: exit code %d, %v, want 0: %s%s", r.ExitCode, err, r.Stdout, r.Stderr)
	}
	// Its connection is cut in the middle: whatever it says, the machine's word counts.
	_, _ = shell.Run(t.Context(), remote.CommandLine{Line: `C:\probe.exe ioctl ` + code}, nil)
	return next(t, m)
}

// up waits until the guest runs commands again after a crash.
func up(t *testing.T, m *Machine) {
	t.Helper()
	for ctx := testtime.Context(t); ctx.Err() == nil; {
		client, err := remote.New(m.Endpoint(), remote.Options{})
		if err != nil {
			t.Fatal(err)
		}
		shell, err := client.Shell(t.Context(), remote.ShellOptions{})
		if err == nil {
			shell.Close(t.Context())
			client.Close()
			return
		}
		client.Close()
		select {
		case <-m.Ended():
			t.Fatal("the process that serves the guest has ended")
		default:
		}
	}
	t.Fatal("the guest is not back after its crash as long as the tests may take")
}

func TestADriverFaultIsABugcheck(t *testing.T) {
	t.Parallel()
	p := testProvider(t, nil)
	m := acquire(t, p)

	t.Run("page fault", func(t *testing.T) {
		e := crash(t, m, "0x801")
		if e.Kind != vm.Panicked || e.Code != uint32(winerr.StopKmodeExceptionNotHandled) || e.Access != "write" || e.Target != 0x10 || e.Module != "faulty.sys" ||
			e.Args != [4]uint64{uint64(winerr.StatusAccessViolation), e.Address, 1, 0x10} || e.ModuleOffset < 0x1000 || e.ModuleOffset > 0x2000 {
			t.Errorf("%+v; want a write to 0x10 in the first page of code of faulty.sys", e)
		}
		console, err := m.Console()
		if err != nil || !bytes.Contains(console, []byte(e.Text)) {
			t.Errorf("the console does not have %q: %v", e.Text, err)
		}
	})
	up(t, m)
	t.Run("what was set before the crash is there after it, and the driver is not loaded", func(t *testing.T) {
		r := vmtest.Command(t.Context(), t, m, `sc query faulty`)
		if r.ExitCode != 0 || !bytes.Contains(r.Stdout, []byte("STOPPED")) {
			t.Errorf("exit code %d: %s%s; want the service of before, stopped", r.ExitCode, r.Stdout, r.Stderr)
		}
	})
	t.Run("the module offset is that of the instruction", func(t *testing.T) {
		if err := m.Revert(t.Context()); err != nil {
			t.Fatal(err)
		}
		e := crash(t, m, "0x803")
		if e.Module != "faulty.sys" || !strings.Contains(e.Text, "illegal instruction") {
			t.Fatalf("%+v; want an illegal instruction in faulty.sys", e)
		}
		if at := code(t, p.opts.Seed[`C:\faulty.sys`], e.ModuleOffset); !bytes.HasPrefix(at, []byte{0x0F, 0x0B}) {
			t.Errorf("at faulty.sys+0x%x is % x; want ud2, 0f 0b", e.ModuleOffset, at)
		}
	})
	t.Run("KeBugCheckEx", func(t *testing.T) {
		if err := m.Revert(t.Context()); err != nil {
			t.Fatal(err)
		}
		e := crash(t, m, "0x802")
		if e.Kind != vm.Panicked || e.Code != 0xD1 || e.Args != [4]uint64{0x11, 0x22, 0x33, 0x4444444444} {
			t.Errorf("%+v; want stop code 0xD1 and its four parameters", e)
		}
	})
}

// code returns the bytes of an image at an offset from its base.
func code(t *testing.T, file string, offset uint64) []byte {
	t.Helper()
	image, err := pe.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer image.Close()
	for _, s := range image.Sections {
		if start := uint64(s.VirtualAddress); offset >= start && offset < start+uint64(s.Size) {
			data, err := s.Data()
			if err != nil {
				t.Fatal(err)
			}
			return data[offset-start:][:2]
		}
	}
	t.Fatalf("no section of %s has offset 0x%x", file, offset)
	return nil
}

func TestTheConsoleHasWhatDriversPrint(t *testing.T) {
	t.Parallel()
	m := acquire(t, testProvider(t, nil))
	if r := vmtest.Command(t.Context(), t, m, loadFaulty+` && C:\probe.exe ioctl 0x805`); r.ExitCode != 0 {
		t.Fatalf("exit code %d, want 0: %s%s", r.ExitCode, r.Stdout, r.Stderr)
	}
	for ctx := testtime.Context(t); ; {
		console, err := m.Console()
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(console, []byte("faulty says hello")) {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("no DbgPrint on the console: %s", tail(console, 2000))
		}
	}
}

// A guest whose kernel is killed by somebody else is a machine that reset.
func TestAKilledServerIsAReset(t *testing.T) {
	t.Parallel()
	m := acquire(t, testProvider(t, nil))
	killServer(t, m)
	if e := next(t, m); e.Kind != vm.Reset {
		t.Errorf("%+v; want a reset", e)
	}
	up(t, m)
}

// A guest that crashes as often as it boots stays off, until it is reverted.
func TestAGuestThatKeepsCrashingStaysOff(t *testing.T) {
	t.Parallel()
	m := acquire(t, testProvider(t, nil))
	for range maxFailures - 1 {
		killServer(t, m)
		if e := next(t, m); e.Kind != vm.Reset {
			t.Fatalf("%+v; want a reset", e)
		}
		up(t, m)
	}
	killServer(t, m)
	next(t, m)
	if e := next(t, m); e.Kind != vm.Stopped {
		t.Fatalf("%+v; want it to be off", e)
	}
	if err := m.Revert(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r := vmtest.Command(t.Context(), t, m, `echo up`); r.ExitCode != 0 {
		t.Errorf("exit code %d after a revert, want 0", r.ExitCode)
	}
}

// A machine on which a guest takes minutes to get up is not one on which it may crash for ever.
func TestALongLifeBeginsWithTheGuestBeingUp(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, test := range map[string]struct {
		took, up time.Duration
		long     bool
	}{
		"up for a moment":                 {time.Second, time.Second, false},
		"up for a moment, after an hour":  {time.Hour, time.Second, false},
		"up for an hour":                  {time.Second, time.Hour, true},
		"up for long, by another machine": {time.Minute, 2 * longLife, false},
	} {
		b := &boot{begun: now.Add(-test.up - test.took), ready: now.Add(-test.up)}
		if b.livedLong() != test.long {
			t.Errorf("%s: long: %v", name, !test.long)
		}
	}
}

// A guest may reboot as often as it is told to, and however soon: that is no crash.
func TestAGuestMayReboot(t *testing.T) {
	t.Parallel()
	m := acquire(t, testProvider(t, nil))
	for range maxFailures + 1 {
		client, err := remote.New(m.Endpoint(), remote.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if shell, err := client.Shell(t.Context(), remote.ShellOptions{}); err != nil {
			t.Fatal(err)
		} else { // its answer is lost with the guest
			_, _ = shell.Run(t.Context(), remote.CommandLine{Line: `wineboot --kill --force`}, nil)
		}
		client.Close()
		if e := next(t, m); e.Kind != vm.Reset {
			t.Fatalf("%+v; want a reset", e)
		}
		up(t, m)
	}
}

// The end of a boot may be noticed, or told, when somebody has turned it off and on already: it is none of the boot that is
// up now, whose WinRM stays.
func TestAnEndThatIsNoticedTooLate(t *testing.T) {
	t.Parallel()
	certificate, err := winrmd.NewCertificate("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	winrm, err := winrmd.New(winrmd.Options{Host: winrmdtest.LocalHost{}, User: user, Password: "secret", Certificate: certificate.TLS})
	if err != nil {
		t.Fatal(err)
	}
	address := winrmdtest.Serve(t, winrm)
	s := &server{log: hclog.NewNullLogger(), winrm: winrm, boot: &boot{}}
	s.crashed(t.Context(), &boot{}, vm.Event{Kind: vm.Panicked})
	s.gone(t.Context(), &boot{})
	if len(s.past) > 0 {
		t.Errorf("of the boot that is up is told: %+v", s.past)
	}
	client, err := remote.New(remote.Endpoint{URL: "https://" + address + "/wsman", User: user, Password: "secret",
		Auth: remote.AuthBasic, PinSHA256: certificate.SHA256}, remote.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.Shell(t.Context(), remote.ShellOptions{}); err != nil {
		t.Errorf("the boot that is up has no WinRM any more: %v", err)
	}
}

// killServer kills the guest's wineserver, once.
func killServer(t *testing.T, m *Machine) {
	t.Helper()
	for _, pid := range processesOf(prefixOf(m.state.Dir)) {
		cmdline, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if strings.Contains(string(cmdline), "wineserver") {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatal("the guest has no wineserver")
}

// TestADriverWithoutItsHost kills the process that a driver runs in: to the machine that is a crash, with the exit code as
// its stop code, and it boots anew.
func TestADriverWithoutItsHost(t *testing.T) {
	t.Parallel()
	m := acquire(t, testProvider(t, nil))
	if err := m.KillHost(t.Context(), "faulty.sys"); err == nil || !strings.Contains(err.Error(), "no process of the guest has loaded faulty.sys") {
		t.Errorf("a driver that is not loaded: %v", err)
	}
	if r := vmtest.Command(t.Context(), t, m, loadFaulty); r.ExitCode != 0 {
		t.Fatalf("load the driver: exit code %d, want 0: %s%s", r.ExitCode, r.Stdout, r.Stderr)
	}
	if err := m.KillHost(t.Context(), "Faulty.sys"); err != nil {
		t.Fatal(err)
	}
	if e := next(t, m); e.Kind != vm.Panicked || e.Code != uint32(winerr.ErrorProcessAborted) || !strings.Contains(e.Text, "no last word") {
		t.Errorf("%+v; want a crash with stop code %d", e, winerr.ErrorProcessAborted)
	}
	up(t, m)
	if r := vmtest.Command(t.Context(), t, m, `sc query faulty`); !bytes.Contains(r.Stdout, []byte("STOPPED")) {
		t.Errorf("in the next boot: %s%s", r.Stdout, r.Stderr)
	}
}
