package suites

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"wskharness/driver/abi"
	"wskharness/strictyaml"
	"wskharness/suites/parameters"
	"wskharness/winerr"
)

// Readers turn a node into a value of a kind. Each reports what is wrong and what was expected,
// and says whether the value can be used.

var (
	versionText  = regexp.MustCompile(`^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$`)
	durationText = regexp.MustCompile(durationPattern)
	sizeText     = regexp.MustCompile(`^(0|[1-9]\d{0,11})(B|KiB|MiB|GiB)$`)
)

const (
	durationPattern = `^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	wantDuration    = "a duration such as 500ms or 2s"
	wantVersion     = "a WSK version MAJOR.MINOR such as 1.0, each 0 to 255"
	wantSize        = "a size such as 64KiB"
	wantStatus      = "an NTSTATUS by name, or 0x and its hexadecimal digits"
	maxStepTime     = 100 * time.Second // leaves room for margins below WSKT_MAX_WAIT_MS
	maxText         = 1000
)

func (r *reporter) readName(n *node, what string) (string, bool) {
	// No reader in use takes y and n for truths, and x and y are common names.
	if !r.Value(n, what, parameters.WantName) || len(n.Text) > 1 && !r.Sure(n, what, parameters.WantName) {
		return "", false
	}
	if !parameters.IsName(n.Text) {
		r.At(n, parameters.WantName, "%s is %s", what, n.Describe())
		return "", false
	}
	return n.Text, true
}

// readVersion takes the text of the value as written. 1.10, which without quotes is the number 1.1, has to be in quotes.
func (r *reporter) readVersion(n *node, what string) (uint64, bool) {
	if n.Doubt != "" {
		return 0, r.Sure(n, what, wantVersion)
	}
	if n.Kind == strictyaml.ScalarKind {
		if m := versionText.FindStringSubmatch(n.Text); m != nil {
			major, _ := strconv.Atoi(m[1])
			minor, _ := strconv.Atoi(m[2])
			if major <= 255 && minor <= 255 {
				return uint64(major<<8 | minor), true
			}
		}
	}
	r.At(n, wantVersion, "%s is %s", what, n.Describe())
	return 0, false
}

func (r *reporter) readSize(n *node, what string) (uint64, bool) {
	if n.Kind == strictyaml.ScalarKind {
		if m := sizeText.FindStringSubmatch(n.Text); m != nil {
			number, _ := strconv.ParseUint(m[1], 10, 64)
			shift := map[string]uint{"B": 0, "KiB": 10, "MiB": 20, "GiB": 30}[m[2]]
			if number <= 1<<50>>shift {
				return number << shift, true
			}
		}
	}
	r.At(n, wantSize, "%s is %s", what, n.Describe())
	return 0, false
}

func (r *reporter) readStatus(n *node, what string) (winerr.NTStatus, bool) {
	if !r.Value(n, what, wantStatus) {
		return 0, false
	}
	code, err := parseStatus(n.Text)
	if err != nil {
		r.At(n, wantStatus, "%s: %s", what, err)
		return 0, false
	}
	return code, true
}

// readStatuses takes one status or a list of at most as many as a step can expect.
func (r *reporter) readStatuses(n *node, what string) ([]winerr.NTStatus, bool) {
	if n.Kind == strictyaml.ScalarKind {
		code, ok := r.readStatus(n, what)
		return []winerr.NTStatus{code}, ok
	}
	want := fmt.Sprintf("one status, or a list of 1 to %d", abi.MaxExpect)
	if n.Kind != strictyaml.SequenceKind || len(n.Items) == 0 || len(n.Items) > abi.MaxExpect {
		r.At(n, want, "%s is %s", what, n.CountOrKind())
		return nil, false
	}
	var codes []winerr.NTStatus
	good := true
	for _, item := range n.Items {
		code, ok := r.readStatus(item, what)
		if ok && slices.Contains(codes, code) {
			r.At(item, "each status once", "%s has %s twice", what, code.Name())
			ok = false
		}
		codes, good = append(codes, code), good && ok
	}
	return codes, good
}

func (r *reporter) readOneOf(n *node, what string, names []named) (uint64, bool) {
	var all []string
	for _, one := range names {
		all = append(all, one.name)
	}
	want := "one of " + strings.Join(all, ", ")
	if !r.Value(n, what, want) {
		return 0, false
	}
	for _, one := range names {
		if one.name == n.Text {
			return one.code, true
		}
	}
	r.At(n, want, "%s is %s%s", what, n.Describe(), strictyaml.Hint(n.Text, all))
	return 0, false
}

// readCapabilities takes a list of what a guest can have.
func (r *reporter) readCapabilities(n *node) []string {
	names := r.readSomeNames(n, "requires")
	for _, item := range n.Items {
		if slices.Contains(names, item.Text) && !slices.Contains(Capabilities(), item.Text) {
			r.At(item, "one of "+strings.Join(Capabilities(), ", "), "no guest has the capability %s%s", item.Describe(), strictyaml.Hint(item.Text, Capabilities()))
		}
	}
	return names
}

// readSomeNames takes a list of different names, of which there is at least one.
func (r *reporter) readSomeNames(n *node, what string) []string {
	if n.Kind == strictyaml.SequenceKind && len(n.Items) == 0 {
		r.At(n, "a list of names; leave it out where there is none", "%s is %s", what, n.CountOrKind())
		return nil
	}
	return r.readNames(n, what)
}

// readNames takes a list of different names.
func (r *reporter) readNames(n *node, what string) []string {
	if n.Kind != strictyaml.SequenceKind {
		r.At(n, "a list of names", "%s is %s", what, n.Describe())
		return nil
	}
	var names []string
	for _, item := range n.Items {
		name, ok := r.readName(item, what)
		switch {
		case !ok:
		case slices.Contains(names, name):
			r.At(item, "each name once", "%s has %q twice", what, name)
		default:
			names = append(names, name)
		}
	}
	return names
}
