// Package guestversion says on which versions of a kind of guest something holds: a known issue names the first and the last
// on which it was seen, and maybe the one in which it was mended.
package guestversion

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"

	"wskharness/strictyaml"
)

// Range is some versions of a kind of guest: the first and the last on which something was seen, and the one in which
// it was mended. A guest that is newer than the last one known is taken to be like that, until it shows otherwise.
// The zero value is all versions.
type Range struct {
	From, To string // both or none
	Fixed    string // empty: not yet
}

// Hold reports whether what was seen is to be expected on a guest of this version. It is on one whose version nothing
// is known of.
func (v Range) Hold(guest string) bool {
	if v.From == "" || !readable(guest) {
		return true
	}
	return compare(guest, v.From) >= 0 && (v.Fixed == "" || compare(guest, v.Fixed) < 0)
}

// Beyond reports whether a guest is newer than any on which it was seen.
func (v Range) Beyond(guest string) bool {
	return v.To != "" && readable(guest) && compare(guest, v.To) > 0
}

// Overlap reports whether there can be a guest for which both hold.
func (v Range) Overlap(w Range) bool {
	before := func(v, w Range) bool {
		return v.Fixed != "" && w.From != "" && compare(v.Fixed, w.From) <= 0
	}
	return !before(v, w) && !before(w, v)
}

func (v Range) String() string {
	switch {
	case v.From == "":
		return "all versions"
	case v.From == v.To:
		return v.From
	}
	return v.From + " to " + v.To
}

// Pattern is what a version is written like in a suite.
const Pattern = `^[0-9]{1,9}(\.[0-9]{1,9}){0,3}$`

var (
	written = regexp.MustCompile(Pattern)
	// A guest's own word for its version may end in more than numbers: 10.0-rc2, 10.0 (Staging).
	leadingVersion = regexp.MustCompile(`^[0-9]{1,9}(\.[0-9]{1,9}){0,3}`)
)

func readable(guest string) bool { return leadingVersion.MatchString(guest) }

// compare compares number by number; those that are not there are 0.
func compare(a, b string) int {
	as, bs := numbers(a), numbers(b)
	for i := range max(len(as), len(bs)) {
		if c := cmp.Compare(at(as, i), at(bs, i)); c != 0 {
			return c
		}
	}
	return 0
}

func numbers(version string) []int {
	var all []int
	for _, text := range strings.Split(leadingVersion.FindString(version), ".") {
		n, _ := strconv.Atoi(text) // the expression admits digits only, and few enough
		all = append(all, n)
	}
	return all
}

func at(all []int, i int) int {
	if i < len(all) {
		return all[i]
	}
	return 0
}

// The keys of a known issue that say for which versions it holds.
const (
	KeySeen  = "versions"
	KeyFixed = "fixed"
)

const (
	wantVersion  = "a version of the guest, such as 10.0"
	wantVersions = "the first and the last version of the guest on which it was seen, such as [8.0, 10.0]"
)

// Read takes these keys out of a known issue. What is wrong with them r is told; ok is false then.
func Read(r *strictyaml.Reporter, m *strictyaml.Mapping) (v Range, ok bool) {
	fixed := m.Take(KeyFixed)
	seen := m.Take(KeySeen)
	if seen == nil {
		if fixed != nil {
			r.At(fixed, KeySeen+": "+wantVersions, "%s without %s", KeyFixed, KeySeen)
		}
		return v, fixed == nil
	}
	if seen.Kind != strictyaml.SequenceKind || len(seen.Items) != 2 {
		r.At(seen, wantVersions, "%s is %s", KeySeen, seen.CountOrKind())
		return v, false
	}
	ok = readVersion(r, seen.Items[0], KeySeen, &v.From)
	ok = readVersion(r, seen.Items[1], KeySeen, &v.To) && ok
	if fixed != nil {
		ok = readVersion(r, fixed, KeyFixed, &v.Fixed) && ok
	}
	switch {
	case !ok:
	case compare(v.From, v.To) > 0:
		r.At(seen, wantVersions, "%s is from %s to %s", KeySeen, v.From, v.To)
		return v, false
	case v.Fixed != "" && compare(v.To, v.Fixed) >= 0:
		r.At(fixed, "a later version than "+v.To, "it was seen on %s, and %s is %s", v.To, KeyFixed, v.Fixed)
		return v, false
	}
	return v, ok
}

// readVersion takes the text as written. 1.10, which without quotes is the number 1.1, has to be in quotes.
func readVersion(r *strictyaml.Reporter, n *strictyaml.Node, what string, into *string) bool {
	if n.Doubt != "" {
		return r.Sure(n, what, wantVersion)
	}
	if n.Kind == strictyaml.ScalarKind && written.MatchString(n.Text) {
		*into = n.Text
		return true
	}
	r.At(n, wantVersion, "%s is %s", what, n.Describe())
	return false
}
