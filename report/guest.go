package report

import (
	"slices"
	"strings"

	"wskharness/results"
)

// guestKind is the first word of a guest's description, in lower case: "wine", "windows"; empty
// for a guest that was never found out. It is stable where versions change.
func guestKind(guest string) string {
	if words := words(guest); len(words) > 0 {
		return words[0]
	}
	return ""
}

func words(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
}

// isWindows reports whether the guest is known to be Windows. Whatever isn't, a guest that was
// never found out included, must not be read as a verdict on Windows.
func isWindows(guest string) bool { return guestKind(guest) == "windows" }

// guestLine describes a guest to a reader, with what it does not prove.
func guestLine(guest string) string {
	switch {
	case guest == "":
		return "guest unknown: never reached"
	case isWindows(guest):
		return guest
	}
	return guest + "; not a Windows verdict"
}

// targetLabel names a target, with the kind of its guest where the name does not already tell.
func targetLabel(t *results.TargetRecord) string {
	kind := guestKind(t.Guest)
	if kind == "" || slices.Contains(words(t.Name), kind) {
		return t.Name
	}
	return t.Name + " [" + kind + "]"
}
