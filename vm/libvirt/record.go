package libvirt

import (
	"path/filepath"
	"time"

	"wskharness/vm"
	"wskharness/vm/access"
	"wskharness/vm/lease"
)

// What is in a lease's folder.
const (
	recordFile  = "lease.json"
	cloneFile   = "clone.xml"
	consoleFile = "console.log"
	dumpFile    = "memory.dmp"
)

// mostEvents bounds the events that are kept for a controller that takes over.
const mostEvents = 64

// record is what is known of a lease. It is written before each thing that it tells of is made: whatever a controller that is
// killed leaves behind, it tells of.
type record struct {
	vm.GuestInfo
	URI      string `json:"uri"`
	Base     string `json:"base"`   // the domain that the target names
	Domain   string `json:"domain"` // the one that the lease has: that, or a clone of it
	UUID     string `json:"uuid,omitempty"`
	Clone    bool   `json:"clone,omitempty"`
	Snapshot string `json:"snapshot,omitempty"` // that is gone back to, of a domain that is used in place
	Marked   bool   `json:"marked,omitempty"`   // the domain that is used in place has our mark, or is about to get it

	Pool     string    `json:"pool,omitempty"` // that the target names
	Overlays []overlay `json:"overlays,omitempty"`
	NVRAM    bool      `json:"nvram,omitempty"`   // the clone has a file of UEFI variables of its own
	Console  bool      `json:"console,omitempty"` // libvirt has a stream of what it prints

	Service    access.Service `json:"service"`
	Address    string         `json:"address,omitempty"` // how it is found, or what it is
	BootWithin time.Duration  `json:"bootWithinNs"`

	DumpOnPanic bool   `json:"dumpOnPanic,omitempty"`
	DumpFormat  string `json:"dumpFormat,omitempty"` // of dumpFile, once that is whole
	Told        []told `json:"told,omitempty"`       // the events since the machine was last clean

	InUse bool `json:"inUse,omitempty"` // a run has the machine that was left up, or has ended without giving it back
}

// told is an event that was told, as it is kept.
type told struct {
	Kind vm.EventKind `json:"kind"`
	Time time.Time    `json:"time"`
	Text string       `json:"text,omitempty"`
	Code uint32       `json:"code,omitempty"`
	Args [4]uint64    `json:"args"`
}

func (t told) event() vm.Event {
	return vm.Event{Kind: t.Kind, Time: t.Time, Text: t.Text, Code: t.Code, Args: t.Args}
}

// tell adds an event.
func (r *record) tell(e vm.Event) {
	r.Told = append(r.Told, told{e.Kind, e.Time, e.Text, e.Code, e.Args})
	r.Told = r.Told[max(0, len(r.Told)-mostEvents):]
}

// readRecord reads a lease's record.
func readRecord(dir string) (*record, error) {
	r := &record{}
	return r, lease.Read(dir, recordFile, r)
}

func (r *record) write(dir string) error { return lease.Write(dir, recordFile, r) }

// daemon is what the record's machine is asked through.
func (r *record) daemon(never []string) (*client, error) {
	p, err := parsePlace(r.URI)
	if err != nil {
		return nil, err
	}
	return newClient(p, never), nil
}

// openDomain is the lease's machine, as anybody sees it who finds its folder.
func openDomain(dir string, h vm.Host) (*domain, error) {
	r, err := readRecord(dir)
	if err != nil {
		return nil, err
	}
	c, err := r.daemon(h.Never)
	if err != nil {
		return nil, err
	}
	d := &domain{client: c, dir: dir, getenv: h.Getenv}
	d.state.Store(r)
	return d, nil
}

// path is that of a file in the lease's folder.
func (d *domain) path(name string) string { return filepath.Join(d.dir, name) }
