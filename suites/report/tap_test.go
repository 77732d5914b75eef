package report

import (
	"fmt"
	"strings"
	"testing"
)

func TestTAP(t *testing.T) {
	for name, test := range map[string]struct{ text, want, err string }{
		"plan first":                   {"1..2\nok 1 - opens\nok 2 - closes\n", "ok opens; ok closes;", ""},
		"plan last":                    {"TAP version 13\nok\nok - b\r\n1..2\r\n", "ok test 1; ok b;", ""},
		"failed":                       {"1..2\nnot ok 1 - opens\n# got 5\n  ---\n  message: no\n  ...\nok 2\n", "not ok opens (got 5|message: no); ok test 2;", ""},
		"directives":                   {"1..3\nok 1 - a # SKIP no device\nnot ok 2 - b # todo later\nok 3 # skip\n", "skip a (no device); todo b (later); skip test 3;", ""},
		"an escaped directive":         {"1..2\nok 1 - starts\nnot ok 2 - sends \\# TODO marker intact\n", "ok starts; not ok sends # TODO marker intact;", ""},
		"an escaped backslash":         {"1..1\nnot ok 1 - a \\\\ # TODO b\n", "todo a \\ (b);", ""},
		"a backslash before the hash":  {"1..1\nnot ok 1 - a \\\\# TODO b\n", "not ok a \\# TODO b;", ""},
		"no blank before the hash":     {"1..1\nnot ok 1 - C# TODO list\n", "not ok C# TODO list;", ""},
		"no border behind the word":    {"1..2\nnot ok 1 - a # TODOs are kept\nok 2 - b # skippers\n", "not ok a # TODOs are kept; ok b # skippers;", ""},
		"a letter behind the word":     {"1..4\nnot ok 1 - a # TODOé\nnot ok 2 - b # todo_x\nnot ok 3 - c # TODO2\nok 4 - d # skippable\n", "not ok a # TODOé; not ok b # todo_x; not ok c # TODO2; ok d # skippable;", ""},
		"the word without a blank":     {"1..2\nnot ok 1 - a #TODO: b\nok 2 - c #skip\n", "todo a (b); skip c;", ""},
		"a hash before the directive":  {"1..3\nok 1 - issue #12 # skip later\nok 2 a # b # skip c\nok 3\n", "skip issue #12 (later); skip a # b (c); ok test 3;", ""},
		"a hash amid the name":         {"1..1\nnot ok 1 fails # hash\n", "not ok fails # hash;", ""},
		"an old skip":                  {"1..2\nok 1\nok 2 # Skipped: no fork\n", "ok test 1; skip test 2 (no fork);", ""},
		"todo and skip at once":        {"1..1\nnot ok 1 # TODO & SKIP why\n", "todo test 1 (& SKIP why);", ""},
		"todo that passes":             {"1..1\nok 1 - x # TODO later\n", "todo x (it passes, though it is still to do: later);", ""},
		"not ok, and skip":             {"1..1\nnot ok 1 - x # SKIP no dev\n", "not ok x (not ok, with SKIP; a test that was skipped is \"ok … # SKIP\": no dev);", ""},
		"all skipped":                  {"1..2\nok 1 # skip a\nok 2 # skip b\n", "skip test 1 (a); skip test 2 (b);", "no test ran: all 2 were skipped"},
		"the only one skipped":         {"1..1\nok 1 # skip a\n", "skip test 1 (a);", "no test ran: the only one was skipped"},
		"talk":                         {"hello\n1..1\nokay then\nok: fine\nok 1 - x\n}\n", "ok x;", ""},
		"talk before the version":      {"starting\nTAP version 14\n1..1\nok 1\n", "ok test 1;", ""},
		"versions 12 to 14":            {"TAP version 12\n1..1\nok 1\n", "ok test 1;", ""},
		"a version of the future":      {"TAP version 15\n1..1\nok 1\n", "ok test 1;", "TAP version 15 is not known: 12 to 14 are"},
		"two reports":                  {"TAP version 13\n1..1\nok 1\nTAP version 13\n1..1\nok 1\n", "ok test 1; ok test 2;", "a second report begins in its middle (TAP version 13)"},
		"pragma":                       {"TAP version 14\npragma +strict\n1..1\nok 1\npragma -strict\ntalk\n", "ok test 1;", ""},
		"talk under the strict pragma": {"TAP version 14\npragma +strict\n1..1\ntalk\nok 1\n", "ok test 1;", "with pragma +strict, a line that is nothing of TAP: talk"},
		"no plan":                      {"ok 1\n", "ok test 1;", "there is no plan (1..N): did the program end early?"},
		"nothing":                      {"", "", "it is empty"},
		"short":                        {"1..3\nok 1\n", "ok test 1;", "3 tests were planned, 1 ran"},
		"empty plan":                   {"1..0\n", "", "no test ran"},
		"a plan that skips all":        {"1..0 # SKIP no device\n", "", "no test ran: no device"},
		"tests beside an empty plan":   {"1..0 # SKIP no device\nok 1\n", "ok test 1;", "0 tests were planned, 1 ran"},
		"two plans":                    {"1..1\nok 1\n1..1\n", "ok test 1;", "a second plan: 1..1"},
		"a plan in the middle":         {"ok 1\n1..2\nok 2\n", "ok test 1; ok test 2;", "a test behind the plan, which comes first or last: is this two reports?"},
		"a plan that can't be read":    {"1..2 todo 2\nok 1\nnot ok 2\n", "ok test 1; not ok test 2;", "a plan that can't be read: 1..2 todo 2"},
		"out of order":                 {"1..2\nok 2\nok 1\n", "ok test 1; ok test 2;", "test 2 comes where test 1 should"},
		"bail out":                     {"1..2\nok 1\nBail out! no device\nok 2\n", "ok test 1;", "the program gave up: Bail out! no device"},
		"bail out of a subtest":        {"1..1\n    ok 1\n    bail out!  no device\nok 1\n", "", "the program gave up: bail out!  no device"},
		"a word in a name":             {"1..1\nok 1 - Bail out! is handled\n", "ok Bail out! is handled;", ""},

		"subtests":                           {"1..1\n    1..2\n    ok 1\n    not ok 2\nnot ok 1 - group\n", "not ok group (not ok test 2);", ""},
		"subtests that failed, and a parent": {"1..1\n# Subtest: group\n    1..2\n    ok 1\n    not ok 2 - b\n    # got 5\nok 1 - group\n", "not ok group (it says ok, but of its subtests 1 failed|not ok b|  got 5);", ""},
		"subtests that are missing":          {"1..1\n    1..2\n    ok 1\nok 1 - group\n", "not ok group (it says ok, but of its subtests 2 tests were planned, 1 ran);", ""},
		"subtests without their plan":        {"1..1\n    # Subtest: group\n    ok 1\nok 1 - group\n", "not ok group (it says ok, but of its subtests there is no plan (1..N));", ""},
		"subtests announced above":           {"1..1\n# Subtest: group\n    ok 1\nok 1 - group\n", "not ok group (it says ok, but of its subtests there is no plan (1..N));", ""},
		"subtests of a todo":                 {"1..1\n    1..1\n    not ok 1\nnot ok 1 - group # TODO later\n", "todo group (later);", ""},
		"subtests that are still to do":      {"1..1\n    1..1\n    not ok 1 # TODO later\nok 1 - group\n", "ok group;", ""},
		"subtests of which none ran":         {"1..2\n    1..0 # SKIP no device\nok 1 - group\nok 2\n", "skip group (no device); ok test 2;", ""},
		"subtests of subtests":               {"1..1\n    # Subtest: a\n        # Subtest: b\n        1..1\n        not ok 1\n    ok 1 - b\n    1..1\nok 1 - a\n", "not ok a (it says ok, but of its subtests 1 failed|not ok b|  it says ok, but of its subtests 1 failed|  not ok test 1);", ""},
		"subtests in braces":                 {"1..2\nok 1 - group {\n    1..1\n    not ok 1\n}\nok 2 - b {\n    1..1\n    ok 1\n}\n", "not ok group (it says ok, but of its subtests 1 failed|not ok test 1); ok b;", ""},
		"a name that ends in a brace":        {"1..2\nok 1 - parses {\nok 2\n", "ok parses {; ok test 2;", ""},
		"subtests of no test":                {"1..1\nok 1\n    1..1\n    not ok 1\n", "ok test 1;", "at the end are subtests of no test: 1 failed"},
		"indented talk":                      {"1..1\n    okay\n  1 of 3\n\tok now\nok 1\n", "ok test 1;", ""},

		"a block of YAML":                 {"1..2\nok 1\n  ---\n  not ok: 1\n  ok 5\n  ...\nnot ok 2\n    ---\n    message: 'a'\n    at:\n      line: 3\n    ...\n", "ok test 1; not ok test 2 (message: 'a'|at:|  line: 3);", ""},
		"a block of YAML without its end": {"1..1\nok 1\n  ---\n  a: b\n", "ok test 1;", `the YAML block of "test 1" does not end`},
		"a block of YAML that is cut":     {"1..2\nok 1\n  ---\n  a: b\nok 2\n", "ok test 1; ok test 2;", `the YAML block of "test 1" does not end`},

		"the end of a plan is missing":         {"ok 1\nok 2\n1..2", "ok test 1; ok test 2;", "its last line does not end: was the report cut off there?"},
		"the end of a test that ran":           {"1..2\nok 1\nok 2", "ok test 1; ok test 2;", ""},
		"the end of the only test that ran":    {"1..2\nok 1 # SKIP a\nok 2 - b", "skip test 1 (a); ok b;", "its last line does not end: was the report cut off there?"},
		"the end of a failure":                 {"1..1\nnot ok 1", "not ok test 1;", ""},
		"a byte order mark":                    {"\xef\xbb\xbfTAP version 13\n1..1\nok 1\n", "ok test 1;", ""},
		"a byte order mark before a failure":   {"\xef\xbb\xbfnot ok 1\n1..1\n", "not ok test 1;", ""},
		"UTF-16":                               {utf16le("\ufeff1..1\r\nnot ok 1 - grün\r\n"), "not ok grün;", ""},
		"UTF-16 without a mark":                {utf16le("1..1\nnot ok 1 - grün\n"), "not ok grün;", ""},
		"a code page":                          {"1..1\nnot ok 1 - gr\x81n\n", "not ok grün;", ""},
		"more tests than are kept":             {strings.Repeat("ok\n", 1001) + "1..1001\n", strings.TrimSpace(strings.Repeat("- ", maxResults/2)), ""},
		"numbers that are too long for a test": {"1..1\nok 99999999999999999999999\n", "ok test 1;", "test 1099511627776 comes where test 1 should"},
	} {
		r, err := TAP([]byte(test.text), 850)
		if got := errText(err); got != test.err {
			t.Errorf("%s: error %q, want %q", name, got, test.err)
		}
		if strings.HasPrefix(test.want, "- ") {
			if n := len(strings.Fields(test.want)); len(r.Results) != n || r.Total() != 1001 || r.Left()[OK] != 1001-n {
				t.Errorf("%s: %d results of %d, %v left", name, len(r.Results), r.Total(), r.Left())
			}
		} else if got := resultText(r.Results); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// TestFailuresAreKept: of more tests than are kept, those that failed are, wherever they stand.
func TestFailuresAreKept(t *testing.T) {
	var text strings.Builder
	for i := range 3000 {
		if i >= 2990 {
			text.WriteString("not ")
		}
		fmt.Fprintf(&text, "ok %d\n", i+1)
	}
	text.WriteString("1..3000\n")
	r, err := TAP([]byte(text.String()), 0)
	if err != nil || len(r.Failed()) != 10 || r.Failed()[0] != "test 2991" || r.Counts[NotOK] != 10 || r.Counts[OK] != 2990 {
		t.Errorf("%v: %d failed, %v", err, len(r.Failed()), r.Counts)
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// resultText puts results in one line: "ok a; not ok b (why|more);".
func resultText(results []Result) string {
	var parts []string
	for _, one := range results {
		text := string(one.Outcome) + " " + one.Name
		if one.Detail != "" {
			text += " (" + strings.ReplaceAll(one.Detail, "\n", "|") + ")"
		}
		parts = append(parts, text+";")
	}
	return strings.Join(parts, " ")
}
