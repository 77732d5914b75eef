package report

import (
	"encoding/xml"
	"fmt"
	"strings"
)

// truth is what a program's tests came to; styles write it down as real programs do.
type truth struct {
	tests []Result
	crash bool // of the suite's set-up, where the style has a word for it
	lie   bool // TAP: a test with subtests says ok, though one of them failed
}

func (k *truth) n(outcomes ...Outcome) (n int) {
	for _, one := range k.tests {
		for _, o := range outcomes {
			if one.Outcome == o {
				n++
			}
		}
	}
	return n
}

// passes is the verdict that is right: something ran, and nothing failed.
func (k *truth) passes() bool {
	return !k.crash && !k.lie && k.n(NotOK) == 0 && k.n(OK, Todo) > 0
}

// style is a writer. Of what it has no word for, a test that is still to do, it makes another.
type style struct {
	name  string
	write func(k *truth) string
	xml   bool
	todo  bool // it has a word for that
	skip  bool
	crash bool
	lie   bool
}

func styles() []style {
	return []style{
		{"googletest", googletest, true, false, true, false, false},
		{"catch-junit", catchJUnit, true, true, true, false, false},
		{"pytest", pytest, true, true, true, false, false},
		{"tunit", tunit, true, false, true, true, false},
		{"bats-junit", batsJUnit, true, false, true, false, false},
		{"perl-junit", perlJUnit, true, false, false, true, false},
		{"ctest", ctest, true, false, true, false, false},
		{"catch-tap", catchTAP, false, false, false, false, false},
		{"perl-tap", perlTAP, false, true, true, false, true},
		{"bats-tap", batsTAP, false, false, true, false, false},
		{"tap14", tap14, false, true, true, false, true},
	}
}

func esc(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text))
	return b.String()
}

func googletest(k *truth) string {
	var b strings.Builder
	suppressed := 0
	for i, one := range k.tests {
		if one.Outcome == Skip && i%2 == 0 {
			suppressed++
		}
	}
	counts := fmt.Sprintf(`tests="%d" failures="%d" disabled="%d"`, len(k.tests), k.n(NotOK), suppressed)
	fmt.Fprintf(&b, "<testsuites %s errors=\"0\" time=\"0\" name=\"AllTests\">\n", counts)
	fmt.Fprintf(&b, "  <testsuite name=\"S\" %s skipped=\"%d\" errors=\"0\" time=\"0\">\n", counts, k.n(Skip)-suppressed)
	for i, one := range k.tests {
		head := fmt.Sprintf(`    <testcase name="%s" file="g.cc" line="%d"`, esc(one.Name), i)
		switch {
		case one.Outcome == Skip && i%2 == 0:
			fmt.Fprintf(&b, "%s status=\"notrun\" result=\"suppressed\" time=\"0\" classname=\"S\" />\n", head)
		case one.Outcome == Skip:
			fmt.Fprintf(&b, "%s status=\"run\" result=\"skipped\" time=\"0\" classname=\"S\">\n      <skipped message=\"%s\"><![CDATA[%s]]></skipped>\n    </testcase>\n", head, esc(one.Detail), one.Detail)
		case one.Outcome == NotOK:
			fmt.Fprintf(&b, "%s status=\"run\" result=\"completed\" time=\"0\" classname=\"S\">\n", head)
			for range 1 + i%2 {
				fmt.Fprintf(&b, "      <failure message=\"%s\" type=\"\"><![CDATA[%s]]></failure>\n", esc(one.Detail), one.Detail)
			}
			b.WriteString("    </testcase>\n")
		default:
			fmt.Fprintf(&b, "%s status=\"run\" result=\"completed\" time=\"0\" classname=\"S\" />\n", head)
		}
	}
	b.WriteString("  </testsuite>\n</testsuites>\n")
	return b.String()
}

func catchJUnit(k *truth) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<testsuites>\n  <testsuite name=\"c\" errors=\"0\" failures=\"%d\" skipped=\"%d\" tests=\"%d\" hostname=\"tbd\" time=\"0.000\">\n", 2*k.n(NotOK), k.n(Skip), 3*len(k.tests))
	for _, one := range k.tests {
		head := fmt.Sprintf("    <testcase classname=\"c.global\" name=\"%s\" time=\"0.000\" status=\"run\"", esc(one.Name))
		failure := fmt.Sprintf("      <failure message=\"3==4\" type=\"CHECK\">\nFAILED:\n  %s\nat c.cc:4\n      </failure>\n", esc(one.Detail))
		switch one.Outcome {
		case OK:
			fmt.Fprintf(&b, "%s/>\n", head)
		case NotOK:
			fmt.Fprintf(&b, "%s>\n%s%s    </testcase>\n", head, failure, failure)
		case Skip:
			fmt.Fprintf(&b, "%s>\n      <skipped type=\"SKIP\">\nSKIPPED\n%s\n      </skipped>\n    </testcase>\n", head, esc(one.Detail))
		case Todo:
			fmt.Fprintf(&b, "%s>\n      <skipped message=\"TEST_CASE tagged with !mayfail\"/>\n%s    </testcase>\n", head, failure)
		}
	}
	b.WriteString("    <system-out/>\n    <system-err/>\n  </testsuite>\n</testsuites>\n")
	return b.String()
}

