package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"wskharness/child"
	"wskharness/vm/qmp"
)

// installation is a machine that Windows is being installed on.
type installation struct {
	*making
	watch   watch
	qemu    *child.Tied
	tpm     *child.Tied // nil: none
	said    *child.Tail // by QEMU
	monitor *qmp.Monitor
	port    int // of this machine, by which WinRM is reached

	serial chan string
	events chan qmp.Event
	over   chan struct{} // nobody listens any more
}

// How often a person would look, press a key, take a picture.
const (
	lookEvery    = time.Second
	pictureEvery = 15 * time.Second
	started      = 2 * time.Minute // that QEMU may take
)

// How long nothing may happen at all. Windows always has something to write; a machine that waits for somebody has nothing.
const (
	stallKVM = 20 * time.Minute
	stallTCG = 2 * time.Hour
)

// install runs the machine until Windows has answered and has turned itself off.
func (m *making) install(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, m.plan.within, fmt.Errorf("it was not done within %s (--within gives it more)", m.plan.within))
	defer cancel()
	i := &installation{making: m, said: &child.Tail{Most: tailSize}, serial: make(chan string, 64), events: make(chan qmp.Event, 64), over: make(chan struct{})}
	defer i.end()
	if err := i.launch(ctx); err != nil {
		return fmt.Errorf("start the machine: %w%s", err, after(": ", i.said))
	}
	m.tell(fmt.Sprintf("QEMU %s runs the machine; its serial port is kept in %s", m.version, logName))
	if err := i.follow(ctx); err != nil {
		i.picture()
		return fmt.Errorf("install Windows: %w", err)
	}
	return nil
}

// launch starts QEMU, and the TPM before it.
func (i *installation) launch(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, started)
	defer cancel()
	env, err := child.Environment{}.List()
	if err != nil {
		return err
	}
	if i.plan.tpm {
		if err := i.startTPM(ctx, env); err != nil {
			return fmt.Errorf("start the TPM: %w", err)
		}
	}
	ours, theirs, err := child.Pair("QEMU's monitor")
	if err != nil {
		return err
	}
	defer theirs.Close()
	cmd := child.Command(context.Background(), env, i.plan.qemu, i.plan.arguments()...)
	cmd.Dir = i.lease.Dir
	cmd.Stdout, cmd.Stderr = io.MultiWriter(bounded(i.log, largestLog), &lines{take: i.heard}), i.said
	cmd.ExtraFiles = []*os.File{theirs, i.lease.Lock} // with the lock the folder is in use until QEMU has ended
	if i.qemu, err = child.StartTied(cmd); err != nil {
		ours.Close()
		return err
	}
	theirs.Close() // so that QEMU's end is that of the connection
	if i.monitor, err = qmp.Connect(ctx, ours, i.told); err != nil {
		return err
	}
	var v struct {
		QEMU struct{ Major, Minor, Micro int }
	}
	if err := i.monitor.Run(ctx, "query-version", nil, &v); err != nil {
		return err
	}
	i.version = fmt.Sprintf("%d.%d.%d", v.QEMU.Major, v.QEMU.Minor, v.QEMU.Micro)
	text, err := i.monitor.Human(ctx, "info usernet")
	if err != nil {
		return err
	}
	i.port, err = qmp.ForwardedPort(text, winrmPort)
	return err
}

