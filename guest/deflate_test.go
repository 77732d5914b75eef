package guest

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"strings"
	"testing"
)

// What a packer makes is what a frameReader reads, and what can be deflated is.
func TestPackedFrames(t *testing.T) {
	noise := make([]byte, maxPayload)
	rand.Read(noise)
	for _, tc := range []struct {
		name    string
		payload []byte
		most    int
	}{
		{"text", bytes.Repeat([]byte("a driver that leaks nothing. "), 20000), 8 << 10},
		{"zeros", make([]byte, maxPayload), 8 << 10},
		{"noise", noise, maxPayload + frameHeaderSize},
		{"noise behind zeros", append(make([]byte, sampleBytes), noise[:maxPayload-sampleBytes]...), maxPayload + frameHeaderSize},
		{"short", []byte("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), 42 + frameHeaderSize},
		{"one byte", []byte{7}, 1 + frameHeaderSize},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var p packer
			var r frameReader
			for range 2 { // both are used again
				packed := p.pack(frame{kind: frameData, file: 3, offset: 1 << 33, payload: tc.payload})
				if len(packed) > tc.most {
					t.Errorf("%d bytes travel as %d, not at most %d", len(tc.payload), len(packed), tc.most)
				}
				r.r = bytes.NewReader(packed)
				f, err := r.next()
				if err != nil || f.kind != frameData || f.file != 3 || f.offset != 1<<33 || !bytes.Equal(f.payload, tc.payload) {
					t.Errorf("%s of file %d at %d, %d bytes, %v", f.kind, f.file, f.offset, len(f.payload), err)
				}
			}
		})
	}
}

// A guest can claim anything about what it deflated.
func TestDeflatedFramesThatLie(t *testing.T) {
	var p packer
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
		"too long":     claim(maxPayload + 1),
		"bomb":         claim(1000), // inflates to more than it says
		"cut":          honest[:len(honest)-5],
		"shorter":      claim(100001),
		"tail":         append(bytes.Clone(honest), 1, 2, 3),
		"checksum":     append(bytes.Clone(honest[:len(honest)-1]), honest[len(honest)-1]^1),
	} {
		t.Run(name, func(t *testing.T) {
			r := frameReader{r: bytes.NewReader(appendFlagged(nil, frame{kind: frameData, payload: payload}, frameDeflated))}
			if f, err := r.next(); err == nil || !strings.Contains(err.Error(), "deflated frame") {
				t.Errorf("%d bytes, error %v", len(f.payload), err)
			}
		})
	}
}
