package suites

import (
	"strings"
	"testing"
)

func TestVersions(t *testing.T) {
	seen := Versions{From: "8.0", To: "10.0"}
	mended := Versions{From: "8.0", To: "9.0", Fixed: "10.0"}
	for _, test := range []struct {
		name         string
		v            Versions
		guest        string
		hold, beyond bool
	}{
		{"first", seen, "8.0", true, false},
		{"older", seen, "7.22", false, false},
		{"between", seen, "9.0-rc3", true, false},
		{"last", seen, "10.0", true, false},
		{"last, in other words", seen, "10", true, false},
		{"newer", seen, "10.0.1", true, true},
		{"numbers, not letters", seen, "11.0 (Staging)", true, true},
		{"nothing is known of it", seen, "", true, false},
		{"no number", seen, "unknown", true, false},
		{"not mended yet", mended, "9.21", true, true},
		{"mended", mended, "10.0", false, true},
		{"all", Versions{}, "1.0", true, false},
	} {
		if hold, beyond := test.v.Hold(test.guest), test.v.Beyond(test.guest); hold != test.hold || beyond != test.beyond {
			t.Errorf("%s: %s on %q: hold %t, beyond %t", test.name, test.v, test.guest, hold, beyond)
		}
	}
}

// TestKnownForVersions has one case that deviates in another way from some version on, and later not at all.
func TestKnownForVersions(t *testing.T) {
	catalog := load(t, known("case: s.c, step: capture, versions: [8.0, 9.0], fixed: 10.0, actual: {status: STATUS_SUCCESS}")+
		"  - {guest: wine, reason: r, case: s.c, step: capture, versions: [10.0, 10.0], fixed: 11.0, actual: {status: STATUS_PENDING}}\n")
	var got []string
	for _, version := range []string{"7.0", "8.0", "9.5", "10.0", "11.0"} {
		words := "none"
		for _, k := range catalog.Known("wine", version, catalog.All()[0]) {
			words = k.Actual() + " of " + k.Versions.String()
		}
		got = append(got, words)
	}
	want := "none, STATUS_SUCCESS of 8.0 to 9.0, STATUS_SUCCESS of 8.0 to 9.0, STATUS_PENDING of 10.0, none"
	if got := strings.Join(got, ", "); got != want {
		t.Errorf("from 7.0 to 11.0: %s; want %s", got, want)
	}
}
