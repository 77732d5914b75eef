//go:build linux

package wine

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"wskharness/remote"
	"wskharness/vm"
	"wskharness/vm/lease"
)

// guestConfig is what a guest is made of. It is a file in the guest's folder: the process that serves the guest
// reads it.
type guestConfig struct {
	ID       string            `json:"id"`
	Target   string            `json:"target"`
	Run      string            `json:"run,omitempty"` // that it was made for
	Software Software          `json:"software"`
	Template string            `json:"template"` // prefix to clone
	Host     string            `json:"host"`     // winrshost.exe
	Seed     map[string]string `json:"seed"`     // guest path → host file, put into each clone
	Netio    string            `json:"netio,omitempty"`
	Temp     string            `json:"temp"` // folder of sockets, with a short name; gone with the guest
	// Unclaimed is how long the guest stays up with nobody's claim.
	Unclaimed time.Duration `json:"unclaimedNs"`

	echo io.Writer // see Sole
}

// State is what is known of a guest that is up.
type State struct {
	vm.GuestInfo
	PID       int    `json:"pid"`                 // of the process that serves it
	Guard     int    `json:"guardPid"`            // of the one that ends when nothing of the guest is left
	Control   string `json:"control"`             // socket
	Abandoned bool   `json:"abandoned,omitempty"` // whoever had claimed it last has ended without letting it go
	Boots     int    `json:"boots"`

	Dir string `json:"dir"` // the guest's folder
}

const (
	configFile = "guest.json"
	stateFile  = "state.json"
	lockName   = "lock" // of the templates
	consoleLog = "console.log"
)

func guestsDir(root string) string { return filepath.Join(root, "wine", "guests") }

// templatesDir is where the templates are below root.
func templatesDir(root string) string { return filepath.Join(root, "wine", "templates") }

func prefixOf(dir string) string { return filepath.Join(dir, "prefix") }

// foldersIn are the folders in another one, which need not be there.
func foldersIn(room string) ([]string, error) {
	entries, err := os.ReadDir(room)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []string
	for _, entry := range entries {
		if entry.IsDir() {
			all = append(all, filepath.Join(room, entry.Name()))
		}
	}
	return all, nil
}

// List returns the guests below root that are up, oldest first.
func List(root string) ([]State, error) {
	dirs, err := lease.Folders(guestsDir(root))
	if err != nil {
		return nil, fmt.Errorf("list the Wine guests: %w", err)
	}
	var up []State
	for _, dir := range dirs {
		var s State
		if !lease.Held(dir) || lease.Read(dir, stateFile, &s) != nil {
			continue // dead, or not up yet
		}
		s.Dir = dir
		up = append(up, s)
	}
	return up, nil
}

// Sweep removes what guests left behind whose serving process was killed, and templates whose maker was: their processes,
// folders and sockets, and processes whose guest has no folder any more. It returns the guests' folders.
func Sweep(root string) ([]string, error) {
	sweepTemplates(root)
	swept, err := lease.Sweep(guestsDir(root), func(l *lease.Lease) error { return remove(l.Dir, 0) })
	return swept, errors.Join(err, killUntilNone(orphans))
}

// remove ends and removes everything of the guest in a folder, whose guard is that process, or 0 where it has none any
// more. Processes that can't be ended don't keep the rest from being removed.
func remove(dir string, guard int) error {
	k := kin{prefix: prefixOf(dir), guard: guard}
	var c guestConfig
	if lease.Read(dir, configFile, &c) == nil && filepath.Dir(c.Temp) == shortTemp() {
		k.temp = c.Temp
	}
	stay := k.kill()
	err := ForgetServer(k.prefix, "")
	if err == nil && k.temp != "" {
		err = os.RemoveAll(k.temp)
	}
	if err == nil {
		err = lease.Remove(dir)
	}
	if err = errors.Join(stay, err); err != nil {
		return fmt.Errorf("remove the guest: %w", err)
	}
	return nil
}

// RemoteEndpoint is where the guest's WinRM answers, with its password and its certificate.
func (s *State) RemoteEndpoint() (remote.Endpoint, error) {
	password, err := os.ReadFile(s.PasswordFile)
	if err != nil {
		return remote.Endpoint{}, fmt.Errorf("reach the Wine guest %s: %w", s.ID, err)
	}
	pem, err := os.ReadFile(s.CertificateFile)
	if err != nil {
		return remote.Endpoint{}, fmt.Errorf("reach the Wine guest %s: %w", s.ID, err)
	}
	e := remote.Endpoint{
		URL: s.Endpoint, User: s.User, Password: remote.Secret(strings.TrimSpace(string(password))),
		Auth: remote.AuthBasic, PinSHA256: s.CertificateSHA, RootCAs: x509.NewCertPool(),
	}
	if !e.RootCAs.AppendCertsFromPEM(pem) {
		return remote.Endpoint{}, fmt.Errorf("reach the Wine guest %s: no certificate in %s", s.ID, s.CertificateFile)
	}
	return e, nil
}
