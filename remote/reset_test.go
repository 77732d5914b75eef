package remote

import (
	"crypto/tls"
	"net"
	"testing"
)

// TestResetInTheHandshake: a server that resets the connection, as Windows does that takes neither version nor cipher suite, is known by
// what this system says of that.
func TestResetInTheHandshake(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	done := make(chan error, 1)
	go func() {
		conn, err := listener.Accept()
		if err == nil {
			if _, err = conn.Read(make([]byte, 1)); err == nil {
				err = conn.(*net.TCPConn).SetLinger(0) // to close it is to reset it
			}
			conn.Close()
		}
		done <- err
	}()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	err = tls.Client(conn, &tls.Config{ServerName: "x"}).Handshake()
	if served := <-done; served != nil {
		t.Fatal(served)
	}
	if err == nil || !nothingInCommon(err) {
		t.Errorf("got %v, want it taken for a reset", err)
	}
}
