package qemu

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"wskharness/vm/lease"
)

// checkpoint is a target's clean state, where that is not its base image: a file in the folder of its checkpoints.
type checkpoint struct {
	Clean clean    `json:"clean"`
	Image identity `json:"image"` // over which it was made: over another it would be a broken disk
}

// identity tells one state of a file from another, and one file from another.
type identity struct {
	Path  string `json:"path"`
	Size  int64  `json:"size"`
	Nanos int64  `json:"modifiedNs"`
}

// identify looks at a file. Its content is not read: an image has many gigabytes.
func identify(path string) (identity, error) {
	info, err := os.Stat(path)
	if err != nil {
		return identity{}, err
	}
	return identity{Path: path, Size: info.Size(), Nanos: info.ModTime().UnixNano()}, nil
}

const checkpointFile = "checkpoint.json"

// checkpointsOf is the folder for the checkpoints of one target on one image.
func checkpointsOf(cache, target, image string) string {
	hash := sha256.Sum256([]byte(target + "\x00" + image))
	return filepath.Join(checkpointsDir(cache), target+"-"+hex.EncodeToString(hash[:6]))
}

// keepCheckpoint makes a checkpoint the one that counts, and removes those before it. A guest that runs on one of these has its
// files open, and is not disturbed.
func keepCheckpoint(dir string, c checkpoint) error {
	if err := lease.Write(dir, checkpointFile, c); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, entry := range entries {
		if path := filepath.Join(dir, entry.Name()); entry.IsDir() && path != filepath.Dir(c.Clean.Disk) {
			errs = append(errs, os.RemoveAll(path))
		}
	}
	return errors.Join(errs...)
}

// readCheckpoint is the checkpoint in a folder; ok is false where there is none. One that was made over another state of the
// image is an error: neither is what the target means.
func readCheckpoint(dir string, image identity) (c checkpoint, ok bool, err error) {
	err = lease.Read(dir, checkpointFile, &c)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return c, false, nil
	case err != nil:
		return c, false, fmt.Errorf("read the checkpoint of the target: %w", err)
	case c.Image != image:
		return c, false, fmt.Errorf("the base image %s was changed after a checkpoint was made over it (vm prepare): bring the image back, or remove %s and prepare the target anew", image.Path, dir)
	}
	if _, err := os.Stat(c.Clean.Disk); err != nil {
		return c, false, fmt.Errorf("the checkpoint of the target is not whole: %w: remove %s and prepare the target anew", err, dir)
	}
	return c, true, nil
}
