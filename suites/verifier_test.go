package suites

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// verifierMistakes are what may be wrong with verifier, of a suite and of a case.
func verifierMistakes() []mistakeTest {
	with := func(value string) string { return verified("", "verifier: "+value) }
	return []mistakeTest{
		{"verifier is a word", with("standard"), `f:6:15: verifier is "standard" (expected a mapping)`, true},
		{"verifier without flags", with("{drivers: [a.sys]}"), "verifier has no flags (expected flags: standard, or a number of 0x", true},
		{"verifier key", with("{flags: standard, driver: [a.sys]}"), `unknown key "driver" in verifier; did you mean "drivers"?`, true},
		{"verifier flags", with("{flags: all}"), `f:6:23: verifier: flags is "all" (expected standard, or a number`, true},
		{"verifier verifies nothing", with("{flags: 0x0}"), `verifier: flags is "0x0" (expected standard, or a number`, false},
		{"verifier's large flags", with("{flags: 0x123456789}"), `verifier: flags is "0x123456789" (expected`, true},
		{"verifier of no driver", with("{flags: standard, drivers: []}"), "verifier: drivers is an empty list (expected a list of 1 to 32, each a driver's file, such as wsksample.sys)", true},
		{"verifier of a path", with(`{flags: standard, drivers: ['C:\a.sys']}`), `f:6:43: verifier: drivers has "C:\\a.sys" (expected a driver's file`, true},
		{"verifier of an option", with("{flags: standard, drivers: [/all]}"), `verifier: drivers has "/all" (expected`, true},
		{"verifier of one twice", with("{flags: standard, drivers: [a.sys, A.SYS]}"), `verifier: drivers has "A.SYS" twice (expected each once, whatever its case)`, false},
		{"faults by chance", with("{flags: 0x4, faults: {after: 1m}}"), "verifier: faults has no probability (expected probability: 1 to 10000, of 10000)", true},
		{"faults for sure", with("{flags: 0x4, faults: {probability: 10001}}"), `verifier: faults: probability is "10001"`, true},
		{"faults without the flag", with("{flags: 0xb, faults: {probability: 1}}"), `f:6:36: verifier: flags is "0xb", with which nothing fails (expected faults only where flags have 0x4`, false},
		{"faults of standard", with("{flags: standard, faults: {probability: 1}}"), "with which nothing fails", false},
		{"faults after seconds", with("{flags: 0x4, faults: {probability: 1, after: 90s}}"), `verifier: faults: after is "90s" (expected whole minutes, such as 1m)`, false},
		{"faults of a long tag", with("{flags: 0x4, faults: {probability: 1, tags: [abcde]}}"), `verifier: faults: tags has "abcde" (expected a pool tag`, true},
		{"a suite's verifier", verified("verifier: {flags: some}\n", "tags: [x]"), `f:3:19: verifier: flags is "some"`, true},
	}
}

func verified(suite, key string) string {
	return "suite: s\ndoc: d\n" + suite + "cases:\n  - id: c\n    doc: d\n    " + key + "\n    steps: [register: {client: a}, deregister: {client: a}]\n"
}

// A suite's verifier is that of its cases, but for those that have one of their own; it is part of what a case is, and told.
func TestVerifier(t *testing.T) {
	catalog, err := Load(Source{Name: "f", Data: []byte(`suite: s
doc: d
verifier: {flags: standard}
cases:
  - {id: a, doc: d, steps: [sleep: 1ms]}
  - {id: b, doc: d, verifier: {flags: 0x4, drivers: [Net.sys], faults: {probability: 9, tags: [Wsk1, Ab], after: 2m}}, steps: [sleep: 1ms]}
`)})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range catalog.All() {
		got = append(got, c.Verifier.String())
		var b strings.Builder
		if err := c.Describe(&b); err != nil || !strings.Contains(b.String(), "; Driver Verifier: "+c.Verifier.String()) {
			t.Errorf("got %s, %v", &b, err)
		}
	}
	want := []string{"flags standard, the driver under test", "flags 0x4, Net.sys, 9 of 10000 allocations fail of the tags Wsk1 Ab from 2m after the boot on"}
	if !slices.Equal(got, want) {
		t.Error(cmp.Diff(want, got))
	}
}
