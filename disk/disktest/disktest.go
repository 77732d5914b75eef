// Package disktest is a file system on which one call goes wrong, chosen by its number; or at which the process is killed.
package disktest

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"syscall"

	"wskharness/disk"
)

// Fault is what happens at a call.
type Fault string

const (
	None       Fault = ""
	NoSpace    Fault = "no space"    // ENOSPC, and nothing was done
	IOError    Fault = "i/o error"   // EIO, and nothing was done
	Short      Fault = "short write" // half of it is written, then ENOSPC; of other calls, as NoSpace
	KillBefore Fault = "killed before"
	KillAmidst Fault = "killed amidst" // half of a write is done
	KillAfter  Fault = "killed after"
)

// ErrKilled is what every call returns after the process was killed: nothing is done any more.
var ErrKilled = errors.New("the process was killed")

// FS is a file system with one injected fault. The zero value has none, and counts.
type FS struct {
	At     int // the number of the call, from 1; 0: none
	Fault  Fault
	NoSync bool   // nothing is brought to the disk itself, which takes most of the time
	OnKill func() // called once, when the process is killed

	mu     sync.Mutex
	calls  int
	killed bool
	names  []string
}

// Calls is how many calls there were, and what each was.
func (f *FS) Calls() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.names...)
}

// Killed reports whether the process is.
func (f *FS) Killed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.killed
}

// Kill kills the process.
func (f *FS) Kill() {
	f.mu.Lock()
	first := !f.killed
	f.killed = true
	f.mu.Unlock()
	if first && f.OnKill != nil {
		f.OnKill()
	}
}

// call does one call, unless it goes wrong. half, if there is one, does half of it.
func (f *FS) call(name string, do func() error, half func()) error {
	f.mu.Lock()
	if f.killed {
		f.mu.Unlock()
		return ErrKilled
	}
	f.calls++
	f.names = append(f.names, name)
	now := f.calls == f.At
	f.mu.Unlock()
	if !now {
		return do()
	}
	switch f.Fault {
	case NoSpace:
		return &fs.PathError{Op: name, Path: "test", Err: syscall.ENOSPC}
	case IOError:
		return &fs.PathError{Op: name, Path: "test", Err: syscall.EIO}
	case Short:
		if half != nil {
			half()
		}
		return &fs.PathError{Op: name, Path: "test", Err: syscall.ENOSPC}
	case KillAmidst:
		if half != nil {
			half()
		}
	case KillAfter:
		if err := do(); err != nil {
			return err
		}
	case KillBefore:
	default:
		return do()
	}
	f.Kill()
	return ErrKilled
}

func (f *FS) OpenFile(name string, flag int, mode fs.FileMode) (disk.File, error) {
	var opened disk.File
	err := f.call("open", func() (err error) {
		opened, err = disk.OS().OpenFile(name, flag, mode)
		return err
	}, nil)
	if err != nil {
		if opened != nil {
			opened.Close()
		}
		return nil, err
	}
	return &file{opened, f}, nil
}

func (f *FS) Rename(from, to string) error {
	return f.call("rename", func() error { return disk.OS().Rename(from, to) }, nil)
}

func (f *FS) Remove(name string) error {
	return f.call("remove", func() error { return disk.OS().Remove(name) }, nil)
}

func (f *FS) MkdirAll(path string, mode fs.FileMode) error {
	return f.call("mkdir", func() error { return disk.OS().MkdirAll(path, mode) }, nil)
}

func (f *FS) Mkdir(path string, mode fs.FileMode) error {
	return f.call("mkdir", func() error { return disk.OS().Mkdir(path, mode) }, nil)
}

func (f *FS) ReadFile(name string) (data []byte, err error) {
	err = f.call("read", func() error {
		data, err = disk.OS().ReadFile(name)
		return err
	}, nil)
	return data, err
}

func (f *FS) SyncFolder(path string) error {
	return f.call("sync folder", func() error {
		if f.NoSync {
			return nil
		}
		return disk.OS().SyncFolder(path)
	}, nil)
}

type file struct {
	disk.File
	fs *FS
}

func (f *file) Write(p []byte) (n int, err error) {
	err = f.fs.call("write", func() error {
		n, err = f.File.Write(p)
		return err
	}, func() { n, _ = f.File.Write(p[:len(p)/2]) })
	return n, err
}

func (f *file) Sync() error {
	return f.fs.call("sync", func() error {
		if f.fs.NoSync {
			return nil
		}
		return f.File.Sync()
	}, nil)
}

func (f *file) Truncate(size int64) error {
	return f.fs.call("truncate", func() error { return f.File.Truncate(size) }, nil)
}

func (f *file) Chmod(mode fs.FileMode) error {
	return f.fs.call("chmod", func() error { return f.File.Chmod(mode) }, nil)
}

// Close closes the file also when the process is killed: the kernel does.
func (f *file) Close() error {
	var closed error
	err := f.fs.call("close", func() error {
		closed = f.File.Close()
		return closed
	}, nil)
	if err != nil && closed == nil {
		_ = f.File.Close()
	}
	return err
}

// String describes the injected fault.
func (f *FS) String() string { return fmt.Sprintf("%s at call %d", f.Fault, f.At) }
