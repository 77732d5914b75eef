package guest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
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
	case "cancel":
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

func (a *fakeAgent) send(f frame) { a.out.Write(appendFrame(nil, f)) }

func (a *fakeAgent) refuse(file uint16, win32 uint64, text string) uint32 {
	a.send(frame{kind: frameError, file: file, offset: win32, payload: []byte(text)})
	fmt.Fprintln(a.errs, "wskagent:", text)
	return 1
}

func (a *fakeAgent) put(awaitFinish bool) uint32 {
	g := a.guest
	frames := frameReader{r: a.in}
	f, err := frames.next()
	if err != nil || f.kind != frameManifest {
		return a.refuse(allFiles, 13, fmt.Sprintf("read the manifest: %v", err))
	}
	entries, err := parseManifest(f.payload, int(f.file))
	if err != nil {
		return a.refuse(allFiles, 13, err.Error())
	}
	there := make([]bool, len(entries))
	for i, e := range entries {
		have, ok := g.read(e.path)
		there[i] = ok && int64(len(have)) == e.size && sha256.Sum256(have) == e.sha256
		wanted := e.size
		var made []byte
		if !there[i] {
			g.settle(e)
			part, _ := g.read(partPath(e.path))
			if there[i] = int64(len(part)) == e.size && sha256.Sum256(part) == e.sha256; there[i] {
				g.write(e.path, part) // complete, but contact was lost before it got its name; or empty
				made = []byte{1}
			} else if wanted = int64(len(part)); wanted == e.size {
				g.write(partPath(e.path), nil)
				wanted = 0
			}
		}
		a.send(frame{kind: frameHave, file: uint16(i), offset: uint64(wanted), payload: made})
	}
	current, data := 0, 0
	for {
		for current < len(entries) && there[current] {
			current++
		}
		if current == len(entries) && data == 0 && !awaitFinish {
			return 0
		}
		f, err := frames.next()
		switch {
		case errors.Is(err, errFrameCRC):
			return a.refuse(uint16(current), 23, "receive: a frame's checksum is wrong")
		case err != nil:
			return a.refuse(allFiles, 109, "receive: the input ended within a frame; put again to resume")
		case f.kind == frameFinish:
			if g.onFinish != nil {
				g.onFinish(a)
				return 1
			}
			if current < len(entries) {
				return a.refuse(uint16(current), 38, "receive: FINISH came before the last byte")
			}
			return 0
		case f.kind == frameWhole && int(f.file) == current:
			part, _ := g.read(partPath(entries[current].path))
			if code := a.finish(uint16(current), entries[current], part); code != 0 {
				return code
			}
			there[current] = true
			continue
		case f.kind != frameData || int(f.file) >= len(entries):
			return a.refuse(allFiles, 13, "receive: a frame of a wrong type")
		}
		data++
		if g.onData != nil {
			g.onData(a, data, int64(f.offset))
		}
		if a.ctx.Err() != nil {
			return 1
		}
		if there[f.file] {
			continue
		}
		e := entries[f.file]
		part, _ := g.read(partPath(e.path))
		at, end := int64(f.offset), int64(f.offset)+int64(len(f.payload))
		if int(f.file) != current || at > int64(len(part)) || end > e.size {
			return a.refuse(f.file, 13, "receive: a hole")
		}
		if end <= int64(len(part)) {
			continue
		}
		part = append(bytes.Clone(part), f.payload[int64(len(part))-at:]...)
		g.write(partPath(e.path), part)
		if end < e.size {
			continue
		}
		if code := a.finish(f.file, e, part); code != 0 {
			return code
		}
		there[f.file] = true
	}
}

// finish gives a part its name, if it is what it should be.
func (a *fakeAgent) finish(file uint16, e manifestEntry, part []byte) uint32 {
	a.guest.mu.Lock()
	delete(a.guest.files, fold(partPath(e.path)))
	delete(a.guest.chunks, fold(e.path))
	a.guest.mu.Unlock()
	sum := sha256.Sum256(part)
	if sum != e.sha256 {
		return a.refuse(file, 23, "verify: the SHA-256 of what came is not that of the manifest")
	}
	a.guest.write(e.path, part)
	if a.guest.silent {
		return 0
	}
	a.send(frame{kind: frameDone, file: file, offset: uint64(e.size), payload: sum[:]})
	return 0
}

// settle cuts a part that came in chunks off behind what is there without a gap.
func (g *fakeGuest) settle(e manifestEntry) {
	g.mu.Lock()
	defer g.mu.Unlock()
	c, striped := g.chunks[fold(e.path)]
	if !striped {
		return
	}
	delete(g.chunks, fold(e.path))
	end := c.from
	for c.sha256 == hex.EncodeToString(e.sha256[:]) && c.there[end] {
		end += c.chunk
	}
	part := g.files[fold(partPath(e.path))]
	g.files[fold(partPath(e.path))] = part[:min(end, int64(len(part)))]
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
	frames := frameReader{r: a.in}
	for written := int64(0); ; {
		f, err := frames.next()
		if err != nil || a.ctx.Err() != nil {
			return a.refuse(0, 109, "receive: the input ended within a frame; put again to resume")
		}
		if f.kind == frameFinish {
			a.send(frame{kind: frameHave, offset: uint64(written)})
			return 0
		}
		at := int64(f.offset)
		if f.kind != frameData || (at-from)%chunk != 0 || int64(len(f.payload)) != min(chunk, size-at) {
			return a.refuse(0, 13, "receive: this is not a chunk of the file")
		}
		g.mu.Lock()
		c := g.chunks[fold(path)]
		if c.there == nil {
			c = chunks{sha, from, chunk, make(map[int64]bool)}
			g.chunks[fold(path)] = c
		}
		part := g.files[fold(partPath(path))]
		if need := at + int64(len(f.payload)); int64(len(part)) < need {
			part = append(bytes.Clone(part), make([]byte, need-int64(len(part)))...)
		}
		copy(part[at:], f.payload)
		g.files[fold(partPath(path))] = part
		c.there[at] = true
		g.mu.Unlock()
		written += int64(len(f.payload))
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
	a.send(frame{kind: frameSize, offset: uint64(len(data))})
	end := int64(len(data))
	if length != 0 {
		end = min(end, offset+length)
	}
	sum := sha256.Sum256(data[offset:end])
	for offset < end {
		n := min(1<<16, end-offset)
		a.send(frame{kind: frameData, offset: uint64(offset), payload: data[offset : offset+n]})
		offset += n
	}
	a.send(frame{kind: frameEnd, offset: uint64(end), payload: sum[:]})
	return 0
}

// tail sends the journal as it grows, until it holds run-end or the run is dead.
func (a *fakeAgent) tail(path string, from int64) uint32 {
	g := a.guest
	stop := context.AfterFunc(a.ctx, func() { g.mu.Lock(); g.grown.Broadcast(); g.mu.Unlock() })
	defer stop()
	for a.ctx.Err() == nil {
		g.mu.Lock()
		for int64(len(g.files[fold(path)])) <= from && a.ctx.Err() == nil && !g.dead[fold(path)] && g.kill == 0 {
			g.grown.Wait()
		}
		journal, dead := g.files[fold(path)], g.dead[fold(path)]
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

// partPath is that of a path in a guest.
func partPath(path string) string {
	i := strings.LastIndexByte(path, '\\') + 1
	return path[:i] + partName(path[i:])
}
