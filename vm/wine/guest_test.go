//go:build linux

package wine

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"wskharness/remote"
	"wskharness/testtime"
	"wskharness/vm"
	"wskharness/vm/vmtest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	p := testProvider(t, nil)
	vmtest.Run(t, p, vmtest.Expect{
		Command: "echo up", Output: "up", Reverts: true, Crash: loadFaulty + ` && C:\probe.exe ioctl 0x801`,
		Left:  func() ([]string, error) { return foldersIn(guestsDir(p.opts.Root)) },
		Dirty: `reg add HKLM\Software\Dirty /f && echo dirt > C:\windows\dirt.txt`,
		Clean: `if exist C:\windows\dirt.txt exit 1`,
	})
}

func TestCommands(t *testing.T) {
	t.Parallel()
	m := acquire(t, testProvider(t, nil))
	shell := open(t, m, remote.ShellOptions{Dir: `C:\windows`, Env: map[string]string{"WSK_TEST": "änd %PATH%"}})
	for _, tt := range []struct {
		line           string
		exit           uint32
		stdout, stderr string
	}{
		{line: `C:\probe.exe exit 3000000000`, exit: 3000000000},
		{line: `C:\probe.exe both`, stdout: "out", stderr: "err"},
		{line: `cd`, stdout: "C:\\windows\r\n"},
		{line: `if "%WSK_TEST:~1,2%"=="nd" echo set`, stdout: "set\r\n"},
	} {
		r, err := shell.Run(t.Context(), remote.CommandLine{Line: tt.line}, nil)
		if err != nil {
			t.Errorf("%s: got %v, want no error", tt.line, err)
			continue
		}
		if r.ExitCode != tt.exit || string(r.Stdout) != tt.stdout || string(r.Stderr) != tt.stderr {
			t.Errorf("%s: exit code %d, output %q, errors %q; want %d, %q, %q", tt.line,
				r.ExitCode, r.Stdout, r.Stderr, tt.exit, tt.stdout, tt.stderr)
		}
	}
	t.Run("it is a Windows 10, of whatever build this Wine takes that for", func(t *testing.T) {
		r := vmtest.Command(t.Context(), t, m, `ver`)
		if !strings.HasPrefix(string(r.Stdout), "\r\nMicrosoft Windows 10.0.") || r.ExitCode != 0 {
			t.Errorf("exit code %d: %s%s", r.ExitCode, r.Stdout, r.Stderr)
		}
	})
	t.Run("a program that is not there is Win32 error 2", func(t *testing.T) {
		_, err := shell.Run(t.Context(), remote.CommandLine{Line: `C:\nosuch.exe`, SkipShell: true}, nil)
		if err == nil || !strings.Contains(fmt.Sprintf("%v", err), "2147942402") && !strings.Contains(err.Error(), "0x80070002") {
			t.Errorf("%v; want the HRESULT of ERROR_FILE_NOT_FOUND", err)
		}
	})
	t.Run("a large input comes back whole", func(t *testing.T) {
		in := strings.Repeat("0123456789abcdef\n", 300_000) // several windows
		command, err := shell.Start(t.Context(), remote.CommandLine{Line: `C:\probe.exe echo`, SkipShell: false})
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			_, _ = io.Copy(command.Stdin, strings.NewReader(in)) // a short copy shows in the hash
			command.Stdin.Close()
		}()
		sum := sha256.New()
		if _, err := io.Copy(sum, command.Stdout); err != nil {
			t.Fatal(err)
		}
		if exit, err := command.Wait(t.Context()); exit != 0 || err != nil {
			t.Errorf("exit code %d, %v", exit, err)
		}
		if want := sha256.Sum256([]byte(in)); string(sum.Sum(nil)) != string(want[:]) {
			t.Error("what came back is not what was sent")
		}
	})
	t.Run("terminate ends the tree", func(t *testing.T) {
		command, err := shell.Start(t.Context(), remote.CommandLine{Line: `C:\probe.exe tree`})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(command.Stdout, make([]byte, len("grown\n"))); err != nil {
			t.Fatal(err)
		}
		if n := count(t, m, "probe.exe"); n != 2 {
			t.Fatalf("%d processes of the tree are there, want 2", n)
		}
		if err := command.Signal(t.Context(), remote.SignalCtrlC); err != nil {
			t.Fatal(err)
		}
		exit, err := command.Wait(t.Context())
		if err != nil || exit != 0xC000013A {
			t.Errorf("exit code 0x%X, %v; want STATUS_CONTROL_C_EXIT", exit, err)
		}
		testtime.Await(t, "the end of the whole tree", func() bool { return count(t, m, "probe.exe") == 0 })
	})
	t.Run("a crashing program is no bugcheck", func(t *testing.T) {
		if _, err := shell.Run(t.Context(), remote.CommandLine{Line: `C:\probe.exe fault`}, nil); err != nil {
			t.Fatal(err)
		}
		select {
		case e := <-m.Events():
			t.Errorf("event %+v", e)
		case <-time.After(time.Second): // that none comes can only be waited for
		}
	})
}

