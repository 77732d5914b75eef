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

// runWithin is the life of the first process within a guest's confinement: it confines itself further, starts wineserver and
// winrshost.exe, tells what becomes of them, and ends with them. Both are killed with the thread that starts them, and
// so with this process.
func runWithin(text string) error {
	for fd := shutDownFD; fd <= programFD; fd++ {
		unix.CloseOnExec(fd)
	}
	life := os.NewFile(lifeFD, "life")
	w := within{shutDown: os.NewFile(shutDownFD, "shutDown"), gone: make(chan struct{})}
	err := json.Unmarshal([]byte(text), &w.order)
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
	if err := w.hostEnds(); err != nil {
		return err // without a word: it is not in order
	}
	if _, err = fmt.Fprintln(life, lifeInOrder); err != nil {
		return err
	}
	life.Close()
	<-w.gone
	return nil
}

// within are a guest's two processes, as that one sees them.
type within struct {
	order    order
	shutDown *os.File // ends when they are to be shut down
	server   *exec.Cmd
	host     *exec.Cmd
	gone     chan struct{} // closed when wineserver has ended
}

// launch starts them. The ends of the host's pipes are the host's alone, after that: who reads its output is to see its end.
func (w *within) launch(in, out *os.File) error {
	defer in.Close()
	defer out.Close()
	o := &w.order
	if o.Landlock {
		if err := (reach{prefix: o.Prefix, temp: o.Temp, see: readable(o.Software.Loader)}).enforce(); err != nil {
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
		_ = w.server.Wait()
		_ = w.host.Process.Kill() // what is left of a guest without its wineserver waits for ever
		close(w.gone)
	}()
	go func() {
		_, _ = w.shutDown.Read(make([]byte, 1)) // nothing ever comes but its end
		_ = w.server.Process.Signal(syscall.SIGTERM)
	}()
	return nil
}

// killedTogether is how long a wineserver that was killed may need to be gone when its processes are already.
const killedTogether = 200 * time.Millisecond

// hostEnds waits for the host's end; it is an error if the reason is that wineserver was killed.
func (w *within) hostEnds() error {
	_ = w.host.Wait()
	select {
	case <-w.gone:
		if status, ok := w.server.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			return errors.New("wineserver was killed: " + status.Signal().String())
		}
	case <-time.After(killedTogether): // it lives: the host has ended by itself
	}
	return nil
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
