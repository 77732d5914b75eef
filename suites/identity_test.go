package suites

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
)

const identified = `suite: s
doc: d
cases:
  - id: one
    doc: d
    requires: [wine]
    tags: [fast]
    steps:
      - register: {client: a}
      - capture: {client: a, wait: none}
        name: early
        within: 3s
      - run: {program: cmd.exe, args: [/c, echo, hello], stdout: {contains: hello}}
      - run: {program: cmd.exe, stdout: {matches: "^[0-9]+ tests"}}
      - loop: {repeat: 3, steps: [sleep: 1ms]}
      - release: {client: a}
      - deregister: {client: a}
known_issues:
  - {guest: wine, versions: [8.0, 10.0], case: s.one, step: early, actual: {status: STATUS_UNSUCCESSFUL}, reason: why, source: here}
`

// identityOf is the identity of the one case of a suite, and of its known issues.
func identityOf(t *testing.T, text string) string {
	t.Helper()
	suite, known, _ := strings.Cut(text, "known_issues:")
	sources := []Source{{Name: "s.yaml", Data: []byte(suite)}, {Name: "k.yaml", Data: []byte("known_issues:" + known)}}
	catalog, err := Load(sources...)
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.New()
	c := catalog.All()[0]
	c.Identify(h)
	for _, k := range catalog.AllKnown(c) {
		k.Identify(h)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// TestIdentity changes one thing of a case at a time: whatever is done, or judged, makes it another case. Where it is
// written does not.
func TestIdentity(t *testing.T) {
	was := identityOf(t, identified)
	if again := identityOf(t, identified); again != was {
		t.Error("the same case has two identities")
	}
	if moved := identityOf(t, strings.Replace(identified, "doc: d\ncases:", "doc: d\n\n\ncases:", 1)); moved != was {
		t.Error("a case that only moved has another identity")
	}
	for _, change := range [][2]string{
		{"requires: [wine]", "requires: [provider-control]"}, {"tags: [fast]", "tags: [slow]"},
		{"name: early", "name: early\n        expect: STATUS_DEVICE_NOT_READY"}, {"within: 3s", "within: 4s"}, {"contains: hello", "contains: help"},
		{"contains: hello", "equals: hello"}, {"[0-9]+ tests", "[0-9]* tests"}, {"repeat: 3", "repeat: 4"}, {"sleep: 1ms", "sleep: 2ms"},
		{"echo, hello", "echo, help"}, {"versions: [8.0, 10.0]", "versions: [8.0, 11.0]"}, {"STATUS_UNSUCCESSFUL", "STATUS_INVALID_PARAMETER"},
		{"reason: why", "reason: another"}, {"wait: none", "wait: 10ms"},
	} {
		text := strings.Replace(identified, change[0], change[1], 1)
		if text == identified {
			t.Fatalf("%q is not in the suite", change[0])
		}
		if identityOf(t, text) == was {
			t.Errorf("with %q for %q it has the same identity", change[1], change[0])
		}
	}
}

// TestEveryBuiltinCaseHasAnIdentity of its own.
func TestEveryBuiltinCaseHasAnIdentity(t *testing.T) {
	catalog, err := Load(Builtin()...)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for _, c := range catalog.All() {
		h := sha256.New()
		c.Identify(h)
		id := fmt.Sprintf("%x", h.Sum(nil))
		if seen[id] != "" {
			t.Errorf("%s and %s have the same identity", c.Name(), seen[id])
		}
		seen[id] = c.Name()
	}
}
