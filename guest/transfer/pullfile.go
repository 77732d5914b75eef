package transfer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"wskharness/winerr"
)

// resumeOverlap is how much of what is there already is compared with the guest's file before a
// download goes on behind it.
const resumeOverlap = 256 << 10

// PullFile fetches a file into a host file, which is whole or not there: it is written under a temporary
// name beside it (partName) and renamed at the end. What an interrupted call has left there is gone on with,
// after its last 256 KiB were compared with the guest's file: leave no part of another file
// where one that was rewritten in place could be taken for it. Offset and Length must be zero.
func (m *Mover) PullFile(ctx context.Context, path, local string, o PullOptions) (stats PullStats, err error) {
	root, err := os.OpenRoot(filepath.Dir(local))
	if err != nil {
		return PullStats{}, fmt.Errorf("pull %s: %w", path, err)
	}
	stats, err = m.pullFile(ctx, path, root, filepath.Base(local), o, nil)
	return stats, errors.Join(err, root.Close())
}

// pullFile is PullFile to a place below a root that is held open, of bytes that other files may need as well.
func (m *Mover) pullFile(ctx context.Context, path string, root *os.Root, place string, o PullOptions, room *budget) (stats PullStats, err error) {
	if o.Offset != 0 || o.Length != 0 {
		return PullStats{}, fmt.Errorf("pull %s: a range can't be fetched as a whole file", path)
	}
	part := partPlace(place)
	f, err := openPlain(root, part, os.O_RDWR|os.O_CREATE)
	if err != nil {
		return PullStats{}, fmt.Errorf("pull %s: %w", path, err)
	}
	defer func() {
		if f != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	if o.Offset, err = m.resumeAt(ctx, path, f); err != nil {
		return PullStats{}, err
	}
	p, err := newPull(m, path, f, o)
	if err != nil {
		return PullStats{}, err
	}
	p.limit, p.room = o.MaxBytes, room // the limit is on the whole file, wherever this call begins
	pullErr := p.run(ctx)
	// Beyond it may be ranges that came out of turn or were not checked.
	if err := errors.Join(pullErr, f.Truncate(p.verified)); err != nil {
		return p.stats, err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return p.stats, fmt.Errorf("pull %s: %w", path, err)
	}
	f = nil
	if err := root.Rename(part, place); err != nil {
		return p.stats, fmt.Errorf("pull %s: %w", path, err)
	}
	return p.stats, nil
}

// openPlain opens a file below a root: not a link, which would lead to another one, nor a pipe, which would never end.
func openPlain(root *os.Root, place string, flag int) (*os.File, error) {
	f, err := root.OpenFile(place, flag|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, err
	}
	opened, err := f.Stat()
	if err == nil {
		var named fs.FileInfo
		if named, err = root.Lstat(place); err == nil && (!opened.Mode().IsRegular() || !os.SameFile(opened, named)) {
			err = &fs.PathError{Op: "open", Path: place, Err: errNotPlain}
		}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

var errNotPlain = errors.New("a link or something else that is no file has come into its place: move it away")

// resumeAt is from where the file has to be fetched.
func (m *Mover) resumeAt(ctx context.Context, path string, f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, fmt.Errorf("pull %s: %w", path, err)
	}
	size := info.Size()
	if size == 0 {
		return 0, nil
	}
	tail := make([]byte, min(size, resumeOverlap))
	if _, err := f.ReadAt(tail, size-int64(len(tail))); err != nil {
		return 0, fmt.Errorf("pull %s: %w", path, err)
	}
	from := size - int64(len(tail))
	theirs := window{from, make([]byte, len(tail))}
	stats, err := m.Pull(ctx, path, theirs, PullOptions{Offset: from, Length: int64(len(tail))})
	switch refused, ok := errors.AsType[*Error](err); {
	case ok && refused.Win32 != winerr.ErrorHandleEOF: // which says that the file is shorter than that
		return 0, err
	case err != nil && !ok:
		return 0, err
	case err == nil && stats.Size >= size && bytes.Equal(theirs.data, tail):
		return size, nil
	}
	m.log.Info("what was fetched before is of another file, starting over", "path", path)
	return 0, f.Truncate(0)
}

// window is memory that stands for a piece of a file, from an offset on.
type window struct {
	from int64
	data []byte
}

func (w window) WriteAt(p []byte, off int64) (int, error) {
	if off -= w.from; off < 0 || off+int64(len(p)) > int64(len(w.data)) {
		return 0, fs.ErrInvalid
	}
	return copy(w.data[off:], p), nil
}
