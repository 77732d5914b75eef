package disk

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/windows"
)

// onThisSystem is a file with the methods that File has.
func onThisSystem(f *os.File) File { return windowsFile{f} }

type windowsFile struct{ *os.File }

// Chmod closes a file to others by its access list, where the file system has such.
func (f windowsFile) Chmod(mode fs.FileMode) error {
	if mode.Perm()&0o077 != 0 {
		return nil
	}
	return closeToOthers(f.Name())
}

// Truncate does so by the file's name: one that was opened to be appended to lacks the right to (FILE_WRITE_DATA).
func (f windowsFile) Truncate(size int64) error { return os.Truncate(f.Name(), size) }

// SyncFolder has nothing to do: Windows has no such request, and NTFS writes down in its log what becomes of names.
func (system) SyncFolder(string) error { return nil }

// Full reports whether an error says that there is no room: the disk is full, or what the user may have of it.
func Full(err error) bool {
	return anyOf(err, windows.ERROR_DISK_FULL, windows.ERROR_HANDLE_DISK_FULL, windows.ERROR_DISK_QUOTA_EXCEEDED, syscall.ENOSPC)
}

// Unwritable reports whether an error says that nothing can be made in some place, whoever tries.
func Unwritable(err error) bool {
	return anyOf(err, fs.ErrPermission, fs.ErrNotExist, windows.ERROR_WRITE_PROTECT, windows.ERROR_DIRECTORY)
}

// Unnameable reports whether an error says that a file system can't have a name: it is too long, or has characters that it
// does not know.
func Unnameable(err error) bool {
	return anyOf(err, windows.ERROR_INVALID_NAME, windows.ERROR_FILENAME_EXCED_RANGE)
}

// Here reports whether an error of a rename says that something is at the place already. A folder that is there is denied.
func Here(err error) bool { return anyOf(err, fs.ErrExist, fs.ErrPermission) }

func anyOf(err error, these ...error) bool {
	for _, one := range these {
		if errors.Is(err, one) {
			return true
		}
	}
	return false
}

// Space is how many bytes this user may write to the disk of a folder.
func Space(folder string) (uint64, error) {
	path, err := windows.UTF16PtrFromString(folder)
	if err != nil {
		return 0, err
	}
	var free uint64
	if err := windows.GetDiskFreeSpaceEx(path, &free, nil, nil); err != nil {
		return 0, &fs.PathError{Op: "GetDiskFreeSpaceEx", Path: folder, Err: err}
	}
	return free, nil
}

// Use is what a file takes on the disk, in bytes, and a number that all its names have in common; 0: not known here.
func Use(info fs.FileInfo) (size int64, number uint64) { return info.Size(), 0 }
