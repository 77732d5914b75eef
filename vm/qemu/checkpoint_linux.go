package qemu

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"wskharness/vm/lease"
)

// quitLimit is how long QEMU may take to write what it has in memory of the guest's disk.
const quitLimit = 5 * time.Minute

// settle ends QEMU in order, and makes a folder of the guest's files, with the snapshot in them, from which others start. Whoever
// asks for it has the lock for that folder.
func (s *server) settle(ctx context.Context, template string) error {
	m := s.running()
	if m == nil || !s.saved {
		return errNoSnapshot
	}
	defer s.hush()()
	if err := s.quit(ctx, m); err != nil {
		return fmt.Errorf("end a guest whose state was kept: %w", err)
	}
	half := template + halfDone
	if err := os.RemoveAll(half); err != nil { // of somebody who was killed here
		return err
	}
	if err := os.MkdirAll(half, 0o700); err != nil {
		return err
	}
	return errors.Join(s.moveFiles(half), os.Rename(half, template))
}

// quit ends the VM in order.
func (s *server) quit(ctx context.Context, m *instance) error {
	ctx, cancel := context.WithTimeout(ctx, quitLimit)
	defer cancel()
	if err := m.quit(ctx); err != nil {
		return err
	}
	s.end(m)
	return nil
}

// halfDone ends the name of a folder that is being made.
const halfDone = ".half"

// moveFiles moves what a guest consists of.
func (s *server) moveFiles(to string) error {
	for _, name := range []string{diskFile, varsFile, tpmFolder} {
		err := os.Rename(filepath.Join(s.lease.Dir, name), filepath.Join(to, name))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// checkpoint turns the guest off, makes its disk the clean one, and boots it again from that. A guest that does not turn itself off
// when its power button is pressed is turned off as by its plug: its file system finds that out when it boots.
func (s *server) checkpoint(ctx context.Context) error {
	m := s.running()
	if m == nil {
		return errOff
	}
	defer s.hush()()
	if err := m.monitor.Run(ctx, "system_powerdown", nil, nil); err != nil {
		return err
	}
	select {
	case <-m.offNow:
	case <-time.After(shutdownLimit):
		s.log.Warn("the guest does not turn itself off when its power button is pressed: it is turned off for the checkpoint", "after", shutdownLimit)
	case <-m.monitor.Ended():
	case <-ctx.Done():
		return fmt.Errorf("wait until the guest has turned itself off: %w", context.Cause(ctx))
	}
	if err := s.quit(ctx, m); err != nil {
		return fmt.Errorf("turn the guest off for a checkpoint: %w", err)
	}
	next, err := s.keepDisk(ctx)
	if err != nil {
		return errors.Join(fmt.Errorf("make the guest's disk its clean one: %w", err), s.start(context.WithoutCancel(ctx), false))
	}
	s.config.Clean, s.config.Template = next, ""
	if err := lease.Write(s.lease.Dir, configFile, &s.config); err != nil {
		return err
	}
	if _, err := s.fresh(ctx); err != nil {
		return err
	}
	s.claims.forget()
	return s.start(ctx, false)
}

// shutdownLimit is how long a guest may take to turn itself off.
const shutdownLimit = 5 * time.Minute

// keepDisk makes a checkpoint of the guest's disk, its variables and its TPM. The disk stands on the base image alone: what an
// earlier checkpoint had is written into it.
func (s *server) keepDisk(ctx context.Context) (clean, error) {
	dir, was := s.lease.Dir, s.config.Clean
	disk := filepath.Join(dir, diskFile)
	if s.saved {
		for _, name := range s.config.Spec.nodes() {
			if err := makeImage(ctx, "drop the snapshot", "snapshot", "-d", snapshotTag, filepath.Join(dir, name+".qcow2")); err != nil {
				return clean{}, err
			}
		}
	}
	if was.Disk != s.config.Spec.Image {
		if err := makeImage(ctx, "unite two checkpoints", "rebase", "-b", s.config.Spec.Image, "-F", s.config.Spec.Format, disk); err != nil {
			return clean{}, err
		}
	}
	name := lease.Unused()
	folder := filepath.Join(s.config.Checkpoints, name)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return clean{}, err
	}
	next := clean{Disk: filepath.Join(folder, diskFile), Format: "qcow2"}
	if s.config.Spec.Firmware.Code != "" {
		next.Vars, next.VarsFormat = filepath.Join(folder, varsFile), "qcow2"
	}
	if s.config.Spec.TPM {
		next.TPM = filepath.Join(folder, tpmFolder)
	}
	if err := s.moveFiles(folder); err != nil {
		return clean{}, err
	}
	return next, keepCheckpoint(s.config.Checkpoints, checkpoint{Clean: next, Image: s.config.Spec.Made})
}
