package harness

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"wskharness/guest"
)

// bookmark is where a session has got to, as far as the journal of the run does not say: what a controller
// that continues the run has to know of the guest. It is in the target's folder, and written before what it
// tells of is begun.
type bookmark struct {
	Loads   int       `json:"loads"`             // of the driver, so far
	Load    *openLoad `json:"load,omitempty"`    // the load that is under way; nil: none is
	Tainted string    `json:"tainted,omitempty"` // why nothing may run before the target is reverted
}

// openLoad is a load of the driver that the guest may be running.
type openLoad struct {
	ID     string                `json:"id"`   // of the run in the guest
	Boot   string                `json:"boot"` // boot id of the guest that it was given to
	Trials []attemptKey          `json:"trials"`
	Dumps  map[string]guest.Dump `json:"dumps"`            // that were in the guest before; null: not known
	Events *uint64               `json:"events,omitempty"` // the newest record of its event log then; absent: not known
}

const bookmarkFile = "bookmark.json"

// mark replaces the bookmark. One that can't be written ends the run, as a journal does: nobody could
// continue it.
func (s *session) mark(b bookmark) {
	s.bookmark = b
	if err := writeWhole(filepath.Join(s.folder(), bookmarkFile), b); err != nil {
		s.breakOff(fmt.Errorf("note where the run on %s has got to: %w", s.target.Name, err))
	}
}

// readBookmark finds where an earlier controller has got to on this target.
func (s *session) readBookmark() error {
	err := readWhole(filepath.Join(s.folder(), bookmarkFile), &s.bookmark)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it did not get as far as the first load
	}
	return err
}

// writeWhole replaces a file in one step: whoever reads it, also after a power cut, finds the old or the new.
func writeWhole(path string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = file.Write(append(data, '\n'))
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func readWhole(path string, v any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
