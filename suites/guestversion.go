package suites

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"

	"wskharness/strictyaml"
)

// Versions are those of a kind of guest: the first and the last on which something was seen, and the one in which
// it was mended. A guest that is newer than the last one known is taken to be like that, until it shows otherwise.
// The zero value is all versions.
type Versions struct {
	From, To string // both or none
	Fixed    string // empty: not yet
}

// Hold reports whether what was seen is to be expected on a guest of this version. It is on one whose version nothing
// is known of.
func (v Versions) Hold(guest string) bool {
	if v.From == "" || !readable(guest) {
		return true
	}
	return compareVersions(guest, v.From) >= 0 && (v.Fixed == "" || compareVersions(guest, v.Fixed) < 0)
}

// Beyond reports whether a guest is newer than any on which it was seen.
func (v Versions) Beyond(guest string) bool {
	return v.To != "" && readable(guest) && compareVersions(guest, v.To) > 0
}

// overlap reports whether there can be a guest for which both hold.
func (v Versions) overlap(w Versions) bool {
	before := func(v, w Versions) bool {
		return v.Fixed != "" && w.From != "" && compareVersions(v.Fixed, w.From) <= 0
	}
	return !before(v, w) && !before(w, v)
}

func (v Versions) String() string {
	switch {
	case v.From == "":
		return "all versions"
	case v.From == v.To:
		return v.From
	}
	return v.From + " to " + v.To
}

const guestVersionPattern = `^[0-9]{1,9}(\.[0-9]{1,9}){0,3}$`

var (
	guestVersion = regexp.MustCompile(guestVersionPattern)
	// A guest's own word for its version may end in more than numbers: 10.0-rc2, 10.0 (Staging).
	leadingVersion = regexp.MustCompile(`^[0-9]{1,9}(\.[0-9]{1,9}){0,3}`)
)

func readable(guest string) bool { return leadingVersion.MatchString(guest) }

// compareVersions compares number by number; those that are not there are 0.
func compareVersions(a, b string) int {
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

const (
	keyVersions       = "versions"
	keyFixed          = "fixed"
	wantGuestVersion  = "a version of the guest, such as 10.0"
	wantGuestVersions = "the first and the last version of the guest on which it was seen, such as [8.0, 10.0]"
)

// readVersions takes the keys that say for which versions a known issue holds.
func (r *reporter) readVersions(m *mapping) (v Versions, ok bool) {
	fixed := m.Take(keyFixed)
	seen := m.Take(keyVersions)
	if seen == nil {
		if fixed != nil {
			r.At(fixed, keyVersions+": "+wantGuestVersions, "%s without %s", keyFixed, keyVersions)
		}
		return v, fixed == nil
	}
	if seen.Kind != strictyaml.SequenceKind || len(seen.Items) != 2 {
		r.At(seen, wantGuestVersions, "%s is %s", keyVersions, seen.CountOrKind())
		return v, false
	}
	ok = r.readGuestVersion(seen.Items[0], keyVersions, &v.From)
	ok = r.readGuestVersion(seen.Items[1], keyVersions, &v.To) && ok
	if fixed != nil {
		ok = r.readGuestVersion(fixed, keyFixed, &v.Fixed) && ok
	}
	switch {
	case !ok:
	case compareVersions(v.From, v.To) > 0:
		r.At(seen, wantGuestVersions, "%s is from %s to %s", keyVersions, v.From, v.To)
		return v, false
	case v.Fixed != "" && compareVersions(v.To, v.Fixed) >= 0:
		r.At(fixed, "a later version than "+v.To, "it was seen on %s, and %s is %s", v.To, keyFixed, v.Fixed)
		return v, false
	}
	return v, ok
}

// readGuestVersion takes the text as written. 1.10, which without quotes is the number 1.1, has to be in quotes.
func (r *reporter) readGuestVersion(n *node, what string, into *string) bool {
	if n.Doubt != "" {
		return r.Sure(n, what, wantGuestVersion)
	}
	if n.Kind == strictyaml.ScalarKind && guestVersion.MatchString(n.Text) {
		*into = n.Text
		return true
	}
	r.At(n, wantGuestVersion, "%s is %s", what, n.Describe())
	return false
}
