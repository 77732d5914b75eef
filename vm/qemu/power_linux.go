package qemu

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"wskharness/vm"
	"wskharness/vm/qmp"
)

// Whoever calls these holds s.power.

// start runs the guest's disk as it is, or from its snapshot.
func (s *server) start(ctx context.Context, load bool) error {
	m, err := launch(ctx, &s.config, s.lease.Dir, load, s.lease.Lock, s.happened)
	if err != nil {
		return err
	}
	go s.console.follow(m.serial)
	s.mu.Lock()
	s.vm = m
	s.mu.Unlock()
	go s.watch(m)
	return s.save()
}

// watch waits for a QEMU that ends by itself, or is killed: nothing is left that could be served.
func (s *server) watch(m *instance) {
	<-m.qemu.Ended
	<-m.monitor.Ended() // all that it had to tell is told
	if m.ordered.Load() {
		return
	}
	why := "QEMU has ended"
	if m.qemu.Err != nil {
		why += ": " + m.qemu.Err.Error()
	}
	if said := m.said.String(); said != "" {
		why += ": " + explain(said)
	}
	s.claims.tell(vm.Event{Kind: vm.Stopped, Time: time.Now().UTC(), Text: why})
	s.log.Warn("the guest is gone", "reason", why)
	s.stop()
}

// happened takes in an event of QEMU's.
func (s *server) happened(m *instance, e qmp.Event) {
	m.note(e)
	h := meaning(e)
	if h.event == nil {
		return
	}
	s.mu.Lock()
	quiet, life := s.quiet, s.lives
	s.mu.Unlock()
	switch h.event.Kind {
	case vm.Panicked:
		if m.crashed.Swap(true) && !h.paused {
			return // told by another device of the VM, too
		}
	case vm.Reset:
		m.crashed.Store(false)
		if m.booting.Load() {
			return // that it starts was asked for
		}
	}
	if h.paused {
		go s.crashed(m, life, *h.event)
		return
	}
	if !quiet {
		s.claims.tell(*h.event)
	}
}

// crashed dumps the memory of a guest that stands still since it has crashed, and has it go on: Windows writes its own dump then.
func (s *server) crashed(m *instance, life int, e vm.Event) {
	s.power.Lock()
	defer s.power.Unlock()
	s.mu.Lock()
	over := s.vm != m || s.lives != life
	s.mu.Unlock()
	if over {
		return
	}
	s.claims.tell(e)
	ctx, cancel := context.WithTimeout(context.Background(), dumpLimit)
	defer cancel()
	path := filepath.Join(s.lease.Dir, crashFile)
	err := os.Remove(path) // of an earlier crash
	if err == nil || errors.Is(err, os.ErrNotExist) {
		s.crashFormat, err = m.dump(ctx, path)
	}
	if err != nil {
		s.log.Warn("dump the memory of a guest that has crashed", "error", err)
	}
	if err := m.resume(ctx); err != nil {
		s.log.Warn("have a guest go on that has crashed", "error", err)
	}
}

// fresh makes the guest's files anew, as they are in its clean state. loaded says that they have a snapshot to go on from.
func (s *server) fresh(ctx context.Context) (loaded bool, err error) {
	dir := s.lease.Dir
	for _, name := range []string{diskFile, varsFile, crashFile} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return false, fmt.Errorf("clear the guest's disk: %w", err)
		}
	}
	tpm := filepath.Join(dir, tpmFolder)
	if err := os.RemoveAll(tpm); err != nil {
		return false, fmt.Errorf("clear the guest's TPM: %w", err)
	}
	s.crashFormat, s.saved = "", s.config.Template != ""
	if s.saved {
		return true, s.fromTemplate(ctx)
	}
	clean := &s.config.Clean
	var wait sync.WaitGroup
	var diskErr, varsErr error
	wait.Go(func() {
		diskErr = makeImage(ctx, "make the guest's disk", "create", "-q", "-f", "qcow2", "-b", clean.Disk, "-F", clean.Format, filepath.Join(dir, diskFile))
	})
	if clean.Vars != "" {
		varsErr = makeImage(ctx, "copy the UEFI variables", "convert", "-f", clean.VarsFormat, "-O", "qcow2", clean.Vars, filepath.Join(dir, varsFile))
	}
	wait.Wait()
	if err := errors.Join(diskErr, varsErr); err != nil {
		return false, err
	}
	if !s.config.Spec.TPM {
		return false, nil
	}
	if clean.TPM != "" {
		return false, copyFolder(ctx, clean.TPM, tpm)
	}
	return false, os.Mkdir(tpm, 0o700)
}

