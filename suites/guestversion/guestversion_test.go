package guestversion

import "testing"

func TestVersions(t *testing.T) {
	seen := Range{From: "8.0", To: "10.0"}
	mended := Range{From: "8.0", To: "9.0", Fixed: "10.0"}
	for _, test := range []struct {
		name         string
		v            Range
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
		{"all", Range{}, "1.0", true, false},
	} {
		if hold, beyond := test.v.Hold(test.guest), test.v.Beyond(test.guest); hold != test.hold || beyond != test.beyond {
			t.Errorf("%s: %s on %q: hold %t, beyond %t", test.name, test.v, test.guest, hold, beyond)
		}
	}
}
