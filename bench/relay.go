package main

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// relay is a TCP relay in front of the endpoint. It counts every byte, in both directions and whichever the
// client, and delays each direction by the same time without limiting its rate.
type relay struct {
	listener net.Listener
	to       string
	delay    time.Duration
	bytes    atomic.Int64
	wait     sync.WaitGroup
}

func newRelay(to string, delay time.Duration) (*relay, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &relay{listener: l, to: to, delay: delay}
	r.wait.Go(r.accept)
	return r, nil
}

func (r *relay) address() string { return r.listener.Addr().String() }

// close ends the relay when its connections have ended: close the clients first.
func (r *relay) close() {
	r.listener.Close()
	r.wait.Wait()
}

func (r *relay) accept() {
	for {
		near, err := r.listener.Accept()
		if err != nil {
			return
		}
		r.wait.Go(func() {
			defer near.Close()
			far, err := net.Dial("tcp", r.to)
			if err != nil {
				return
			}
			defer far.Close()
			var both sync.WaitGroup
			both.Go(func() { r.pass(far, near) })
			both.Go(func() { r.pass(near, far) })
			both.Wait()
		})
	}
}

type piece struct {
	data []byte
	due  time.Time
}

// pass carries one direction until it ends, and then tells the other side that it has.
func (r *relay) pass(to, from net.Conn) {
	pieces := make(chan piece, 1024) // with 32 KiB each more than is under way in any delay used here
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(pieces)
		for {
			buf := make([]byte, 32<<10)
			n, err := from.Read(buf)
			if n > 0 {
				r.bytes.Add(int64(n))
				pieces <- piece{buf[:n], time.Now().Add(r.delay)}
			}
			if err != nil {
				return
			}
		}
	})
	var err error
	for p := range pieces {
		time.Sleep(time.Until(p.due))
		if err == nil {
			_, err = to.Write(p.data)
		}
		if err != nil {
			from.Close() // ends the reading
		}
	}
	reading.Wait()
	if half, ok := to.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // fails where the other side is gone already
	}
}
