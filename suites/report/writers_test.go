package report

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWriters reads what real writers have written: googletest 1.12, pytest 7.2, Catch2 2.13, bats 1.8, CTest 3.25 and
// Test::More with TAP::Harness and TAP::Formatter::JUnit of Perl 5.36, of tests that pass, fail, are skipped, are still to do, or crash in
// their set-up. What each of them takes for a pass has to be one here, and what it takes for a failure none.
func TestWriters(t *testing.T) {
	for file, test := range map[string]struct{ counts, failed, err string }{
		"googletest.xml":             {"4 ok, 1 not ok, 2 skip", "S.Fail", ""},
		"googletest-environment.xml": {"1 not ok, 7 skip", "a test without a name", ""},
		"googletest-pass.xml":        {"1 ok", "", ""},
		"googletest-none.xml":        {"", "", "no test ran"},
		"googletest-disabled.xml":    {"1 skip", "", "no test ran: the only one was skipped"},
		"pytest.xml":                 {"2 ok, 6 not ok, 1 skip, 1 todo", "test_p.test_fail, test_p.test_xpass_strict, test_p.test_seterr, test_p.test_downerr, test_p.test_fail_and_down, test_p.test_fail_and_down", ""},
		"pytest-import.xml":          {"1 not ok", "test_bad", ""},
		"pytest-none.xml":            {"", "", "no test ran"},
		"catch.xml":                  {"3 ok, 2 not ok, 1 todo", "c.global.one/s2, c.global.boom", ""},
		"catch-pass.xml":             {"1 ok", "", ""},
		"catch-mayfail.xml":          {"1 todo", "", ""},
		"catch.tap":                  {"6 ok, 3 not ok", "3==4 for: 3 == 4, unexpected exception with message: 'x', 1==2 for: 1 == 2", ""},
		"catch-pass.tap":             {"1 ok", "", ""},
		"bats.tap":                   {"1 ok, 1 not ok, 2 skip", "fails # hash", ""},
		"bats.xml":                   {"1 ok, 1 not ok, 2 skip", "t.bats.fails # hash", ""},
		"bats-tap13.tap":             {"1 ok, 3 not ok", "fails # hash, skips, skipnow", ""},     // it writes "not ok … # SKIP"
		"ctest.xml":                  {"2 ok, 2 not ok, 2 skip", "bad.bad, missing.missing", ""}, // "missing" has no program
		"ctest-pass.xml":             {"2 ok, 2 skip", "", ""},
		"perl.tap":                   {"3 ok, 2 not ok, 2 skip, 3 todo", "two, subfail", ""},
		"perl-skip.tap":              {"", "", "no test ran: no dev"},
		"perl-bail.tap":              {"1 ok", "", "the program gave up: Bail out!  no device"},
		"perl-short.tap":             {"1 ok", "", "3 tests were planned, 1 ran"},
		"perl.xml":                   {"7 ok, 4 not ok", "2 - two, 5 - todo pass, 7 - subfail, test suite t_t", ""},
		"perl-short.xml":             {"1 ok, 1 not ok", "test suite pl_t", ""},
		"perl-skip.xml":              {"", "", "no test ran"},
	} {
		data, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		r, err := read(file, data, 0)
		if got := errText(err); got != test.err {
			t.Errorf("%s: error %q, want %q", file, got, test.err)
		}
		if got := countText(r.Counts); got != test.counts {
			t.Errorf("%s: %s, want %s", file, got, test.counts)
		}
		if got := strings.Join(r.Failed(), ", "); got != test.failed {
			t.Errorf("%s: failed %q, want %q", file, got, test.failed)
		}
	}
}

// read reads a report as its name says.
func read(name string, data []byte, page CodePage) (Report, error) {
	if strings.HasSuffix(name, ".tap") {
		return TAP(data, page)
	}
	return JUnit(data, page)
}

func countText(counts map[Outcome]int) string {
	var parts []string
	for _, o := range []Outcome{OK, NotOK, Skip, Todo} {
		if counts[o] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[o], o))
		}
	}
	return strings.Join(parts, ", ")
}
