//go:build linux

package wine

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"unicode/utf16"

	"wskharness/remote/winrmd"
	"wskharness/winerr"
)

// hostConn is one boot's winrshost.exe: it runs the commands of the WinRM endpoint inside the guest. It
// implements winrmd.Host, and is over when the guest is.
type hostConn struct {
	ready   chan struct{}     // closed when drivers can be loaded, or it is sure that they can't
	over    chan struct{}     // closed when the host has gone
	watched chan watchedEvent // processes under watch that have ended

	write sync.Mutex
	in    io.WriteCloser

	mu       sync.Mutex
	next     uint32
	commands map[uint32]*process
	asked    map[uint32]chan winerr.Win32 // about code pages, each with room for its answer
	readyErr error
	overErr  error
}

// errEnded is what is said of a guest whose processes ended, as those of one that reboots do.
var errEnded = fmt.Errorf("%w: winrshost.exe has ended", winrmd.ErrGoingDown)

type watchedEvent struct{ process, exit uint32 }

// newHostConn speaks to a host through the two ends of its pipes, which it owns from now on.
func newHostConn(in io.WriteCloser, out io.ReadCloser) *hostConn {
	h := &hostConn{
		ready: make(chan struct{}), over: make(chan struct{}), watched: make(chan watchedEvent, 64),
		in: in, commands: map[uint32]*process{}, asked: map[uint32]chan winerr.Win32{},
	}
	go h.read(out)
	return h
}

func (h *hostConn) read(out io.ReadCloser) {
	r := bufio.NewReaderSize(out, 256<<10)
	first, err := readFrame(r)
	switch {
	case err != nil:
	case first.kind != frameHello || first.value != hostProtocol:
		err = fmt.Errorf("winrshost speaks protocol %d, want %d", first.value, hostProtocol)
	default:
		err = h.loop(r)
	}
	if errors.Is(err, io.EOF) {
		err = errEnded
	}
	h.end(err)
	out.Close()
	h.in.Close()
}

func (h *hostConn) loop(r io.Reader) error {
	for {
		f, err := readFrame(r)
		if err != nil {
			return err
		}
		switch f.kind {
		case frameReady:
			h.setReady(winerr.Win32(f.value))
		case frameWatched:
			select {
			case h.watched <- watchedEvent{f.command, f.value}:
			default: // more ends than anybody watches: hostile, or nobody cares
			}
		case frameCodePageIs:
			h.answer(f.command, winerr.Win32(f.value))
		default:
			if p := h.find(f.command); p != nil {
				p.frame(f)
			}
		}
	}
}

func (h *hostConn) setReady(win32 winerr.Win32) {
	h.mu.Lock()
	defer h.mu.Unlock()
	select {
	case <-h.ready:
		return
	default:
	}
	if win32 != winerr.ErrorSuccess {
		h.readyErr = fmt.Errorf("the guest's service manager does not start drivers: %s", win32)
	}
	close(h.ready)
}

// awaitReady waits until drivers can be loaded.
func (h *hostConn) awaitReady(ctx context.Context) error {
	select {
	case <-h.ready:
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.readyErr
	case <-h.over:
		return h.err()
	case <-ctx.Done():
		return fmt.Errorf("wait for the guest to be ready for drivers: %w", ctx.Err())
	}
}

func (h *hostConn) err() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.overErr
}

// end ends every command with the host.
func (h *hostConn) end(err error) {
	h.mu.Lock()
	h.overErr = err
	commands := slices.Collect(maps.Values(h.commands))
	h.commands = nil
	h.mu.Unlock()
	close(h.over)
	for _, p := range commands {
		p.lost(err)
	}
}

func (h *hostConn) find(id uint32) *process {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.commands[id]
}

func (h *hostConn) forget(id uint32) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.commands, id)
}

