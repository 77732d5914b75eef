package libvirt

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"testing"
	"testing/iotest"
)

// packets is a connection whose other end has sent this.
type packets struct {
	net.Conn
	io.Reader
}

func (p packets) Read(b []byte) (int, error) { return p.Reader.Read(b) }
func (packets) Close() error                 { return nil }

func packet(length uint32, payload int) []byte {
	return append(binary.BigEndian.AppendUint32(nil, length), make([]byte, payload)...)
}

func TestFramed(t *testing.T) {
	whole := append(packet(28, 24), packet(100, 96)...)
	for name, test := range map[string]struct {
		sent []byte
		want int // bytes that are handed on
	}{
		"whole":     {whole, len(whole)},
		"cut off":   {whole[:60], 60},
		"too small": {append(bytes.Clone(whole), packet(27, 1000)...), len(whole)},
		"too large": {append(bytes.Clone(whole), packet(mostPacket+1, 1000)...), len(whole)},
		"http":      {[]byte("HTTP/1.1 400 Bad Request\r\n"), 0},
	} {
		for way, reader := range map[string]io.Reader{"at once": bytes.NewReader(test.sent), "in bytes": iotest.OneByteReader(bytes.NewReader(test.sent))} {
			f := newFramed(packets{Reader: reader})
			got, err := io.ReadAll(f)
			if len(got) != test.want || err != nil || f.reason() == nil {
				t.Errorf("%s, %s: %d bytes, %v, reason %v; want %d", name, way, len(got), err, f.reason(), test.want)
			}
		}
	}
}

// FuzzFramed: whatever is sent, what is handed on is packets of which each has a length that can be one.
func FuzzFramed(f *testing.F) {
	f.Add(append(packet(28, 24), packet(100, 96)...))
	f.Add(packet(3, 0))
	f.Fuzz(func(t *testing.T, sent []byte) {
		got, _ := io.ReadAll(newFramed(packets{Reader: bytes.NewReader(sent)}))
		for len(got) >= 4 {
			length := binary.BigEndian.Uint32(got)
			if length < leastPacket || length > mostPacket {
				t.Fatalf("a packet of %d bytes", length)
			}
			got = got[min(len(got), int(length)):]
		}
	})
}
