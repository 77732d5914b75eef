//go:build unix

package disk

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// onThisSystem is a file with the methods that File has.
func onThisSystem(f *os.File) File { return f }

func (system) SyncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// Full reports whether an error says that there is no room: the disk is full, or what the user may have of it.
func Full(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

// Unwritable reports whether an error says that nothing can be made in some place, whoever tries.
func Unwritable(err error) bool {
	for _, one := range []error{fs.ErrPermission, syscall.EROFS, syscall.ENOENT, syscall.ENOTDIR} {
		if errors.Is(err, one) {
			return true
		}
	}
	return false
}

// Unnameable reports whether an error says that a file system can't have a name: it is too long, or has characters that it
// does not know.
func Unnameable(err error) bool {
	return errors.Is(err, syscall.ENAMETOOLONG) || errors.Is(err, syscall.EILSEQ)
}

// Here reports whether an error of a rename says that something is at the place already.
func Here(err error) bool {
	return errors.Is(err, fs.ErrExist) || errors.Is(err, syscall.ENOTDIR) // the latter: what is there is no folder
}

// Space is how many bytes this user may write to the disk of a folder.
func Space(folder string) (uint64, error) {
	var stat syscall.Statfs_t
	if err := syscall.Statfs(folder, &stat); err != nil {
		return 0, &fs.PathError{Op: "statfs", Path: folder, Err: err}
	}
	return stat.Bavail * uint64(stat.Bsize), nil
}

// Use is what a file takes on the disk, in bytes, and a number that all its names have in common.
func Use(info fs.FileInfo) (size int64, number uint64) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return info.Size(), 0
	}
	return stat.Blocks * 512, stat.Ino
}
