//go:build linux

package guest

import (
	"errors"
	"strings"
	"testing"

	"wskharness/guest/agent"
	"wskharness/guest/transfer"
)

// An agent's process that was ended before its first word is started again where that does no harm, so and so often.
func TestAnAgentThatIsEndedBeforeItsFirstWord(t *testing.T) {
	f := newFakeGuest(t)
	g := f.connect()
	g.retry.tries = 6
	f.listing = `{"kind":"absent","path":""}` + "\n" + `{"kind":"end","entries":1}` + "\n"
	look := func() error {
		_, err := g.Look(t.Context(), `C:\x`)
		return err
	}
	push := func() error {
		_, err := g.Push(t.Context(), []transfer.File{transfer.Contents(`C:\wskharness\x`, []byte("x"))}, nil)
		return err
	}
	for what, do := range map[string]func() error{"list": look, "put": push} {
		for _, c := range []struct {
			mute  int
			fails bool
		}{{0, false}, {2, false}, {1000, true}} {
			before := len(f.ran())
			f.set(func() { f.mute = c.mute })
			err := do()
			mute, ok := errors.AsType[*agent.Error](err)
			if (err != nil) != c.fails || c.fails && (!ok || mute.ExitCode != agent.ExitRefused || !strings.Contains(err.Error(), "did not say why")) {
				t.Errorf("%s, %d mute: %v", what, c.mute, err)
			}
			want := c.mute + 1
			if c.fails {
				want = g.retry.tries
			}
			if got := len(f.ran()) - before; got < want || got > want+1 { // and perhaps one that asks who is there
				t.Errorf("%s, %d mute: %d processes, want %d", what, c.mute, got, want)
			}
			f.set(func() { f.mute = 0 })
		}
	}
}
