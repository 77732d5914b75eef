// Package winrmdtest serves WinRM endpoints for tests.
package winrmdtest

import (
	"context"
	"net"
	"testing"

	"wskharness/remote/winrmd"
)

// Serve has a server answer over HTTPS on a port of this machine, and returns its address. With the test the server is shut
// down, behind whatever the test has cleaned up by itself; one that hangs is shown when the time of all tests is up.
func Serve(t testing.TB, server *winrmd.Server) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		if err := server.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return listener.Addr().String()
}
