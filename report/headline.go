package report

import (
	"fmt"
	"slices"
	"strings"

	"wskharness/results"
)

// Headline says in a few words what an exit code of [results.ExitCode] means for this record.
func Headline(rec *results.Record, policy results.Policy) string {
	cases := count(rec.Counts.Total(), "case", "cases")
	text := fmt.Sprintf("%d of %s failed", rec.Failures(policy), cases)
	switch results.ExitCode(rec, policy) {
	case results.ExitInterrupted:
		return "interrupted: " + text + " so far"
	case results.ExitBuild:
		return "not built: there was nothing to test with"
	case results.ExitFailed:
		if rec.Troubled() {
			text += ", and not all could be tested"
		}
		return text
	case results.ExitNothing:
		if rec.AllSkipped() {
			return "nothing was tested: every case was skipped"
		}
		return "no case was selected"
	case results.ExitInfrastructure:
		return "incomplete: trouble with a target or with the harness, no verdict on the driver"
	}
	switch {
	case rec.AllSkipped():
		return "nothing was tested: every case was skipped, as was allowed"
	case rec.Counts[results.Flaky] > 0:
		return fmt.Sprintf("as expected%s, but for %d flaky of %s", onGuests(rec), rec.Counts[results.Flaky], cases)
	}
	return "all as expected" + onGuests(rec)
}

// onGuests names the kinds of guests that a good word is about, so that it is not taken for
// another's.
func onGuests(rec *results.Record) string {
	var kinds []string
	for _, t := range rec.Targets {
		if kind := t.Guest.Kind; kind != "" && !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	if len(kinds) == 0 {
		return ""
	}
	return " on " + strings.Join(kinds, " and ")
}

// guestLine describes a guest to a reader, with what it does not prove.
func guestLine(g results.Guest) string {
	switch {
	case g.Label == "":
		return "guest unknown: never reached"
	case g.Windows():
		return g.Label
	}
	return g.Label + "; not a Windows verdict"
}

// targetLabel names a target, with the kind of its guest where the name does not already tell.
func targetLabel(t *results.TargetRecord) string {
	words := strings.FieldsFunc(strings.ToLower(t.Name), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	if t.Guest.Kind == "" || slices.Contains(words, t.Guest.Kind) {
		return t.Name
	}
	return t.Name + " [" + t.Guest.Kind + "]"
}
