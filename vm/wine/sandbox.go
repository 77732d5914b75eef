//go:build linux

package wine

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"

	"wskharness/child"
)

// sandboxing, in the environment, makes this program the first process within a guest's confinement; its value is its order.
const sandboxing = "WSKHARNESS_WINE_SANDBOX"

// What the first process within is started with.
const (
	shutDownFD = 3 + iota // to read: the guest is to be shut down when it ends
	lifeFD                // to write: what becomes of the guest
	hostInFD              // winrshost.exe's standard input …
	hostOutFD             // … and output
	programFD             // this program
)

// What is said on lifeFD, a line each. It ends without a word when the guest is killed.
const (
	lifeUp      = "up"       // both processes have been started
	lifeInOrder = "in order" // wineserver has ended, by itself or because it was asked to
	lifeFailed  = "failed: " // what comes behind is why they could not be
)

// order is what is to be started within: Wine's wineserver and winrshost.exe in a prefix.
type order struct {
	Software Software `json:"software"`
	Prefix   string   `json:"prefix"`
	Temp     string   `json:"temp"`
	Env      []string `json:"env"`
	Landlock bool     `json:"landlock"` // confine them by it, or fail
}

// reach is what they may reach.
func (o *order) reach() reach {
	return reach{prefix: o.Prefix, temp: o.Temp, see: readable(o.Software.Loader)}
}

// sandbox is a guest's processes and what confines them, as the process sees it that serves the guest.
type sandbox struct {
	in       io.WriteCloser // winrshost.exe's standard input …
	out      io.ReadCloser  // … and output
	shutDown func()         // asks for an end in order: the registry reaches the disk
	kill     func()         // ends the processes that were started here, and with them all that are within
	gone     chan struct{}  // closed when these have ended
	told     chan struct{}  // closed when nothing more is told of the guest's life: it has ended
	inOrder  bool           // and was not killed; set before that
}

// enter starts a guest's processes in their confinement, with what they print in the console. They are killed with the
// thread that starts them, which lives until kill is called, and so with this process, however that ends.
func enter(ctx context.Context, o order, c enclosure, console *os.File) (*sandbox, error) {
	text, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	program, err := os.Open("/proc/self/exe") // within, it may have no name
	if err != nil {
		return nil, err
	}
	defer program.Close()
	ends, err := pipes(4)
	if err != nil {
		return nil, err
	}
	shut, life, in, out := ends[0], ends[1], ends[2], ends[3]
	env := slices.Concat(o.Env, []string{sandboxing + "=" + string(text), "GORACE=" + os.Getenv("GORACE")})
	args := []string{"/proc/self/exe"}
	if c.Bubblewrap != "" {
		args = append(c.arguments(o.reach()), fmt.Sprintf("/proc/self/fd/%d", programFD))
	}
	cmd := child.Command(context.Background(), env, args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr, cmd.Dir = console, console, "/"
	cmd.ExtraFiles = []*os.File{shut.read, life.write, in.read, out.write, program}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	s := &sandbox{
		in: in.write, out: out.read, gone: make(chan struct{}), told: make(chan struct{}),
		shutDown: func() { shut.write.Close() },
	}
	ended, launched := make(chan struct{}), make(chan error, 1)
	s.kill = sync.OnceFunc(func() {
		close(ended)
		s.shutDown()
	})
	stop := context.AfterFunc(ctx, s.kill)
	defer stop()
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
		err := cmd.Start()
		launched <- err
		if err != nil {
			return
		}
		go func() { _ = cmd.Wait(); close(s.gone) }() // how it ended is told by itself
		<-ended
		_ = cmd.Process.Kill()
		<-s.gone
	}()
	err = <-launched
	for _, f := range cmd.ExtraFiles {
		f.Close()
	}
	if err != nil {
		close(s.gone)
		return s, errors.Join(err, shut.write.Close(), life.read.Close(), s.in.Close(), s.out.Close())
	}
	up := make(chan error, 1)
	go s.listen(life.read, up)
	if err := <-up; err != nil {
		return s, errors.Join(err, s.in.Close(), s.out.Close())
	}
	return s, nil
}

// listen hears what becomes of the guest; up is told whether it is up.
func (s *sandbox) listen(life *os.File, up chan<- error) {
	defer close(s.told)
	defer life.Close()
	lines := bufio.NewScanner(life)
	err := errors.New("what confines the guest ended before that was up")
	if lines.Scan() {
		err = nil
		if why, failed := strings.CutPrefix(lines.Text(), lifeFailed); failed {
			err = errors.New(why)
		}
	}
	up <- err
	for lines.Scan() {
		s.inOrder = s.inOrder || lines.Text() == lifeInOrder
	}
}

// pipe is one, and its two ends.
type pipe struct{ read, write *os.File }

func pipes(n int) (made []pipe, err error) {
	for range n {
		var p pipe
		if p.read, p.write, err = os.Pipe(); err != nil {
			break
		}
		made = append(made, p)
	}
	if err != nil {
		for _, p := range made {
			err = errors.Join(err, p.read.Close(), p.write.Close())
		}
	}
	return made, err
}
