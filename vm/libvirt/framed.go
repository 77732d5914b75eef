package libvirt

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
)

// The size of a packet of libvirt's protocol, its length included: at least its head (virnetprotocol.x), and at most what
// libvirt itself takes (VIR_NET_MESSAGE_MAX).
const (
	leastPacket = 28
	mostPacket  = 32 << 20
)

// framed is a connection to a daemon that ends where a packet comes whose length can't be one. go-libvirt takes the length
// for granted: too small a one ends this program, and a large one takes all of its memory.
type framed struct {
	net.Conn
	head [4]byte // the length of the packet that is being read …
	sent int     // … of which that much is handed on
	left uint32  // and this much behind it is not

	mu  sync.Mutex
	why error // what ended it
}

// newFramed begins between two packets.
func newFramed(c net.Conn) *framed { return &framed{Conn: c, sent: 4} }

func (f *framed) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if f.sent == 4 && f.left == 0 {
		if _, err := io.ReadFull(f.Conn, f.head[:]); err != nil {
			return 0, f.ends(err)
		}
		length := binary.BigEndian.Uint32(f.head[:])
		if length < leastPacket || length > mostPacket {
			return 0, f.ends(fmt.Errorf("what answers is no libvirt daemon: it sends a packet of %d bytes", length))
		}
		f.sent, f.left = 0, length-4
	}
	if f.sent < 4 {
		n := copy(p, f.head[f.sent:])
		f.sent += n
		return n, nil
	}
	n, err := f.Conn.Read(p[:min(len(p), int(f.left))])
	f.left -= uint32(n)
	if err != nil {
		err = f.ends(err)
	}
	return n, err
}

// ends remembers what ended the connection, and closes it: go-libvirt reads on behind what it calls invalid.
func (f *framed) ends(err error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.why == nil {
		f.why = err
	}
	f.Conn.Close()
	return io.EOF // nothing that is worth another attempt
}

// reason is what ended the connection; nil where nothing has.
func (f *framed) reason() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.why
}
