package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"wskharness/guest/transfer"
	"wskharness/remote"
)

const (
	payload     = 10 << 20
	peerPayload = 256 << 10 // winrmcp needs minutes for all of it: its time is proportional to the size
	peerScale   = payload / peerPayload
	latency     = 20 * time.Millisecond // added to each round trip
	farPayload  = 64 << 20              // enough that the start of several streams does not count
	hugePayload = 1 << 30
	sideBySide  = 200
	perShell    = 20 // commands at a time: Windows allows 25 a shell
)

// transfers measures files and commands over one endpoint in front of one guest. Every client reaches it
// through a relay that counts bytes.
func (b *bench) transfers(ctx context.Context, runs int) error {
	up, err := b.up(ctx)
	if err != nil {
		return err
	}
	defer up.down()
	address, err := up.address()
	if err != nil {
		return err
	}
	near, err := newRelay(address, 0)
	if err != nil {
		return err
	}
	defer near.close()
	far, err := newRelay(address, latency/2)
	if err != nil {
		return err
	}
	defer far.close()
	local, distant := &line{up: up, relay: near}, &line{up: up, relay: far}
	for _, l := range []*line{local, distant} {
		if l.session, err = up.connect(ctx, l.relay.address()); err != nil {
			return err
		}
		defer l.session.close()
		if l.shell, err = l.client.Shell(ctx, remote.ShellOptions{Name: "bench"}); err != nil {
			return err
		}
	}
	if err := b.pushSink(ctx, local.guest); err != nil {
		return err
	}
	t := &table{runs: runs}
	if err := b.fill(ctx, t, local, distant); err != nil {
		return err
	}
	return t.print()
}

// fill measures row after row. No data is used twice, so that nothing is there already.
func (b *bench) fill(ctx context.Context, t *table, local, distant *line) error {
	whole := func() (sample, error) {
		data, path, err := b.random()
		if err != nil {
			return sample{}, err
		}
		before := time.Now()
		_, err = b.run(ctx, "vm", "push", local.up.ID, path, `C:\bench\whole.bin`)
		s := sample{took: time.Since(before), payload: payload}
		return s, errors.Join(err, checked(err, func() error { return mustHold(ctx, local.guest, `C:\bench\whole.bin`, data) }))
	}
	pywinrm := func() (sample, error) {
		data, path, err := b.random()
		if err != nil {
			return sample{}, err
		}
		s, err := sendPywinrm(ctx, local.up, local.relay, path, `C:\bench\pywinrm.bin`, payload)
		return s, errors.Join(err, checked(err, func() error { return mustHold(ctx, local.guest, `C:\bench\pywinrm.bin`, data) }))
	}
	winrmcp := func() (sample, error) {
		return copyWinrmcp(ctx, local.up, local.relay, local.guest, random(peerPayload))
	}
	// A child's peak memory is at least its parent's before the child was its own program, so what looks at it
	// comes first, before this program has grown.
	rows := []struct {
		at   **row
		name string
		runs int
		do   func() (sample, error)
	}{
		{&t.hugePush, "`vm push` of 1 GiB, once", 0, func() (sample, error) { return b.huge(ctx, local, "push") }},
		{&t.hugePull, "`vm pull` of the same", 0, func() (sample, error) { return b.huge(ctx, local, "pull") }},
		{&t.whole, "`vm push`, the whole command", t.runs, whole},
		{&t.push, "push on an open connection", t.runs, func() (sample, error) { return local.push(ctx) }},
		{&t.again, "the same file again, on an open shell", t.runs, func() (sample, error) { return local.pushAgain(ctx) }},
		{&t.pull, "pull of the same", t.runs, func() (sample, error) { return local.pull(ctx) }},
		{&t.raw, "our client, raw into one command", t.runs, func() (sample, error) { return local.raw(ctx) }},
		{&t.pywinrm, "pywinrm, raw into one command", 3, pywinrm},
		{&t.winrmcp, fmt.Sprintf("winrmcp, without decoding; %d KiB once, times %d", peerPayload>>10, peerScale), 0, winrmcp},
		{&t.farPush, "push of 64 MiB, 20 ms more a round trip", 3, func() (sample, error) { return distant.pushSome(ctx, farPayload) }},
		{&t.farPull, "pull of the same", 3, func() (sample, error) { return distant.pull(ctx) }},
		{&t.farRaw, "64 MiB raw into one command, 20 ms more", 3, func() (sample, error) { return distant.rawSome(ctx, farPayload) }},
		{&t.noop, "a command that does nothing, on an open shell", t.runs, func() (sample, error) { return local.noop(ctx) }},
		{&t.storm, fmt.Sprintf("%d of them side by side", sideBySide), 0, func() (sample, error) { return local.storm(ctx) }},
	}
	for _, r := range rows {
		if r.at == &t.pywinrm && !hasPywinrm(ctx) {
			t.notes = append(t.notes, "pywinrm is not installed: apt-get install python3-winrm")
			continue
		}
		got := &row{name: r.name}
		for i := range r.runs + 1 { // the first is not counted, unless it is the only one
			s, err := r.do()
			if err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
			if i > 0 || r.runs == 0 {
				got.samples = append(got.samples, s)
			}
		}
		if r.at == &t.winrmcp {
			got.samples[0] = got.samples[0].times(peerScale)
		}
		*r.at = got
		t.rows = append(t.rows, got)
	}
	return nil
}

func checked(err error, check func() error) error {
	if err != nil {
		return nil
	}
	return check()
}

// line is a way to the guest.
type line struct {
	*session
	up    *upGuest
	relay *relay
	shell *remote.Shell

	pushed []byte // what the last push left as pushedPath
}

const pushedPath = `C:\bench\pushed.bin`

