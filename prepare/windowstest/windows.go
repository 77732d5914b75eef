// Package windowstest is a Windows for tests of what prepares one: a state, with a registry, a boot configuration, stores of
// certificates, files and programs, that changes by the calls of package windows as a Windows is documented to. It answers by
// itself (Do), or behind a WinRM endpoint ([Serve]). It can be cut off behind any of its changes.
package windowstest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"wskharness/prepare/windows"
	"wskharness/remote"
)

// Value is a registry value, typed as windows.Answer has it.
type Value struct{ Type, Data string }

// Policy is one of code integrity.
type Policy struct {
	Name             string
	OnDisk, Enforced bool
	Stubborn         bool // removing it succeeds, and it stays
}

// Windows is one. Its fields may be set before it is used, and read when nobody uses it.
type Windows struct {
	Registry     map[string]map[string]Value // keys below HKEY_LOCAL_MACHINE; a key that is there has a map, which may be empty
	Files        map[string][]byte
	Folders      map[string]bool
	Certificates map[string]map[string]string // base64, by thumbprint, by store
	Policies     map[string]*Policy           // by GUID in small letters
	Schemes      map[string]map[string]string // of power: AC and DC values, by GUID
	Protection   map[string]string            // of BitLocker, by drive
	Objects      map[string]map[string]string // of WMI, by class
	Managed      map[string]map[string]string // of WS-Management, by resource and selectors
	German       bool
	SecureBoot   bool
	Filtered     bool // the token of the administrator
	User         string
	SID          string
	Booted       int      // how often
	Recovery     int      // how often BitLocker would have asked for its recovery key
	Verified     []string // drivers, in this boot
	// Booting is called at the end of each boot: it is what a policy, or an update, does then.
	Booting func(w *Windows)
	// Refuse is nil, or says why a call fails.
	Refuse func(c windows.Call) error
	// Cut, where it is not 0, cuts the conversation off behind that many changes; GoesOn has the calls that are left executed all
	// the same, and Crashes has the machine boot anew.
	Cut             int
	GoesOn, Crashes bool
	Changes         int // that were made
	Conversations   int

	measured, sealed string // the boot configuration of this boot, and that to which BitLocker has sealed its key

	flags string // of Driver Verifier, in this boot

	mu   sync.Mutex
	boot string // its identifier; empty: nobody has asked for it
	away int    // questions that nobody answers
	late int    // questions that the boot answers that is going down
}

// ErrCut is a conversation that was cut off.
var ErrCut = errors.New("the controller is gone")

// unanswered is what a machine that is off comes to.
func unanswered() error {
	return &remote.ConnError{Action: "Create", URL: "https://scripted/wsman", Err: errors.New("connection refused")}
}

// Do is of windows.Host.
func (w *Windows) Do(ctx context.Context, calls []windows.Call) ([]windows.Answer, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.Conversations++
	switch {
	case w.late > 0:
		w.late--
	case w.away > 0:
		w.away--
		if w.away == 0 {
			w.start()
		}
		return nil, unanswered()
	}
	answers := make([]windows.Answer, len(calls))
	failed, down := false, false
	for n, c := range calls {
		if failed {
			answers[n] = windows.Answer{Type: "Skipped"}
			continue
		}
		answers[n] = w.call(c)
		if answers[n].Type == "Failed" {
			failed = !c.Reads()
			continue
		}
		if c.Do == "run" && strings.EqualFold(c.Program, "shutdown.exe") {
			w.late, w.away, down = 1, 2, true
		}
		if !c.Reads() && c.Do != "bootId" {
			w.Changes++
			if w.Cut != 0 && w.Changes == w.Cut {
				w.cutOff(calls[n+1:])
				return nil, ErrCut
			}
		}
	}
	if down {
		return nil, unanswered()
	}
	return answers, nil
}

// cutOff is what becomes of a machine whose controller is gone in the middle.
func (w *Windows) cutOff(left []windows.Call) {
	if w.GoesOn {
		for _, c := range left {
			if w.call(c).Type == "Failed" && !c.Reads() {
				break
			}
		}
	}
	if w.Crashes || w.away > 0 { // one that was ordered to reboot has done so when somebody comes again
		w.late, w.away = 0, 0
		w.start()
	}
}

