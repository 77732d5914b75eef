package report

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"wskharness/testtime"

	"wskharness/results"
	"wskharness/results/resultstest"
)

// screen is a pseudo-terminal, with what was written to it.
type screen struct {
	tty  *os.File
	host *os.File

	mu      sync.Mutex
	written bytes.Buffer
	done    chan struct{}
}

func newScreen(t *testing.T, width, height int) *screen {
	t.Helper()
	host, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminal here: %v", err)
	}
	fd := int(host.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Col: uint16(width), Row: uint16(height)}); err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminal here: %v", err)
	}
	s := &screen{tty: tty, host: host, done: make(chan struct{})}
	go s.read()
	t.Cleanup(func() { s.close() })
	return s
}

// read takes in what is written until the other end is closed, which is EIO. Linux may say so to a
// reader that waited while the last bytes still stand in line (some five of 600,000 tries): they are
// there at the next read, so only the second EIO in a row is the end.
func (s *screen) read() {
	defer close(s.done)
	buffer := make([]byte, 4096)
	for ends := 0; ends < 2; {
		n, err := s.host.Read(buffer)
		s.mu.Lock()
		s.written.Write(buffer[:n])
		s.mu.Unlock()
		if ends++; err == nil {
			ends = 0
		}
	}
}

// close ends the terminal, and returns all that was ever written to it.
func (s *screen) close() string {
	s.tty.Close()
	<-s.done
	s.host.Close()
	return s.written.String()
}

func (s *screen) contains(text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Contains(s.written.String(), text)
}

// await waits until the text was drawn: mpb draws at its own pace.
func (s *screen) await(t *testing.T, text string) {
	t.Helper()
	testtime.Await(t, fmt.Sprintf("%q to be drawn", text), func() bool { return s.contains(text) })
}

// shown is what is left on a terminal of endless height after the writing: it knows the sequences
// that the view uses (cursor up and erase below; colours), and fails on any other.
func shown(t *testing.T, written string) string {
	t.Helper()
	lines := []string{""}
	row := 0
	for written != "" {
		r := written[0]
		switch {
		case r == '\r':
			written = written[1:]
		case r == '\n':
			if row++; row == len(lines) {
				lines = append(lines, "")
			}
			written = written[1:]
		case strings.HasPrefix(written, "\x1b["):
			end := strings.IndexFunc(written[2:], func(r rune) bool { return r >= '@' && r <= '~' }) + 2
			switch parameters := written[2:end]; written[end] {
			case 'm':
			case 'A':
				up, err := strconv.Atoi(parameters)
				if err != nil || up > row {
					t.Fatalf("cursor up by %q in row %d", parameters, row)
				}
				row -= up
			case 'J':
				lines = append(lines[:row], "")
			default:
				t.Fatalf("unexpected sequence %q", written[:end+1])
			}
			written = written[end+1:]
		default:
			lines[row] += written[:1]
			written = written[1:]
		}
	}
	return strings.Join(lines, "\n")
}

// TestTerminalLive runs both samples on a real pseudo-terminal. In the end the screen shows just
// what plain lines of that width would: no line was lost, no bar is left.
func TestTerminalLive(t *testing.T) {
	for name, events := range map[string][]results.Event{"happy": resultstest.HappyRun(), "bad": resultstest.BadRun()} {
		t.Run(name, func(t *testing.T) {
			const width = 100
			s := newScreen(t, width, 50)
			view := NewTerminal(TerminalOptions{Out: s.tty, Err: s.tty, Getenv: env("TERM", "xterm")})
			var logged bool
			state := results.NewFold()
			for _, e := range events {
				state.Apply(e)
				if err := view.Handle(results.Update{Event: e, State: state}); err != nil {
					t.Fatal(err)
				}
				if e.Kind == results.KindCaseStarted && !logged {
					logged = true
					s.await(t, e.Case)
					s.await(t, "─")
					fmt.Fprintln(view.LogWriter(), "a line of the log")
				}
			}
			rec := results.Reduce(events)
			if err := view.Summary(rec, "wskharness-runs/"+rec.Run.ID, []string{junitName, markdownName, results.JournalName}); err != nil {
				t.Fatal(err)
			}
			got := strings.Replace(shown(t, s.close()), "a line of the log\n", "", 1)
			var want bytes.Buffer
			if err := replay(&want, events, TerminalOptions{width: width}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want.String(), got); diff != "" {
				t.Errorf("the screen in the end (-plain +screen):\n%s", diff)
			}
		})
	}
}

// TestTerminalLivePiped: with the output going elsewhere, that gets plain lines, and the terminal
// gets the progress only.
func TestTerminalLivePiped(t *testing.T) {
	s := newScreen(t, 80, 24)
	var out bytes.Buffer
	view := NewTerminal(TerminalOptions{Out: &out, Err: s.tty, Getenv: env("TERM", "xterm", "NO_COLOR", "1")})
	state := results.NewFold()
	for _, e := range resultstest.HappyRun() {
		state.Apply(e)
		if err := view.Handle(results.Update{Event: e, State: state}); err != nil {
			t.Fatal(err)
		}
		if e.Kind == results.KindCaseStarted && e.Case == "capture.deregister_waits_n" {
			s.await(t, "7/10")
			s.await(t, "capture.deregister_waits_n")
		}
	}
	if err := view.Close(); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "\x1b") || !strings.Contains(out.String(), "registration.basic") {
		t.Errorf("the piped output:\n%s", out.String())
	}
	written := s.close()
	if left := strings.TrimSpace(shown(t, written)); left != "" {
		t.Errorf("left on the terminal: %q", left)
	}
	if strings.Contains(written, "m━") || strings.Contains(written, "\x1b[1m") {
		t.Error("coloured in spite of NO_COLOR")
	}
}

// TestTerminalDumb: no progress, no colour.
func TestTerminalDumb(t *testing.T) {
	s := newScreen(t, 80, 24)
	if err := replay(s.tty, resultstest.HappyRun(), TerminalOptions{Getenv: env("TERM", "dumb")}); err != nil {
		t.Fatal(err)
	}
	if written := s.close(); strings.Contains(written, "\x1b") {
		t.Errorf("escape sequences for a dumb terminal: %.200q", written)
	}
}
