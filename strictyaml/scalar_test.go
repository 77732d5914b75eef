package strictyaml_test

import (
	"strings"
	"testing"

	"wskharness/strictyaml"
)

// value reads one value of a file.
func value[T any](t *testing.T, text string, read func(*strictyaml.Reporter, *strictyaml.Node) (T, bool)) (got T, ok bool, err error) {
	t.Helper()
	r := strictyaml.NewReporter("f")
	root := strictyaml.Parse([]byte("v: "+text+"\n"), r)
	if root == nil || len(root.Pairs) != 1 {
		t.Fatalf("%s: got %v, want one pair", text, r.Err())
	}
	got, ok = read(r, root.Pairs[0].Value)
	if err = r.Err(); ok == (err != nil) {
		t.Errorf("%s: usable %v, but the mistakes are %v", text, ok, err)
	}
	return got, ok, err
}

func TestNumber(t *testing.T) {
	for text, want := range map[string]uint64{
		"0": 0, "8": 8, "10": 10, "0x0": 0, "0x1F": 31, "0xffffffffffffffff": 1<<64 - 1,
		"9007199254740993": 1<<53 + 1, "18446744073709551615": 1<<64 - 1,
	} {
		got, ok, err := value(t, text, func(r *strictyaml.Reporter, n *strictyaml.Node) (uint64, bool) { return r.Number(n, "v", 0, 1<<64-1) })
		if !ok || got != want {
			t.Errorf("%s: got %d, %v", text, got, err)
		}
	}
	const plain = ", in decimal without a leading zero, or as 0x and hexadecimal digits)"
	for text, want := range map[string]string{
		"010":                  "v is 010, which without quotes is 8 in YAML 1.1, and 10 in YAML 1.2 (expected a whole number from 0 to 100" + plain,
		"08":                   "v is 08, which without quotes is text in YAML 1.1, and 8 in YAML 1.2 (expected a whole number from 0 to 100" + plain,
		"00":                   "v is 00, which without quotes is 0 in YAML 1.1, and 0 in YAML 1.2 (expected",
		"0o17":                 "v is 0o17, which without quotes is 15 in YAML 1.2, and text in YAML 1.1 (expected",
		"0b11":                 "a number in YAML 1.1, and text in YAML 1.2",
		"1_0":                  "a number in YAML 1.1, and text in YAML 1.2",
		"0x1_0":                "a number in YAML 1.1, and text in YAML 1.2",
		"1:30":                 "a number in YAML 1.1, and text in YAML 1.2",
		"-0x1":                 "a number in YAML 1.1, and text in YAML 1.2",
		"1e1":                  "the number 10",
		"1.0":                  `v is "1.0" (expected a whole number from 0 to 100)`,
		".5":                   "the number 0.5",
		".inf":                 "the number +Inf",
		".nan":                 "a number",
		"+1":                   "v is +1, which without quotes is the number 1",
		"-1":                   `v is "-1" (expected a whole number from 0 to 100)`,
		"-0":                   "the number 0",
		"101":                  `v is "101" (expected a whole number from 0 to 100)`,
		"18446744073709551616": `v is "18446744073709551616" (expected a whole number from 0 to 100)`,
		"'8'":                  `v is "8" (expected a whole number from 0 to 100, without quotes)`,
		"yes":                  "v is yes, which without quotes is true in YAML 1.1",
		"true":                 `v is "true"`,
		"~":                    "v is ~, which without quotes is nothing",
		"":                     "v is nothing",
		"[1]":                  "v is a list",
	} {
		_, ok, err := value(t, text, func(r *strictyaml.Reporter, n *strictyaml.Node) (uint64, bool) { return r.Number(n, "v", 0, 100) })
		if ok || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want something with %q", text, err, want)
		}
	}
}

