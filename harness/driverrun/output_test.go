package driverrun

import (
	"bytes"
	"strings"
	"testing"

	"wskharness/guest/journal"
	"wskharness/results"
	"wskharness/suites/output"
)

const programSuite = `suite: s
doc: d
cases:
  - id: program
    doc: d
    steps:
      - run: {program: a, stdout: {equals: grün}, tap: report.tap}
`

// wrotePieces are pieces of an output, as an agent writes them.
func wrotePieces(of, text string) []journal.Record {
	const piece = 1344
	var all []journal.Record
	for at := 0; at < len(text); at += piece {
		all = append(all, journal.Record{Ev: journal.EvOutput, Of: of, Total: uint64(len(text)), Data: []byte(text[at:min(at+piece, len(text))])})
	}
	return all
}

// verdictOf is that of the program's case on a guest of these code pages, which wrote that.
func verdictOf(t *testing.T, pages output.CodePages, stdout, stderr, report string) *results.Verdict {
	t.Helper()
	p := planOf(t, programSuite)
	p.Pages = pages
	records := wellBehaved(p)
	outputs := append(append(wrotePieces("stdout", stdout), wrotePieces("stderr", stderr)...), wrotePieces("report", report)...)
	records = numbered(append(append(append([]journal.Record{}, records[:3]...), outputs...), records[3:]...))
	s, _ := live(t, p, &world{records: records})
	v := s.attempts[0].verdict
	if v == nil {
		t.Fatal("no verdict")
	}
	return v
}

// TestCodePages: what a guest's programs wrote is read by the code pages that the plan has of it.
func TestCodePages(t *testing.T) {
	const passed = "1..1\nok 1\n"
	pages := output.CodePages{ANSI: 1252, OEM: 850}
	if v := verdictOf(t, pages, "gr\x81n\r\n", "", passed); v.Outcome != results.Pass {
		t.Errorf("%s: %s; %+v", v.Outcome, v.Reason, v.Deviation)
	}
	if v := verdictOf(t, output.CodePages{}, "gr\x81n\r\n", "", passed); v.Outcome != results.Fail {
		t.Errorf("without a code page: %s", v.Outcome)
	}
	v := verdictOf(t, pages, "gr\x81n", "", "1..1\nnot ok 1 - gr\xfcn\n")
	if v.Outcome != results.Fail || len(v.Tests) != 1 || v.Tests[0].Name != "grün" {
		t.Errorf("%s: %v", v.Outcome, v.Tests)
	}
}

// TestWhatAProgramWroteIsKept: with the verdict on a step that was not as declared are the last lines of its program.
func TestWhatAProgramWroteIsKept(t *testing.T) {
	pages := output.CodePages{OEM: 850}
	v := verdictOf(t, pages, "nothing\r\n", "checking\r\nassertion failed: gr\x81n\r\n", "1..1\nok 1\n")
	want := []results.Written{{Of: "stdout", Text: "nothing"}, {Of: "stderr", Text: "checking\nassertion failed: grün"}}
	if v.Outcome != results.Fail || len(v.Wrote) != 2 || v.Wrote[0] != want[0] || v.Wrote[1] != want[1] {
		t.Errorf("%s: %+v", v.Outcome, v.Wrote)
	}
	if v := verdictOf(t, pages, "gr\x81n", "talk", "1..1\nok 1\n"); v.Outcome != results.Pass || len(v.Wrote) != 0 {
		t.Errorf("%s, with %+v", v.Outcome, v.Wrote)
	}
}

// TestLongReports: a report of more than a thousand tests is judged to its last one.
func TestLongReports(t *testing.T) {
	pages := output.CodePages{OEM: 850}
	long := strings.Repeat("ok - "+strings.Repeat("x", 300)+"\n", 4000)
	if v := verdictOf(t, pages, "grün", "", long+"1..4000\n"); v.Outcome != results.Pass || v.TestsLeft["ok"] != 3500 {
		t.Errorf("%s: %s; %v left", v.Outcome, v.Reason, v.TestsLeft)
	}
	if v := verdictOf(t, pages, "grün", "", long+"not ok\n1..4001\n"); v.Outcome != results.Fail {
		t.Errorf("%s, though the last test failed", v.Outcome)
	}
}

// TestOutputsAreBounded: however many steps a case has, its outputs do not fill this machine's memory; what is left out is
// missed.
func TestOutputsAreBounded(t *testing.T) {
	a := &attempt{}
	piece := bytes.Repeat([]byte("x"), output.Max)
	for i := range 3 * maxOutputs / output.Max {
		a.output(journal.Record{Step: i, Of: "report", Total: output.Max, Data: piece})
		a.output(journal.Record{Step: i, Of: "report", Total: output.Max, Data: piece})
		if got := len(a.pending.outputs.Report); got > output.Max || i == 0 && got != output.Max {
			t.Fatalf("of one output %d bytes are kept", got)
		}
	}
	if a.kept != maxOutputs || len(a.pending.outputs.Report) != 0 {
		t.Errorf("%d bytes are kept, %d of the last step", a.kept, len(a.pending.outputs.Report))
	}
}
