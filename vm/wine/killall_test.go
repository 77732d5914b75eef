//go:build linux

package wine

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"wskharness/child/childtest"
	"wskharness/testtime"
	"wskharness/vm/lease"
	"wskharness/vm/vmtest"
)

// deaf ignores what it can of signals, and says when it does.
const deaf = `trap '' TERM HUP INT; echo deaf; while :; do sleep 1000; done`

// bystander starts a process that nothing of a guest has started: it is in a session of its own.
func bystander(t *testing.T, change func(*exec.Cmd)) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("sh", "-c", deaf)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	change(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // and its sleep
		_ = cmd.Wait()
	})
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// Where everything that should have ended a guest was killed, the next command ends what is left of it, and nothing else.
func TestSweepEndsWhatIsKnownByOneThingAlone(t *testing.T) {
	t.Parallel()
	p := testProvider(t, nil)
	m := acquire(t, p)
	drive := filepath.Join(prefixOf(m.state.Dir), "drive_c")
	var config guestConfig
	if err := lease.Read(m.state.Dir, configFile, &config); err != nil {
		t.Fatal(err)
	}
	open := func(path string, flag int) *os.File {
		f, err := os.OpenFile(path, flag, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	written := open(filepath.Join(drive, "written"), os.O_CREATE|os.O_WRONLY)
	read := open(filepath.Join(drive, "windows", "win.ini"), os.O_RDONLY)
	kin := map[string]*exec.Cmd{
		"its environment":  bystander(t, func(c *exec.Cmd) { c.Env = append(c.Env, "WINEPREFIX="+prefixOf(m.state.Dir)) }),
		"where it is":      bystander(t, func(c *exec.Cmd) { c.Dir = drive }),
		"what it writes":   bystander(t, func(c *exec.Cmd) { c.ExtraFiles = []*os.File{written} }),
		"the other folder": bystander(t, func(c *exec.Cmd) { c.Dir = config.Temp }),
	}
	others := map[string]*exec.Cmd{
		"who reads":                  bystander(t, func(c *exec.Cmd) { c.ExtraFiles = []*os.File{read} }),
		"one of a similar name":      bystander(t, func(c *exec.Cmd) { c.Env = append(c.Env, "WINEPREFIX="+prefixOf(m.state.Dir)+"2") }),
		"one of a prefix of its own": bystander(t, func(c *exec.Cmd) { c.Env = append(c.Env, "WINEPREFIX=/nowhere/prefix") }),
		"in the guest's own folder":  bystander(t, func(c *exec.Cmd) { c.Dir = m.state.Dir }),
	}
	killServing(t, m)
	if swept, err := Sweep(p.opts.Root); err != nil || len(swept) != 1 {
		t.Errorf("Sweep: %v, %v", swept, err)
	}
	for what, cmd := range kin {
		if alive(cmd.Process.Pid) {
			t.Errorf("a process that is known by %s is left", what)
		}
	}
	for what, cmd := range others {
		if !alive(cmd.Process.Pid) {
			t.Errorf("ended as well: %s", what)
		}
	}
	if left := processesOf(prefixOf(m.state.Dir)); len(left) > 0 || exists(m.state.Dir) || exists(config.Temp) {
		t.Errorf("processes %v are left, or the folders", left)
	}
}

// killServing kills the process that serves a guest and its guard, so that neither acts on the other's end.
func killServing(t *testing.T, m *Machine) {
	t.Helper()
	serving := servingProcesses(m.state.Dir)
	if len(serving) != 2 {
		t.Fatalf("processes %v serve the guest; want it and its guard", serving)
	}
	for _, signal := range []syscall.Signal{syscall.SIGSTOP, syscall.SIGKILL} {
		for _, pid := range serving {
			if err := syscall.Kill(pid, signal); err != nil {
				t.Fatal(err)
			}
		}
	}
	testtime.Await(t, "the end of the process that served", func() bool { return !lease.Held(m.state.Dir) })
}

// What lives on when even the folder of its guest is gone is ended by any command, whichever folder that works in.
func TestSweepEndsProcessesWithoutAFolder(t *testing.T) {
	t.Parallel()
	other := t.TempDir()
	there := prefixOf(filepath.Join(guestsDir(other), "there"))
	if err := os.MkdirAll(there, 0o700); err != nil {
		t.Fatal(err)
	}
	in := func(prefix string) *exec.Cmd {
		return bystander(t, func(c *exec.Cmd) { c.Env = append(c.Env, "WINEPREFIX="+prefix) })
	}
	for prefix, stays := range map[string]bool{
		there: true,
		prefixOf(filepath.Join(guestsDir(other), "gone")):                 false,
		filepath.Join(other, "wine", "templates", building+"gone"):        false,
		filepath.Join(other, "wine", "templates", "gone"):                 true, // not one that is being made
		filepath.Join(other, "wine", "guests", "gone", "prefix", "below"): true, // nor the prefix of a guest
		filepath.Join(other, "bottles", "gone", "prefix"):                 true, // somebody else's
	} {
		cmd := in(prefix)
		if _, err := Sweep(t.TempDir()); err != nil {
			t.Error(err)
		}
		if alive(cmd.Process.Pid) != stays {
			t.Errorf("%s: it stays: %v, want %v", prefix, !stays, stays)
		}
	}
}

// What confines a guest hides all of the machine before it shows the guest's own: who sweeps in that moment, for another guest,
// ends nothing.
func TestSweepLeavesAGuestThatIsBeingBroughtUp(t *testing.T) {
	t.Parallel()
	bubblewrap := confinement().Bubblewrap
	if bubblewrap == "" {
		t.Skip(confinement().NoSpaces)
	}
	dir := filepath.Join(guestsDir(t.TempDir()), "starting")
	if err := os.MkdirAll(prefixOf(dir), 0o700); err != nil {
		t.Fatal(err)
	}
	bystander(t, func(c *exec.Cmd) {
		c.Path, c.Args = bubblewrap, append([]string{bubblewrap, "--unshare-user", "--dev-bind", "/", "/", "--tmpfs", dir, "--"}, c.Args...)
		c.Env = append(c.Env, "WINEPREFIX="+prefixOf(dir))
	})
	var blind []int
	for _, n := range natives() {
		_, err := os.Stat(filepath.Join(n.proc, "root", prefixOf(dir)))
		if n.prefix() == prefixOf(dir) && errors.Is(err, os.ErrNotExist) {
			blind = append(blind, n.pid)
		}
	}
	if len(blind) == 0 {
		t.Fatal("everybody sees the guest's folder: the check proves nothing")
	}
	if _, err := Sweep(t.TempDir()); err != nil {
		t.Error(err)
	}
	for _, pid := range blind {
		if !alive(pid) {
			t.Errorf("process %d was ended", pid)
		}
	}
}

// A program of a guest may leave one behind that has nothing in common with the guest any more but that it was started
// there: no environment, no folder, no file, no session.
func TestWhatAProgramLeavesBehindEndsWithItsGuest(t *testing.T) {
	t.Parallel()
	for how, end := range map[string]func(t *testing.T, m *Machine) error{
		"released": func(t *testing.T, m *Machine) error { return m.Release(t.Context()) },
		"reverted": func(t *testing.T, m *Machine) error { return m.Revert(t.Context()) },
		"reset":    func(t *testing.T, m *Machine) error { return m.Reset(t.Context()) },
		"down":     func(t *testing.T, m *Machine) error { return m.state.Down(t.Context()) },
		"its server killed": func(t *testing.T, m *Machine) error {
			err := syscall.Kill(m.state.PID, syscall.SIGKILL)
			testtime.Await(t, "the guard's end", func() bool { return !alive(m.state.Guard) })
			return err
		},
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			m := acquire(t, testProvider(t, nil))
			pid := leaveBehind(t, m)
			if err := end(t, m); err != nil {
				t.Fatal(err)
			}
			if alive(pid) {
				_ = syscall.Kill(pid, syscall.SIGKILL)
				t.Errorf("what a program of the guest had left behind is there still")
			}
		})
	}
}

