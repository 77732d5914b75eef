package harness

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"wskharness/disk"
	"wskharness/guest"
	"wskharness/suites/output"
)

// checkpoint is where a session has got to, as far as the journal of the run does not say: what a controller
// that continues the run has to know of the guest. It is in the target's folder, and written before what it
// tells of is begun.
type checkpoint struct {
	Runs    int      `json:"driverRuns"`          // so far
	Run     *openRun `json:"driverRun,omitempty"` // that is under way; nil: none is
	Tainted string   `json:"tainted,omitempty"`   // why nothing may run before the target is reverted
	Clean   bool     `json:"clean,omitempty"`     // nothing of the run is left on a machine that nobody reverts, nor its Driver Verifier
}

// openRun is a run of the driver that may be under way in the guest.
type openRun struct {
	ID       string                `json:"id"`   // of the run in the guest
	Boot     string                `json:"boot"` // boot id of the guest that it was given to
	Attempts []openAttempt         `json:"attempts"`
	Pages    output.CodePages      `json:"codePages"`          // of the guest: what its programs wrote is read by them, also when it is gone
	Dumps    map[string]guest.Dump `json:"dumps"`              // that were in the guest before; null: not known
	Events   *uint64               `json:"events,omitempty"`   // the newest record of its event log then; absent: not known
	Proof    *proof                `json:"verifier,omitempty"` // what Driver Verifier was seen to do before it; absent: nobody asks for it
	Entry    string                `json:"entry,omitempty"`    // where the machine had got to in what it tells of DriverEntries; absent: not known
}

// openAttempt is an attempt that the guest was given.
type openAttempt struct {
	attemptKey
	Again bool `json:"again,omitempty"` // it has passed before, in a run of the driver that did not end well
}

const checkpointFile = "checkpoint.json"

// mark replaces the checkpoint. One that can't be written ends the run, as a journal does: nobody could
// continue it.
func (s *session) mark(c checkpoint) {
	s.checkpoint = c
	if err := writeWhole(s.run.env.disk(), filepath.Join(s.folder(), checkpointFile), c); err != nil {
		s.run.abort(fmt.Errorf("note where the run on %s has got to: %w", s.target.Name, err))
	}
}

// readCheckpoint finds where an earlier controller has got to on this target.
func (s *session) readCheckpoint() error {
	err := readWhole(s.run.env.disk(), filepath.Join(s.folder(), checkpointFile), &s.checkpoint)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it did not get as far as the first run of the driver
	}
	return err
}

// private is the mode of what a run keeps for itself: requests have what the configuration has, and what comes from a
// guest may hold anything that was in its memory. Reports, the journal and the package are there to be shared.
const private = 0o600

// writeWhole replaces a file in one step. Nobody else can read it.
func writeWhole(on disk.FS, path string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return disk.Replace(on, path, append(data, '\n'), private)
}

func readWhole(on disk.FS, path string, v any) error {
	data, err := on.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