// TestTextIsWhatWasTyped: what comes back is what was typed, or quotes are asked for.
func TestTextIsWhatWasTyped(t *testing.T) {
	text := func(r *strictyaml.Reporter, n *strictyaml.Node) (string, bool) { return r.Text(n, "v") }
	for written, want := range map[string]string{
		"abc": "abc", "5": "5", "-3": "-3", "1.5": "1.5", "1.0": "1.0", "true": "true", "1.2.3": "1.2.3", "0.0": "0.0",
		"' a '": " a ", `"\ta\n"`: "\ta\n", "|\n  a\n  b\n\n": "a\nb", "'010'": "010", `"yes"`: "yes", "'~'": "~", "ja": "ja", "None": "None", "::1": "::1",
	} {
		if got, ok, err := value(t, written, text); !ok || got != want {
			t.Errorf("%s: got %q, %v, want %q", written, got, err, want)
		}
	}
	for written, reading := range map[string]string{
		"010": "8 in YAML 1.1, and 10 in YAML 1.2", "08": "text in YAML 1.1, and 8 in YAML 1.2", "007": "7 in YAML 1.1, and 7 in YAML 1.2",
		"-010": "8 in YAML 1.1, and 10", "0o7": "7 in YAML 1.2, and text in YAML 1.1", "0x10": "the number 16", "0b1": "a number in YAML 1.1", "1_000": "a number in YAML 1.1",
		"1:30": "a number in YAML 1.1", "190:20:30.15": "a number in YAML 1.1", "1e3": "the number 1000", ".5": "the number 0.5", "5.": "the number 5", "1.10": "the number 1.1", "01.5": "the number 1.5",
		"+1": "the number 1", ".inf": "the number +Inf", "-.INF": "a number", ".NaN": "a number", "1e999": "a number",
		"yes": "true in YAML 1.1, and text", "No": "false in YAML 1.1, and text", "ON": "true in YAML 1.1", "off": "false in YAML 1.1", "y": "true in YAML 1.1", "N": "false in YAML 1.1",
		"True": "true", "FALSE": "false", "2001-12-14": "a date in YAML 1.1", "2001-12-14t21:59:43.10-05:00": "a date in YAML 1.1", "2001-1-1": "a date", "=": "a sign with a meaning of its own", "<<": "a sign",
	} {
		_, ok, err := value(t, written, text)
		if want := "f:1:4: v is " + written + ", which without quotes is " + reading; ok || !strings.HasPrefix(err.Error(), want) || !strings.HasSuffix(err.Error(), "(expected '"+written+"' in quotes)") {
			t.Errorf("%s: got %v, want %s…", written, err, want)
		}
		for _, quote := range []string{"'", `"`} {
			if got, ok, err := value(t, quote+written+quote, text); !ok || got != written {
				t.Errorf("%s in quotes: got %q, %v", written, got, err)
			}
		}
	}
	for written, want := range map[string]string{
		"": "v is nothing (expected text)", "null": "v is null, which without quotes is nothing (expected text)", "''": `v is "" (expected 1 to 1000 bytes of text)`,
		"' '": `v is " "`, `"a\0"`: "v has a NUL in it", "[a]": "v is a list", "'" + strings.Repeat("x", 1001) + "'": "v has 1001 bytes",
	} {
		if _, ok, err := value(t, written, text); ok || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want something with %q", written, err, want)
		}
	}
}

func TestBool(t *testing.T) {
	read := func(r *strictyaml.Reporter, n *strictyaml.Node) (bool, bool) { return r.Bool(n, "v") }
	for _, written := range []string{"true", "false"} {
		if got, ok, err := value(t, written, read); !ok || got != (written == "true") {
			t.Errorf("%s: %v, %v", written, got, err)
		}
	}
	for written, want := range map[string]string{
		"yes": "(expected true or false)", "True": "(expected true or false)", "1": "(expected true or false)", "on": "(expected true or false)",
		"'true'": "(expected true or false without quotes)", "": "v is nothing",
	} {
		if _, ok, err := value(t, written, read); ok || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", written, err)
		}
	}
}

func TestKeysAreNames(t *testing.T) {
	for text, want := range map[string]string{
		"x: 1\ny: 2\nn: 3\n":                  "", // coordinates and counts: no reader in use takes them for truths
		"'on': 1\n":                           "",
		"5: 1\n":                              "",
		"on: 1\n":                             "f:1:1: the key on, which without quotes is true in YAML 1.1, and text in YAML 1.2 (expected 'on' in quotes)",
		"a:\n  010: 1\n":                      "f:2:3: the key 010, which without quotes is 8 in YAML 1.1, and 10 in YAML 1.2 (expected '010' in quotes)",
		"~: 1\n":                              "f:1:1: a key that is not a single value (expected a name)",
		": 1\n":                               "f:1:1: not YAML: did not find expected key",
		"? [a]\n: 1\n":                        "f:1:3: a key that is not a single value (expected a name)",
		"a: !!str 010\n":                      "f:1:4: a tag, !!str (expected the value without it; in quotes where it is text)",
		"a: &a {x: 1}\nb: {<<: *a, <<: *a}\n": "f:2:13: << is here twice (expected <<: [*one, *other])",
		"a: {'<<': 1}\n":                      "",
		"a: 1\n'a': 2\n":                      `f:2:1: "a" is here twice, first on line 1 (expected each key once)`,
	} {
		if got := mistakes(text); got != want {
			t.Errorf("%q:\ngot  %s\nwant %s", text, got, want)
		}
	}
}
