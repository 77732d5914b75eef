package results

import (
	"fmt"
	"strings"
)

// guestWindows is the kind of a guest that is Windows. Whatever is of another kind, or of none that is known, must not be
// read as a verdict on Windows.
const guestWindows = "windows"

// Guest is what a target is, as far as that is known. The zero value is a guest that was never reached.
type Guest struct {
	Kind  string `json:"kind,omitempty"`  // a word of lower-case letters and digits: "wine", guestWindows
	Label string `json:"label,omitempty"` // for people: "wine 8.0, Wine's own netio.sys"
	OS    string `json:"os,omitempty"`    // what it calls itself, with its version
	Facts *Facts `json:"facts,omitempty"` // where it was asked; not of plans and verdicts
	RunBy string `json:"runBy,omitempty"` // what runs its machine, with versions: "QEMU 7.2.22 with KVM"; only beside Facts, and where it is known
}

// Facts are what a guest said of itself. What could not be found out is empty, or nil.
type Facts struct {
	BootID       string     `json:"bootId,omitempty"`       // another one means that it has rebooted
	Agent        string     `json:"agent,omitempty"`        // SHA-256 of the agent that runs there
	Capabilities []string   `json:"capabilities,omitempty"` // what cases may require of it
	Wine         string     `json:"wine,omitempty"`         // the version
	Netio        string     `json:"netio,omitempty"`        // the WSK provider of a Wine guest: builtin, model, or a file
	Arch         string     `json:"arch,omitempty"`
	Host         string     `json:"host,omitempty"`
	User         string     `json:"user,omitempty"`
	Admin        *bool      `json:"admin,omitempty"`
	TestSigning  *bool      `json:"testSigning,omitempty"`
	HVCI         *bool      `json:"hvci,omitempty"`
	SecureBoot   *bool      `json:"secureBoot,omitempty"`
	Verifier     *string    `json:"verifier,omitempty"`      // Driver Verifier's flags, in hex
	Verified     []string   `json:"verified,omitempty"`      // drivers' files that it verifies, where it was looked for because cases ask for it
	Integrity    *uint32    `json:"codeIntegrity,omitempty"` // CODEINTEGRITY_OPTION_*
	CodePages    *CodePages `json:"codePages,omitempty"`
	MemoryBytes  *uint64    `json:"memoryBytes,omitempty"`
	FreeBytes    *uint64    `json:"freeBytes,omitempty"` // on drive C
}

// CodePages are those in which a guest's programs write.
type CodePages struct {
	ANSI int `json:"ansi"` // in files
	OEM  int `json:"oem"`  // to a console, or to a pipe in its place
}

// Windows reports whether the guest is known to be Windows.
func (g Guest) Windows() bool { return g.Kind == guestWindows }

// Naming is the guest without what it said of itself.
func (g Guest) Naming() Guest { return Guest{Kind: g.Kind, Label: g.Label} }

func (g Guest) check() error {
	if len(g.Kind) > 32 || strings.Trim(g.Kind, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
		return fmt.Errorf("%.40q is no kind of guest", g.Kind)
	}
	return nil
}