func pytest(k *truth) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<testsuites><testsuite name="pytest" errors="0" failures="%d" skipped="%d" tests="%d" time="0.037" hostname="host">`, k.n(NotOK), k.n(Skip, Todo), len(k.tests))
	for _, one := range k.tests {
		fmt.Fprintf(&b, `<testcase classname="test_p" name="%s" time="0.000"`, esc(one.Name))
		switch one.Outcome {
		case OK:
			b.WriteString(" />")
		case NotOK:
			fmt.Fprintf(&b, `><failure message="assert 3 == 4">&gt; %s</failure></testcase>`, esc(one.Detail))
		case Skip:
			fmt.Fprintf(&b, `><skipped type="pytest.skip" message="%s">x</skipped></testcase>`, esc(one.Detail))
		case Todo:
			b.WriteString(`><skipped type="pytest.xfail" message="" /></testcase>`)
		}
	}
	b.WriteString("</testsuite></testsuites>")
	return b.String()
}

func tunit(k *truth) string {
	var b strings.Builder
	errors := 0
	if k.crash {
		errors = 1
	}
	counts := fmt.Sprintf(`tests="%d" failures="%d" errors="%d" skipped="%d"`, len(k.tests), k.n(NotOK), errors, k.n(Skip))
	fmt.Fprintf(&b, "<testsuites name=\"T\" %s time=\"0.1\">\r\n  <testsuite name=\"T\" %s time=\"0.1\" hostname=\"WIN\">\r\n    <properties>\r\n      <property name=\"framework\" value=\".NET 9\" />\r\n    </properties>\r\n", counts, counts)
	for _, one := range k.tests {
		fmt.Fprintf(&b, "    <testcase name=\"%s\" classname=\"N.C\" time=\"0.001\"", esc(one.Name))
		switch one.Outcome {
		case NotOK:
			fmt.Fprintf(&b, ">\r\n      <failure message=\"%s\" type=\"AssertionException\">at C.M()</failure>\r\n    </testcase>\r\n", esc(one.Detail))
		case Skip:
			fmt.Fprintf(&b, ">\r\n      <skipped message=\"%s\" />\r\n    </testcase>\r\n", esc(one.Detail))
		default:
			b.WriteString(" />\r\n")
		}
	}
	if k.crash {
		b.WriteString("    <error message=\"set-up crashed\" />\r\n")
	}
	b.WriteString("  </testsuite>\r\n</testsuites>")
	return b.String()
}

func batsJUnit(k *truth) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<testsuites time=\"0.007\">\n<testsuite name=\"t.bats\" tests=\"%d\" failures=\"%d\" errors=\"0\" skipped=\"%d\" time=\"0.007\" hostname=\"host\">\n", len(k.tests), k.n(NotOK), k.n(Skip))
	for _, one := range k.tests {
		head := fmt.Sprintf(`    <testcase classname="t.bats" name="%s" time="0.003"`, esc(one.Name))
		switch one.Outcome {
		case NotOK:
			fmt.Fprintf(&b, "%s>\n        <failure type=\"failure\">%s</failure>\n    </testcase>\n", head, esc(one.Detail))
		case Skip:
			fmt.Fprintf(&b, "%s>\n        <skipped>%s</skipped>\n    </testcase>\n", head, esc(one.Detail))
		default:
			fmt.Fprintf(&b, "%s />\n", head)
		}
	}
	b.WriteString("\n</testsuite>\n</testsuites>\n")
	return b.String()
}

func perlJUnit(k *truth) string {
	var b strings.Builder
	errors, tail := 0, ""
	if k.crash {
		errors, tail = 1, "    <error message=\"Dubious, test returned 2\" />\n"
	}
	fmt.Fprintf(&b, "<testsuites>\n  <testsuite failures=\"%d\" errors=\"%d\" tests=\"%d\" name=\"t_t\">\n", k.n(NotOK), errors, len(k.tests))
	for i, one := range k.tests {
		if one.Outcome == NotOK {
			fmt.Fprintf(&b, "    <testcase name=\"%d - %s\">\n      <failure type=\"TestFailed\"\n               message=\"not ok %d\"><![CDATA[not ok %d]]></failure>\n    </testcase>\n", i+1, esc(one.Name), i+1, i+1)
			continue
		}
		fmt.Fprintf(&b, "    <testcase name=\"%d - %s\"></testcase>\n", i+1, esc(one.Name))
	}
	fmt.Fprintf(&b, "    <system-out><![CDATA[ok 1\n]]></system-out>\n%s  </testsuite>\n</testsuites>", tail)
	return b.String()
}

func ctest(k *truth) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<testsuite name=\"(empty)\"\n\ttests=\"%d\"\n\tfailures=\"%d\"\n\tdisabled=\"0\"\n\tskipped=\"%d\"\n\thostname=\"\"\n\ttime=\"0\"\n\t>\n", len(k.tests), k.n(NotOK), k.n(Skip))
	for _, one := range k.tests {
		status, inside := "run", ""
		switch one.Outcome {
		case NotOK:
			status, inside = "fail", "\t\t<failure message=\"Failed\"/>\n"
		case Skip:
			status, inside = "notrun", "\t\t<skipped message=\"SKIP_RETURN_CODE=4\"/>\n"
		}
		fmt.Fprintf(&b, "\t<testcase name=\"%s\" classname=\"%s\" time=\"0\" status=\"%s\">\n%s\t\t<properties/>\n\t\t<system-out></system-out>\n\t</testcase>\n", esc(one.Name), esc(one.Name), status, inside)
	}
	b.WriteString("</testsuite>\n")
	return b.String()
}

// tapName is a name as TAP 14 wants it.
func tapName(name string) string { return strings.NewReplacer(`\`, `\\`, "#", `\#`).Replace(name) }

