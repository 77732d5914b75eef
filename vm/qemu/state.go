package qemu

import (
	"fmt"
	"path/filepath"
	"time"

	"wskharness/vm"
	"wskharness/vm/access"
)

// guestConfig is what a guest is made of: a file in its folder, which the process that serves it reads. It refers to secrets, and
// has none.
type guestConfig struct {
	ID      string         `json:"id"`
	Target  string         `json:"target"`
	Run     string         `json:"run,omitempty"` // that it was made for
	Program string         `json:"program"`       // QEMU
	Version string         `json:"version"`       // QEMU's
	Spec    spec           `json:"spec"`
	Service access.Service `json:"service"` // how its WinRM is reached
	Clean   clean          `json:"clean"`
	// Template is a folder with the files of a guest that is up, and a snapshot in them; empty: it boots.
	Template    string        `json:"template,omitempty"`
	Checkpoints string        `json:"checkpoints"` // the folder for those of this target
	SetClock    string        `json:"setClock,omitempty"`
	Within      time.Duration `json:"withinNs"` // that it may take to boot
}

// clean is what a guest's disk, its variables and its TPM are before it boots first.
type clean struct {
	Disk   string `json:"disk"`
	Format string `json:"format"`
	Vars   string `json:"vars,omitempty"`
	// VarsFormat is "raw", as firmware comes, or "qcow2".
	VarsFormat string `json:"varsFormat,omitempty"`
	TPM        string `json:"tpm,omitempty"` // a folder; empty: a TPM that is new
}

// state is what is known of a guest that is up.
type state struct {
	vm.GuestInfo
	Port      int    `json:"port"`                // of this machine, where its WinRM is reached
	Abandoned bool   `json:"abandoned,omitempty"` // whoever had claimed it last has ended without letting it go
	Dir       string `json:"dir"`
}

const (
	configFile = "guest.json"
	stateFile  = "state.json"
	socketName = "control"
)

func leasesDir(cache string) string      { return filepath.Join(cache, "qemu", "leases") }
func templatesDir(cache string) string   { return filepath.Join(cache, "qemu", "snapshots") }
func checkpointsDir(cache string) string { return filepath.Join(cache, "qemu", "checkpoints") }

// describe says where the guest is reached.
func (c *guestConfig) describe(s *state) {
	s.Endpoint = fmt.Sprintf("%s://127.0.0.1:%d/wsman", c.Service.Transport, s.Port)
	s.User, s.PasswordFile, s.CertificateSHA = c.Service.User, c.Service.PasswordFile, c.Service.Certificate
}
