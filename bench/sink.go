package main

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"

	"wskharness/driver"
	"wskharness/guest"
	"wskharness/guest/transfer"
	"wskharness/remote"
)

//go:embed sink/sink.c
var sinkSource []byte

const sinkPath = `C:\bench\sink.exe`

// pushSink brings the program that takes raw bytes into the guest.
func (b *bench) pushSink(ctx context.Context, g *guest.Guest) error {
	toolchain, err := driver.FindToolchain(ctx)
	if err != nil {
		return err
	}
	source, program := filepath.Join(b.dir, "sink.c"), filepath.Join(b.dir, "sink.exe")
	if err := os.WriteFile(source, sinkSource, 0o600); err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, toolchain.CC, "-O2", "-Wall", "-Wextra", "-Werror", "-o", program, source).CombinedOutput(); err != nil {
		return fmt.Errorf("compile %s: %w\n%s", source, err, out)
	}
	_, err = g.Push(ctx, []transfer.File{{Local: program, Path: sinkPath}}, nil)
	return err
}

// mustHold checks that a file in the guest is what was sent.
func mustHold(ctx context.Context, g *guest.Guest, path string, want []byte) error {
	got, err := fetch(ctx, g, path)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("%s in the guest is not what was sent: %d bytes, not %d, or others", path, len(got), len(want))
	}
	return nil
}

// fetch is a whole file of the guest.
func fetch(ctx context.Context, g *guest.Guest, path string) ([]byte, error) {
	w := &memory{}
	stats, err := g.Pull(ctx, path, w, transfer.PullOptions{MaxBytes: farPayload})
	if err != nil {
		return nil, err
	}
	return w.data[:stats.Bytes], nil
}

// memory is an io.WriterAt that grows. Ranges of a file come side by side.
type memory struct {
	mu   sync.Mutex
	data []byte
}

func (m *memory) WriteAt(p []byte, at int64) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if need := int(at) + len(p); need > len(m.data) {
		m.data = slices.Grow(m.data, need-len(m.data))[:need]
	}
	return copy(m.data[at:], p), nil
}

// sendRaw sends data to the sink.
func sendRaw(ctx context.Context, shell *remote.Shell, path string, data []byte) error {
	got, err := shell.Run(ctx, remote.CommandLine{Line: sinkPath + " " + path}, bytes.NewReader(data))
	if err != nil {
		return err
	}
	if got.ExitCode != 0 || string(bytes.TrimSpace(got.Stdout)) != fmt.Sprint(len(data)) {
		return fmt.Errorf("the sink ended with %d, having received %q of %d bytes", got.ExitCode, got.Stdout, len(data))
	}
	return nil
}
