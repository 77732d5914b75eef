package wine

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
)

// guarding, in the environment, makes Serve the guard of a guest.
const guarding = "WSKHARNESS_WINE_GUARD"

// guard outlives the process that serves a guest by a moment: should that be killed, the guard ends the
// guest's processes and removes what is left. The kernel alone does not: PDEATHSIG reaches wineserver and
// winrshost.exe only, and a Wine process that waits notices the end of its wineserver when it next calls it,
// which may be never. A guard that is killed, too, leaves the rest to Sweep.
type guard struct {
	cmd  *exec.Cmd
	life *os.File // the guard's other end is at its end when this process is
}

// startGuard runs this program anew, with the same arguments.
func startGuard() (*guard, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start the guest's guard: %w", err)
	}
	defer read.Close()
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Args[0] = os.Args[0] // a program may go by its name, as a busybox does, and a test binary
	cmd.Env = append(os.Environ(), guarding+"=1")
	cmd.ExtraFiles = []*os.File{read}
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		write.Close()
		return nil, fmt.Errorf("start the guest's guard: %w", err)
	}
	return &guard{cmd: cmd, life: write}, nil
}

// dismiss ends the guard after its guest is gone.
func (g *guard) dismiss() error {
	g.life.Close()
	if err := g.cmd.Wait(); err != nil {
		return fmt.Errorf("dismiss the guest's guard: %w", err)
	}
	return nil
}

// keepGuard is the guard's own side. It does nothing until the process that it watches has ended.
func keepGuard(dir string, life *os.File) error {
	_, _ = io.Copy(io.Discard, life) // nothing is written: it only ends
	if _, err := os.Stat(dir); err != nil {
		return nil // in order: the guest removed itself
	}
	return remove(dir)
}
