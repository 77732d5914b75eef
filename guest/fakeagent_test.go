//go:build linux

package guest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf16"

	"wskharness/guest/agent"
	"wskharness/guest/ntfs"
	"wskharness/guest/transfer/frame"
)

// fakeAgent is one process of the fake guest's agent: docs/protocol.md, in Go.
type fakeAgent struct {
	guest *fakeGuest
	ctx   context.Context
	image []byte
	in    io.Reader
	out   io.Writer
	errs  io.Writer
}

func (a *fakeAgent) run(args []string) uint32 {
	switch args[0] {
	case "info":
		return a.info()
	case "put":
		return a.put(false)
	case "stripe":
		return a.stripe(args[1:])
	case "get":
		return a.get(args[1:])
	case "list":
		io.WriteString(a.out, a.guest.listing)
		return 0
	case "gather":
		return a.guest.gather(a)
	case "run":
		if code := a.put(true); code != 0 { // --put --plan PLAN --journal JOURNAL --follow
			return code
		}
		a.guest.mu.Lock()
		a.guest.starts[args[5]]++
		a.guest.mu.Unlock()
		return a.tail(args[5], 0)
	case "tail":
		from, _ := strconv.ParseInt(args[4], 10, 64)
		return a.tail(args[2], from)
	case "cancel", "release":
		return 0
	}
	fmt.Fprintln(a.errs, "wskagent: no such command")
	return 2
}

// crash takes the whole guest down, this process with it. With the same boot id it is only WinRM
// that went away.
func (a *fakeAgent) crash(boot string) {
	a.guest.crashes.Go(func() { a.guest.reboot(boot) })
	<-a.ctx.Done()
}

func (a *fakeAgent) info() uint32 {
	sum := sha256.Sum256(a.image)
	a.guest.mu.Lock()
	boot, change := a.guest.boot, a.guest.info
	a.guest.mu.Unlock()
	text := infoText(hex.EncodeToString(sum[:]), boot)
	if change != nil {
		text = change(text)
	}
	io.WriteString(a.out, text)
	return 0
}

func infoText(sha, boot string) string {
	return `{"agent":1,"abi":1,"sha256":"` + sha + `","bootId":"` + boot + `","os":{"name":"Windows 10 Pro","version":"10.0.19045","build":19045,"arch":"x64"},` +
		`"wine":"8.0","host":"FAKE","user":"FAKE\\tester","admin":true,"testSigning":null,"codeIntegrity":null,"hvci":null,"secureBoot":null,"verifier":null,` +
		`"acp":1252,"oemcp":850,"memoryBytes":8589934592,"cpus":2,"freeBytes":1000000,"uptimeMs":1000,"timeUnixMs":1790000000000,"dumps":[],"crash":{"enabled":7,"keep":true,"dumpFile":"C:\\Windows\\MEMORY.DMP","minidumpDir":"C:\\Windows\\Minidump"},"eventLog":false}` + "\n"
}

func (a *fakeAgent) send(f frame.Frame) { a.out.Write(frame.Append(nil, f)) }

func (a *fakeAgent) refuse(file uint16, win32 uint64, text string) uint32 {
	a.send(frame.Frame{Kind: frame.Error, File: file, Offset: win32, Payload: []byte(text)})
	fmt.Fprintln(a.errs, "wskagent:", text)
	return 1
}

