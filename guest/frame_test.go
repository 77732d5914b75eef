package guest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The bytes are written out by hand from docs/protocol.md; the checksum is from zlib's crc32.
func TestFrameLayout(t *testing.T) {
	got := appendFrame(nil, frame{kind: frameData, file: 0x0102, offset: 0x1122334455667788, payload: []byte("123456789")})
	want := "WSKF" + "\x02\x00" + "\x02\x01" + "\x88\x77\x66\x55\x44\x33\x22\x11" + "\x09\x00\x00\x00" + "\x26\x39\xf4\xcb" + "123456789"
	if string(got) != want {
		t.Errorf("frame\n%x, not\n%x", got, want)
	}
}

func TestFrameReader(t *testing.T) {
	good := appendFrame(nil, frame{kind: frameData, offset: 7, payload: []byte("payload")})
	change := func(at int, to ...byte) []byte {
		b := bytes.Clone(good)
		copy(b[at:], to)
		return b
	}
	for name, tc := range map[string]struct {
		in   []byte
		want string // in the error; "" for none
	}{
		"good":             {good, ""},
		"nothing":          {nil, "EOF"},
		"half a header":    {good[:13], "unexpected EOF"},
		"header alone":     {good[:frameHeaderSize], "unexpected EOF"},
		"half a payload":   {good[:len(good)-1], "unexpected EOF"},
		"magic":            {change(0, 'X'), "should start here"},
		"type 0":           {change(4, 0), "unknown frame"},
		"type 10":          {change(4, 10), "unknown frame"},
		"flags":            {change(5, 2), "flags"},
		"deflated HAVE":    {change(4, byte(frameHave), 1), "flags"},
		"not deflated":     {change(5, 1), "deflated frame"},
		"offset":           {change(15, 0xff), "beyond any file"},
		"damage":           {change(len(good)-1, 'X'), "CRC"},
		"HAVE with data":   {change(4, byte(frameHave)), "7 bytes of payload"},
		"END without hash": {change(4, byte(frameEnd)), "7 bytes of payload"},
		"4 GiB":            {change(16, 0xff, 0xff, 0xff, 0xff), "4294967295 bytes"},
		"a byte too many":  {change(16, binary.LittleEndian.AppendUint32(nil, maxPayload+1)...), "1048577 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			r := frameReader{r: bytes.NewReader(tc.in)}
			f, err := r.next()
			if tc.want == "" {
				if err != nil || string(f.payload) != "payload" || f.offset != 7 {
					t.Errorf("%+v, %v", f, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v does not say %q", err, tc.want)
			}
			if cap(r.buf) > maxPayload {
				t.Errorf("%d bytes were allocated", cap(r.buf))
			}
		})
	}
}

// A lost connection that is an EOF underneath must stay what it is.
func TestFrameReaderKeepsTheReadersError(t *testing.T) {
	lost := &lostReader{data: appendFrame(nil, frame{kind: frameData, payload: []byte("abc")})[:25]}
	r := frameReader{r: lost}
	if _, err := r.next(); !errors.Is(err, errLost) {
		t.Errorf("error %v", err)
	}
}

var errLost = errors.Join(errors.New("connection lost"), io.EOF)

type lostReader struct{ data []byte }

func (l *lostReader) Read(p []byte) (int, error) {
	if len(l.data) == 0 {
		return 0, errLost
	}
	n := copy(p, l.data)
	l.data = l.data[n:]
	return n, nil
}

func TestManifestRoundTrip(t *testing.T) {
	entries := []manifestEntry{{size: 1 << 40, sha256: [32]byte{1}, path: `C:\ä\b`}, {path: `D:\x`}}
	b := appendManifest(nil, entries)
	got, err := parseManifest(b, 2)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(entries, got, cmp.AllowUnexported(manifestEntry{})); diff != "" {
		t.Error(diff)
	}
	for n := range b {
		if _, err := parseManifest(b[:n], 2); err == nil {
			t.Errorf("the first %d of %d bytes were taken for a manifest", n, len(b))
		}
	}
	if _, err := parseManifest(b, 1); err == nil {
		t.Error("a file more than announced was taken")
	}
}

func FuzzFrameReader(f *testing.F) {
	f.Add(appendFrame(appendFrame(nil, frame{kind: frameHave, offset: 1}), frame{kind: frameDone, payload: make([]byte, 32)}))
	f.Add(appendFrame(nil, frame{kind: frameError, file: allFiles, offset: 112, payload: []byte("full")}))
	var p packer
	f.Add(bytes.Clone(p.pack(frame{kind: frameData, offset: 3, payload: bytes.Repeat([]byte("deflated "), 4000)})))
	f.Add([]byte("WSKF\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, in []byte) {
		src := bytes.NewReader(in)
		r := frameReader{r: src}
		for {
			before := len(in) - src.Len()
			fr, err := r.next()
			if err != nil {
				return
			}
			was := in[before : len(in)-src.Len()]
			if was[5] == frameDeflated { // there is more than one way to deflate
				if len(fr.payload) == 0 || len(fr.payload) > maxPayload {
					t.Fatalf("%x inflates to %d bytes", was, len(fr.payload))
				}
				continue
			}
			// What was understood, written again, is what was read.
			if again := appendFrame(nil, fr); !bytes.Equal(again, was) {
				t.Fatalf("%x was read as %+v, which is written as %x", was, fr, again)
			}
		}
	})
}

func FuzzManifest(f *testing.F) {
	f.Add(appendManifest(nil, []manifestEntry{{size: 5, path: `C:\x`}, {path: `C:\y`}}), 2)
	f.Fuzz(func(t *testing.T, in []byte, count int) {
		entries, err := parseManifest(in, min(count, 1<<16))
		if err == nil && !bytes.Equal(appendManifest(nil, entries), in) {
			t.Fatalf("%x was read as %+v", in, entries)
		}
	})
}
