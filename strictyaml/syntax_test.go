package strictyaml_test

import (
	"testing"

	"wskharness/strictyaml"
)

// mistakes are all that a file has, one a line; "" where it has none.
func mistakes(text string) string {
	r := strictyaml.NewReporter("f")
	strictyaml.Parse([]byte(text), r)
	if err := r.Err(); err != nil {
		return err.Error()
	}
	return ""
}

// TestEachMistakeIsToldWhereItIs: not where the file begins, nor where the library noticed it, lines further down.
func TestEachMistakeIsToldWhereItIs(t *testing.T) {
	const (
		key      = " (expected the indentation of the key above, or quotes around a text with a colon in it)"
		colon    = "a second colon that makes a key, on one line (expected quotes around a text with a colon and a blank in it)"
		behind   = " (expected the end of the line, a comma in brackets, or quotes around all of it)"
		quotes   = "something follows a quote that closes (expected quotes around all of it, of the other kind where it has such quotes)"
		question = "a ? in text that stands in brackets without quotes (expected quotes around text in brackets with a ? in it)"
		slash    = `a backslash in double quotes that begins nothing known (expected \\ for a backslash, or single quotes, in which it is one)`
	)
	for text, want := range map[string]string{
		"a: 1\nb: 2\nc:\n  - x\n  - *nope\n": `f:5:5: an alias to no anchor "nope" (expected &nope before a value above, or quotes around text that begins with *)`,
		"a: *.sys\n":                         `f:1:4: an alias to no anchor ".sys" (expected &.sys before a value above, or quotes around text that begins with *)`,
		"a: x\nb: *\n":                       "f:2:4: an alias or an anchor without a name (expected quotes around text that begins with * or &)",
		"a: x\nb: & c\n":                     "f:2:4: an alias or an anchor without a name (expected quotes around text that begins with * or &)",

		"targets:\n  wine:\n    provider: wine\n   netio: x\n": "f:4:4: a line that is indented by 3, where nothing above is (expected 2 blanks, as on line 2, or 4, as on line 3)",
		"a:\n  b: 1\n c: 2\n":         "f:3:2: a line that is indented by 1, where nothing above is (expected 0 blanks, as on line 1, or 2, as on line 2)",
		"a:\n  b: 1\n   c: 2\n":       "f:3:4: a key that is indented by 3, where none can begin" + key,
		"a:\r\n  b: 1\r\n   c: 2\r\n": "f:3:4: a key that is indented by 3, where none can begin" + key,
		"a:\r  b: 1\r   c: 2\r":       "f:3:4: a key that is indented by 3, where none can begin" + key,
		"a:\n  - b\n - c\n":           "f:3:2: a line that is indented by 1, where nothing above is (expected 0 blanks, as on line 1, or 2, as on line 2)",
		"a:\n  - b: 1\n   c: 2\n":     "f:3:4: a line that is indented by 3, where nothing above is (expected 2 blanks, as on line 2, or 4, as on line 2)",
		"a: 1\n  # x\n\n   b: 1\n":    "f:4:4: a line that is indented by 3, where nothing above is (expected 0 blanks, as on line 1)",
		"a: >\n   b\n  c\n":           "f:3:3: a line that is indented by 2, where nothing above is (expected 0 blanks, as on line 1, or 3, as on line 2)",
		"a:\n\t- b\n":                 "f:2:1: a tab in the indentation (expected blanks)",
		"a:\n  b: 1\n\tc: 2\n":        "f:3:1: a tab in the indentation (expected blanks)",
		"- a\nb: 1\n":                 "f:2:1: a key among the items of the list that begins on line 1 (expected - before it, or fewer blanks)",
		"a: 1\n- b\n":                 "f:2:1: an item of a list among the keys that begin on line 1 (expected a key, or more blanks before all items)",
		"a: 1\nb\nc: 2\n":             "f:2:1: a line that is no key with a value (expected key: value, or an indentation that makes it a part of the text above)",
		"a: - x\n":                    "f:1:4: an item of a list where none can begin (expected each item of a list on a line of its own, or [in, brackets])",

		"a: 1\nb: \"abc\nc: 2\n":        "f:2:4: the quote that opens here is not closed (expected the same quote at its end)",
		"a: 1\nb: 'abc\n---\nc: 2\n":    "f:2:4: the quote that opens here is not closed (expected the same quote at its end)",
		"a: 'it\nb: 'c'\n":              "f:1:4: the quote that opens here is closed by the one on line 2, column 4 (expected the same quote at the end of its text)",
		"a: 'it\nx: y\nb: 'c'\n":        "f:1:4: the quote that opens here is closed by the one on line 3, column 4 (expected the same quote at the end of its text)",
		"a: 'x' y\n":                    "f:1:8: " + quotes,
		"a: \"x\" y\n":                  "f:1:8: " + quotes,
		"a: [x] y\n":                    "f:1:8: something follows a value that is complete" + behind,
		"a: 1\nb: [1, 2\nc: 3\nd: 4\n":  "f:2:4: the [ that opens here is not closed (expected a comma or ] before line 3, column 2)",
		"a: {x: 1\nb: 3\n":              "f:1:4: the { that opens here is not closed (expected a comma or } before line 2, column 2)",
		"a:\n  - {file: x\n  - y\nb: 1": "f:2:5: the { that opens here is not closed (expected a comma or } before line 4, column 2)",
		"a: 1\nb: { ":                   "f:2:4: the { that opens here is not closed (expected a comma or } before line 3, column 1)",
		"a: 1\nb: {c: [1,\n":            "f:2:8: the [ that opens here is not closed (expected a comma or ] before line 3, column 1)",
		"a: 1\nb: [, 1]\n":              "f:2:5: a , where a value is expected (expected a value, or quotes around text that begins with it)",
		"a: [{b: 1]\n":                  "f:1:5: the { that opens here is not closed (expected a comma or } before line 1, column 10)",
		"a: 1\n}\n":                     "f:2:1: a } that closes nothing (expected one that opens before it, or quotes around text)",
		"{a: 1}}\n":                     "f:1:7: something follows the end of the value (expected the end of the file)",

		"x: 1\na: {hex: 62 ??}\n":           "f:2:10: " + question,
		"x: 1\na: [b, {c: [d, ??]}]\n":      "f:2:16: " + question,
		"x: 1\na: {what?: 1}\n":             "f:2:5: " + question,
		"x: 1\na: '?'\nb: [\n  is it?]\n":   "f:4:3: " + question,
		"a: is it?\nb: ['why?', \"62 ??\"]": "",

		"a: b: c\n":                "f:1:5: " + colon,
		"a: http://x: y\n":         "f:1:12: " + colon,
		"x: 1\na: \"C:\\temp\\x\"": "f:2:12: " + slash,
		"x: 1\na: \"C:\\users\"\n": "f:2:7: " + slash,
		"x: 1\na: \"C:\\go\"\n":    "f:2:7: " + slash,
		"a: @x\n":                  "f:1:4: text that begins with @, which has a meaning of its own in YAML (expected quotes around it)",
		"a: %x\n":                  "f:1:4: text that begins with %, which has a meaning of its own in YAML (expected quotes around it)",
		"a: |x\n b\n":              "f:1:4: a block of text that begins on the line of its sign (expected quotes around text that begins with | or >, or a block of text on the lines below)",
		"a: 1\nb: !u!x c\n":        "f:2:4: not YAML: found undefined tag handle, while parsing a node",
	} {
		if got := mistakes(text); got != want {
			t.Errorf("%q:\ngot  %s\nwant %s", text, got, want)
		}
	}
}

