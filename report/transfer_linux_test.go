package report

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestTransferLive: on a terminal there is one line, which is gone in the end; what is logged stays.
func TestTransferLive(t *testing.T) {
	for name, noColor := range map[string]string{"colours": "", "no colours": "1"} {
		t.Run(name, func(t *testing.T) {
			s := newScreen(t, 100, 24)
			v := NewTransfer(TransferOptions{Err: s.tty, What: "push tree", first: time.Millisecond, Getenv: env("TERM", "xterm", "NO_COLOR", noColor)})
			s.await(t, "getting ready")
			v.Update(5<<20, 10<<20)
			s.await(t, "5.0 MiB of 10.0 MiB (50%)")
			fmt.Fprintln(v, "a line of the log")
			s.await(t, "a line of the log")
			v.Close()
			written := s.close()
			if left := strings.TrimSpace(shown(t, written)); left != "a line of the log" {
				t.Errorf("left on the terminal: %q", left)
			}
			if coloured := strings.Contains(written, "\x1b[32m━"); coloured != (noColor == "") {
				t.Errorf("coloured: %v", coloured)
			}
		})
	}
}

func TestTransferOnADumbTerminal(t *testing.T) {
	s := newScreen(t, 80, 24)
	v := NewTransfer(TransferOptions{Err: s.tty, What: "push x", first: time.Millisecond, Getenv: env("TERM", "dumb")})
	v.Update(1, 2)
	s.await(t, "push x: ")
	v.Close()
	if written := s.close(); strings.Contains(written, "\x1b") {
		t.Errorf("escape sequences for a dumb terminal: %q", written)
	}
}