// fromTemplate copies the files of a guest that is up.
func (s *server) fromTemplate(ctx context.Context) error {
	err := copyFolder(ctx, s.config.Template, s.lease.Dir)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w: %w", errNoSnapshot, err)
	}
	return err
}

// revert brings the guest back to its clean state. loaded says that it goes on from a snapshot: else it boots.
func (s *server) revert(ctx context.Context) (loaded bool, err error) {
	defer s.hush()()
	defer s.claims.forget()
	m := s.running()
	if m != nil && s.saved {
		err := m.load(ctx, s.config.Spec.nodes())
		if err == nil {
			err = os.Remove(filepath.Join(s.lease.Dir, crashFile))
			s.crashFormat = ""
		}
		if err == nil || errors.Is(err, os.ErrNotExist) {
			return true, nil
		}
		if ctx.Err() != nil {
			return false, err
		}
		s.log.Warn("the guest can't go back to its snapshot: it starts anew", "error", err)
	}
	if m != nil {
		s.end(m)
	}
	if loaded, err = s.fresh(ctx); err != nil {
		return false, err
	}
	return loaded, s.start(ctx, loaded)
}

// hush has nobody told of what the VM does until the function is called that it returns. What is underway when it begins is of a
// life that is over.
func (s *server) hush() (speak func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.quiet = true
	s.lives++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.quiet = false
	}
}

// end ends the VM; its files stay.
func (s *server) end(m *instance) {
	m.end()
	s.mu.Lock()
	s.vm = nil
	s.mu.Unlock()
}

var errOff = errors.New("the guest is off")

func (s *server) reset(ctx context.Context) error {
	m := s.running()
	if m == nil {
		return s.start(ctx, false)
	}
	return m.reset(ctx)
}

func (s *server) turnOn(ctx context.Context) error {
	if s.isOn(ctx) == vm.On {
		return nil
	}
	return s.reset(ctx)
}

func (s *server) turnOff() {
	if m := s.running(); m != nil {
		s.end(m)
	}
}

func (s *server) isOn(ctx context.Context) vm.Power {
	m := s.running()
	if m == nil {
		return vm.Off
	}
	switch word, err := m.status(ctx); {
	case err != nil:
		return vm.Unknown
	case word == "shutdown":
		return vm.Off
	}
	return vm.On
}

func (s *server) injectNMI(ctx context.Context) error {
	m := s.running()
	if m == nil {
		return errOff
	}
	return m.monitor.Run(ctx, "inject-nmi", nil, nil)
}

// snapshot keeps what the guest is now in its own disk, as its clean state.
func (s *server) snapshot(ctx context.Context) error {
	m := s.running()
	if m == nil {
		return errOff
	}
	defer s.hush()()
	if err := m.monitor.Job(ctx, "snapshot-save", snapshotJob(s.config.Spec.nodes())); err != nil {
		advice := "see that the disk that has the guest's folder has room for the guest's memory"
		if text := err.Error(); strings.Contains(text, "migrat") || strings.Contains(text, "does not support") {
			advice = "say warm: false, or leave the device out of args"
		}
		return fmt.Errorf("keep the state of a guest that is up: %w: %s", err, advice)
	}
	s.saved = true
	return nil
}
