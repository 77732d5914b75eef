package prepare

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"

	"wskharness/guest"
	"wskharness/prepare/windows"
)

// setting is one thing that a target for test-signed drivers has to be: a row.
type setting struct {
	name   string
	needed bool   // without it no test-signed driver loads; else a run is only disturbed, or leaves less evidence
	why    string // it matters
	source string
	look   func(v *view) Finding
	// brief is what a guest's own facts tell of it, at no cost: the zero Finding where nothing is wrong, or nothing is known. nil:
	// they tell nothing of it.
	brief func(f guest.Facts, k Known) Finding
}

// Status is what a finding comes to.
type Status string

const (
	OK      Status = "ok"
	Change  Status = "change"  // it is another, and Prepare changes it
	Reboot  Status = "reboot"  // it is set, and in effect from the next boot on
	Blocked Status = "blocked" // it is another, and can't be changed from inside the machine, or not so that it can be undone
	Note    Status = "note"    // nothing is wrong, and it is worth knowing
	Unknown Status = "unknown" // it could not be read
	Kept    Status = "kept"    // it is another, and stays so since that was asked for
)

// Finding is what a setting is on a target.
type Finding struct {
	Setting string `json:"setting"`
	Status  Status `json:"status"`
	Needed  bool   `json:"needed"` // for any test-signed driver to load
	Detail  string `json:"detail"` // what is
	Fix     string `json:"fix,omitempty"`
	Why     string `json:"why"`
	Source  string `json:"source"`
	Reboot  bool   `json:"reboot,omitempty"` // what Prepare changes takes a reboot
	// Refuses says that it surely keeps the driver from loading: only Brief, which has the kernel's own word, tells.
	Refuses bool `json:"-"`

	changes []change
}

// Wrong reports whether something has to be done, by whomever.
func (f Finding) Wrong() bool { return f.Status != OK && f.Status != Note && f.Status != Kept }

// change is what makes an item what it is to be.
type change struct {
	item
	now, to state
	reboot  bool
	calls   []windows.Call   // that do it; nil: what the item's kind makes of now and to
	reached func(state) bool // nil: the item is to
	last    bool             // when it is undone, that is only done behind the reboot
}

func (c change) done(s state) bool {
	if c.reached != nil {
		return c.reached(s)
	}
	return s.same(c.to)
}

// String says what is changed: where from, and to what.
func (c change) String() string {
	if c.reached != nil {
		return fmt.Sprintf("%s: set", c.item)
	}
	return fmt.Sprintf("%s: %s → %s", c.item, c.now, c.to)
}

// settings are the rows, in the order in which a target is changed: what keeps boot settings from locking a machine comes before
// those.
func settings(o Options) []setting {
	rows := slices.Concat(machineSettings(), signingSettings(o), policySettings(), crashSettings(), quietSettings(), []setting{winrmSetting()})
	if o.LogOn != nil {
		rows = append(rows, certifiedSetting(o.LogOn))
	}
	if o.Verifier != nil {
		rows = append(rows, verifierSetting())
	}
	if o.Debug != nil {
		rows = append(rows, debugSetting())
	}
	return rows
}

// Names are the names of all settings, for whoever wants to keep one as it is.
func Names() []string {
	var names []string
	for _, s := range settings(Options{Certificate: &x509.Certificate{}, Verifier: &Verifier{}, Debug: &Debugging{}, LogOn: &LogOn{}}) {
		names = append(names, s.name)
	}
	return names
}

// judge has each setting look.
func judge(v *view, settings []setting) []Finding {
	findings := make([]Finding, len(settings))
	for n, s := range settings {
		v.err = nil
		f := s.look(v)
		if v.err != nil {
			f = Finding{Status: Unknown, Detail: firstLine(v.err), Fix: f.Fix}
		}
		f = s.named(f)
		if slices.Contains(v.opts.Keep, s.name) && f.Wrong() {
			f.Status, f.changes = Kept, nil
		}
		for _, c := range f.changes {
			f.Reboot = f.Reboot || c.reboot
		}
		findings[n] = f
	}
	return findings
}

// named is a finding with what its setting is.
func (s setting) named(f Finding) Finding {
	f.Setting, f.Needed, f.Why, f.Source = s.name, s.needed, s.why, s.source
	return f
}

// firstLine is one error of several: they are mostly the same.
func firstLine(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	return text
}

// wanted is an item that is to be something.
type wanted struct {
	item
	to     state
	reboot bool
}

// differing are the changes that make items what they are to be.
func (v *view) differing(all ...wanted) (changes []change) {
	for _, w := range all {
		if now := v.item(w.item); !now.same(w.to) {
			changes = append(changes, change{item: w.item, now: now, to: w.to, reboot: w.reboot})
		}
	}
	return changes
}

// differs is the finding of a setting that consists of items: ok, or what is changed. By hand it is done as fix says.
func differs(changes []change, ok, fix string) Finding {
	if len(changes) == 0 {
		return Finding{Status: OK, Detail: ok}
	}
	var all []string
	for _, c := range changes {
		all = append(all, c.String())
	}
	return Finding{Status: Change, Detail: strings.Join(all, "; "), Fix: fix, changes: changes}
}

// pending is the finding of a setting that is set and not in effect.
func pending(detail string) Finding {
	return Finding{Status: Reboot, Detail: detail + ", from the next boot on", Fix: "reboot the machine", Reboot: true}
}

// BlockedError is a target that can't be prepared as it is: nothing was changed.
type BlockedError struct{ Findings []Finding }

func (e *BlockedError) Error() string {
	var all []error
	for _, f := range e.Findings {
		all = append(all, fmt.Errorf("%s: %s: %s", f.Setting, f.Detail, f.Fix))
	}
	return "nothing was changed, since the target can't be prepared as it is:\n" + errors.Join(all...).Error()
}
