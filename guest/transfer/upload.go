package transfer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"wskharness/guest/ntfs"
	"wskharness/guest/transfer/frame"
	"wskharness/guest/untrusted"
	"wskharness/guest/winname"
)

// upload is a File that was looked at.
type upload struct {
	entry frame.Entry
	file  File
}

// open returns the contents and what closes them.
func (u upload) open() (io.ReaderAt, func(), error) {
	if u.file.Data != nil {
		return u.file.Data, func() {}, nil
	}
	f, err := os.Open(u.file.Local)
	if err != nil {
		return nil, nil, err
	}
	return f, func() { _ = f.Close() }, nil // it was only read
}

// prepare checks all files before anything is sent, and reports all mistakes at once.
func prepare(ctx context.Context, files []File) ([]upload, error) {
	var uploads []upload
	var mistakes []error
	seen := make(map[string]bool)
	for _, f := range files {
		u, err := look(ctx, f)
		if err == nil && seen[ntfs.Fold(f.Path)] {
			err = errors.New("named twice")
		}
		seen[ntfs.Fold(f.Path)] = true
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("push %s: %w", f.Path, err))
			continue
		}
		uploads = append(uploads, u)
	}
	return uploads, errors.Join(mistakes...)
}

func look(ctx context.Context, f File) (upload, error) {
	u := upload{file: f, entry: frame.Entry{Size: f.Size, Path: f.Path}}
	if err := winname.CheckPath(f.Path); err != nil {
		return upload{}, err
	}
	if (f.Local == "") == (f.Data == nil) {
		return upload{}, errors.New("either Local or Data must be given")
	}
	if f.Local != "" {
		info, err := os.Stat(f.Local)
		if err != nil {
			return upload{}, err
		}
		if !info.Mode().IsRegular() {
			return upload{}, fmt.Errorf("%s is not a regular file", f.Local)
		}
		u.entry.Size = info.Size()
	}
	if u.entry.Size < 0 {
		return upload{}, fmt.Errorf("size %d", f.Size)
	}
	if f.SHA256 == "" {
		sum, err := u.hash(ctx)
		u.entry.SHA256 = sum
		return u, err
	}
	if err := untrusted.CheckSHA256(f.SHA256); err != nil {
		return upload{}, err
	}
	_, err := hex.Decode(u.entry.SHA256[:], []byte(f.SHA256))
	return u, err
}

func (u upload) hash(ctx context.Context) (sum [32]byte, err error) {
	r, done, err := u.open()
	if err != nil {
		return sum, err
	}
	defer done()
	h := sha256.New()
	buf := make([]byte, dataFrame)
	section := io.NewSectionReader(r, 0, u.entry.Size)
	for ctx.Err() == nil {
		n, err := section.Read(buf)
		h.Write(buf[:n])
		if errors.Is(err, io.EOF) {
			h.Sum(sum[:0])
			return sum, nil
		}
		if err != nil {
			return sum, err
		}
	}
	return sum, context.Cause(ctx)
}

// localError is a file that could not be read on the host: no fault of the guest's.
type localError struct{ err error }

func (e *localError) Error() string { return e.err.Error() }
func (e *localError) Unwrap() error { return e.err }

// read fills payload with what is in the file there, which was long enough when it was looked at.
func (u upload) read(r io.ReaderAt, payload []byte, at int64) error {
	got, err := r.ReadAt(payload, at)
	switch {
	case got == len(payload):
		return nil
	case errors.Is(err, io.EOF):
		err = fmt.Errorf("it has become shorter: %d bytes, and %d when it was looked at; push it again when nobody writes to it", at+int64(got), u.entry.Size)
	default:
		err = fmt.Errorf("read %d bytes at %d: %w", len(payload), at, err)
	}
	if u.file.Local != "" {
		err = fmt.Errorf("%s: %w", u.file.Local, err)
	}
	return &localError{fmt.Errorf("push %s: %w", u.entry.Path, err)}
}

// batches divides what a command is asked about into what one manifest may hold.
func batches[T any](all []T, path func(T) string) [][]T {
	var out [][]T
	begin, bytes := 0, 0
	for i, one := range all {
		n := frame.EntryFixed + len(path(one))
		if i > begin && (i-begin == maxBatchFiles || bytes+n > maxBatchManifest) {
			out = append(out, all[begin:i])
			begin, bytes = i, 0
		}
		bytes += n
	}
	if begin < len(all) {
		out = append(out, all[begin:])
	}
	return out
}