func (a *fakeAgent) put(awaitFinish bool) uint32 {
	g := a.guest
	frames := frame.NewReader(a.in)
	f, err := frames.Next()
	if err != nil || f.Kind != frame.Manifest {
		return a.refuse(0xFFFF, 13, fmt.Sprintf("read the manifest: %v", err))
	}
	entries, err := parseManifest(f.Payload, int(f.File))
	if err != nil {
		return a.refuse(0xFFFF, 13, err.Error())
	}
	there := make([]bool, len(entries))
	for i, e := range entries {
		have, ok := g.read(e.Path)
		there[i] = ok && int64(len(have)) == e.Size && sha256.Sum256(have) == e.SHA256
		wanted := e.Size
		var made []byte
		if !there[i] {
			g.settle(e)
			part, _ := g.read(partPath(e.Path))
			if there[i] = int64(len(part)) == e.Size && sha256.Sum256(part) == e.SHA256; there[i] {
				g.write(e.Path, part) // complete, but contact was lost before it got its name; or empty
				made = []byte{1}
			} else if wanted = int64(len(part)); wanted == e.Size {
				g.write(partPath(e.Path), nil)
				wanted = 0
			}
		}
		a.send(frame.Frame{Kind: frame.Have, File: uint16(i), Offset: uint64(wanted), Payload: made})
	}
	current, data := 0, 0
	for {
		for current < len(entries) && there[current] {
			current++
		}
		if current == len(entries) && data == 0 && !awaitFinish {
			return 0
		}
		f, err := frames.Next()
		switch {
		case errors.Is(err, agent.ErrDamaged):
			return a.refuse(uint16(current), 23, "receive: a frame's checksum is wrong")
		case err != nil:
			return a.refuse(0xFFFF, 109, "receive: the input ended within a frame; put again to resume")
		case f.Kind == frame.Finish:
			if g.onFinish != nil {
				g.onFinish(a)
				return 1
			}
			if current < len(entries) {
				return a.refuse(uint16(current), 38, "receive: FINISH came before the last byte")
			}
			return 0
		case f.Kind == frame.Whole && int(f.File) == current:
			part, _ := g.read(partPath(entries[current].Path))
			if code := a.finish(uint16(current), entries[current], part); code != 0 {
				return code
			}
			there[current] = true
			continue
		case f.Kind != frame.Data || int(f.File) >= len(entries):
			return a.refuse(0xFFFF, 13, "receive: a frame of a wrong type")
		}
		data++
		if g.onData != nil {
			g.onData(a, data, int64(f.Offset))
		}
		if a.ctx.Err() != nil {
			return 1
		}
		if there[f.File] {
			continue
		}
		e := entries[f.File]
		part, _ := g.read(partPath(e.Path))
		at, end := int64(f.Offset), int64(f.Offset)+int64(len(f.Payload))
		if int(f.File) != current || at > int64(len(part)) || end > e.Size {
			return a.refuse(f.File, 13, "receive: a hole")
		}
		if end <= int64(len(part)) {
			continue
		}
		part = append(bytes.Clone(part), f.Payload[int64(len(part))-at:]...)
		g.write(partPath(e.Path), part)
		if end < e.Size {
			continue
		}
		if code := a.finish(f.File, e, part); code != 0 {
			return code
		}
		there[f.File] = true
	}
}

// finish gives a part its name, if it is what it should be.
func (a *fakeAgent) finish(file uint16, e frame.Entry, part []byte) uint32 {
	a.guest.mu.Lock()
	delete(a.guest.files, ntfs.Fold(partPath(e.Path)))
	delete(a.guest.chunks, ntfs.Fold(e.Path))
	a.guest.mu.Unlock()
	sum := sha256.Sum256(part)
	if sum != e.SHA256 {
		return a.refuse(file, 23, "verify: the SHA-256 of what came is not that of the manifest")
	}
	a.guest.write(e.Path, part)
	if a.guest.silent {
		return 0
	}
	a.send(frame.Frame{Kind: frame.Done, File: file, Offset: uint64(e.Size), Payload: sum[:]})
	return 0
}

// settle cuts a part that came in chunks off behind what is there without a gap.
func (g *fakeGuest) settle(e frame.Entry) {
	g.mu.Lock()
	defer g.mu.Unlock()
	c, striped := g.chunks[ntfs.Fold(e.Path)]
	if !striped {
		return
	}
	delete(g.chunks, ntfs.Fold(e.Path))
	end := c.from
	for c.sha256 == hex.EncodeToString(e.SHA256[:]) && c.there[end] {
		end += c.chunk
	}
	part := g.files[ntfs.Fold(partPath(e.Path))]
	g.files[ntfs.Fold(partPath(e.Path))] = part[:min(end, int64(len(part)))]
}

// chunks is what the map of a part says.
type chunks struct {
	sha256      string
	from, chunk int64
	there       map[int64]bool
}

