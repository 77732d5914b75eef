//go:build linux

package libvirt

import (
	"encoding/binary"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// proxy stands in front of a daemon, counts what it is asked, and goes away when it is told to: as the host of a machine
// does.
type proxy struct {
	uri  string
	to   string
	seen func(packet int) // nil, or told of each packet to the daemon before it is passed on, over all connections

	mu     sync.Mutex
	listen net.Listener
	open   map[net.Conn]bool
	count  int
}

func (d *daemon) proxy(t *testing.T, driver string) *proxy {
	t.Helper()
	p := &proxy{to: d.socket(), open: map[net.Conn]bool{}}
	socket := filepath.Join(t.TempDir(), "s")
	p.uri = strings.Replace(d.uri(driver), d.socket(), socket, 1)
	p.start(t, socket)
	t.Cleanup(p.away)
	return p
}

func (p *proxy) start(t *testing.T, socket string) {
	listen, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	p.listen = listen
	go func() {
		for {
			from, err := listen.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("unix", p.to)
			if err != nil {
				from.Close()
				continue
			}
			p.mu.Lock()
			p.open[from], p.open[to] = true, true
			p.mu.Unlock()
			go func() { io.Copy(from, to); from.Close(); to.Close() }()
			go func() { p.pass(to, from); from.Close(); to.Close() }()
		}
	}()
}

// pass passes packets on, whole.
func (p *proxy) pass(to io.Writer, from io.Reader) {
	head := make([]byte, 4)
	for {
		if _, err := io.ReadFull(from, head); err != nil {
			return
		}
		rest := make([]byte, binary.BigEndian.Uint32(head)-4)
		if _, err := io.ReadFull(from, rest); err != nil {
			return
		}
		p.mu.Lock()
		p.count++
		count, seen := p.count, p.seen
		p.mu.Unlock()
		if seen != nil {
			seen(count)
		}
		if _, err := to.Write(append(head[:4:4], rest...)); err != nil {
			return
		}
	}
}

// watchPackets has seen be told from here on, from 1.
func (p *proxy) watchPackets(seen func(int)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen, p.count = seen, 0
}

// away ends all connections, and takes no more.
func (p *proxy) away() {
	p.listen.Close()
	p.cut()
}

// cut ends all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		c.Close()
	}
	p.open = map[net.Conn]bool{}
}
