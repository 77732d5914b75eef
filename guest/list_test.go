//go:build linux

package guest

import (
	"errors"
	"testing"

	"wskharness/guest/agent"
	"wskharness/guest/transfer"
)

func TestListOfAGuestThatBreaksTheProtocol(t *testing.T) {
	f := newFakeGuest(t)
	g := f.connect()
	f.listing = "{}\n"
	if _, err := g.PullTree(t.Context(), `C:\x`, t.TempDir(), transfer.TreeOptions{}); !isProtocolError(err) {
		t.Errorf("nonsense: %v; want a broken protocol", err)
	}
	f.listing = `{"kind":"folder","path":""}` + "\n"
	if _, err := g.PullTree(t.Context(), `C:\x`, t.TempDir(), transfer.TreeOptions{}); !isProtocolError(err) {
		t.Errorf("cut: %v; want a broken protocol", err)
	}
	f.listing += `{"kind":"file","path":"a"}` + "\n" + `{"kind":"end","entries":2}` + "\n"
	if _, err := g.Look(t.Context(), `C:\x`); !isProtocolError(err) {
		t.Errorf("two entries about one path: %v; want a broken protocol", err)
	}
	if _, err := g.PullTree(t.Context(), `x`, t.TempDir(), transfer.TreeOptions{}); err == nil {
		t.Error("a relative path")
	}
}

func isProtocolError(err error) bool {
	_, ok := errors.AsType[*agent.ProtocolError](err)
	return ok
}
