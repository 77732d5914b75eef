// Package disk is how files are written that somebody may believe: a run's folder, which a run is resumed from, the signing
// key, what is known of a guest. In the tests every call of it goes wrong once.
//
//	err := disk.Replace(disk.OS(), filepath.Join(dir, "request.json"), data, 0o600)
package disk

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// FS is a file system. Its methods are those of package os, but for what is said of them.
type FS interface {
	OpenFile(name string, flag int, mode fs.FileMode) (File, error)
	Rename(from, to string) error
	Remove(name string) error
	MkdirAll(path string, mode fs.FileMode) error
	Mkdir(path string, mode fs.FileMode) error
	ReadFile(name string) ([]byte, error)
	// SyncFolder brings the names in a folder to the disk, where that has to be asked for: else a power cut may leave a new
	// file without its name.
	SyncFolder(path string) error
}

// File is an open file.
type File interface {
	io.ReadWriteCloser
	Name() string
	Fd() uintptr
	// Chmod gives the file a mode. On Windows, which has none, a file that is its owner's alone (0600) gets an access list
	// that says so, and any other keeps that of its folder.
	Chmod(mode fs.FileMode) error
	Truncate(size int64) error
	Sync() error
}

// OS is the machine's own file system.
func OS() FS { return system{} }

type system struct{}

func (system) OpenFile(name string, flag int, mode fs.FileMode) (File, error) {
	f, err := os.OpenFile(name, flag, mode)
	if err != nil {
		return nil, err // no nil *os.File in an interface
	}
	return onThisSystem(f), nil
}

func (system) Rename(from, to string) error                 { return os.Rename(from, to) }
func (system) Remove(name string) error                     { return os.Remove(name) }
func (system) MkdirAll(path string, mode fs.FileMode) error { return os.MkdirAll(path, mode) }
func (system) Mkdir(path string, mode fs.FileMode) error    { return os.Mkdir(path, mode) }
func (system) ReadFile(name string) ([]byte, error)         { return os.ReadFile(name) }

// Replace writes a file in one step: whoever reads it, also after a power cut, finds the old or the new. When it fails, the
// old one is there, and nothing else. Two at once are the caller's to keep apart.
func Replace(on FS, path string, data []byte, mode fs.FileMode) error {
	temporary := path + ".new"
	file, err := on.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	if err = file.Chmod(mode); err == nil { // one that was left has the mode that it had
		_, err = file.Write(data)
	}
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = on.Rename(temporary, path)
	}
	if err != nil {
		return errors.Join(err, clear(on, temporary))
	}
	return on.SyncFolder(filepath.Dir(path))
}

// Swap is Replace for what can be made again and tells by itself that it is not whole: it does not wait for the disk, and any
// number may do it at once. Whatever was there makes way, also a pipe, which a write would wait for.
func Swap(path string, data []byte, mode fs.FileMode) error {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // after the rename there is nothing left of that name
	_, err = file.Write(data)
	if err = errors.Join(err, onThisSystem(file).Chmod(mode), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

// clear removes what was half written.
func clear(on FS, path string) error {
	if err := on.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
