package qemu

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"wskharness/child"
	"wskharness/vm/qmp"
)

// instance is a QEMU that runs, and its TPM.
type instance struct {
	qemu    *child.Tied
	tpm     *child.Tied // nil: there is none
	monitor *qmp.Monitor
	serial  net.Conn
	said    *child.Tail
	port    int // of this machine, where the guest's WinRM is reached

	ordered atomic.Bool // it is to end
	crashed atomic.Bool // in this boot of the guest
	booting atomic.Bool // since it was told to: it may start anew in that, as the BIOS does by itself after a reset
	offNow  chan struct{}
	resets  chan struct{}
}

// greetingLimit is how long QEMU may take to be there: it reads its images first, and a snapshot where it has one.
const greetingLimit = 5 * time.Minute

// launch starts QEMU, and returns when it is in command mode. tell gets its events.
func launch(ctx context.Context, c *guestConfig, dir string, load bool, lock *os.File, tell func(*instance, qmp.Event)) (m *instance, err error) {
	ctx, cancel := context.WithTimeout(ctx, greetingLimit)
	defer cancel()
	m = &instance{said: &child.Tail{Most: maxTail}, offNow: make(chan struct{}, 1), resets: make(chan struct{}, 1)}
	m.booting.Store(!load)
	env, err := child.Environment{}.List()
	if err != nil {
		return nil, err
	}
	monitor, theirMonitor, err := child.Pair("QEMU's monitor")
	if err != nil {
		return nil, err
	}
	defer theirMonitor.Close()
	serial, theirSerial, err := child.Pair("the serial console")
	if err != nil {
		monitor.Close()
		return nil, err
	}
	defer theirSerial.Close()
	m.serial = serial
	files := []*os.File{theirMonitor, theirSerial, lock}
	if c.Spec.TPM {
		tpm, err := m.startTPM(env, dir)
		if err != nil {
			monitor.Close()
			m.end()
			return nil, err
		}
		defer tpm.Close()
		files = append(files, tpm)
	}
	cmd := child.Command(context.Background(), env, c.Program, c.Spec.arguments(c.ID, dir, load)...)
	cmd.Stdout, cmd.Stderr = m.said, m.said
	cmd.ExtraFiles = files
	cmd.Dir = c.Spec.Folder
	cmd.WaitDelay = time.Second // what a user's arguments have it start may have its output open
	if m.qemu, err = child.StartTied(cmd); err != nil {
		monitor.Close()
		m.end()
		return nil, fmt.Errorf("%w: see that QEMU is installed (apt-get install --no-install-recommends qemu-system-x86)", err)
	}
	theirMonitor.Close() // so that its end is the end of the connection
	m.monitor, err = qmp.Connect(ctx, monitor, func(e qmp.Event) { tell(m, e) })
	if err == nil {
		err = m.findPort(ctx, c.Spec.Port)
	}
	if err == nil && load {
		err = m.load(ctx, c.Spec.nodes())
	}
	if err == nil {
		return m, nil
	}
	select {
	case <-m.qemu.Ended:
	case <-time.After(time.Second): // it is not QEMU's end that is wrong
	}
	m.end()
	if failed, ok := errors.AsType[*qmp.JobError](err); ok {
		return nil, fmt.Errorf("%w: %s", errNoSnapshot, explain(failed.Desc))
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("start QEMU: %w", context.Cause(ctx))
	}
	if said := m.said.String(); said != "" {
		return nil, fmt.Errorf("start QEMU: %s", explain(said))
	}
	return nil, fmt.Errorf("start QEMU: %w (it ended: %v)", err, m.qemu.Err)
}

