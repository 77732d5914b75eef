package config

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"wskharness/suites"
)

// ownText is a configuration of a driver of one's own, which is there, with more keys of it on line 2 from column 25 on.
func ownText(t *testing.T, more string) (text, dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "mine.sys"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return "targets: {wine: {provider: wine}}\ndriver: {sys: mine.sys, " + more + "}\n", dir
}

// TestRegistryValuesAreWhatWasTyped: or they are refused, with what to write instead.
func TestRegistryValuesAreWhatWasTyped(t *testing.T) {
	text, dir := ownText(t, `parameters: {A: 8, B: 0x10, C: 4294967296, D: '010', E: "yes", F: [x, '5', x], G: {hex: 00 0f}, K: {hex: 0010}, H: ' blank ', I: 18446744073709551615, J: text}`)
	c, err := parseConfig([]byte(text), "c.yaml", dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := configSchemaCompiled(t).Validate(plainYAML(t, text)); err != nil {
		t.Errorf("the schema refuses it: %v", err)
	}
	want := []suites.Parameter{
		{Name: "A", Kind: suites.RegDword, Values: []string{"8"}}, {Name: "B", Kind: suites.RegDword, Values: []string{"16"}},
		{Name: "C", Kind: suites.RegQword, Values: []string{"4294967296"}}, {Name: "D", Kind: suites.RegText, Values: []string{"010"}},
		{Name: "E", Kind: suites.RegText, Values: []string{"yes"}}, {Name: "F", Kind: suites.RegMulti, Values: []string{"x", "5", "x"}},
		{Name: "G", Kind: suites.RegBinary, Values: []string{"000f"}}, {Name: "K", Kind: suites.RegBinary, Values: []string{"0010"}}, {Name: "H", Kind: suites.RegText, Values: []string{" blank "}},
		{Name: "I", Kind: suites.RegQword, Values: []string{"18446744073709551615"}}, {Name: "J", Kind: suites.RegText, Values: []string{"text"}},
	}
	if diff := cmp.Diff(want, c.External.Service.Parameters); diff != "" {
		t.Error(diff)
	}
	const number = " (expected a whole number of at most 64 bits, in decimal without a leading zero or as 0x and hexadecimal digits; or a text in quotes)"
	for value, want := range map[string]string{
		"010":                  "parameter A is 010, which without quotes is 8 in YAML 1.1, and 10 in YAML 1.2" + number,
		"08":                   "parameter A is 08, which without quotes is text in YAML 1.1, and 8 in YAML 1.2" + number,
		"1_000":                "parameter A is 1_000, which without quotes is a number in YAML 1.1, and text in YAML 1.2" + number,
		"1:30":                 "parameter A is 1:30, which without quotes is a number in YAML 1.1, and text in YAML 1.2" + number,
		"1e3":                  "parameter A is 1e3, which without quotes is the number 1000" + number,
		"1.5":                  "parameter A is 1.5" + number,
		"-1":                   "parameter A is -1" + number,
		"18446744073709551616": "parameter A is 18446744073709551616" + number,
		"true":                 "parameter A is true: the registry has no truths (expected 1 or 0; or the word in quotes)",
		"yes":                  "parameter A is yes, which without quotes is true in YAML 1.1, and text in YAML 1.2" + number,
		"2001-12-14":           "parameter A is 2001-12-14, which without quotes is a date in YAML 1.1, and text in YAML 1.2" + number,
		"~":                    "parameter A is ~, which without quotes is nothing (expected a number, a text, a list of texts, or {hex: digits})",
		"[a, 5]":               "an entry of parameter A is 5 (expected the text in quotes: a list is of texts)",
		"[a, 010]":             "an entry of parameter A is 010, which without quotes is 8 in YAML 1.1, and 10 in YAML 1.2 (expected '010' in quotes)",
		"{hex: 010}":           "parameter A: hex is \"010\" (expected 1 to 4096 bytes in hexadecimal digits)",
		"1, a: 2":              `the parameter "a" is already on line 2, as "A" (expected a name of its own: Windows ignores case)`,
	} {
		text, dir := ownText(t, "parameters: {A: "+value+"}")
		_, err := parseConfig([]byte(text), "c.yaml", dir)
		if err == nil || !strings.HasSuffix(err.Error(), ": "+want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s:\ngot  %v\nwant %s", value, err, want)
		}
	}
}

func TestServicesAreNamesThatIgnoreCase(t *testing.T) {
	for more, want := range map[string]string{
		"depends: [netio, NetIO]":           `c.yaml:2:42: depends has "NetIO" twice; Windows ignores case (expected each of them once)`,
		"depends: [netio, MINE]":            `c.yaml:2:42: depends: "MINE" is the driver's own (expected another service)`,
		"service: svc, depends: [Svc]":      `c.yaml:2:49: depends: "Svc" is the driver's own (expected another service)`,
		"depends: [010]":                    "an entry of depends is 010, which without quotes is 8",
		"service: 1e3":                      "service is 1e3, which without quotes is the number 1000 (expected '1e3' in quotes)",
		`service: "a\tb"`:                   `service is "a\tb", with the control character U+0009 (expected text of one line; in double quotes \ begins an escape, in single quotes it is a backslash)`,
		"build: [make], source: .":          "",
		"depends: [netio, tcpip, afd.x_-1]": "",
	} {
		text, dir := ownText(t, more)
		_, err := parseConfig([]byte(text), "c.yaml", dir)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%s:\ngot  %v\nwant %s", more, err, want)
		}
	}
}

