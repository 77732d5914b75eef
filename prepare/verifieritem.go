package prepare

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"wskharness/guest/untrusted"
	"wskharness/prepare/windows"
)

// Driver Verifier: its settings are values of the registry, of which verifier.exe makes more from version to version. All that
// begin like its own are written down, and put back. It is set by verifier.exe, which knows what they mean together (Microsoft,
// "Driver Verifier command syntax").
const (
	verifierKind = "Driver Verifier"
	memoryKey    = `SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management`
)

func readVerifier(item) windows.Call { return windows.Values(memoryKey, "Verif") }

// verifierValue is one of its values.
type verifierValue struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Data string `json:"data"`
}

func stateOfVerifier(i item, a windows.Answer) (state, error) {
	if len(a.Values) == 0 {
		return state{}, nil
	}
	var all []verifierValue
	for _, v := range a.Values {
		if _, err := stateOfValue(i, v); err != nil {
			return state{}, err
		}
		all = append(all, verifierValue{v.Name, v.Type, v.Data})
	}
	text, err := json.Marshal(all)
	return state{Type: "Values", Data: string(text)}, err
}

// verifierValues reads them out of a state.
func verifierValues(s state) (all []verifierValue, err error) {
	if s.Type != windows.Absent {
		err = json.Unmarshal([]byte(s.Data), &all)
	}
	return all, err
}

// rebootNeeded is the exit code with which verifier.exe says that what it did takes a reboot.
const rebootNeeded = 2

// writeVerifier brings its settings back: what verifier.exe takes away, and whatever differs then.
func writeVerifier(_ item, now, to state) ([]windows.Call, error) {
	is, err := verifierValues(now)
	if err != nil {
		return nil, err
	}
	was, err := verifierValues(to)
	if err != nil {
		return nil, err
	}
	calls := []windows.Call{windows.Program("verifier.exe", "/reset").Allow(rebootNeeded)}
	for _, v := range is {
		if !slices.ContainsFunc(was, func(w verifierValue) bool { return strings.EqualFold(v.Name, w.Name) }) {
			calls = append(calls, windows.DeleteValue(memoryKey, v.Name, ""))
		}
	}
	for _, v := range was {
		calls = append(calls, windows.SetValue(memoryKey, v.Name, v.Type, v.Data))
	}
	return calls, nil
}

// Verifier is what Driver Verifier is to verify, and how.
type Verifier struct {
	Flags   string   // "standard", or a number as verifier.exe takes it: 0x209bb
	Drivers []string // files: wsksample.sys
	Faults  *Faults  // nil: as Windows simulates low resources by itself, where the flags have 0x4
}

// Faults is how low resources are simulated.
type Faults struct {
	Probability uint64   // of 10000: that an allocation fails
	Tags        []string // of the pools whose allocations may fail; empty: all
	Minutes     int      // after the boot, in which none fails
}

// calls set it.
func (v Verifier) calls() []windows.Call {
	args := []string{"/standard"}
	if v.Flags != "standard" {
		args = []string{"/flags", v.Flags}
	}
	if f := v.Faults; f != nil {
		args = append(args, "/faults", fmt.Sprint(f.Probability), strings.Join(f.Tags, " "), "", fmt.Sprint(f.Minutes))
	}
	return []windows.Call{windows.Program("verifier.exe", append(append(args, "/driver"), v.Drivers...)...).Allow(rebootNeeded)}
}

// set reports whether it is what a state says.
func (v Verifier) set(s state) bool {
	drivers, level := setTo(s)
	return sameNames(drivers, v.Drivers) && level != 0 && (v.bits() == 0 || v.bits() == level)
}

// setTo is for which drivers, and with which flags, Driver Verifier is set.
func setTo(s state) (drivers []string, flags uint32) {
	all, err := verifierValues(s)
	if err != nil {
		return nil, 0
	}
	for _, one := range all {
		switch strings.ToLower(one.Name) {
		case "verifydrivers":
			drivers = strings.Fields(one.Data)
		case "verifydriverlevel":
			if n, err := strconv.ParseUint(one.Data, 10, 32); err == nil {
				flags = uint32(n)
			}
		}
	}
	return drivers, flags
}

// bits are the flags as a number; 0 where it is Windows that knows them.
func (v Verifier) bits() uint32 { return flagsOf(v.Flags) }

// flagsOf is a number of flags as verifier.exe writes it; 0 where it is none.
func flagsOf(text string) uint32 {
	n, err := strconv.ParseUint(strings.TrimPrefix(strings.ToLower(text), "0x"), 16, 32)
	if err != nil || !strings.HasPrefix(strings.ToLower(text), "0x") {
		return 0
	}
	return uint32(n)
}

// sameNames compares names of files, whose case and order Windows ignores.
func sameNames(a, b []string) bool {
	folded := func(names []string) []string {
		var all []string
		for _, n := range names {
			all = append(all, strings.ToLower(n))
		}
		slices.Sort(all)
		return slices.Compact(all)
	}
	return slices.Equal(folded(a), folded(b))
}

// effectiveVerifier reads what `verifier /query` says of this boot: the flags are the first number of eight digits, and the
// drivers are those that are named, in whichever language the rest is.
func effectiveVerifier(out string) (is InEffect) {
	found := false
	for _, word := range strings.FieldsFunc(out, func(r rune) bool { return r <= ' ' || r == ',' || r == '(' || r == ')' }) {
		word = strings.ToLower(strings.Trim(word, ".:;[]"))
		switch {
		case !found && strings.HasPrefix(word, "0x") && len(word) == 10:
			is.Flags, found = flagsOf(word), true
		case strings.HasSuffix(word, ".sys"):
			is.Drivers = append(is.Drivers, untrusted.Clip(word, 64))
		}
	}
	return is
}
