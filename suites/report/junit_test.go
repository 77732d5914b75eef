package report

import (
	"fmt"
	"strings"
	"testing"
)

func TestJUnit(t *testing.T) {
	for name, test := range map[string]struct{ text, want, err string }{
		"suites": {`<?xml version="1.0"?><testsuites><testsuite name="s"><testcase classname="c" name="a"/><testcase name="b"><failure message="no"/></testcase>` +
			`<testsuite><testcase name="d"><skipped message="later"/></testcase><testcase name="e"><error message="crash">x</error></testcase></testsuite></testsuite></testsuites>`,
			"ok c.a; not ok b (no); skip d (later); not ok e (crash|x);", ""},
		"a suite as root": {`<testsuite tests="1"><testcase name="a"/></testsuite>`, "ok a;", ""},

		"not XML":               {"<testsuite><testcase", "", "it is not XML: XML syntax error on line 1: unexpected EOF"},
		"not JUnit":             {"<html/>", "", "it is not JUnit XML: its root is html"},
		"the XML of xUnit.net":  {`<assemblies><assembly/></assemblies>`, "", "it is xUnit.net's own XML: ask its runner for JUnit"},
		"no test":               {"<testsuite/>", "", "no test ran"},
		"nothing":               {"", "", "it is empty"},
		"only talk":             {"hello\n", "", "it is not JUnit XML: there is no testsuite"},
		"talk around":           {"starting\n<testsuite><testcase name='a'/></testsuite>\ndone\n", "ok a;", ""},
		"only a declaration":    {`<?xml version="1.0"?>`, "", "it is not JUnit XML: there is no testsuite"},
		"two documents":         {"<testsuite><testcase name='a'/></testsuite>\n<testsuite/>", "ok a;", "a second document begins in line 2: a report is one"},
		"cut off":               {`<testsuites><testsuite><testcase name="a"/></testsuite>`, "ok a;", "it is not XML: XML syntax error on line 1: unexpected EOF"},
		"elements without end":  {strings.Repeat("<testsuite>", maxDepth+1), "", fmt.Sprintf("elements are nested deeper than %d times", maxDepth)},
		"a test outside":        {`<testcase name="a"/>`, "", "it is not JUnit XML: its root is testcase"},
		"namespaces":            {`<j:testsuite xmlns:j="x"><j:testcase name="a"><j:failure message="no"/></j:testcase></j:testsuite>`, "not ok a (no);", ""},
		"a doctype":             {`<!DOCTYPE testsuite [<!ENTITY a "b">]><testsuite><!-- x --><testcase name="a"/></testsuite>`, "ok a;", ""},
		"an entity of its own":  {`<!DOCTYPE testsuite [<!ENTITY a "b">]><testsuite><testcase name="&a;"/></testsuite>`, "", "it is not XML: XML syntax error on line 1: invalid character entity &a;"},
		"an entity of HTML":     {`<testsuite><testcase name="a&nbsp;b"/></testsuite>`, "ok a\u00a0b;", ""},
		"XML 1.1":               {`<?xml version="1.1"?><testsuite><testcase name="a&#1;"/></testsuite>`, "ok a\ufffd;", ""},
		"an element in between": {`<testsuite><group><testcase name="a"><x><failure message="no"/></x></testcase></group></testsuite>`, "not ok a (no);", ""},
		"elements in output":    {`<testsuite><testcase name="a"><system-out><failure message="no"/></system-out></testcase></testsuite>`, "ok a;", ""},
		"tests in a test":       {`<testsuite><testcase name="a"><testcase name="b"><failure/></testcase></testcase></testsuite>`, "not ok b; ok a;", ""},
		"no name":               {`<testsuite><testcase/><testcase classname="c"/></testsuite>`, "ok a test without a name; ok c;", ""},

		"a disabled test":       {`<testsuite><testcase name="DISABLED_T" status="notrun" result="suppressed" classname="S"/></testsuite>`, `skip S.DISABLED_T (its status is "notrun");`, "no test ran: the only one was skipped"},
		"only skipped":          {`<testsuite><testcase name="a"><skipped/></testcase><testcase name="b"><skipped>no device</skipped></testcase></testsuite>`, "skip a; skip b (no device);", "no test ran: all 2 were skipped"},
		"a result alone":        {`<testsuite><testcase name="a" result="suppressed"/><testcase name="b" status="run" result="completed"/></testsuite>`, `skip a (its result is "suppressed"); ok b;`, ""},
		"a status that failed":  {`<testsuite><testcase name="a" status="FAILED"/></testsuite>`, `not ok a (its status is "FAILED");`, ""},
		"a status not known":    {`<testsuite><testcase name="a" status="quantum"/></testsuite>`, `not ok a (its status is "quantum", which is none that is known);`, ""},
		"a status and a reason": {`<testsuite><testcase name="a" status="fail"><failure message="no"/></testcase></testsuite>`, "not ok a (no);", ""},
		"two statuses":          {`<testsuite><testcase name="a" status="run" status="notrun"/><testcase name="b"/></testsuite>`, `skip a (its status is "notrun"); ok b;`, ""},
		"not executed":          {`<testsuite><testcase name="a" executed="false"/><testcase name="b" disabled="true"/><testcase name="c" skipped="false" success="true"/></testsuite>`, "skip a (it was not executed); skip b (it is disabled); ok c;", ""},
		"words of other writers": {`<testsuite><testcase name="a" status="PASSED"/><testcase name="b" result="pass"/><testcase name="c" status="not-run"/><testcase name="d" result="xfail"/><testcase name="e" status="timed out"/></testsuite>`,
			`ok a; ok b; skip c (its status is "not-run"); todo d (its result is "xfail"); not ok e (its status is "timed out");`, ""},
		"inconclusive": {`<testsuite tests="3" errors="1"><testcase name="a" status="Passed"/><testcase name="b" status="Inconclusive"/><testcase name="c"><inconclusive message="no data"/></testcase></testsuite>`,
			`ok a; not ok b (its status is "Inconclusive"); not ok c (no data);`, ""},
		"inconclusive, with a reason": {`<testsuite tests="2" errors="1"><testcase name="a" status="Passed"/><testcase name="b" status="Inconclusive"><skipped message="no data"/></testcase></testsuite>`,
			`ok a; not ok b (its status is "Inconclusive");`, ""},
		"elements of other writers": {`<testsuite><testcase name="a"><ignored/></testcase><testcase name="b"><Failure>x</Failure></testcase><testcase name="c"><timeout/></testcase><testcase name="d"><properties><property name="failure"/></properties></testcase></testsuite>`,
			"skip a; not ok b (x); not ok c; ok d;", ""},
		"an attempt that failed": {`<testsuite><testcase name="a"><flakyFailure message="no">x</flakyFailure></testcase><testcase name="b"><failure message="no"/><rerunFailure message="nor"/></testcase></testsuite>`,
			"ok a (an attempt before it failed: no); not ok b (no|(and 1 more));", ""},
		"failed only again":  {`<testsuite><testcase name="a"><rerunFailure message="no"/></testcase></testsuite>`, "not ok a (no);", ""},
		"skipped and failed": {`<testsuite><testcase name="a"><skipped message="x"/><failure message="no"/></testcase></testsuite>`, "not ok a (no);", ""},

		"the body":                  {`<testsuite><testcase name="a"><failure type="x">ring.c:12: expected 3, got 4</failure></testcase></testsuite>`, "not ok a (ring.c:12: expected 3, got 4);", ""},
		"the type alone":            {`<testsuite><testcase name="a"><failure type="AssertionError"/></testcase></testsuite>`, "not ok a (AssertionError);", ""},
		"both, which differ":        {"<testsuite><testcase name='a'><failure message='3 is not 4'><![CDATA[\n  at ring.c:12\n]]></failure></testcase></testsuite>", "not ok a (3 is not 4|  at ring.c:12);", ""},
		"both, which are one":       {"<testsuite><testcase name='a'><failure message='g.cc:3&#10;3 is not 4'><![CDATA[g.cc:3\n3 is not 4]]></failure></testcase></testsuite>", "not ok a (g.cc:3|3 is not 4);", ""},
		"the body says more":        {"<testsuite><testcase name='a'><failure message='assert 0'>assert 0\nat p.py:3</failure></testcase></testsuite>", "not ok a (assert 0|at p.py:3);", ""},
		"the first leads":           {`<testsuite><testcase name="a"><failure message="first"/><error message="second"/><failure message="third"/></testcase></testsuite>`, "not ok a (first|(and 2 more));", ""},
		"markup in the body":        {`<testsuite><testcase name="a"><failure>a<b>c</b>d</failure></testcase></testsuite>`, "not ok a (ad);", ""},
		"its output":                {"<testsuite><testcase name='a'><failure message='no'/><system-out>1\n2\n3\n4\n5\n6\n</system-out><system-err>foo.c:12</system-err></testcase><testcase name='b'><system-out>fine</system-out></testcase></testsuite>", "not ok a (no|2|3|4|5|6|foo.c:12); ok b;", ""},
		"a declaration behind talk": {"talk\n<?xml version='1.0' encoding='utf-16'?><testsuite><testcase name='a'/></testsuite>", "ok a;", ""},
		"a text without bound":      {`<testsuite><testcase name="a"><failure>` + strings.Repeat("x&amp;", 2000) + `</failure></testcase></testsuite>`, "not ok a (" + strings.Repeat("x&", 1024) + "…);", ""},

		"a suite's own error":           {`<testsuite tests="2" errors="1"><testcase name="a"/><error message="set-up crashed"/></testsuite>`, "ok a; not ok a test suite (set-up crashed);", ""},
		"a suite's failure in a suite":  {`<testsuites><testsuite name="s"><testcase name="a"/><failure>no</failure></testsuite></testsuites>`, "ok a; not ok test suite s (no);", ""},
		"a suite's status":              {`<testsuite name="s" status="failed"><testcase name="a"/></testsuite>`, `ok a; not ok test suite s (its status is "failed");`, ""},
		"a failure that is not shown":   {`<testsuite name="s" tests="1" failures="1"><testcase name="a"/></testsuite>`, "ok a;", "it contradicts itself: test suite s counts 1 that failed, and shows none"},
		"an error of the root":          {`<testsuites errors="2"><testsuite><testcase name="a"/></testsuite></testsuites>`, "ok a;", "it contradicts itself: a test suite counts 2 that failed, and shows none"},
		"tests that are not there":      {`<testsuite name="s" tests="3"><testcase name="a"/></testsuite>`, "ok a;", "it contradicts itself: test suite s counts 3 tests, and shows 1"},
		"tests that are not counted":    {`<testsuite name="s" tests="1"><testcase name="a"/><testcase name="b"/></testsuite>`, "ok a; ok b;", "it contradicts itself: test suite s counts 1 tests, and shows 2"},
		"skipped ones without the word": {`<testsuite name="s" tests="2" skipped="1"><testcase name="a"/><testcase name="b"/></testsuite>`, "ok a; ok b;", "it contradicts itself: test suite s counts 1 that were skipped, and shows 0"},
		"disabled without the word":     {`<testsuite name="s" tests="1" disabled="1"><testcase name="a"/></testsuite>`, "ok a;", "it contradicts itself: test suite s counts 1 that were skipped, and shows 0"},
		"a counter that is none":        {`<testsuite name="s" tests="NaN"><testcase name="a"/></testsuite>`, "ok a;", `it contradicts itself: test suite s has tests="NaN", which is no number`},
		"an empty counter":              {`<testsuite name="s" tests="" errors=""><testcase name="a"/></testsuite>`, "ok a;", ""},
		"a suite within a suite":        {`<testsuite tests="3"><testcase name="a"/><testsuite tests="2"><testcase name="b"/><testcase name="c"/></testsuite></testsuite>`, "ok a; ok b; ok c;", ""},
		"only its own tests":            {`<testsuite tests="1"><testcase name="a"/><testsuite tests="2"><testcase name="b"/><testcase name="c"/></testsuite></testsuite>`, "ok a; ok b; ok c;", ""},
		"without those skipped":         {`<testsuite tests="1" skipped="1"><testcase name="a"/><testcase name="b"><skipped/></testcase></testsuite>`, "ok a; skip b;", ""},
		"skipped ones not listed":       {`<testsuite tests="3" skipped="2" failures="0"><testcase name="a"/></testsuite>`, "ok a;", ""},
		"all skipped and not listed":    {`<testsuite tests="2" skipped="2" failures="0"></testsuite>`, "", "no test ran"},

		"UTF-16 as declared":              {utf16le("\ufeff" + `<?xml version="1.0" encoding="utf-16"?><testsuite><testcase name="grün"/></testsuite>`), "ok grün;", ""},
		"UTF-16 without a mark":           {utf16be(`<?xml version="1.0" encoding="utf-16"?><testsuite><testcase name="grün"/></testsuite>`), "ok grün;", ""},
		"UTF-16 that is none":             {`<?xml version="1.0" encoding="utf-16"?><testsuite><testcase name="grün"/></testsuite>`, "ok grün;", ""},
		"a mark against the header":       {"\xef\xbb\xbf" + `<?xml version="1.0" encoding="ISO-8859-1"?><testsuite><testcase name="grün"/></testsuite>`, "ok grün;", ""},
		"ISO 8859-1":                      {`<?xml version="1.0" encoding="ISO-8859-1"?><testsuite><testcase name="gr` + "\xfc" + `n"/></testsuite>`, "ok grün;", ""},
		"ISO 8859-1 that looks like more": {`<?xml version='1.0' encoding='iso-8859-1'?><testsuite><testcase name="` + "\xc3\xbc" + `"/></testsuite>`, "ok Ã¼;", ""},
		"windows-1252":                    {`<?xml version="1.0" encoding="windows-1252" standalone="yes"?><testsuite><testcase name="` + "\x80" + `"/></testsuite>`, "ok €;", ""},
		"cp850":                           {`<?xml version="1.0" encoding="cp850"?><testsuite><testcase name="gr` + "\x81" + `n"/></testsuite>`, "ok grün;", ""},
		"IBM437":                          {`<?xml version="1.0" encoding="IBM437"?><testsuite><testcase name="gr` + "\x81" + `n"/></testsuite>`, "ok grün;", ""},
		"Shift_JIS":                       {`<?xml version="1.0" encoding="Shift_JIS"?><testsuite><testcase name="` + "\x93\xfa" + `"/></testsuite>`, "ok 日;", ""},
		"an encoding that is not known":   {`<?xml version="1.0" encoding="x-nobodys"?><testsuite><testcase name="grün"/></testsuite>`, "ok grün;", ""},
		"no encoding, and no UTF-8":       {`<testsuite><testcase name="gr` + "\x81" + `n"/></testsuite>`, "ok grün;", ""},
		"UTF-8 that is none":              {`<?xml version="1.0" encoding="UTF-8"?><testsuite><testcase name="gr` + "\x81" + `n"/></testsuite>`, "ok grün;", ""},

		"a reference that XML forbids": {`<testsuite><testcase name="a"><system-out>&#27;[32m</system-out></testcase></testsuite>`, "ok a;", ""},
		"in hexadecimal":               {`<testsuite><testcase name="a&#x1B;&#x0;&#xFFFF;&#xD800;&#65;b"/></testsuite>`, "ok a\ufffd\ufffd\ufffd\ufffdAb;", ""},
		"itself":                       {"<testsuite><testcase name='a\x1b'><failure>\x1b[31mno\x00</failure></testcase></testsuite>", "not ok a\ufffd (\ufffd[31mno\ufffd);", ""},
		"in CDATA, as itself":          {"<testsuite><testcase name='a'><failure><![CDATA[\x1b &#27; <]]></failure></testcase></testsuite>", "not ok a (\ufffd &#27; <);", ""},
		"an escaped ampersand":         {`<testsuite><testcase name="a &amp;#27; b"/></testsuite>`, "ok a &#27; b;", ""},
	} {
		r, err := JUnit([]byte(test.text), 850)
		if got := errText(err); got != test.err {
			t.Errorf("%s: error %q, want %q", name, got, test.err)
		}
		if got := resultText(r.Results); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// TestMoreThanAThousand: all are judged, however many are kept.
func TestMoreThanAThousand(t *testing.T) {
	var text strings.Builder
	text.WriteString(`<testsuite tests="1001">`)
	for i := range 1001 {
		failure := ""
		if i == 1000 {
			failure = "<failure>no</failure>"
		}
		fmt.Fprintf(&text, `<testcase name="t%d">%s</testcase>`, i, failure)
	}
	text.WriteString(`</testsuite>`)
	r, err := JUnit([]byte(text.String()), 0)
	if err != nil || r.Total() != 1001 || fmt.Sprint(r.Failed()) != "[t1000]" {
		t.Errorf("%v: %d tests, failed %v", err, r.Total(), r.Failed())
	}
}
