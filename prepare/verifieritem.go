package prepare

import (
	"encoding/json"
	"fmt"
	"slices"
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
}

// calls set it.
func (v Verifier) calls() []windows.Call {
	args := []string{"/standard"}
	if v.Flags != "standard" {
		args = []string{"/flags", v.Flags}
	}
	return []windows.Call{windows.Program("verifier.exe", append(append(args, "/driver"), v.Drivers...)...).Allow(rebootNeeded)}
}

// set reports whether it is what a state says. Which flags "standard" is differs between versions of Windows: more than none.
func (v Verifier) set(s state) bool {
	all, err := verifierValues(s)
	if err != nil {
		return false
	}
	var drivers, level string
	for _, one := range all {
		switch strings.ToLower(one.Name) {
		case "verifydrivers":
			drivers = one.Data
		case "verifydriverlevel":
			level = one.Data
		}
	}
	want := flagsOf(v.Flags)
	return sameNames(strings.Fields(drivers), v.Drivers) && level != "" && level != "0" && (want == "" || want == level)
}

// flagsOf is a number of flags in decimal, as the registry's values are told; "" where it is a word.
func flagsOf(text string) string {
	var n uint32
	if _, err := fmt.Sscanf(strings.ToLower(text), "0x%x", &n); err != nil {
		return ""
	}
	return fmt.Sprint(n)
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
func effectiveVerifier(out string) (flags string, drivers []string) {
	for _, word := range strings.FieldsFunc(out, func(r rune) bool { return r <= ' ' || r == ',' || r == '(' || r == ')' }) {
		word = strings.ToLower(strings.Trim(word, ".:;[]"))
		switch {
		case flags == "" && strings.HasPrefix(word, "0x") && len(word) == 10:
			flags = flagsOf(word)
		case strings.HasSuffix(word, ".sys"):
			drivers = append(drivers, untrusted.Clip(word, 64))
		}
	}
	return flags, drivers
}
