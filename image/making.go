package image

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"wskharness/child"
	"wskharness/disk"
	"wskharness/image/disc"
	"wskharness/vm/lease"
)

// Made is an image that is whole.
type Made struct {
	Dir     string
	Snippet string // what a target says that is started from it, for wskharness.yaml
	Took    time.Duration
}

// making is an image that is not whole yet: a folder NAME.making/image with its lock, which nobody takes for an image, and
// which the next one that makes NAME removes where its maker is gone.
type making struct {
	plan    *Plan
	lease   *lease.Lease
	room    string
	id      *identity
	log     *os.File
	tell    func(text string)
	version string // of QEMU
}

const (
	roomSuffix   = ".making"
	folderName   = "image"
	passwordName = "password"
	caName       = "ca.pem"
	recordName   = "image.json"
	snippetName  = "wskharness.yaml"
)

// Run does what was planned; tell gets a line now and then. Whatever fails, and where ctx ends, nothing is left but the log of
// the installation and its last screen, beside the folder that was to be (its name and .install.log, .screen.png).
func (p *Plan) Run(ctx context.Context, tell func(text string)) (made *Made, err error) {
	if err := canInstall(); err != nil {
		return nil, err
	}
	begun := time.Now()
	m, err := p.begin(tell)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, m.end(err != nil)) }()
	if err := m.prepare(ctx); err != nil {
		return nil, fmt.Errorf("prepare the installation: %w", err)
	}
	if err := m.install(ctx); err != nil {
		return nil, err
	}
	if err := m.complete(ctx, begun); err != nil {
		return nil, fmt.Errorf("complete the image: %w", err)
	}
	return &Made{Dir: p.out, Snippet: p.snippet(), Took: time.Since(begun)}, nil
}

// begin makes the folder, when it has removed what a maker has left that was killed.
func (p *Plan) begin(tell func(string)) (*making, error) {
	m := &making{plan: p, room: p.out + roomSuffix, tell: tell}
	swept, err := lease.Sweep(m.room, (*lease.Lease).Discard)
	if err != nil {
		return nil, fmt.Errorf("remove what is left of an earlier installation: %w", err)
	}
	if len(swept) > 0 {
		tell("what was left of an installation that was killed is removed")
	}
	m.lease, err = lease.Make(m.room, folderName)
	if err != nil {
		if lease.Held(filepath.Join(m.room, folderName)) {
			err = fmt.Errorf("somebody is just making it (%s is in use)", m.room)
		}
		return nil, fmt.Errorf("make %s: %w", p.out, err)
	}
	if m.id, err = newIdentity(time.Now(), computer); err == nil {
		m.log, err = os.OpenFile(m.path(logName), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	}
	if err != nil {
		return nil, errors.Join(err, m.end(false))
	}
	return m, nil
}

func (m *making) path(name string) string { return filepath.Join(m.lease.Dir, name) }

// end removes the folder, and keeps what tells why there is no image.
func (m *making) end(failed bool) error {
	var err error
	if m.log != nil {
		err = m.log.Close()
	}
	for name, beside := range map[string]string{logName: ".install.log", screenName: ".screen.png"} {
		if failed {
			if renamed := os.Rename(m.path(name), m.plan.out+beside); renamed == nil {
				m.tell("kept: " + m.plan.out + beside)
			}
		}
	}
	if _, gone := os.Lstat(m.lease.Dir); gone == nil {
		err = errors.Join(err, m.lease.Discard())
	} else {
		m.lease.LetGo()
	}
	if removed := os.Remove(m.room); removed != nil && !errors.Is(removed, fs.ErrNotExist) && !isNotEmpty(removed) {
		err = errors.Join(err, removed)
	}
	return err
}

// prepare makes the files that the machine has.
func (m *making) prepare(ctx context.Context) error {
	answers, err := m.plan.answers(m.id).Files()
	if err != nil {
		return err
	}
	iso, err := disc.Write(m.path("answers"), "WSKHARNESS", answers)
	if err == nil {
		err = os.WriteFile(m.path(answersName), iso, 0o600)
	}
	if err != nil {
		return fmt.Errorf("make the answer disc: %w", err)
	}
	if m.plan.firmware != nil {
		vars, err := os.ReadFile(m.plan.firmware.vars)
		if err == nil {
			err = os.WriteFile(m.path(varsName), vars, 0o600)
		}
		if err != nil {
			return fmt.Errorf("copy UEFI's variables: %w", err)
		}
	}
	if m.plan.tpm {
		if err := os.Mkdir(m.path(tpmName), 0o700); err != nil {
			return err
		}
	}
	return m.qemuImg(ctx, "create", "-q", "-f", "qcow2", diskName, fmt.Sprint(m.plan.options.Disk))
}

// qemuImg runs qemu-img in the folder.
func (m *making) qemuImg(ctx context.Context, args ...string) error {
	env, err := child.Environment{}.List()
	if err != nil {
		return err
	}
	cmd := child.Command(ctx, env, "qemu-img", args...)
	cmd.Dir = m.lease.Dir
	said := &child.Tail{Most: tailSize}
	cmd.Stdout, cmd.Stderr = said, said
	if _, err := child.Run(ctx, cmd); err != nil {
		return fmt.Errorf("qemu-img %s: %w%s", args[0], err, after(": ", said))
	}
	return nil
}

// complete gives the image its name: when it is looked through, all files are on the disk, and what only the installation
// needed is gone.
func (m *making) complete(ctx context.Context, begun time.Time) error {
	if err := m.qemuImg(ctx, "check", "-q", diskName); err != nil {
		return err
	}
	for _, name := range []string{answersName, screenName, tpmSocketName} {
		if err := os.Remove(m.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := os.RemoveAll(m.path(tpmName)); err != nil { // each machine gets a TPM of its own
		return err
	}
	record, err := m.record(begun)
	if err != nil {
		return err
	}
	for name, data := range map[string][]byte{
		passwordName: []byte(m.id.password.Reveal() + "\n"), caName: m.id.authorityPEM(), recordName: record, snippetName: []byte(m.plan.snippet()),
	} {
		mode := fs.FileMode(0o644)
		if name == passwordName {
			mode = 0o600
		}
		if err := disk.Replace(disk.OS(), m.path(name), data, mode); err != nil {
			return err
		}
	}
	// Whoever starts a machine from it writes to an overlay of his own.
	for _, name := range []string{diskName, varsName} {
		if err := toDisk(m.path(name), 0o444); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := m.log.Sync(); err != nil {
		return err
	}
	if err := errors.Join(disk.OS().SyncFolder(m.lease.Dir), os.Chmod(m.lease.Dir, 0o755)); err != nil {
		return err
	}
	if _, err := os.Lstat(m.plan.out); err == nil {
		return fmt.Errorf("%s has come to be there meanwhile", m.plan.out)
	}
	if err := os.Rename(m.lease.Dir, m.plan.out); err != nil {
		return err
	}
	_ = os.Remove(filepath.Join(m.plan.out, lockName)) // it is no lease any more
	for _, beside := range []string{".install.log", ".screen.png"} {
		_ = os.Remove(m.plan.out + beside) // an earlier attempt's
	}
	return disk.OS().SyncFolder(filepath.Dir(m.plan.out))
}

// lockName is the lock that package lease puts into a folder.
const lockName = "lock"

// toDisk has what was written to a file reach the disk, and gives it its mode.
func toDisk(path string, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Chmod(mode), f.Close())
}