func tapLineOf(i int, one Result) string {
	switch one.Outcome {
	case NotOK:
		return fmt.Sprintf("not ok %d - %s\n", i+1, tapName(one.Name))
	case Skip:
		return fmt.Sprintf("ok %d - %s # skip %s\n", i+1, tapName(one.Name), one.Detail)
	case Todo:
		return fmt.Sprintf("not ok %d - %s # TODO %s\n", i+1, tapName(one.Name), one.Detail)
	}
	return fmt.Sprintf("ok %d - %s\n", i+1, tapName(one.Name))
}

func catchTAP(k *truth) string {
	var b strings.Builder
	for i, one := range k.tests {
		fmt.Fprintf(&b, "# %s\n%s", one.Name, tapLineOf(i, one))
	}
	fmt.Fprintf(&b, "1..%d\n\n", len(k.tests))
	return b.String()
}

func perlTAP(k *truth) string {
	var b strings.Builder
	for i, one := range k.tests {
		switch {
		case k.lie && i == 0:
			fmt.Fprintf(&b, "# Subtest: sub\n    1..2\n    ok 1 - a\n    not ok 2 - b\n    #   Failed test 'b'\nok 1 - %s\n", tapName(one.Name))
		case one.Outcome == NotOK && i%2 == 1:
			fmt.Fprintf(&b, "# Subtest: sub\n    ok 1 - a\n    not ok 2 - b\n    1..2\n    # Looks like you failed 1 test of 2.\n%s#   Failed test\n", tapLineOf(i, one))
		case one.Outcome == NotOK:
			fmt.Fprintf(&b, "%s#   Failed test '%s'\n#   at t.t line 2.\n", tapLineOf(i, one), one.Name)
		default:
			b.WriteString(tapLineOf(i, one))
		}
	}
	fmt.Fprintf(&b, "1..%d\n", len(k.tests))
	return b.String()
}

func batsTAP(k *truth) string {
	var b strings.Builder
	fmt.Fprintf(&b, "1..%d\n", len(k.tests))
	for i, one := range k.tests {
		b.WriteString(strings.Replace(tapLineOf(i, one), " - ", " ", 1))
		if one.Outcome == NotOK {
			fmt.Fprintf(&b, "# (in test file t.bats, line 2)\n# out put\n")
		}
	}
	return b.String()
}

func tap14(k *truth) string {
	var b strings.Builder
	fmt.Fprintf(&b, "TAP version 14\n1..%d\n", len(k.tests))
	for i, one := range k.tests {
		switch {
		case k.lie && i == 0:
			fmt.Fprintf(&b, "    # Subtest: sub\n    1..2\n    not ok 1 - a\n      ---\n      message: b\n      ...\n    ok 2 - b\nok 1 - %s\n", tapName(one.Name))
		case one.Outcome == NotOK:
			fmt.Fprintf(&b, "%s  ---\n  message: '%s'\n  at:\n    line: 12\n  ...\n", tapLineOf(i, one), one.Detail)
		default:
			b.WriteString(tapLineOf(i, one))
		}
	}
	return b.String()
}
