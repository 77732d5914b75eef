package frame

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
)

// The bytes are written out by hand from docs/protocol.md; the checksum is from zlib's crc32.
func TestFrameLayout(t *testing.T) {
	got := Append(nil, Frame{Kind: Data, File: 0x0102, Offset: 0x1122334455667788, Payload: []byte("123456789")})
	want := "WSKF" + "\x02\x00" + "\x02\x01" + "\x88\x77\x66\x55\x44\x33\x22\x11" + "\x09\x00\x00\x00" + "\x26\x39\xf4\xcb" + "123456789"
	if string(got) != want {
		t.Errorf("frame\n%x, not\n%x; want string(got) == want", got, want)
	}
}

func TestFrameReader(t *testing.T) {
	good := Append(nil, Frame{Kind: Data, Offset: 7, Payload: []byte("payload")})
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
		"header alone":     {good[:HeaderSize], "unexpected EOF"},
		"half a payload":   {good[:len(good)-1], "unexpected EOF"},
		"magic":            {change(0, 'X'), "should start here"},
		"type 0":           {change(4, 0), "unknown frame"},
		"type 10":          {change(4, 10), "unknown frame"},
		"flags":            {change(5, 2), "flags"},
		"deflated HAVE":    {change(4, byte(Have), 1), "flags"},
		"not deflated":     {change(5, 1), "deflated frame"},
		"offset":           {change(15, 0xff), "beyond any file"},
		"damage":           {change(len(good)-1, 'X'), "CRC"},
		"HAVE with data":   {change(4, byte(Have)), "7 bytes of payload"},
		"END without hash": {change(4, byte(End)), "7 bytes of payload"},
		"4 GiB":            {change(16, 0xff, 0xff, 0xff, 0xff), "4294967295 bytes"},
		"a byte too many":  {change(16, binary.LittleEndian.AppendUint32(nil, MaxPayload+1)...), "1048577 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			r := NewReader(bytes.NewReader(tc.in))
			f, err := r.Next()
			if tc.want == "" {
				if err != nil || string(f.Payload) != "payload" || f.Offset != 7 {
					t.Errorf("got %+v, %v; want no error and string(f.Payload) == \"payload\" and f.Offset == 7", f, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v does not say %q", err, tc.want)
			}
			if cap(r.buf) > MaxPayload {
				t.Errorf("%d bytes were allocated; want cap(r.buf) <= MaxPayload", cap(r.buf))
			}
		})
	}
}

// A lost connection that is an EOF underneath must stay what it is.
func TestFrameReaderKeepsTheReadersError(t *testing.T) {
	lost := &lostReader{data: Append(nil, Frame{Kind: Data, Payload: []byte("abc")})[:25]}
	r := NewReader(lost)
	if _, err := r.Next(); !errors.Is(err, errLost) {
		t.Errorf("error %v; want errors.Is(err, errLost)", err)
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

func FuzzFrameReader(f *testing.F) {
	f.Add(Append(Append(nil, Frame{Kind: Have, Offset: 1}), Frame{Kind: Done, Payload: make([]byte, 32)}))
	f.Add(Append(nil, Frame{Kind: Error, File: 0xFFFF, Offset: 112, Payload: []byte("full")}))
	var p Packer
	f.Add(bytes.Clone(p.Pack(Frame{Kind: Data, Offset: 3, Payload: bytes.Repeat([]byte("deflated "), 4000)})))
	f.Add([]byte("WSKF\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, in []byte) {
		src := bytes.NewReader(in)
		r := NewReader(src)
		for {
			before := len(in) - src.Len()
			fr, err := r.Next()
			if err != nil {
				return
			}
			was := in[before : len(in)-src.Len()]
			if was[5] == deflatedFlag { // there is more than one way to deflate
				if len(fr.Payload) == 0 || len(fr.Payload) > MaxPayload {
					t.Fatalf("%x inflates to %d bytes; want len(fr.Payload) != 0 and len(fr.Payload) <= MaxPayload", was, len(fr.Payload))
				}
				continue
			}
			// What was understood, written again, is what was read.
			if again := Append(nil, fr); !bytes.Equal(again, was) {
				t.Fatalf("%x was read as %+v, which is written as %x; want bytes.Equal(again, was)", was, fr, again)
			}
		}
	})
}