// A guest does not go on without its guard.
func TestAKilledGuard(t *testing.T) {
	t.Parallel()
	m := acquire(t, testProvider(t, nil))
	if err := syscall.Kill(m.state.Guard, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	testtime.Await(t, "the guest's end", func() bool { return !alive(m.state.PID) && !exists(m.state.Dir) })
	if left := processesOf(prefixOf(m.state.Dir)); len(left) > 0 {
		t.Errorf("processes %v are left", left)
	}
}

// leaveBehind runs a program in a guest that leaves one behind.
func leaveBehind(t *testing.T, m *Machine) int {
	t.Helper()
	note := filepath.Join(prefixOf(m.state.Dir), "drive_c", "left")
	script := `#!/bin/sh
trap '' TERM HUP INT
setsid env -i /bin/sh -c 'cd /; exec <&- >&- 2>&-; echo $$ >` + note + `.new; mv ` + note + `.new ` + note + `; while :; do sleep 1000; done' &
`
	path := filepath.Join(filepath.Dir(note), "leave.sh")
	childtest.Program(t, path, script)
	r := vmtest.Command(t.Context(), t, m, `start /unix `+path)
	pid := 0
	testtime.Await(t, "the process that is left: "+string(r.Stdout)+string(r.Stderr), func() bool {
		for _, n := range natives() { // it knows itself by another number, where the guest has a namespace of processes
			cmdline, _ := os.ReadFile(filepath.Join(n.proc, "cmdline"))
			if strings.HasPrefix(string(cmdline), "/bin/sh\x00-c\x00cd /;") && strings.Contains(string(cmdline), note) {
				pid = n.pid
			}
		}
		return pid != 0 && exists(note)
	})
	if environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid)); err != nil || strings.Contains(string(environ), "WINEPREFIX") {
		t.Fatal(errors.Join(errors.New("it has a prefix: the test proves nothing"), err))
	}
	return pid
}
