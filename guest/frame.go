package guest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"unicode/utf8"
)

// A frame is 24 bytes, little-endian, and a payload (docs/protocol.md, "Transfer").
const (
	frameMagic      = 0x464B5357 // "WSKF"
	frameHeaderSize = 24
	maxPayload      = 1 << 20
	maxErrorText    = 4 << 10
	allFiles        = 0xFFFF // frame.file of an ERROR that is about no single file
)

type frameType uint8

const (
	frameManifest frameType = 1
	frameData     frameType = 2
	frameFinish   frameType = 3
	frameHave     frameType = 4
	frameDone     frameType = 5
	frameError    frameType = 6
	frameSize     frameType = 7
	frameEnd      frameType = 8
	frameWhole    frameType = 9
)

// frameDeflated is the flag of a DATA frame whose payload is deflated: a u32, how long it was, and a zlib
// stream.
const frameDeflated = 1

func (t frameType) String() string {
	names := [...]string{1: "MANIFEST", 2: "DATA", 3: "FINISH", 4: "HAVE", 5: "DONE", 6: "ERROR", 7: "SIZE", 8: "END", 9: "WHOLE"}
	if int(t) < len(names) && names[t] != "" {
		return names[t]
	}
	return fmt.Sprintf("type %d", uint8(t))
}

// payloadLimits says how long a frame's payload may and must be. What a guest sends is bounded by
// the kind of frame, so that a hostile length can't make the controller allocate.
func (t frameType) payloadLimits() (least, most int, err error) {
	switch t {
	case frameManifest:
		return 0, maxPayload, nil
	case frameData:
		return 1, maxPayload, nil
	case frameFinish, frameSize, frameWhole:
		return 0, 0, nil
	case frameHave:
		return 0, 1, nil
	case frameDone, frameEnd:
		return 32, 32, nil
	case frameError:
		return 0, maxErrorText, nil
	}
	return 0, 0, malformed("unknown frame %s", t)
}

type frame struct {
	kind    frameType
	file    uint16
	offset  uint64
	payload []byte
}

// errFrameCRC marks damage on the way: unlike every other mistake in a frame it does not mean that
// the other end is broken, so the transfer is worth another try.
var errFrameCRC = errors.New("the frame's payload does not match its CRC")

// malformedError is bytes that are no frame, or none that may come here.
type malformedError struct{ what string }

func (e *malformedError) Error() string { return e.what }

func malformed(format string, args ...any) error {
	return &malformedError{fmt.Sprintf(format, args...)}
}

// appendFrame appends f to b as it goes over the wire.
func appendFrame(b []byte, f frame) []byte { return appendFlagged(b, f, 0) }

func appendFlagged(b []byte, f frame, flags byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, frameMagic)
	b = append(b, byte(f.kind), flags)
	b = binary.LittleEndian.AppendUint16(b, f.file)
	b = binary.LittleEndian.AppendUint64(b, f.offset)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(f.payload)))
	b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(f.payload))
	return append(b, f.payload...)
}

// frameReader reads frames from what an agent prints.
type frameReader struct {
	r   io.Reader
	buf []byte // the payload of the last frame; grows to the longest one seen, at most maxPayload

	inflated []byte // likewise, of one that was deflated
	zlib     io.ReadCloser
}

// next returns the next frame; its payload is valid until the call after. io.EOF means that the
// stream ended between two frames, io.ErrUnexpectedEOF that it ended within one.
func (r *frameReader) next() (frame, error) {
	var h [frameHeaderSize]byte
	if _, err := io.ReadFull(r.r, h[:]); err != nil {
		return frame{}, err
	}
	if magic := binary.LittleEndian.Uint32(h[0:]); magic != frameMagic {
		return frame{}, malformed("a frame should start here, but the bytes are %q", h[:8])
	}
	f := frame{kind: frameType(h[4]), file: binary.LittleEndian.Uint16(h[6:]), offset: binary.LittleEndian.Uint64(h[8:])}
	deflated := h[5] == frameDeflated && f.kind == frameData
	if h[5] != 0 && !deflated {
		return frame{}, malformed("frame %s has flags 0x%x, which this version doesn't know", f.kind, h[5])
	}
	if f.offset > math.MaxInt64 {
		return frame{}, malformed("frame %s has offset 0x%x, beyond any file", f.kind, f.offset)
	}
	least, most, err := f.kind.payloadLimits()
	if err != nil {
		return frame{}, err
	}
	length := binary.LittleEndian.Uint32(h[16:])
	if uint64(length) < uint64(least) || uint64(length) > uint64(most) {
		return frame{}, malformed("frame %s has %d bytes of payload, not between %d and %d", f.kind, length, least, most)
	}
	if uint32(cap(r.buf)) < length {
		r.buf = make([]byte, length)
	}
	f.payload = r.buf[:length]
	if _, err := io.ReadFull(r.r, f.payload); err != nil {
		if err == io.EOF { // itself, not a lost connection that wraps it
			err = io.ErrUnexpectedEOF
		}
		return frame{}, err
	}
	if crc := crc32.ChecksumIEEE(f.payload); crc != binary.LittleEndian.Uint32(h[20:]) {
		return frame{}, fmt.Errorf("frame %s at offset %d: %w", f.kind, f.offset, errFrameCRC)
	}
	if deflated {
		return r.inflate(f)
	}
	return f, nil
}

// manifestEntry is one file of a MANIFEST.
type manifestEntry struct {
	size   int64
	sha256 [32]byte
	path   string
}

const manifestEntryFixed = 8 + 32 + 2

// appendManifest appends the payload of a MANIFEST.
func appendManifest(b []byte, entries []manifestEntry) []byte {
	for _, e := range entries {
		b = binary.LittleEndian.AppendUint64(b, uint64(e.size))
		b = append(b, e.sha256[:]...)
		b = binary.LittleEndian.AppendUint16(b, uint16(len(e.path)))
		b = append(b, e.path...)
	}
	return b
}

// parseManifest is the other direction: the controller never receives one, but the agent of the
// tests does, and the two hold each other to the layout.
func parseManifest(b []byte, count int) ([]manifestEntry, error) {
	var entries []manifestEntry
	for i := range count {
		if len(b) < manifestEntryFixed {
			return nil, fmt.Errorf("manifest ends within file %d of %d", i, count)
		}
		size := binary.LittleEndian.Uint64(b)
		if size > math.MaxInt64 {
			return nil, fmt.Errorf("manifest file %d has size 0x%x", i, size)
		}
		e := manifestEntry{size: int64(size), sha256: [32]byte(b[8:40])}
		n := int(binary.LittleEndian.Uint16(b[40:]))
		b = b[manifestEntryFixed:]
		if len(b) < n {
			return nil, fmt.Errorf("manifest ends within the path of file %d", i)
		}
		if e.path = string(b[:n]); !utf8.ValidString(e.path) {
			return nil, fmt.Errorf("manifest file %d has a path that is not UTF-8", i)
		}
		b = b[n:]
		entries = append(entries, e)
	}
	if len(b) > 0 {
		return nil, fmt.Errorf("%d bytes after the last file of the manifest", len(b))
	}
	return entries, nil
}
