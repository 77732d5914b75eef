//go:build linux

package wine

import (
	"math"
	"os"
	"strings"
	"testing"

	"wskharness/winerr"
)

func TestEntryStatus(t *testing.T) {
	const line = `00c0:00cc:err:ntoskrnl:ZwLoadDriver failed to create driver L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\quirk": c0de0bad`
	for name, test := range map[string]struct {
		console string
		want    winerr.NTStatus
	}{
		"told":            {"noise\n" + line + "\r\nmore\n", 0xC0DE0BAD},
		"the last counts": {line + "\n" + line[:len(line)-8] + "c0000001\n", 0xC0000001},
		"of another":      {line[:len(line)-16] + `": c0000001`, 0},
		"in the middle":   {"x " + line, 0},
		"no number":       {line[:len(line)-8] + "c0de0bag", 0},
		"nothing":         {"", 0},
		"too long a word": {line + "0", 0},
	} {
		got, ok := entryStatus(test.console, "Quirk")
		if got != test.want || ok != (test.want != 0) {
			t.Errorf("%s: %s, %t", name, got, ok)
		}
	}
}

// TestEntryStatusIsOfTheStart has the console tell of one start after the other: none is taken for a later one.
func TestEntryStatusIsOfTheStart(t *testing.T) {
	const line = `00c0:00cc:err:ntoskrnl:ZwLoadDriver failed to create driver L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\quirk": `
	ear, mouth, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	b := &boot{ear: ear, quiet: make(chan struct{})}
	go b.follow()
	defer func() {
		mouth.Close()
		<-b.quiet
	}()
	say := func(text string) {
		if _, err := mouth.WriteString(text + "\n"); err != nil {
			t.Fatal(err)
		}
	}
	s := &server{boot: b, state: State{Boots: 2}}
	mark := func() request {
		a := s.heard(request{Do: doHear, Printed: math.MaxInt64})
		if len(a.Console) != 0 {
			t.Errorf("a mark comes with %q", a.Console)
		}
		return request{Do: doHear, Boot: a.Boot, Printed: a.Printed}
	}
	expect := func(since request, want winerr.NTStatus) {
		t.Helper()
		if got, ok := entryStatus(string(s.heard(since).Console), "quirk"); got != want || ok != (want != 0) {
			t.Errorf("%s, want %s", got, want)
		}
	}
	first := mark()
	expect(first, 0)
	say(line + "c0de0bad")
	expect(first, 0xC0DE0BAD)
	second := mark()
	expect(second, 0)
	expect(request{Do: doHear, Boot: 1, Printed: second.Printed}, 0xC0DE0BAD) // it was of a boot that is over
	for range 2*maxConsole/1000 + 1 {
		say(strings.Repeat("x", 999))
	}
	expect(second, 0)
	say(line + "c0000001")
	expect(second, 0xC0000001)
	expect(first, 0xC0000001)
	expect(mark(), 0)
	s.boot = nil
	expect(second, 0)
}
