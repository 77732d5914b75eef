//go:build linux

package guest

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"testing"

	"wskharness/guest/transfer"
	"wskharness/remote"
	"wskharness/remote/winrmd"
)

// TestShellThatAnotherCommandReplaced: of two commands in a shell that is lost, one finds that out first, and has it closed
// under the other, which is no less able to go on than it would have been.
func TestShellThatAnotherCommandReplaced(t *testing.T) {
	data := randomBytes(30 << 10)
	for name, do := range map[string]func(g *Guest) error{
		"pull": func(g *Guest) error {
			w := window{0, make([]byte, len(data))}
			_, err := g.Pull(t.Context(), `C:\x\a`, w, transfer.PullOptions{})
			if err == nil && !bytes.Equal(w.data, data) {
				err = errors.New("another file came")
			}
			return err
		},
		"push": func(g *Guest) error {
			_, err := g.Push(t.Context(), []transfer.File{transfer.Contents(`C:\x\b`, data)}, nil)
			return err
		},
		"list": func(g *Guest) error {
			_, err := g.PullTree(t.Context(), `C:\x`, t.TempDir(), transfer.TreeOptions{})
			return err
		},
		"refresh": func(g *Guest) error {
			_, err := g.Refresh(t.Context())
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeGuest(t)
			f.write(`C:\x\a`, data)
			f.listing = `{"kind":"folder","path":""}` + "\n" + `{"kind":"end","entries":1}` + "\n"
			g := f.connect()
			var once sync.Once
			f.onOutput = func(a *fakeAgent, _ string, w io.Writer) io.Writer {
				return writerFunc(func(p []byte) (int, error) {
					once.Do(func() {
						closeCurrent(t, g)
						_, _ = io.Copy(io.Discard, a.in) // ends with the process: nothing of it is to arrive
					})
					return w.Write(p)
				})
			}
			if err := do(g); err != nil {
				t.Error(err)
			}
		})
	}
}

// closeCurrent closes a Guest's shell under it, as a command does that has found it gone.
func closeCurrent(t *testing.T, g *Guest) {
	shell, err := g.currentShell()
	if err != nil {
		t.Error(err)
		return
	}
	closeLater(shell)
}

// TestExecInAShellThatAnotherCommandReplaced: what was not started is; what may have been is not started again.
func TestExecInAShellThatAnotherCommandReplaced(t *testing.T) {
	for name, test := range map[string]struct {
		closed string // when
		works  bool
	}{"before": {"before", true}, "while it is being started": {"in Command", false}, "when it has been started": {"by its input", false}} {
		t.Run(name, func(t *testing.T) {
			f := newFakeGuest(t)
			var started, armed atomic.Int32
			f.special = func(_ winrmd.Spec, in io.Reader, out, _ io.Writer) (uint32, bool) {
				started.Add(1)
				_, err := io.Copy(out, in)
				return 0, err == nil
			}
			var g *Guest
			f.inject = func(r winrmd.Request) winrmd.InjectedFault {
				if r.Action == "Command" && armed.CompareAndSwap(1, 0) {
					closeCurrent(t, g)
				}
				return winrmd.InjectedFault{}
			}
			g = f.connect()
			var in io.Reader
			switch test.closed {
			case "before":
				closeCurrent(t, g)
			case "in Command":
				armed.Store(1)
			default:
				in = closing{t, g}
			}
			_, err := g.Exec(t.Context(), remote.CommandLine{Line: "cat"}, in, nil, nil)
			right := err == nil
			if !test.works {
				right = errors.Is(err, remote.ErrShellClosed) && !errors.Is(err, remote.ErrNotStarted)
			}
			if !right || started.Load() > 1 {
				t.Errorf("%v; started %d times; want right and started.Load() <= 1", err, started.Load())
			}
		})
	}
}

// closing is a command's input: when that is asked for, the command has been started.
type closing struct {
	t *testing.T
	g *Guest
}

func (c closing) Read([]byte) (int, error) {
	closeCurrent(c.t, c.g)
	return 0, io.EOF
}

// TestOperationsOfAGuestThatIsClosed end at once, and say why.
func TestOperationsOfAGuestThatIsClosed(t *testing.T) {
	f := newFakeGuest(t)
	g := f.connect()
	if err := g.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, pull := g.Pull(t.Context(), `C:\x\a`, window{0, make([]byte, 1)}, transfer.PullOptions{})
	_, exec := g.Exec(t.Context(), remote.CommandLine{Line: "cat"}, nil, nil, nil)
	_, refresh := g.Refresh(t.Context())
	for doing, err := range map[string]error{"pull": pull, "exec": exec, "refresh": refresh} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("got %s: %v; want errors.Is(err, ErrClosed)", doing, err)
		}
	}
}

// TestOperationsOfAClientThatIsClosed end, although every shell of it is closed and could be made anew otherwise.
func TestOperationsOfAClientThatIsClosed(t *testing.T) {
	f := newFakeGuest(t)
	g := f.connect()
	f.client.Close()
	_, pull := g.Pull(t.Context(), `C:\x\a`, window{0, make([]byte, 1)}, transfer.PullOptions{})
	_, refresh := g.Refresh(t.Context())
	for doing, err := range map[string]error{"pull": pull, "refresh": refresh} {
		if !errors.Is(err, remote.ErrClosed) {
			t.Errorf("got %s: %v; want errors.Is(err, remote.ErrClosed)", doing, err)
		}
	}
}
