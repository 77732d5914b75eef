package suites

import (
	"fmt"
	"strings"
	"testing"
)

// TestNamesOfTheGuest: what can't be a file there is refused where it is written, in every step that names one.
func TestNamesOfTheGuest(t *testing.T) {
	steps := []string{
		"upload: {file: a.txt, to: %s}", "collect: {file: %s, as: a}", "run: {program: %s}", "run: {program: a, tap: %s}", "run: {program: a, junit: %s}",
	}
	for name, want := range map[string]string{
		"con.txt": "device", "'C:\\temp\\NUL'": "device", "out/aux.log": "device", "'con .txt'": "device", "com1": "device", "lpt9.x": "device", "com¹": "device", "COM³.txt": "device",
		"conin$": "device", "CONOUT$": "device", "prn": "device", "a/con/b": "device",
		"a.": "a dot or a space", "'a '": "a dot or a space", "'a. /b'": "a dot or a space", "../a": "a dot or a space", "a/./b": "a dot or a space",
		"a//b": "an empty name", "a/": "an empty name", "'C:a'": "a drive without", "'a:b'": "a drive without", "'ab:c'": "can't have", "/a": "neither on a drive", `'\\server\a'`: "neither on a drive",
		"'a*b'": "can't have", "'a\"b'": "can't have", "'a|b'": "can't have", strings.Repeat("a", 256): "more than 255 characters", strings.Repeat("abcd/", 201) + "e": "1000",
		"a b": "", "ü/ı.txt": "", "com10": "", "console.txt": "", "'C:\\x\\y.z'": "", "C:/x/y": "", ".a": "", "a.con": "",
	} {
		for _, step := range steps {
			text := fmt.Sprintf(step, name)
			_, err := Load(Source{Name: "f", Data: []byte(caseText("", text))})
			if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want) && !strings.Contains(err.Error(), "has 1006 bytes")) {
				t.Errorf("%s: got %v, want %q", text, err, want)
			}
		}
	}
	for _, step := range []string{"upload: con.txt", "upload: {file: x/nul}", "collect: 'C:\\x\\a.txt'\n        name: n", "collect: {file: a, as: aux.txt}", "collect: {file: a, as: 'a.'}"} {
		_, err := Load(Source{Name: "f", Data: []byte(caseText("", step))})
		if refused := err != nil; refused != !strings.Contains(step, "name: n") {
			t.Errorf("%s: %v", step, err)
		}
	}
}
