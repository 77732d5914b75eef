package qemu

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"wskharness/vm/qmp"
)

// dumpLimit is how long the memory of a guest that has crashed may take to be written: many gigabytes on a slow disk.
const dumpLimit = 30 * time.Minute

// dumpFormats are those that are tried, the best first. QEMU writes Windows' own where the guest has told it how, over
// vmcoreinfo: that takes virtio-win's driver FwCfg. The other one is for elf2dmp, and for crash on Linux.
var dumpFormats = []string{"win-dmp", "elf"}

// dump writes the VM's memory to a file that is not there yet. The VM stands still meanwhile, which QEMU sees to.
func (m *instance) dump(ctx context.Context, path string) (format string, err error) {
	for _, format := range dumpFormats {
		err = m.monitor.Run(ctx, "dump-guest-memory", map[string]any{"paging": false, "protocol": "file:" + path, "format": format}, nil)
		if err == nil {
			return format, os.Chmod(path, 0o600)
		}
		if ctx.Err() != nil { // QEMU can't be stopped in it: it answers the next command when it is done
			_ = m.monitor.Run(context.WithoutCancel(ctx), "query-status", nil, nil)
		}
		if gone := os.Remove(path); gone != nil && !errors.Is(gone, os.ErrNotExist) {
			return "", errors.Join(err, gone)
		}
		if _, refused := errors.AsType[*qmp.CommandError](err); !refused {
			break
		}
	}
	return "", fmt.Errorf("dump the guest's memory to %s: %w", path, err)
}

// dump gives the memory of the guest: as it was when it crashed, where its target wants that, and it has.
func (s *server) dump(ctx context.Context, path string) (format string, err error) {
	if !filepath.IsAbs(path) {
		return "", fmt.Errorf("dump the guest's memory to %q: it is no absolute path", path)
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("dump the guest's memory to %s: it is there already", path)
	}
	if s.crashFormat != "" {
		kept := filepath.Join(s.lease.Dir, crashFile)
		if err := os.Link(kept, path); err != nil { // as on another file system
			if err := copyFile(ctx, kept, path); err != nil {
				return "", fmt.Errorf("dump the guest's memory to %s: %w", path, err)
			}
		}
		return s.crashFormat, nil
	}
	m := s.running()
	if m == nil {
		return "", fmt.Errorf("dump the guest's memory to %s: %w", path, errOff)
	}
	return m.dump(ctx, path)
}