// startTPM starts swtpm, and waits until it can be connected to.
func (i *installation) startTPM(ctx context.Context, env []string) (err error) {
	cmd := child.Command(context.Background(), env, "swtpm", tpmArguments()...)
	cmd.Dir = i.lease.Dir
	cmd.Stdout, cmd.Stderr = i.said, i.said
	if i.tpm, err = child.StartTied(cmd); err != nil {
		return err
	}
	for {
		if _, err := os.Lstat(i.path(tpmSocketName)); err == nil {
			return nil
		}
		select {
		case <-i.tpm.Ended:
			return fmt.Errorf("swtpm ended: %v", i.tpm.Err)
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// end ends all that runs.
func (i *installation) end() {
	close(i.over)
	if i.qemu != nil {
		i.qemu.Kill()
	}
	if i.monitor != nil {
		i.monitor.Close()
	}
	if i.tpm != nil {
		i.tpm.Kill()
	}
}

func (i *installation) heard(line string) {
	select {
	case i.serial <- line:
	case <-i.over:
	}
}

// told takes an event. The events that decide are few; none is lost as long as somebody follows.
func (i *installation) told(e qmp.Event) {
	switch e.Name {
	case "SHUTDOWN", "RESET", "GUEST_PANICKED", "GUEST_CRASHLOADED", "BLOCK_IO_ERROR":
	default:
		return
	}
	select {
	case i.events <- e:
	case <-i.over:
	}
}

// follow is the loop around the watch: it listens, presses keys, takes pictures, and has WinRM proven once Windows starts.
func (i *installation) follow(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	proof, ordered := make(chan error, 1), make(chan struct{})
	proving := false
	var pictured time.Time
	say := func(text string, err error) error {
		if text != "" {
			i.tell(text)
		}
		return err
	}
	stall := stallTCG
	if i.plan.kvm {
		stall = stallKVM
	}
	for {
		if i.watch.phase == settingUp && !proving {
			proving = true
			go func() { proof <- i.prove(ctx, i.port, func() { close(ordered) }) }()
		}
		var err error
		// What was ordered is known before what comes of it.
		turnedOff := func() {
			select {
			case <-ordered:
				i.watch.phase = proven
			default:
			}
		}
		select {
		case line := <-i.serial:
			err = say(i.watch.line(time.Now(), line))
		case e := <-i.events:
			turnedOff()
			err = say(i.watch.event(e))
		case err = <-proof:
			turnedOff()
			if err == nil {
				i.tell("WinRM answers, with the image's certificate and to its password; Windows turns itself off")
			}
		case <-look.C:
			if err = i.look(ctx); err == nil && time.Since(pictured) > pictureEvery {
				pictured = time.Now()
				i.picture()
			}
			if err == nil {
				err = i.watch.stalled(time.Now(), stall)
			}
		case <-i.qemu.Ended:
			turnedOff()
			return i.ended()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if err != nil {
			return err
		}
	}
}

// ended says what QEMU's end means, when all that it has said was heard.
func (i *installation) ended() error {
	for {
		select {
		case line := <-i.serial:
			if _, err := i.watch.line(time.Now(), line); err != nil {
				return err
			}
			continue
		case e := <-i.events:
			if _, err := i.watch.event(e); err != nil {
				return err
			}
			continue
		default:
		}
		break
	}
	switch {
	case i.qemu.Err != nil:
		return fmt.Errorf("QEMU ended while %s: %w%s", i.watch.phase, i.qemu.Err, after(": ", i.said))
	case i.watch.phase != proven:
		return fmt.Errorf("the machine was turned off while %s%s", i.watch.phase, i.watch.where())
	}
	return nil
}

// look asks QEMU what was read and written, and presses a key as long as the disc may want one.
func (i *installation) look(ctx context.Context) error {
	var all []struct {
		Node  string `json:"node-name"`
		Stats struct {
			Read    int64 `json:"rd_bytes"`
			Written int64 `json:"wr_bytes"`
		} `json:"stats"`
	}
	if err := i.monitor.Run(ctx, "query-blockstats", nil, &all); err != nil {
		return i.unlessEnded(err)
	}
	var disc, moved int64
	for _, one := range all {
		if moved += one.Stats.Read + one.Stats.Written; one.Node == windowsNode {
			disc = one.Stats.Read
		}
	}
	i.watch.read(time.Now(), disc, moved)
	if i.watch.phase != booting {
		return nil
	}
	key := map[string]any{"keys": []any{map[string]any{"type": "qcode", "data": "ret"}}}
	return i.unlessEnded(i.monitor.Run(ctx, "send-key", key, nil))
}

// unlessEnded passes over a connection that has ended: QEMU's end says more.
func (i *installation) unlessEnded(err error) error {
	if errors.Is(err, qmp.ErrClosed) {
		return nil
	}
	return err
}

// picture keeps the screen, in the place of the last one. That it can't is no reason to end.
func (i *installation) picture() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	next := screenName + ".new"
	if err := i.monitor.Run(ctx, "screendump", map[string]any{"filename": next, "format": "png"}, nil); err == nil {
		_ = os.Rename(i.path(next), i.path(screenName))
	}
}

// largestLog is how much of the serial port is kept.
const largestLog = 64 << 20

// bounded passes on to a file what it has room for.
func bounded(to io.Writer, size int64) io.Writer { return &limited{to, size} }

type limited struct {
	to   io.Writer
	left int64
}

func (l *limited) Write(b []byte) (int, error) {
	n := min(int64(len(b)), l.left)
	if l.left -= n; n > 0 {
		if _, err := l.to.Write(b[:n]); err != nil {
			l.left = 0 // a log is no reason to end the installation; a full disk ends it by itself
		}
	}
	return len(b), nil
}
