package qemu

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"

	"wskharness/disk"
)

// template is the folder with the files of a guest that is up, from which others start. It is made once of everything that it
// depends on; whoever wants the same waits meanwhile.
func (p *provider) template(ctx context.Context, c guestConfig) (string, error) {
	key, err := c.templateKey()
	if err != nil {
		return "", err
	}
	folder := folderOf(p.opts.cache, key)
	if _, err := os.Stat(folder); err == nil {
		return folder, nil
	}
	if err := os.MkdirAll(templatesDir(p.opts.cache), 0o700); err != nil {
		return "", err
	}
	lock, err := disk.AwaitLock(ctx, folder+".lock")
	if err != nil {
		return "", fmt.Errorf("wait for a snapshot that somebody else makes: %w", err)
	}
	defer disk.Unlock(lock)
	if _, err := os.Stat(folder); err == nil {
		return folder, nil
	}
	p.opts.tell("a guest boots, of which a snapshot is made: once for each state of the image, and of the target")
	c.Template = ""
	m, err := p.bringUp(ctx, c)
	if err != nil {
		return "", err
	}
	if _, err = ask(ctx, m.dir, request{Do: doSnapshot}); err == nil {
		_, err = ask(ctx, m.dir, request{Do: doSettle, Path: folder})
	}
	if ended := m.Release(context.WithoutCancel(ctx)); err == nil {
		err = ended
	}
	if err != nil {
		return "", fmt.Errorf("make a snapshot of a guest that is up: %w", err)
	}
	return folder, nil
}

// templateKey is a hash of all that a snapshot depends on: where any of it is another, so is the snapshot. The versions are those
// of QEMU and of how the harness makes one.
func (c *guestConfig) templateKey() (string, error) {
	const layout = 1
	state := c.Spec
	state.HostPort, state.Dump = 0, false // of which nothing is in it
	of := []any{layout, c.Version, c.Program, state, c.Clean}
	for _, path := range []string{c.Spec.Image, c.Spec.Firmware.Code, c.Clean.Disk, c.Clean.Vars} {
		if path == "" {
			continue
		}
		file, err := identify(path)
		if err != nil {
			return "", err
		}
		of = append(of, file)
	}
	hash := sha256.Sum256(encode(of))
	return hex.EncodeToString(hash[:10]), nil
}
