// Package frame is what files travel in between the controller and the agent, in both directions: frames with a checksum, whose
// payload may be deflated, and the MANIFEST that tells what files a command is about (docs/protocol.md, "Transfer").
package frame

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"

	"wskharness/guest/agent"
)

const (
	magic        = 0x464B5357 // "WSKF"
	maxErrorText = 4 << 10

	HeaderSize = 24         // bytes, little-endian, before the payload
	MaxPayload = 1 << 20    // bytes, deflated or not
	EntryFixed = 8 + 32 + 2 // bytes of an Entry in a MANIFEST, beside its path
)

// Type says what a frame is for.
type Type uint8

// The types, as docs/protocol.md has them.
const (
	Manifest Type = 1
	Data     Type = 2
	Finish   Type = 3
	Have     Type = 4
	Done     Type = 5
	Error    Type = 6
	Size     Type = 7
	End      Type = 8
	Whole    Type = 9
)

// deflatedFlag is the flag of a DATA frame whose payload is deflated: a u32, how long it was, and a zlib
// stream.
const deflatedFlag = 1

func (t Type) String() string {
	names := [...]string{1: "MANIFEST", 2: "DATA", 3: "FINISH", 4: "HAVE", 5: "DONE", 6: "ERROR", 7: "SIZE", 8: "END", 9: "WHOLE"}
	if int(t) < len(names) && names[t] != "" {
		return names[t]
	}
	return fmt.Sprintf("type %d", uint8(t))
}

// payloadLimits says how long a frame's payload may and must be. What a guest sends is bounded by
// the kind of frame, so that a hostile length can't make the controller allocate.
func (t Type) payloadLimits() (least, most int, err error) {
	switch t {
	case Manifest:
		return 0, MaxPayload, nil
	case Data:
		return 1, MaxPayload, nil
	case Finish, Size, Whole:
		return 0, 0, nil
	case Have:
		return 0, 1, nil
	case Done, End:
		return 32, 32, nil
	case Error:
		return 0, maxErrorText, nil
	}
	return 0, 0, agent.Malformed("unknown frame %s", t)
}

// Frame is one frame. What its File and Offset mean depends on its Kind.
type Frame struct {
	Kind    Type
	File    uint16 // index in the MANIFEST
	Offset  uint64
	Payload []byte
}

// Append appends f to b as it goes over the wire.
func Append(b []byte, f Frame) []byte { return appendFlagged(b, f, 0) }

func appendFlagged(b []byte, f Frame, flags byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, magic)
	b = append(b, byte(f.Kind), flags)
	b = binary.LittleEndian.AppendUint16(b, f.File)
	b = binary.LittleEndian.AppendUint64(b, f.Offset)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(f.Payload)))
	b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(f.Payload))
	return append(b, f.Payload...)
}

// Reader reads frames from what an agent prints.
type Reader struct {
	r   io.Reader
	buf []byte // the payload of the last frame; grows to the longest one seen, at most MaxPayload

	inflated []byte // likewise, of one that was deflated
	zlib     io.ReadCloser
}

// NewReader makes a Reader of what r gives.
func NewReader(r io.Reader) *Reader { return &Reader{r: r} }

// Next returns the next frame; its payload is valid until the call after. io.EOF means that the
// stream ended between two frames, io.ErrUnexpectedEOF that it ended within one.
func (r *Reader) Next() (Frame, error) {
	var h [HeaderSize]byte
	if _, err := io.ReadFull(r.r, h[:]); err != nil {
		return Frame{}, err
	}
	if binary.LittleEndian.Uint32(h[0:]) != magic {
		return Frame{}, agent.Malformed("a frame should start here, but the bytes are %q", h[:8])
	}
	f := Frame{Kind: Type(h[4]), File: binary.LittleEndian.Uint16(h[6:]), Offset: binary.LittleEndian.Uint64(h[8:])}
	deflated := h[5] == deflatedFlag && f.Kind == Data
	if h[5] != 0 && !deflated {
		return Frame{}, agent.Malformed("frame %s has flags 0x%x, which this version doesn't know", f.Kind, h[5])
	}
	if f.Offset > math.MaxInt64 {
		return Frame{}, agent.Malformed("frame %s has offset 0x%x, beyond any file", f.Kind, f.Offset)
	}
	least, most, err := f.Kind.payloadLimits()
	if err != nil {
		return Frame{}, err
	}
	length := binary.LittleEndian.Uint32(h[16:])
	if uint64(length) < uint64(least) || uint64(length) > uint64(most) {
		return Frame{}, agent.Malformed("frame %s has %d bytes of payload, not between %d and %d", f.Kind, length, least, most)
	}
	if uint32(cap(r.buf)) < length {
		r.buf = make([]byte, length)
	}
	f.Payload = r.buf[:length]
	if _, err := io.ReadFull(r.r, f.Payload); err != nil {
		if err == io.EOF { // itself, not a lost connection that wraps it
			err = io.ErrUnexpectedEOF
		}
		return Frame{}, err
	}
	if crc := crc32.ChecksumIEEE(f.Payload); crc != binary.LittleEndian.Uint32(h[20:]) {
		return Frame{}, fmt.Errorf("frame %s at offset %d: its payload does not match its CRC: %w", f.Kind, f.Offset, agent.ErrDamaged)
	}
	if deflated {
		return r.inflate(f)
	}
	return f, nil
}

// Entry is one file of a MANIFEST.
type Entry struct {
	Size   int64
	SHA256 [32]byte
	Path   string // in the guest
}

// AppendManifest appends a MANIFEST to b, as it goes over the wire.
func AppendManifest(b []byte, entries []Entry) []byte {
	var payload []byte
	for _, e := range entries {
		payload = binary.LittleEndian.AppendUint64(payload, uint64(e.Size))
		payload = append(payload, e.SHA256[:]...)
		payload = binary.LittleEndian.AppendUint16(payload, uint16(len(e.Path)))
		payload = append(payload, e.Path...)
	}
	return Append(b, Frame{Kind: Manifest, File: uint16(len(entries)), Payload: payload})
}
