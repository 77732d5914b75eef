package prepare

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"wskharness/guest"
	"wskharness/guest/untrusted"
	"wskharness/prepare/windows"
)

// ourFolder is where, on the target, it is kept what the target was: administrators and the system get at it.
const ourFolder = guest.Home + `\prepare`

const recordFile = ourFolder + `\originals.json`

// record is what a target was before it was prepared. It is on the target, and on its disk before anything is changed, so
// whoever comes next, from wherever, knows how to bring the target back.
type record struct {
	Version int        `json:"version"`
	Made    time.Time  `json:"made"`
	Items   []original `json:"items"`
	// Boot is the boot in which something is changed that takes a reboot: while it goes on, the reboot is still to come.
	Boot string `json:"boot,omitempty"`
	// Undoing is set while the target is brought back.
	Undoing bool `json:"undoing,omitempty"`

	read []byte // as it was read, or written; nil: it was not there
}

// original is an item as it was.
type original struct {
	Setting string `json:"setting"`
	item
	Was    state `json:"was"`
	Reboot bool  `json:"reboot,omitempty"`
	Last   bool  `json:"last,omitempty"` // it is brought back behind the reboot
}

// restored reports whether an item is what it was; a key that was not there is not there, either.
func (o original) restored(now state) bool {
	return now.same(o.Was) && (o.Was.Key == "" || now.Key != "")
}

const (
	recordVersion = 1
	maxOriginals  = 1000
)

// parseRecord reads one. It is a guest's word, though an administrator's: what it says to write is only ever written to the
// target that it came from.
func parseRecord(data []byte) (*record, error) {
	var r record
	if err := untrusted.DecodeOne(data, &r); err != nil {
		return nil, err
	}
	var wrong []error
	if r.Version != recordVersion {
		wrong = append(wrong, fmt.Errorf("it is of version %d, and this program reads version %d", r.Version, recordVersion))
	}
	if len(r.Items) > maxOriginals {
		wrong = append(wrong, fmt.Errorf("it has %d items", len(r.Items)))
	}
	for n, o := range r.Items[:min(len(r.Items), maxOriginals)] {
		r.Items[n].Setting = printable(o.Setting, 60)
		if _, err := kindOf(o.item); err != nil {
			wrong = append(wrong, err)
		}
		if slices.ContainsFunc(r.Items[:n], func(p original) bool { return p.item == o.item }) {
			wrong = append(wrong, fmt.Errorf("it has %s twice", o.item))
		}
	}
	return &r, errors.Join(wrong...)
}

// readRecord fetches it, with the identifier of the boot; nil where there is none.
func readRecord(ctx context.Context, host windows.Host, file string) (r *record, boot string, err error) {
	answers, err := windows.Do(ctx, host, windows.BootID(), windows.ReadFile(file))
	if err != nil {
		return nil, "", err
	}
	boot = answers[0].Data
	if !untrusted.IsGUID(boot) {
		return nil, "", fmt.Errorf("the identifier of the boot is %q, which is no GUID", untrusted.Clip(boot, 60))
	}
	if answers[1].Type == windows.Absent {
		return nil, boot, nil
	}
	data, err := answers[1].Bytes()
	if err == nil {
		r, err = parseRecord(data)
	}
	if err == nil {
		r.read = data
	}
	if err != nil {
		return nil, boot, fmt.Errorf("read %s on the target, which says what the target was: %w; look at it by hand, nothing was changed", file, err)
	}
	return r, boot, nil
}

// write puts it on the target's disk, where nobody else has written it meanwhile: two that prepare a machine at a time, and know
// nothing of each other, would each take for the original what the other has made.
func (r *record) write(ctx context.Context, host windows.Host, file string) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if _, err := windows.Do(ctx, host, windows.ReplaceFile(file, r.read, data)); err != nil {
		return fmt.Errorf("write down on the target what it was, so that it can be brought back: %w", err)
	}
	r.read = data
	return nil
}

// note adds items that are to be changed, as they are now; of one that was changed before, its first state is the original.
func (r *record) note(setting string, changes []change) (added bool) {
	for _, c := range changes {
		if !slices.ContainsFunc(r.Items, func(o original) bool { return o.item == c.item }) {
			r.Items = append(r.Items, original{setting, c.item, c.now, c.reboot, c.last})
			added = true
		}
	}
	return added
}
