package report

import (
	"strings"

	"wskharness/results"
)

// cell makes a text fit for a table.
func cell(s string) string { return escape(results.Clip(s, markdownCell)) }

// escape makes Markdown of a text of which nothing is to be taken as Markdown, HTML, a link, a
// mention or a reference. The text stays readable in the file itself.
func escape(s string) string {
	s = strings.NewReplacer(
		"&", "&amp;", "<", "&lt;", ">", "&gt;", "@", "&#64;", "#", "&#35;",
		"://", "&#58;//", "www.", "www&#46;",
		`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "|", `\|`, "~", `\~`, "$", `\$`,
	).Replace(strings.TrimSpace(Printable(s)))
	// What would make a list or a heading at the start of a line.
	if s != "" && strings.ContainsRune("-+=", rune(s[0])) {
		return `\` + s
	}
	digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
	if rest := s[digits:]; digits > 0 && (strings.HasPrefix(rest, ". ") || strings.HasPrefix(rest, ") ")) {
		return s[:digits] + `\` + s[digits:]
	}
	return s
}

// code shows a text letter by letter, also where it has backquotes or stands in a table.
func code(s string) string { return strings.ReplaceAll(span(s), "|", `\|`) }

// span is code outside of a table.
func span(s string) string {
	s = strings.TrimSpace(Printable(s))
	if s == "" {
		return ""
	}
	ticks := strings.Repeat("`", longestRun(s)+1)
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " "
	}
	return ticks + s + ticks
}

// longestRun is the length of the longest run of backquotes.
func longestRun(s string) int {
	var longest, run int
	for _, r := range s {
		if r != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}
