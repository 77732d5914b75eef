//go:build linux

package wine

import (
	"errors"
	"io"
	"testing"

	"wskharness/remote/winrmd"
)

// A command that is given to a guest whose host has ended is told that the guest is going down, before and after that is known.
func TestHostThatHasEnded(t *testing.T) {
	t.Parallel()
	fromHost, toUs := io.Pipe()
	fromUs, toHost := io.Pipe()
	go io.Copy(io.Discard, fromUs)
	h := newHostConn(toHost, fromHost)
	toUs.Close()
	<-h.over
	if _, err := h.Start(t.Context(), winrmd.Spec{Line: "cmd.exe"}); !errors.Is(err, winrmd.ErrGoingDown) || !errors.Is(err, errEnded) {
		t.Errorf("got %v; want %v", err, errEnded)
	}
	if _, err := (&server{}).Start(t.Context(), winrmd.Spec{}); !errors.Is(err, winrmd.ErrGoingDown) {
		t.Errorf("a guest that is off: got %v; want %v", err, winrmd.ErrGoingDown)
	}
}
