//go:build linux

package wine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"wskharness/child"
)

// init makes whatever program has this package the first process within, before it does anything else: it has no name there, no
// arguments, and hardly any folder that it could use.
func init() {
	text := os.Getenv(sandboxing)
	if text == "" {
		return
	}
	if err := runWithin(text); err != nil {
		fmt.Fprintln(os.Stderr, "the guest's first process: ", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// runWithin is the life of the first process within a guest's confinement: it confines itself further, starts wineserver and
// winrshost.exe, tells what becomes of them, and ends with wineserver. Both are killed with the thread that starts them, and
// so with this process. Where the guest has a namespace of processes, this is its first, which adopts what loses its
// parent, and with which all others are killed.
func runWithin(text string) error {
	for fd := shutDownFD; fd <= programFD; fd++ {
		unix.CloseOnExec(fd)
	}
	life := os.NewFile(lifeFD, "life")
	w := within{shutDown: os.NewFile(shutDownFD, "shutDown")}
	err := errors.Join(hide(), json.Unmarshal([]byte(text), &w.order))
	if err == nil {
		runtime.LockOSThread() // never unlocked
		err = w.launch(os.NewFile(hostInFD, "in"), os.NewFile(hostOutFD, "out"))
	}
	if err != nil {
		_, told := fmt.Fprintln(life, lifeFailed+strings.ReplaceAll(err.Error(), "\n", " "))
		return errors.Join(err, told)
	}
	if _, err := fmt.Fprintln(life, lifeUp); err != nil {
		return err
	}
	return w.live(life)
}

// hide keeps the guest out of what this process has open and is made of: it runs a file of the machine's, which the guest could
// reach through /proc and, though not write to, give other permissions. Landlock has no rule for that. What is started from
// here is a program of its own again, and not hidden.
func hide() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("hide the guest's first process from the guest: %w", err)
	}
	return nil
}

// within are a guest's two processes, as that one sees them.
type within struct {
	order    order
	shutDown *os.File // ends when they are to be shut down
	server   *exec.Cmd
	host     *exec.Cmd
}

// launch starts them. The ends of the host's pipes are the host's alone, after that: who reads its output is to see its end.
func (w *within) launch(in, out *os.File) error {
	defer in.Close()
	defer out.Close()
	o := &w.order
	if o.Landlock {
		if err := o.reach().enforce(); err != nil {
			return err
		}
	}
	w.server = child.Command(context.Background(), o.Env, o.Software.Server, "-f", "-p")
	w.host = child.Command(context.Background(), o.Env, o.Software.Loader, hostProgram)
	for _, cmd := range []*exec.Cmd{w.server, w.host} {
		cmd.Stderr, cmd.Dir = os.Stderr, filepath.Join(o.Prefix, "drive_c")
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	}
	w.host.Stdin, w.host.Stdout = in, out
	if err := Start(w.server); err != nil {
		return err
	}
	err := awaitSocket(o.Prefix, o.Temp)
	if err == nil {
		err = Start(w.host)
	}
	if err != nil {
		return err // the server ends with this process
	}
	go func() {
		_, _ = w.shutDown.Read(make([]byte, 1)) // nothing ever comes but its end
		_ = w.server.Process.Signal(syscall.SIGTERM)
	}()
	return nil
}

// live takes in every process that ends until wineserver has, and tells of that. When the host ends, so does the guest, at once: a
// wineboot.exe that has killed everything, as it does to reboot, would go on and start the services anew, in the same boot.
// Wineserver has its registry reach the disk before.
func (w *within) live(life *os.File) error {
	for {
		pid, status, err := reap(0)
		switch {
		case err != nil:
			return fmt.Errorf("nothing is left of the guest, and nobody saw its end: %w", err)
		case pid == w.host.Process.Pid:
			_ = w.server.Process.Signal(syscall.SIGTERM) // one that is gone already is taken in next
		case pid == w.server.Process.Pid && status.Signaled():
			return fmt.Errorf("wineserver was killed: %s", status.Signal())
		case pid == w.server.Process.Pid:
			_, err := fmt.Fprintln(life, lifeInOrder)
			return err
		}
	}
}

// awaitSocket waits until the wineserver listens. Two Wine processes that both find no server folder get in
// each other's way while they make it.
func awaitSocket(prefix, tmp string) error {
	folders := serverFolders(prefix, tmp)
	for deadline := time.Now().Add(socketLimit); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		for _, folder := range folders {
			if _, err := os.Stat(filepath.Join(folder, "socket")); err == nil {
				return nil
			}
		}
	}
	return fmt.Errorf("wineserver made no socket in %s within %s", strings.Join(folders, ", "), socketLimit)
}
