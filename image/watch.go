package image

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"wskharness/vm/qmp"
)

// phase is how far an installation has come.
type phase int

const (
	booting    phase = iota // until the disc is read, which may want a key
	installing              // in Windows PE: install.cmd
	settingUp               // Windows itself, and finish.ps1 in it
	proven                  // it has answered, and was told to turn itself off
)

func (p phase) String() string {
	return []string{"starting from the disc", "installing (Windows PE)", "setting up (Windows)", "turning off"}[p]
}

// pressed is how much is read of the disc when it has surely been started from: its boot.wim is ten times as large, and what
// firmware and boot manager read before they ask for a key is a tenth.
const pressed = 32 << 20

// restarts are more than any Windows needs to be set up.
const restarts = 15

// marker begins the lines by which our scripts tell what they do, on the serial port.
const marker = "wskharness: "

// watch follows an installation by what is heard of it, and waits for nothing itself. Serial ports of Windows PE may be missing:
// then what QEMU tells has to do.
type watch struct {
	phase  phase
	step   string // the last that was told
	resets int
	// counts of QEMU: they tell whether anything happens
	moved int64
	since time.Time // nothing has
}

// line takes in a line of the serial port. tell is what a person is to know; the error is why there will be no image.
func (w *watch) line(now time.Time, text string) (tell string, err error) {
	w.since = now
	_, said, ok := strings.Cut(text, marker)
	if !ok {
		return "", nil
	}
	said = clip(strings.TrimSpace(said))
	switch word, rest, _ := strings.Cut(said, " "); word {
	case "failed":
		return "", fmt.Errorf("it failed while %s%s: %s", w.phase, w.where(), rest)
	case "step":
		if w.step = rest; w.phase == booting {
			w.phase = installing
		}
		return w.phase.String() + ": " + rest, nil
	}
	return said, nil
}

func (w *watch) where() string {
	if w.step == "" {
		return ""
	}
	return " (the last step told was: " + w.step + ")"
}

// read takes in how much was read of the disc, and what was read and written in all.
func (w *watch) read(now time.Time, disc, all int64) {
	if w.phase == booting && disc > pressed {
		w.phase = installing
	}
	if all != w.moved || w.since.IsZero() {
		w.moved, w.since = all, now
	}
}

// stalled says that nothing has happened for too long: some window waits for somebody.
func (w *watch) stalled(now time.Time, limit time.Duration) error {
	if w.since.IsZero() || now.Sub(w.since) < limit {
		return nil
	}
	return fmt.Errorf("nothing was read, written or told for %s while %s%s: it probably asks something, which the screen shows", limit, w.phase, w.where())
}

// event takes in what QEMU tells.
func (w *watch) event(e qmp.Event) (tell string, err error) {
	var data struct {
		Guest     bool   `json:"guest"`
		Reason    string `json:"reason"`
		NoSpace   bool   `json:"nospace"`
		Action    string `json:"action"`
		Operation string `json:"operation"`
		Node      string `json:"node-name"`
	}
	if e.Data != nil {
		if err := json.Unmarshal(e.Data, &data); err != nil {
			return "", fmt.Errorf("read QEMU's event %s: %w", e.Name, err)
		}
	}
	switch e.Name {
	case "SHUTDOWN":
		if w.phase == proven || !data.Guest {
			return "", nil // its end tells
		}
		return "", fmt.Errorf("the machine turned itself off while %s%s", w.phase, w.where())
	case "GUEST_PANICKED", "GUEST_CRASHLOADED":
		return "", fmt.Errorf("the system crashed while %s%s", w.phase, w.where())
	case "BLOCK_IO_ERROR":
		switch {
		case data.NoSpace:
			return "", errors.New("the disk of this machine is full: make room, and begin again")
		case data.Action == "stop":
			return "", fmt.Errorf("QEMU can't %s %s: %s", data.Operation, data.Node, data.Reason)
		}
	case "RESET":
		if !data.Guest {
			return "", nil
		}
		switch {
		case w.phase == installing:
			w.phase = settingUp
			return "Windows is on the disk, and starts", nil
		case w.phase == settingUp:
			if w.resets++; w.resets > restarts {
				return "", fmt.Errorf("the system starts over and over (%d times) instead of getting ready%s", w.resets, w.where())
			}
			return "Windows restarts", nil
		}
	}
	return "", nil
}