// start boots the machine: what takes a boot to be in effect is, from now on.
func (w *Windows) start() {
	w.Booted++
	w.boot = ""
	if w.measured = w.bootSettings(); w.Protection[`C:`] == "1" && w.sealed != "" && w.sealed != w.measured {
		w.Recovery++
	}
	delete(w.Registry, bootKey)
	if w.hasOnly(`SOFTWARE\wskharness`) {
		delete(w.Registry, `SOFTWARE\wskharness`)
	}
	options := " NOEXECUTE=OPTIN"
	if w.element(w.Loader(), "16000049").Data == "01" && !w.SecureBoot {
		options += "  TESTSIGNING"
	}
	w.Set(`SYSTEM\CurrentControlSet\Control`, "SystemStartOptions", windows.Text, options)
	w.Verified, w.flags = nil, "0"
	if level := w.Registry[memory]["VerifyDriverLevel"]; level.Data != "" && level.Data != "0" {
		w.Verified, w.flags = strings.Fields(w.Registry[memory]["VerifyDrivers"].Data), level.Data
	}
	status, services := "0", "0"
	if w.Registry[deviceGuard]["EnableVirtualizationBasedSecurity"].Data == "1" || w.Registry[hvci]["Enabled"].Data == "1" {
		status = "2"
	}
	if w.Registry[hvci]["Enabled"].Data == "1" {
		services = "2"
	}
	if guard := w.Objects["Win32_DeviceGuard"]; guard != nil {
		guard["VirtualizationBasedSecurityStatus"], guard["SecurityServicesRunning"] = status, services
	}
	for _, p := range w.Policies {
		p.Enforced = p.OnDisk
	}
	delete(w.Registry, `SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending`)
	if w.Booting != nil {
		w.Booting(w)
	}
}

// bootSettings is the boot configuration, as it is measured.
func (w *Windows) bootSettings() string {
	var all []string
	for key, values := range w.Registry {
		if strings.HasPrefix(key, `BCD00000000\`) {
			all = append(all, fmt.Sprint(key, values))
		}
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

// hasOnly reports whether a key is there, and has neither values nor keys.
func (w *Windows) hasOnly(key string) bool {
	values, there := w.Registry[key]
	if !there || len(values) > 0 {
		return false
	}
	for k := range w.Registry {
		if strings.HasPrefix(k, key+`\`) {
			return false
		}
	}
	return true
}

// Reboot boots it at once, as somebody beside it would.
func (w *Windows) Reboot() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.start()
}

const bootKey = `SOFTWARE\wskharness\Boot`

func (w *Windows) bootID() windows.Answer {
	if w.boot == "" {
		raw := make([]byte, 16)
		_, _ = rand.Read(raw)
		w.boot = fmt.Sprintf("%x-%x-%x-%x-%x", raw[:4], raw[4:6], raw[6:8], raw[8:10], raw[10:])
		w.Set(bootKey, "Id", windows.Text, w.boot)
	}
	return windows.Answer{Type: windows.Text, Data: w.boot}
}

// Snapshot is all that outlives a boot, as text: two that are the same are of machines that are the same to the byte.
func (w *Windows) Snapshot() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var lines []string
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	for key, values := range w.Registry {
		if key == bootKey || key == `SOFTWARE\wskharness` {
			continue
		}
		add("key %s", key)
		for name, v := range values {
			if name != "SystemStartOptions" { // Windows makes it of the boot configuration
				add("value %s|%s = %s %q", key, name, v.Type, v.Data)
			}
		}
	}
	for path, data := range w.Files {
		add("file %s %x", path, data)
	}
	for path := range w.Folders {
		add("folder %s", path)
	}
	for store, all := range w.Certificates {
		for thumbprint, der := range all {
			add("certificate %s %s %s", store, thumbprint, der)
		}
	}
	for id, p := range w.Policies {
		add("policy %s %s %t", id, p.Name, p.OnDisk)
	}
	for id, s := range w.Schemes {
		for _, name := range slices.Sorted(maps.Keys(s)) {
			add("scheme %s %s %s", id, name, s[name])
		}
	}
	for drive, status := range w.Protection {
		add("protection %s %s", drive, status)
	}
	for resource, values := range w.Managed {
		add("managed %s", resource)
		for name, v := range values {
			add("managed %s %s = %s", resource, name, v)
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