// A command whose output nobody reads stops by itself, and no other command.
func TestASlowReaderStopsOnlyItsOwnCommand(t *testing.T) {
	t.Parallel()
	m := acquire(t, testProvider(t, nil))
	shell := open(t, m, remote.ShellOptions{})
	slow, err := shell.Start(t.Context(), remote.CommandLine{Line: `C:\probe.exe fill 1000000000`})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(slow.Stdout, make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if r, err := shell.Run(t.Context(), remote.CommandLine{Line: `C:\probe.exe fill 3000000`}, nil); err != nil || len(r.Stdout) != 3000000 {
			t.Fatalf("%d bytes, %v; want 3000000 beside a command that is stuck", len(r.Stdout), err)
		}
	}
	if resident := residentOf(t, m.state.PID); resident > 200<<20 {
		t.Errorf("the process that serves the guest holds %d MiB: the output is buffered without bound", resident>>20)
	}
	if err := slow.Signal(t.Context(), remote.SignalTerminate); err != nil {
		t.Error(err)
	}
}

// Nothing that a guest writes reaches the template, or another guest.
func TestClonesAreIsolated(t *testing.T) {
	t.Parallel()
	p := testProvider(t, nil)
	a, b := acquire(t, p), acquire(t, p)
	write := `reg add HKLM\Software\Isolated /f && reg add HKCU\Software\Isolated /f && ` +
		`echo changed > C:\windows\system32\drivers\etc\hosts && echo changed > C:\windows\win.ini`
	if r := vmtest.Command(t.Context(), t, a, write); r.ExitCode != 0 {
		t.Fatalf("exit code %d, want 0: %s%s", r.ExitCode, r.Stdout, r.Stderr)
	}
	if err := a.Reset(t.Context()); err != nil { // makes Wine write its registry
		t.Fatal(err)
	}
	for _, query := range []string{
		`reg query HKLM\Software\Isolated`, `reg query HKCU\Software\Isolated`,
		`find "changed" C:\windows\system32\drivers\etc\hosts`, `find "changed" C:\windows\win.ini`,
	} {
		if r := vmtest.Command(t.Context(), t, a, query); r.ExitCode != 0 {
			t.Errorf("%s in the guest that wrote: exit code %d, want 0: %s%s", query, r.ExitCode, r.Stdout, r.Stderr)
		}
		if r := vmtest.Command(t.Context(), t, b, query); r.ExitCode == 0 {
			t.Errorf("%s in another guest: exit code 0: %s", query, r.Stdout)
		}
	}
	c := acquire(t, p)
	if r := vmtest.Command(t.Context(), t, c, `find "changed" C:\windows\win.ini`); r.ExitCode == 0 {
		t.Error("the template was written to")
	}
}

func TestSixGuestsSideBySide(t *testing.T) {
	p := testProvider(t, nil)
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			ctx := testtime.Context(t)
			m, err := p.Acquire(ctx, vm.Target{Name: fmt.Sprintf("guest%d", i)})
			if err != nil {
				t.Error(err)
				return
			}
			defer func() {
				if err := m.Release(context.WithoutCancel(ctx)); err != nil {
					t.Error(err)
				}
			}()
			client, err := remote.New(m.Endpoint(), remote.Options{})
			if err != nil {
				t.Error(err)
				return
			}
			defer client.Close()
			shell, err := client.Shell(ctx, remote.ShellOptions{})
			if err != nil {
				t.Error(err)
				return
			}
			defer shell.Close(context.WithoutCancel(ctx))
			load := `sc create faulty type= kernel start= demand binPath= C:\faulty.sys && sc start faulty && C:\probe.exe ioctl 0x805`
			if r, err := shell.Run(ctx, remote.CommandLine{Line: load}, nil); err != nil || r.ExitCode != 0 {
				t.Errorf("guest %d: exit code %d, %v, want 0: %s%s", i, r.ExitCode, err, r.Stdout, r.Stderr)
			}
		})
	}
	all.Wait()
}

// count is how many processes with this name run in the guest, as this machine sees them.
func count(t *testing.T, m *Machine, name string) int {
	t.Helper()
	return len(running(m, name))
}

// running are the processes with this name.
func running(m *Machine, name string) (pids []int) {
	for _, pid := range processesOf(prefixOf(m.state.Dir)) {
		if cmdline, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); err == nil &&
			strings.Contains(strings.ReplaceAll(string(cmdline), "\x00", " "), name) && !strings.Contains(string(cmdline), "cmd") {
			pids = append(pids, pid)
		}
	}
	return pids
}

func residentOf(t *testing.T, pid int) int {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		t.Fatal(err)
	}
	var size, resident int
	if _, err := fmt.Sscan(string(data), &size, &resident); err != nil {
		t.Fatal(err)
	}
	return resident * os.Getpagesize()
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil && !isZombie(pid) }

func isZombie(pid int) bool {
	stat, err := os.ReadFile(filepath.Join("/proc", fmt.Sprint(pid), "stat"))
	return err == nil && strings.Contains(string(stat), ") Z ")
}
