package frame

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"strings"
	"testing"
)

// What a Packer makes is what a Reader reads, and what can be deflated is.
func TestPackedFrames(t *testing.T) {
	noise := make([]byte, MaxPayload)
	rand.Read(noise)
	for _, tc := range []struct {
		name    string
		payload []byte
		most    int
	}{
		{"text", bytes.Repeat([]byte("a driver that leaks nothing. "), 20000), 8 << 10},
		{"zeros", make([]byte, MaxPayload), 8 << 10},
		{"noise", noise, MaxPayload + HeaderSize},
		{"noise behind zeros", append(make([]byte, sampleBytes), noise[:MaxPayload-sampleBytes]...), MaxPayload + HeaderSize},
		{"short", []byte("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), 42 + HeaderSize},
		{"one byte", []byte{7}, 1 + HeaderSize},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var p Packer
			var r Reader
			for range 2 { // both are used again
				packed := p.Pack(Frame{Kind: Data, File: 3, Offset: 1 << 33, Payload: tc.payload})
				if len(packed) > tc.most {
					t.Errorf("%d bytes travel as %d, not at most %d", len(tc.payload), len(packed), tc.most)
				}
				r.r = bytes.NewReader(packed)
				f, err := r.Next()
				if err != nil || f.Kind != Data || f.File != 3 || f.Offset != 1<<33 || !bytes.Equal(f.Payload, tc.payload) {
					t.Errorf("%s of file %d at %d, %d bytes, %v; want no error and f.Kind == Data and f.File == 3 and f.Offset == 1<<33 and bytes.Equal(f.Payload, tc.payload)", f.Kind, f.File, f.Offset, len(f.Payload), err)
				}
			}
		})
	}
}

// A guest can claim anything about what it deflated.
func TestDeflatedFramesThatLie(t *testing.T) {
	var p Packer
	if !p.deflate(make([]byte, 100000)) {
		t.Fatal("zeros can't be deflated")
	}
	honest := bytes.Clone(p.packed.Bytes())
	claim := func(n uint32) []byte {
		return append(binary.LittleEndian.AppendUint32(nil, n), honest[4:]...)
	}
	for name, payload := range map[string][]byte{
		"no length":    honest[:3],
		"length alone": honest[:4],
		"zero":         claim(0),
		"too long":     claim(MaxPayload + 1),
		"bomb":         claim(1000), // inflates to more than it says
		"cut":          honest[:len(honest)-5],
		"shorter":      claim(100001),
		"tail":         append(bytes.Clone(honest), 1, 2, 3),
		"checksum":     append(bytes.Clone(honest[:len(honest)-1]), honest[len(honest)-1]^1),
	} {
		t.Run(name, func(t *testing.T) {
			r := Reader{r: bytes.NewReader(appendFlagged(nil, Frame{Kind: Data, Payload: payload}, deflatedFlag))}
			if f, err := r.Next(); err == nil || !strings.Contains(err.Error(), "deflated frame") {
				t.Errorf("%d bytes, error %v; want an error and strings.Contains(err.Error(), \"deflated frame\")", len(f.Payload), err)
			}
		})
	}
}