func (a *fakeAgent) stripe(args []string) uint32 {
	g := a.guest
	number := func(i int) int64 { n, _ := strconv.ParseInt(args[i], 10, 64); return n }
	size, from, chunk, sha, path := number(1), number(3), number(5), args[7], args[8]
	frames := frame.NewReader(a.in)
	for written := int64(0); ; {
		f, err := frames.Next()
		if err != nil || a.ctx.Err() != nil {
			return a.refuse(0, 109, "receive: the input ended within a frame; put again to resume")
		}
		if f.Kind == frame.Finish {
			a.send(frame.Frame{Kind: frame.Have, Offset: uint64(written)})
			return 0
		}
		at := int64(f.Offset)
		if f.Kind != frame.Data || (at-from)%chunk != 0 || int64(len(f.Payload)) != min(chunk, size-at) {
			return a.refuse(0, 13, "receive: this is not a chunk of the file")
		}
		g.mu.Lock()
		c := g.chunks[ntfs.Fold(path)]
		if c.there == nil {
			c = chunks{sha, from, chunk, make(map[int64]bool)}
			g.chunks[ntfs.Fold(path)] = c
		}
		part := g.files[ntfs.Fold(partPath(path))]
		if need := at + int64(len(f.Payload)); int64(len(part)) < need {
			part = append(bytes.Clone(part), make([]byte, need-int64(len(part)))...)
		}
		copy(part[at:], f.Payload)
		g.files[ntfs.Fold(partPath(path))] = part
		c.there[at] = true
		g.mu.Unlock()
		written += int64(len(f.Payload))
	}
}

func (a *fakeAgent) get(args []string) uint32 {
	offset, _ := strconv.ParseInt(args[1], 10, 64)
	length, _ := strconv.ParseInt(args[3], 10, 64)
	data, ok := a.guest.read(args[4])
	if !ok {
		return a.refuse(0, 2, "read "+args[4]+": error 2: file not found")
	}
	if offset > int64(len(data)) {
		return a.refuse(0, 38, "read: beyond the end")
	}
	a.send(frame.Frame{Kind: frame.Size, Offset: uint64(len(data))})
	end := int64(len(data))
	if length != 0 {
		end = min(end, offset+length)
	}
	sum := sha256.Sum256(data[offset:end])
	for offset < end {
		n := min(1<<16, end-offset)
		a.send(frame.Frame{Kind: frame.Data, Offset: uint64(offset), Payload: data[offset : offset+n]})
		offset += n
	}
	a.send(frame.Frame{Kind: frame.End, Offset: uint64(end), Payload: sum[:]})
	return 0
}

// tail sends the journal as it grows, until it holds run-end or the run is dead.
func (a *fakeAgent) tail(path string, from int64) uint32 {
	g := a.guest
	stop := context.AfterFunc(a.ctx, func() { g.mu.Lock(); g.grown.Broadcast(); g.mu.Unlock() })
	defer stop()
	for a.ctx.Err() == nil {
		g.mu.Lock()
		for int64(len(g.files[ntfs.Fold(path)])) <= from && a.ctx.Err() == nil && !g.dead[ntfs.Fold(path)] && g.kill == 0 {
			g.grown.Wait()
		}
		journal, dead := g.files[ntfs.Fold(path)], g.dead[ntfs.Fold(path)]
		killed := g.kill > 0
		g.kill = max(g.kill-1, 0)
		g.mu.Unlock()
		if from < int64(len(journal)) {
			if _, err := a.out.Write(journal[from:]); err != nil {
				return 1
			}
			from = int64(len(journal))
		}
		if strings.Contains(string(journal), `"ev":"run-end"`) {
			return 0
		}
		if killed {
			return 1 // without a word
		}
		if dead {
			fmt.Fprintln(a.errs, "wskagent: the run's process is gone")
			return 3
		}
	}
	return 1
}

// partName is what a file is called while it is on its way (docs/protocol.md, "Transfer").
func partName(name string) string {
	var units []byte
	for _, unit := range utf16.Encode([]rune(name)) {
		units = binary.LittleEndian.AppendUint16(units, unit)
	}
	sum := sha256.Sum256(units)
	return fmt.Sprintf(".wskharness-%x.part", sum[:16])
}

// partPath is that of a path in a guest.
func partPath(path string) string {
	i := strings.LastIndexByte(path, '\\') + 1
	return path[:i] + partName(path[i:])
}

// partPlace is that of a place on this host.
func partPlace(place string) string {
	return filepath.Join(filepath.Dir(place), partName(filepath.Base(place)))
}