// measure measures what do does with our client.
func (l *line) measure(size int, do func() error) (sample, error) {
	requests, wire, begun := l.client.Stats().Requests, l.relay.bytes.Load(), time.Now()
	err := do()
	return sample{took: time.Since(begun), requests: l.client.Stats().Requests - requests, wire: l.relay.bytes.Load() - wire, payload: size}, err
}

func (l *line) push(ctx context.Context) (sample, error) { return l.pushSome(ctx, payload) }

func (l *line) pushSome(ctx context.Context, size int) (sample, error) {
	l.pushed = random(size)
	return l.measure(size, func() error { // the hash is part of the price
		_, err := l.guest.Push(ctx, []transfer.File{transfer.Contents(pushedPath, l.pushed)}, nil)
		return err
	})
}

// pushAgain pushes what is there with a guest.Guest that does not remember having done so.
func (l *line) pushAgain(ctx context.Context) (sample, error) {
	g, err := l.reconnect(ctx)
	if err != nil {
		return sample{}, err
	}
	defer g.Close(context.WithoutCancel(ctx))
	return l.measure(payload, func() error {
		stats, err := g.Push(ctx, []transfer.File{transfer.Contents(pushedPath, l.pushed)}, nil)
		if err == nil && stats.Skipped != 1 {
			err = fmt.Errorf("it was sent again: %+v", stats)
		}
		return err
	})
}

func (l *line) pull(ctx context.Context) (sample, error) {
	var got []byte
	s, err := l.measure(len(l.pushed), func() (err error) {
		got, err = fetch(ctx, l.guest, pushedPath)
		return err
	})
	if err == nil && string(got) != string(l.pushed) {
		err = errors.New("what was pulled is not what was pushed")
	}
	return s, err
}

const hugePath = `C:\bench\huge.bin`

// huge moves 1 GiB of noise through the program, whose memory is what is of interest.
func (b *bench) huge(ctx context.Context, l *line, way string) (sample, error) {
	there, back := filepath.Join(b.dir, "huge.bin"), filepath.Join(b.dir, "huge.back")
	args := []string{"vm", "push", l.up.ID, there, hugePath}
	if way == "pull" {
		args = []string{"vm", "pull", l.up.ID, hugePath, back}
	} else if err := writeNoise(there, hugePayload); err != nil {
		return sample{}, err
	}
	used, err := b.run(ctx, args...)
	if err != nil {
		return sample{}, err
	}
	if way == "pull" {
		err = sameFiles(there, back)
	}
	return sample{took: used.took, payload: hugePayload, mebibytes: used.mebibytes}, err
}

// writeNoise makes a file of random bytes.
func writeNoise(path string, size int64) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.CopyN(f, rand.Reader, size)
	return errors.Join(err, f.Close())
}

// sameFiles compares two files, and removes both.
func sameFiles(one, other string) error {
	var sums [2][32]byte
	for i, path := range []string{one, other} {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		h := sha256.New()
		_, err = io.Copy(h, f)
		f.Close()
		if err := errors.Join(err, os.Remove(path)); err != nil {
			return err
		}
		h.Sum(sums[i][:0])
	}
	if sums[0] != sums[1] {
		return fmt.Errorf("%s came back as something else", one)
	}
	return nil
}

// raw is one shell, one command, and no protocol of ours on top: what one stream carries.
func (l *line) raw(ctx context.Context) (sample, error) { return l.rawSome(ctx, payload) }

func (l *line) rawSome(ctx context.Context, size int) (sample, error) {
	data := random(size)
	const path = `C:\bench\raw.bin`
	s, err := l.measure(size, func() error { return sendRaw(ctx, l.shell, path, data) })
	return s, errors.Join(err, checked(err, func() error { return mustHold(ctx, l.guest, path, data) }))
}

// noop is the mean of several, since the last request of a command goes out when the command is done already.
func (l *line) noop(ctx context.Context) (sample, error) {
	const several = 10
	s, err := l.measure(0, func() error {
		for range several {
			if err := exit(ctx, l.shell, 0); err != nil {
				return err
			}
		}
		return nil
	})
	s.took /= several
	s.requests = (s.requests + several/2) / several
	return s, err
}

// storm runs many commands at once, each with an exit code of its own.
func (l *line) storm(ctx context.Context) (sample, error) {
	var shells []*remote.Shell
	defer func() {
		for _, s := range shells {
			s.Close(context.WithoutCancel(ctx))
		}
	}()
	for range sideBySide / perShell {
		s, err := l.client.Shell(ctx, remote.ShellOptions{Name: "bench"})
		if err != nil {
			return sample{}, err
		}
		shells = append(shells, s)
	}
	return l.measure(0, func() error {
		errs := make([]error, sideBySide)
		var all sync.WaitGroup
		for i := range errs {
			all.Go(func() { errs[i] = exit(ctx, shells[i/perShell], uint32(i)) })
		}
		all.Wait()
		return errors.Join(errs...)
	})
}

func exit(ctx context.Context, shell *remote.Shell, code uint32) error {
	got, err := shell.Run(ctx, remote.CommandLine{Line: fmt.Sprint("exit ", code)}, nil)
	if err == nil && got.ExitCode != code {
		err = fmt.Errorf("exit %d: ended with %d: %s", code, got.ExitCode, got.Stderr)
	}
	return err
}

// random is data that cannot be compressed.
func random(size int) []byte {
	data := make([]byte, size)
	rand.Read(data) // never fails (crypto/rand)
	return data
}

// random is fresh data, also as a local file.
func (b *bench) random() (data []byte, path string, err error) {
	data, path = random(payload), filepath.Join(b.dir, "payload.bin")
	return data, path, os.WriteFile(path, data, 0o600)
}
