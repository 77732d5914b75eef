package child

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"time"
)

const (
	// grace is how long what a program has left running may go on to write, once the program itself has ended: the
	// last of a pipeline that nobody waits for. It decides what is kept of their output, and nothing else.
	grace = 2 * time.Second
	// maxPipe is the most that a pipe holds, in bytes (fs.pipe-max-size, for who has no privileges).
	maxPipe = 1 << 20
)

// Run starts a command as a group of its own, a process group or a job, and waits for its end. The error is about that
// alone: how the program itself ended (*exec.ExitError), that it could not be started, or that what it wrote could not be kept.
// The group is killed when the command's context ends.
//
// Somebody else may have the program's output open when it has ended: the daemon of a compiler cache, whatever it put into
// the background. Its standard output and error (an io.Writer each, or the same for both) then get what was written by
// then, the pipe is closed, and Held says who it is. Nobody is killed for that.
//
// With exec.Cmd's own WaitDelay such a program fails (exec.ErrWaitDelay), and without one it is waited for until the daemon ends.
func Run(ctx context.Context, cmd *exec.Cmd) (Held, error) { return run(ctx, cmd, &group{}) }

// RunGroup is Run of a program that leaves nothing behind: what is left of its group when it has ended is killed. What has
// left the group (setsid; a breakaway from the job) is its user's, and goes on.
//
// When this process is killed, its children go, too, as far as the system does that: Linux kills the program, and only that;
// Windows everything of the job; macOS nothing.
func RunGroup(ctx context.Context, cmd *exec.Cmd) (Held, error) {
	return run(ctx, cmd, &group{whole: true})
}

func run(ctx context.Context, cmd *exec.Cmd, g *group) (Held, error) {
	defer g.end()
	if err := g.prepare(cmd); err != nil {
		return Held{}, err
	}
	cmd.Cancel = g.kill
	outputs, err := connect(cmd)
	if err != nil {
		return Held{}, err
	}
	if err = cmd.Start(); err == nil {
		err = g.begin(cmd)
	}
	outputs.begin()
	if err != nil {
		return Held{}, errors.Join(err, outputs.end())
	}
	err = cmd.Wait() // for the program alone: its outputs are files
	outputs.await(ctx, grace)
	held := outputs.holders(g)
	return held, errors.Join(err, outputs.end())
}

// output is a pipe from a program to where what it writes belongs.
type output struct {
	read, write *os.File
	to          io.Writer
	copied      chan struct{} // closed when nothing more is read
	err         error         // why what came could not be kept; of whoever has seen copied closed
}

type outputs []*output

// connect puts pipes in the place of the command's writers. A file that it was given stays, and nobody waits for it.
func connect(cmd *exec.Cmd) (outputs, error) {
	var all outputs
	pass := func(to io.Writer) (io.Writer, error) {
		if _, isFile := to.(*os.File); to == nil || isFile {
			return to, nil
		}
		read, write, err := pipe()
		if err != nil {
			return nil, err
		}
		all = append(all, &output{read: read, write: write, to: to, copied: make(chan struct{})})
		return write, nil
	}
	same := cmd.Stdout == cmd.Stderr
	var err, more error
	cmd.Stdout, err = pass(cmd.Stdout)
	if same {
		cmd.Stderr = cmd.Stdout
	} else {
		cmd.Stderr, more = pass(cmd.Stderr)
	}
	if err = errors.Join(err, more); err != nil {
		all.begin() // and at its end at once
		return nil, errors.Join(err, all.end())
	}
	return all, nil
}

// begin copies what comes. The other ends are the program's alone from here on.
func (all outputs) begin() {
	for _, o := range all {
		o.write.Close()
		go o.copy()
	}
}

// copy keeps what comes until the end of the pipe, or until it is told to stop (end). Where it can't be kept the pipe is
// closed, and the program is told so when it writes more.
func (o *output) copy() {
	defer close(o.copied)
	_, o.err = io.Copy(o.to, o.read)
	if errors.Is(o.err, os.ErrDeadlineExceeded) {
		o.err = o.drain()
	}
	o.read.Close()
}

// drain keeps what is in the pipe, and waits for nothing.
func (o *output) drain() error {
	if err := o.read.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	piece := make([]byte, 64<<10)
	for left := maxPipe; left > 0; { // whoever holds the pipe may go on filling it
		n, err := readNow(o.read, piece)
		if n == 0 || err != nil {
			return err
		}
		if _, err := o.to.Write(piece[:n]); err != nil {
			return err
		}
		left -= n
	}
	return nil
}

// await waits until all outputs have come to their ends, for this time at most, and until ctx ends.
func (all outputs) await(ctx context.Context, within time.Duration) {
	timer := time.NewTimer(within)
	defer timer.Stop()
	for _, o := range all {
		select {
		case <-o.copied:
		case <-timer.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// end stops copying, with what is in the pipes now, and says what could not be kept.
func (all outputs) end() error {
	var errs []error
	for _, o := range all {
		_ = o.read.SetReadDeadline(time.Unix(1, 0)) // closed already, where it came to its end
		<-o.copied
		errs = append(errs, o.err)
	}
	return errors.Join(errs...)
}