func TestDirectives(t *testing.T) {
	for text, want := range map[string]string{
		"%YAML 1.2\n---\na: 1\n":                     "",
		"%YAML 1.1\r\n---\r\na: 1\r\n":               "",
		"%YAML 1.3\n---\na: 1\n":                     "", // a later minor version is read all the same
		"\uFEFF# c\n\n%YAML\t1.2 # c\n--- # d\na: 1": "",
		"%TAG !u! tag:example.com,2026:\n---\na: 1":  "",
		"%FOO bar\n---\na: 1\n":                      "", // means nothing
		"a: |\n %YAML 9\n":                           "",
		"%YAML 2.0\n---\na: 1\n":                     "f:1:1: the file says that it is YAML 2.0 (expected %YAML 1.2)",
		"%YAML\n---\na: 1\n":                         "f:1:1: %YAML (expected %YAML 1.2)",
		"%YAML 1.2x\n---\na: 1\n":                    "f:1:1: %YAML 1.2x (expected %YAML 1.2)",
		"%YAML 1.2\n\n%YAML 1.2\n---\na: 1\n":        "f:3:1: a second %YAML, after the one on line 1 (expected one of them)",
		"# c\n%YAML 1.2\na: 1\n":                     "f:2:1: a directive that no document follows (expected a line --- after it)",
		"%FOO\n":                                     "f:1:1: a directive that no document follows (expected a line --- after it)",
		"%YAML 1.2\n---\na: *x\n":                    `f:3:4: an alias to no anchor "x" (expected &x before a value above, or quotes around text that begins with *)`,
	} {
		if got := mistakes(text); got != want {
			t.Errorf("%q:\ngot  %s\nwant %s", text, got, want)
		}
	}
}
