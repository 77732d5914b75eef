package winrmd

import (
	"errors"
	"net"
	"sync"
)

// gate is a listener that knows its connections, bounds their number, and can be shut as a machine
// is that reboots: every connection is reset, and so is every new one.
type gate struct {
	net.Listener
	max int

	mu     sync.Mutex
	shut   bool
	conns  map[*gateConn]struct{}
	closed bool
}

func newGate(l net.Listener, maxConns int) *gate {
	return &gate{Listener: l, max: maxConns, conns: make(map[*gateConn]struct{})}
}

func (g *gate) Accept() (net.Conn, error) {
	for {
		conn, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := &gateConn{Conn: conn, gate: g}
		if g.admit(c) {
			return c, nil
		}
		c.reset()
	}
}

func (g *gate) admit(c *gateConn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut || g.closed || len(g.conns) >= g.max {
		return false
	}
	g.conns[c] = struct{}{}
	return true
}

// setShut shuts the gate and resets every connection, or opens it again.
func (g *gate) setShut(shut bool) {
	g.mu.Lock()
	g.shut = shut
	var cut []*gateConn
	if shut {
		for c := range g.conns {
			cut = append(cut, c)
		}
	}
	g.mu.Unlock()
	for _, c := range cut {
		c.reset()
	}
}

// gateConn is one connection through the gate.
type gateConn struct {
	net.Conn
	gate *gate
	once sync.Once
}

func (c *gateConn) Close() error {
	c.leave()
	return c.Conn.Close()
}

func (c *gateConn) leave() {
	c.once.Do(func() {
		c.gate.mu.Lock()
		defer c.gate.mu.Unlock()
		delete(c.gate.conns, c)
	})
}

// reset ends the connection with a TCP reset where there is TCP.
func (c *gateConn) reset() {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	c.Close()
}

// closeWrite ends our direction only.
func (c *gateConn) closeWrite() error {
	tcp, ok := c.Conn.(*net.TCPConn)
	if !ok {
		return errors.New("not a TCP connection")
	}
	return tcp.CloseWrite()
}
