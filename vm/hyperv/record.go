package hyperv

import (
	"context"
	"path/filepath"
	"slices"
	"time"

	"wskharness/child"
	"wskharness/remote"
	"wskharness/vm"
	"wskharness/vm/access"
	"wskharness/vm/lease"
	"wskharness/vm/powershell"
)

// place is where a Hyper-V host is: this machine where there is no URL.
type place struct {
	URL   string       `json:"url,omitempty"`
	Login access.Login `json:"login,omitzero"`
}

// String names the host in messages.
func (p place) String() string {
	if p.URL == "" {
		return "this machine"
	}
	return (&access.Access{URL: p.URL}).Address()
}

// open connects to the host, as owner; close ends that.
func (p place) open(h vm.Host, owner string) (host powershell.Host, closing func(), err error) {
	if p.URL == "" {
		return powershell.Local(child.Environment{Never: h.Never}), func() {}, nil
	}
	endpoint, err := p.Login.At(p.URL, h.Getenv)
	if err != nil {
		return nil, nil, err
	}
	client, err := remote.New(endpoint, remote.Options{Logger: h.Logger, Owner: owner})
	if err != nil {
		return nil, nil, err
	}
	return powershell.Remote(client, p.String()), func() { client.Close() }, nil
}

// record is what is known of a lease. It is written before the machine is started: whatever a controller that is killed leaves
// behind, it tells of.
type record struct {
	vm.GuestInfo
	Host       place          `json:"host"`
	VM         string         `json:"vm"` // id
	Name       string         `json:"vmName"`
	Clean      checkpoint     `json:"checkpoint"`
	Wanted     string         `json:"wantedCheckpoint"` // as the target says
	Service    access.Service `json:"service"`
	Address    string         `json:"address,omitempty"` // as the target says; empty: the host is asked
	BootWithin time.Duration  `json:"bootWithinNs"`
	System     string         `json:"system,omitempty"` // the version of the host's Windows; empty: it has not told
	Mark       mark           `json:"mark"`             // how far the host's logs had come when the machine was clean last

	InUse bool `json:"inUse,omitempty"` // a run has the machine that was left up, or has ended without giving it back
}

const recordFile = "lease.json"

// room is where the leases are.
func room(cache string) string { return filepath.Join(cache, "hyperv", "leases") }

func readRecord(dir string) (record, error) {
	var r record
	return r, lease.Read(dir, recordFile, &r)
}

func (r *record) write(dir string) error { return lease.Write(dir, recordFile, r) }

// ready reports whether the machine has been up.
func (r *record) ready() bool { return r.Endpoint != "" }

// endpoint is where the guest's WinRM has answered.
func (r *record) endpoint(h vm.Host) (remote.Endpoint, error) {
	return r.Service.At(r.Endpoint, h.Getenv)
}

// leased is a lease that was found.
type leased struct {
	record
	dir string
}

// leases are all that can be read, oldest first.
func leases(cache string) ([]leased, error) {
	dirs, err := lease.Folders(room(cache))
	if err != nil {
		return nil, err
	}
	var all []leased
	for _, dir := range dirs {
		if r, err := readRecord(dir); err == nil { // else it is just being made, or removed
			all = append(all, leased{r, dir})
		}
	}
	slices.SortFunc(all, func(a, b leased) int { return a.Started.Compare(b.Started) })
	return all, nil
}

// with does something with a machine of a record, of which nobody needs to hold the lease.
func (r *record) with(ctx context.Context, h vm.Host, do func(v *virtual) error) error {
	host, closing, err := r.Host.open(h, r.ID+" by hand")
	if err != nil {
		return err
	}
	defer closing()
	return do(&virtual{host: host, id: r.VM, name: r.Name})
}
