package qemu

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"wskharness/child"
)

// errNoSnapshot is a guest that can't start from a snapshot, since that is not there, or not whole.
var errNoSnapshot = errors.New("the snapshot of a guest that is up is not there")

// makeImage runs qemu-img.
func makeImage(ctx context.Context, what string, args ...string) error {
	env, err := child.Environment{}.List()
	if err != nil {
		return err
	}
	cmd := child.Command(ctx, env, "qemu-img", args...)
	said := &child.Tail{Most: maxTail}
	cmd.Stdout, cmd.Stderr = said, said
	if _, err := child.Run(ctx, cmd); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("%s: %w", what, context.Cause(ctx))
		}
		if errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("%s: %w: see that qemu-img is installed (apt-get install --no-install-recommends qemu-utils)", what, err)
		}
		return fmt.Errorf("%s: %w: %s", what, err, explain(said.String()))
	}
	return nil
}

// copyFolder copies the files of a folder, and of those in it, into another one, which it makes.
func copyFolder(ctx context.Context, from, to string) error {
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		source, copied := filepath.Join(from, entry.Name()), filepath.Join(to, entry.Name())
		switch {
		case entry.IsDir():
			err = copyFolder(ctx, source, copied)
		case entry.Type().IsRegular():
			err = copyFile(ctx, source, copied)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// copyPiece is how much is copied between two looks whether it is still wanted, in bytes.
const copyPiece = 64 << 20

// copyFile copies a file to one that is not there yet. Where the file system can share what both have, nothing is copied: io.Copy asks
// the kernel for that (copy_file_range).
func copyFile(ctx context.Context, from, to string) (err error) {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	copied, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, copied.Close()); err != nil {
			err = errors.Join(fmt.Errorf("copy %s: %w", from, err), os.Remove(to))
		}
	}()
	for {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		_, err := io.CopyN(copied, source, copyPiece)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
