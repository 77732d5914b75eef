package report

import (
	"slices"
	"strings"

	"wskharness/results"
)

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