// send writes one frame whole.
func (h *hostConn) send(f frame) error {
	h.write.Lock()
	defer h.write.Unlock()
	if _, err := h.in.Write(f.append(nil)); err != nil {
		return fmt.Errorf("reach winrshost.exe: %w", err)
	}
	return nil
}

// watch asks to be told when a process of the guest ends.
func (h *hostConn) watch(process uint32) error {
	return h.send(frame{kind: frameWatch, command: process})
}

// kill ends a process of the guest, and it alone.
func (h *hostConn) kill(process, exit uint32) error {
	return h.send(frame{kind: frameKill, command: process, value: exit})
}

// TakesCodepage asks the guest. See winrmd.Consoles.
func (h *hostConn) TakesCodepage(ctx context.Context, codepage int) (bool, error) {
	answer := make(chan winerr.Win32, 1)
	h.mu.Lock()
	h.next++
	id := h.next
	h.asked[id] = answer
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.asked, id)
	}()
	if err := h.send(frame{kind: frameCodePage, command: id, value: uint32(codepage)}); err != nil {
		return false, err
	}
	select {
	case win32 := <-answer:
		switch win32 {
		case winerr.ErrorSuccess:
			return true, nil
		case winerr.ErrorInvalidParameter: // a console can't have this code page
			return false, nil
		}
		return false, fmt.Errorf("make a console in the guest: %s", win32)
	case <-h.over:
		return false, fmt.Errorf("ask the guest about code page %d: %w", codepage, h.err())
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
}

func (h *hostConn) answer(id uint32, win32 winerr.Win32) {
	h.mu.Lock()
	defer h.mu.Unlock()
	select {
	case h.asked[id] <- win32:
	default: // nobody asked, or it was answered already
	}
}

// Start runs a command in the guest. See winrmd.Host.
func (h *hostConn) Start(ctx context.Context, spec winrmd.Spec) (winrmd.Process, error) {
	payload, err := spawnPayload(spec)
	if err != nil {
		return nil, err
	}
	p := newProcess(h)
	h.mu.Lock()
	if h.commands == nil {
		h.mu.Unlock()
		return nil, fmt.Errorf("start a command in the guest: %w", h.err())
	}
	h.next++
	p.id = h.next
	h.commands[p.id] = p
	h.mu.Unlock()
	if err := h.send(frame{kind: frameSpawn, command: p.id, value: uint32(spec.Codepage), payload: payload}); err != nil {
		h.forget(p.id)
		return nil, err
	}
	select {
	case win32 := <-p.started:
		if win32 != winerr.ErrorSuccess {
			h.forget(p.id)
			return nil, &winrmd.Error{Win32: win32, Message: fmt.Sprintf("CreateProcess did not start %q.", spec.Line)}
		}
	case <-h.over:
		return nil, fmt.Errorf("start a command in the guest: %w", h.err())
	case <-ctx.Done():
		p.terminate(exitKilled)
		return nil, ctx.Err()
	}
	context.AfterFunc(ctx, func() { p.terminate(exitKilled) })
	return p, nil
}

// spawnPayload is what winrshost.exe takes apart: UTF-16 strings, each with its NUL.
func spawnPayload(spec winrmd.Spec) ([]byte, error) {
	texts := []string{spec.Line, spec.Dir}
	for name, value := range spec.Env {
		texts = append(texts, name+"="+value)
	}
	var b []byte
	for _, text := range texts {
		if strings.ContainsRune(text, 0) {
			return nil, &winrmd.Error{Win32: winerr.ErrorInvalidParameter, Message: "A NUL in the command line, directory or environment."}
		}
		for _, unit := range utf16.Encode([]rune(text)) {
			b = append(b, byte(unit), byte(unit>>8))
		}
		b = append(b, 0, 0)
	}
	if len(b) > maxSpawnData {
		return nil, &winrmd.Error{Win32: winerr.ErrorFilenameExcedRange, Message: "The command line and environment are too long."}
	}
	return b, nil
}
