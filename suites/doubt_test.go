package suites

import (
	"strings"
	"testing"
)

// TestNothingTypedIsChanged: wherever a suite or a known issue has a number or a text, what readers of YAML do not agree
// about is refused where it stands, and with quotes, or without the zero, it is taken.
func TestNothingTypedIsChanged(t *testing.T) {
	one := func(step string) string { return caseText("", step) }
	for name, test := range map[string]struct{ text, doubtful, sure, want string }{
		"a number":         {one("ioctl: {device: D, code: @}"), "010", "8", "ioctl: code is 010, which without quotes is 8 in YAML 1.1, and 10 in YAML 1.2 (expected a whole number"},
		"no octal digits":  {one("ioctl: {device: D, code: @}"), "08", "8", "which without quotes is text in YAML 1.1, and 8 in YAML 1.2"},
		"octal":            {one("ioctl: {device: D, code: @}"), "0o17", "15", "which without quotes is 15 in YAML 1.2, and text in YAML 1.1"},
		"binary":           {one("ioctl: {device: D, code: @}"), "0b11", "3", "a number in YAML 1.1, and text"},
		"underscores":      {one("ioctl: {device: D, code: @}"), "1_000", "1000", "a number in YAML 1.1, and text"},
		"base 60":          {one("ioctl: {device: D, code: @}"), "1:30", "90", "a number in YAML 1.1, and text"},
		"exponent":         {one("ioctl: {device: D, code: @}"), "1e3", "1000", "the number 1000"},
		"repeat":           {caseText("    repeat: @\n", "sleep: 1s"), "02", "2", "repeat is 02, which"},
		"a version":        {one("register: {client: a, version: @}\n        expect: [STATUS_NOINTERFACE, STATUS_SUCCESS]"), "1.10", "'1.10'", "register: version is 1.10, which without quotes is the number 1.1 (expected '1.10' in quotes)"},
		"a version's zero": {one("register: {client: a, version: @}\n        expect: [STATUS_NOINTERFACE, STATUS_SUCCESS]"), "01.1", "1.1", "which without quotes is the number 1.1"},
		"a name":           {one("sleep: 1s\n        name: @"), "off", "'off'", "name is off, which without quotes is false in YAML 1.1, and text in YAML 1.2 (expected 'off' in quotes)"},
		"a tag":            {caseText("    tags: [x, @]\n", "sleep: 1s"), "no", "'no'", "tags is no, which without quotes is false"},
		"a doc":            {strings.Replace(one("sleep: 1s"), "doc: d\ncases", "doc: @\ncases", 1), "2001-12-14", "'2001-12-14'", "doc is 2001-12-14, which without quotes is a date in YAML 1.1"},
		"an argument":      {one("run: {program: a, args: [-n, @]}"), "010", "'010'", "an argument is 010, which without quotes is 8"},
		"a hex argument":   {one("run: {program: a, args: [@]}"), "0x10", "'0x10'", "an argument is 0x10, which without quotes is the number 16 (expected '0x10' in quotes)"},
		"no argument":      {one("run: {program: a, args: [@]}"), "~", "''", "an argument is ~, which without quotes is nothing (expected text; '' where it is empty)"},
		"an output":        {one("run: {program: a, stdout: {equals: @}}"), "yes", "'yes'", "run: stdout: equals is yes, which without quotes is true"},
		"an empty output":  {one("run: {program: a, stdout: {equals: @}}"), "null", "''", "run: stdout: equals is null, which without quotes is nothing"},
		"in an output":     {one("run: {program: a, stdout: {contains: [ok, @]}}"), "1.50", "'1.50'", "contains is 1.50, which without quotes is the number 1.5"},
		"a pattern":        {one("run: {program: a, stdout: {matches: @}}"), "=", "'='", "matches is =, which"},
		"bytes of text":    {one("ioctl: {device: D, code: 1, in: {text: @}}"), "on", "'on'", "ioctl: in: text is on, which"},
		"a device":         {one("ioctl: {device: @, code: 1}"), "007", "'007'", "ioctl: device is 007, which"},
		"a path":           {one("collect: @"), "1e3", "'1e3'", "collect: file is 1e3, which"},
		"a parameter":      {caseText("    with: {n: [1, @]}\n", "ioctl: {device: D, code: $n}"), "010", "8", "ioctl: code is 010, which"},
		"a guest": {one("sleep: 1s") + "known_issues: [{guest: wine, versions: [@, '10.10'], case: s.c, step: sleep, reason: r, actual: {status: STATUS_TIMEOUT}}]\n",
			"1.10", "'1.10'", "versions is 1.10, which without quotes is the number 1.1"},
		"a reason": {one("sleep: 1s") + "known_issues: [{guest: wine, case: s.c, step: sleep, reason: @, actual: {status: STATUS_TIMEOUT}}]\n", "0x80", "'0x80'", "reason is 0x80, which"},
	} {
		t.Run(name, func(t *testing.T) {
			at := strings.Split(test.text[:strings.Index(test.text, "@")], "\n")
			_, err := Load(Source{Name: "f", Data: []byte(strings.Replace(test.text, "@", test.doubtful, 1))})
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: got %v, want %q and nothing else", test.doubtful, err, test.want)
			} else if m := err.(Mistakes)[0]; m.Line != len(at) || m.Column != len(at[len(at)-1])+1 {
				t.Errorf("%s: told at %d:%d", test.doubtful, m.Line, m.Column)
			}
			if _, err := Load(Source{Name: "f", Data: []byte(strings.Replace(test.text, "@", test.sure, 1))}); err != nil {
				t.Errorf("%s: %v", test.sure, err)
			}
		})
	}
}

// TestHexadecimalDigitsAreWhatTheyAre: with quotes or without.
func TestHexadecimalDigitsAreWhatTheyAre(t *testing.T) {
	for _, digits := range []string{"0010", "12e4", "00000000", "'0010'", "00 ff", "FF"} {
		load(t, caseText("", "ioctl: {device: D, code: 1, in: {hex: "+digits+"}}"))
	}
	for _, digits := range []string{"0x10", "010", "1_0", "~", "''x"} {
		if _, err := Load(Source{Name: "f", Data: []byte(caseText("", "ioctl: {device: D, code: 1, in: {hex: "+digits+"}}"))}); err == nil {
			t.Errorf("%s is taken", digits)
		}
	}
}

func TestSizesAndDurations(t *testing.T) {
	for size, ok := range map[string]bool{"64KiB": true, "0B": true, "010KiB": false, "64": false, "-1B": false, "1e3B": false} {
		if _, err := Load(Source{Name: "f", Data: []byte(caseText("", "collect: {file: a, at_most: "+size+"}"))}); (err == nil) != ok {
			t.Errorf("%s: %v", size, err)
		}
	}
	for d, ok := range map[string]bool{"1s": true, "1m05s": true, "+1s": false, ".5s": false, "1:30": false, "90": false, "1000µs": false} {
		if _, err := Load(Source{Name: "f", Data: []byte(caseText("", "sleep: "+d))}); (err == nil) != ok {
			t.Errorf("%s: %v", d, err)
		}
	}
}