// startTPM starts the program that is the guest's TPM, and returns the end of its connection that QEMU gets. It ends when that
// is closed.
func (m *instance) startTPM(env []string, dir string) (*os.File, error) {
	ours, theirs, err := child.Pair("the TPM")
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	defer ours.Close()
	file, err := ours.(*net.UnixConn).File()
	if err != nil {
		return nil, err
	}
	cmd := child.Command(context.Background(), env, "swtpm", "socket", "--tpm2", "--tpmstate", "dir="+filepath.Join(dir, tpmFolder)+",mode=0600",
		"--ctrl", "type=unixio,clientfd=3", "--terminate")
	cmd.Stdout, cmd.Stderr = m.said, m.said
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.Dir = "/"
	cmd.WaitDelay = time.Second
	if m.tpm, err = child.StartTied(cmd); err != nil {
		file.Close()
		return nil, fmt.Errorf("%w: the target wants a TPM (apt-get install --no-install-recommends swtpm)", err)
	}
	return file, nil
}

func (m *instance) findPort(ctx context.Context, guest int) error {
	text, err := m.monitor.Human(ctx, "info usernet")
	if err != nil {
		return err
	}
	m.port, err = qmp.ForwardedPort(text, guest)
	return err
}

// end ends QEMU at once, and returns when nothing of it runs.
func (m *instance) end() {
	m.ordered.Store(true)
	if m.qemu != nil {
		m.qemu.Kill()
	}
	if m.monitor != nil {
		m.monitor.Close()
	}
	if m.tpm != nil {
		m.tpm.Kill()
	}
	m.serial.Close()
}

// quit ends QEMU in order: its files are whole then.
func (m *instance) quit(ctx context.Context) error {
	m.ordered.Store(true)
	if err := m.monitor.Run(ctx, "quit", nil, nil); err != nil && !errors.Is(err, qmp.ErrClosed) {
		return err
	}
	select {
	case <-m.qemu.Ended:
	case <-ctx.Done():
		return fmt.Errorf("wait for the end of QEMU: %w", context.Cause(ctx))
	}
	m.end()
	if m.qemu.Err != nil {
		return fmt.Errorf("QEMU ended: %w: %s", m.qemu.Err, explain(m.said.String()))
	}
	return nil
}

// status is QEMU's word for what it does: running, paused, shutdown, guest-panicked, ….
func (m *instance) status(ctx context.Context) (word string, err error) {
	var status struct {
		Status string `json:"status"`
	}
	err = m.monitor.Run(ctx, "query-status", nil, &status)
	return status.Status, err
}

// resume has a VM that stands still run again.
func (m *instance) resume(ctx context.Context) error {
	word, err := m.status(ctx)
	if err != nil || word == "running" {
		return err
	}
	return m.monitor.Run(ctx, "cont", nil, nil)
}

// reset is the button.
func (m *instance) reset(ctx context.Context) error {
	select {
	case <-m.resets: // an earlier one
	default:
	}
	m.booting.Store(true)
	if err := m.monitor.Run(ctx, "system_reset", nil, nil); err != nil {
		return err
	}
	select { // before that a VM that has turned itself off can't go on
	case <-m.resets:
	case <-m.monitor.Ended():
		return qmp.ErrClosed
	case <-ctx.Done():
		return fmt.Errorf("wait for the reset: %w", context.Cause(ctx))
	}
	m.crashed.Store(false)
	return m.resume(ctx)
}

func snapshotJob(nodes []string) map[string]any {
	return map[string]any{"tag": snapshotTag, "vmstate": diskNode, "devices": nodes}
}

// load brings the VM back to its snapshot, and has it run, whatever it did before.
func (m *instance) load(ctx context.Context, nodes []string) error {
	if err := m.monitor.Job(ctx, "snapshot-load", snapshotJob(nodes)); err != nil {
		return err
	}
	m.crashed.Store(false)
	m.booting.Store(false)
	return m.resume(ctx)
}

// note follows what the VM does, for whoever waits for it here.
func (m *instance) note(e qmp.Event) {
	wake := func(c chan struct{}) {
		select {
		case c <- struct{}{}:
		default: // it has been woken
		}
	}
	switch e.Name {
	case "RESET":
		wake(m.resets)
	case "SHUTDOWN":
		var data struct {
			Guest bool `json:"guest"`
		}
		if json.Unmarshal(e.Data, &data) == nil && data.Guest {
			wake(m.offNow)
		}
	}
}
