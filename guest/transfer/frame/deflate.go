package frame

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"io"

	"wskharness/guest/agent"
)

// sampleBytes of a payload are deflated before the whole is, to see whether that pays.
const sampleBytes = 16 << 10

// Packer makes DATA frames, deflated where that makes them shorter by an eighth. Deflating is several times as
// fast as any link that the frames were seen to travel on, so then it always pays.
type Packer struct {
	zlib   *zlib.Writer
	packed bytes.Buffer
	frame  []byte
}

// Pack gives the bytes of a DATA frame, which are valid until the next call.
func (p *Packer) Pack(f Frame) []byte {
	if len(f.Payload) >= sampleBytes && p.deflate(f.Payload[:sampleBytes]) && p.deflate(f.Payload) {
		p.frame = appendFlagged(p.frame[:0], Frame{f.Kind, f.File, f.Offset, p.packed.Bytes()}, deflatedFlag)
	} else {
		p.frame = Append(p.frame[:0], f)
	}
	return p.frame
}

// deflate leaves data's deflated form in packed, and says whether it is worth while.
func (p *Packer) deflate(data []byte) bool {
	p.packed.Reset()
	p.packed.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(data))))
	if p.zlib == nil {
		p.zlib, _ = zlib.NewWriterLevel(&p.packed, zlib.BestSpeed) // that level exists
	} else {
		p.zlib.Reset(&p.packed)
	}
	_, _ = p.zlib.Write(data) // a bytes.Buffer does not fail
	_ = p.zlib.Close()
	return p.packed.Len() <= len(data)-len(data)/8
}

// inflate undoes deflating. What the guest says the length was is believed only up to MaxPayload.
func (r *Reader) inflate(f Frame) (Frame, error) {
	if len(f.Payload) <= 4 {
		return Frame{}, agent.Malformed("a deflated frame of %d bytes", len(f.Payload))
	}
	length := binary.LittleEndian.Uint32(f.Payload)
	if length == 0 || length > MaxPayload {
		return Frame{}, agent.Malformed("a deflated frame of what was %d bytes, not between 1 and %d", length, MaxPayload)
	}
	if uint32(cap(r.inflated)) < length {
		r.inflated = make([]byte, length)
	}
	if err := r.inflateInto(r.inflated[:length], f.Payload[4:]); err != nil {
		return Frame{}, agent.Malformed("a deflated frame that does not inflate to %d bytes: %v", length, err)
	}
	f.Payload = r.inflated[:length]
	return f, nil
}

func (r *Reader) inflateInto(to, deflated []byte) (err error) {
	from := bytes.NewReader(deflated)
	if r.zlib == nil {
		r.zlib, err = zlib.NewReader(from)
	} else {
		err = r.zlib.(zlib.Resetter).Reset(from, nil)
	}
	if err != nil {
		r.zlib = nil // what it may be used for after a failure is not documented
		return err
	}
	if _, err := io.ReadFull(r.zlib, to); err != nil {
		return err
	}
	switch n, err := r.zlib.Read(make([]byte, 1)); { // also checks the checksum
	case n > 0:
		return errors.New("it is longer")
	case !errors.Is(err, io.EOF):
		return err
	case from.Len() > 0:
		return errors.New("there is something behind it")
	}
	return nil
}