// TestThereIsNoShell: what only a shell would understand is refused, and what only looks so is not.
func TestThereIsNoShell(t *testing.T) {
	for build, want := range map[string]string{
		`["make && true"]`:                      "build: \"make && true\" is a whole line, and there is no shell (expected [sh, -c, 'the whole line'])",
		"[make all]":                            `build: "make all" is a whole line`,
		"[make, &&, true]":                      "", // not YAML, without quotes
		`[make, "&&", "true"]`:                  `build: "&&" is an operator of a shell`,
		`[make, "|", tee, log]`:                 `build: "|" is an operator of a shell`,
		`[make, ";", "true"]`:                   `build: ";" is an operator of a shell`,
		`[make, "2>&1"]`:                        `build: "2>&1" is an operator of a shell`,
		`[make, ">log"]`:                        `build: ">log" is an operator of a shell`,
		`[make, ">", log]`:                      `build: ">" is an operator of a shell`,
		"[make, -C, $HOME/src]":                 `build: "$HOME/src" is replaced by a shell`,
		"[make, '${SRC}']":                      `build: "${SRC}" is replaced by a shell`,
		"[make, -C, ~/src]":                     `build: "~/src" is replaced by a shell`,
		"[gcc, '*.c']":                          `build: "*.c" is a pattern for a shell`,
		"[cd, src]":                             `build: "cd" is a command of a shell`,
		"[CC=gcc, make]":                        `build: "CC=gcc" sets a variable (build_env, and env of power, pass on one; [env, NAME=value, program] sets one), and there is no shell`,
		"make":                                  `build is "make", and there is no shell to take it apart (expected a list: [make]; or [sh, -c, 'the whole line'])`,
		"make -j4 all":                          `build is "make -j4 all", and there is no shell to take it apart (expected a list: [make, -j4, all]; or`,
		"[]":                                    "build is an empty list (expected a list of at least one)",
		"[make, 010]":                           "a word of build is 010, which without quotes is 8",
		`["C:\new\make"]`:                       `not known`,
		`[sh, -c, "make && (sleep 40 &)"]`:      "ok",
		`[bash, -c, "cd x; make > log"]`:        "ok",
		`[sh, build.sh, "*.c", "&&"]`:           "ok",
		"[make, 'CFLAGS=-O2 -g', VAR=$(OTHER)]": "ok",
		`[find, ., -name, "*.c", -exec, touch, "{}", ";"]`: "ok",
		"[make, --exclude, '*.o']":                         "ok",
		"[awk, '{print $1}', x]":                           "ok",
		"[/opt/my tools/make]":                             "ok",
		"[make, -j, 4]":                                    "ok",
		"[env, CC=gcc, make]":                              "ok",
	} {
		text, dir := ownText(t, "source: ., build: "+build)
		_, err := parseConfig([]byte(text), "c.yaml", dir)
		switch {
		case want == "ok":
			if err != nil {
				t.Errorf("%s: got %v, want no mistake", build, err)
			}
		case want == "" || want == "not known":
			if err == nil {
				t.Errorf("%s is taken", build)
			}
		case err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n"):
			t.Errorf("%s:\ngot  %v\nwant %s", build, err, want)
		}
	}
	text := staticConfig("https://h", `    power: {reset: ["virsh reset lab1"]}`+"\n")
	if _, err := parseConfig([]byte(text), "c.yaml", "/etc"); err == nil || !strings.Contains(err.Error(), `reset: "virsh reset lab1" is a whole line, and there is no shell`) {
		t.Errorf("reset: %v", err)
	}
}

// TestPathsOfThisMachine: as they are written; nobody replaces a ~, and another system's are refused.
func TestPathsOfThisMachine(t *testing.T) {
	for _, key := range []string{"out: @", "suites: [@]", "targets: {wine: {provider: wine, netio: @}}",
		"targets: {b: {provider: static, url: 'https://h', user: u, password_file: @}}", "targets: {b: {provider: static, url: 'https://h', user: u, password_env: X, ca_file: @}}"} {
		for value, want := range map[string]string{
			"~/x":                `(expected the whole path: no shell replaces the ~)`,
			"'~'":                `(expected the whole path: no shell replaces the ~)`,
			"$HOME/x":            `(expected the value of the variable: no shell replaces it)`,
			"'%USERPROFILE%\\x'": `(expected the value of the variable: no shell replaces it)`,
			`"a\nb"`:             `with the control character U+000A (expected text of one line; in double quotes \ begins an escape`,
			"010":                "which without quotes is 8 in YAML 1.1",
			"a/b c.pem":          "",
			"x/$1~":              "",
		} {
			checkPath(t, key, value, want)
		}
		for value, want := range ofThisSystem() {
			checkPath(t, key, value, want)
		}
	}
}

// ofThisSystem are paths that another system would take differently.
func ofThisSystem() map[string]string {
	if runtime.GOOS == "windows" {
		const drive = `(expected a path with its drive, as C:\lab\x, or one from this file's folder on)`
		return map[string]string{`'C:\x\y'`: "", `'C:/x/y'`: "", `'\\server\x\y'`: "", `'a\b'`: "", "/x": drive, `'\x'`: drive, "'C:x'": drive}
	}
	return map[string]string{
		`'C:\x\y'`:     `(expected a path of this machine, which is not Windows)`,
		`'\\server\x'`: `(expected a path of this machine, which is not Windows)`,
		`'a\b'`:        `(expected / between folders)`,
		"'/x/$1~'":     "",
	}
}

// checkPath reads a configuration with a path in the place of a key's @.
func checkPath(t *testing.T, key, value, want string) {
	t.Helper()
	text := strings.Replace(key, "@", value, 1) + "\n"
	if !strings.HasPrefix(key, "targets") {
		text += "targets: {wine: {provider: wine}}\n"
	}
	_, err := parseConfig([]byte(text), "c.yaml", "/etc")
	if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n")) {
		t.Errorf("%s:\ngot  %v\nwant %s", text, err, want)
	}
}

func TestWhatDoesNotGoTogether(t *testing.T) {
	for more, want := range map[string]string{
		"    allow_plain: true\n    auth: basic\n    user: a:b\n":    "", // a key twice
		"    certificate_sha256: " + strings.Repeat("ab", 32) + "\n": "c.yaml:7:25: a certificate of a server that has none: WinRM is to be spoken over http (expected https)",
		"    ca_file: x.pem\n": "c.yaml:7:14: a certificate of a server that has none: WinRM is to be spoken over http (expected https)",
		"    auth: basic\n":    "c.yaml:4:10: basic over http sends the password in the clear",
	} {
		_, err := parseConfig([]byte(staticConfig("http://h", more)), "c.yaml", "/etc")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", more, err, want)
		}
	}
	text := strings.Replace(staticConfig("https://h", "    auth: basic\n"), "user: u", "user: 'LAB:u'", 1)
	if _, err := parseConfig([]byte(text), "c.yaml", "/etc"); err == nil || !strings.Contains(err.Error(), "c.yaml:5:11: basic authentication can't carry a user with a colon") {
		t.Error(err)
	}
	text = strings.Replace(staticConfig("https://h", ""), "user: u", `user: "LAB\admin"`, 1)
	if _, err := parseConfig([]byte(text), "c.yaml", "/etc"); err == nil || !strings.Contains(err.Error(), "with the control character U+0007") {
		t.Error(err)
	}
}
