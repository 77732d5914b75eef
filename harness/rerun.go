package harness

import (
	"slices"
	"strings"

	"wskharness/suites"
)

// rerun is the exact command that runs one case again, on one target.
func (r *run) rerun(c *suites.Case, target string) string {
	command := "wskharness run " + ShellQuote(c.Name()) + " --target " + target
	if path := r.plan.Request.Config.Path; path != "" {
		command += " --config " + ShellQuote(displayPath(path))
	}
	return command
}

// rerunAll is the command that runs everything that was planned for this target again.
func (l *load) rerunAll() string {
	command := "wskharness run"
	for _, pattern := range l.plan.Request.Selection.Patterns {
		command += " " + ShellQuote(pattern)
	}
	return command + " --target " + l.target.Name
}

// ShellQuote quotes a word for a POSIX shell where that is needed.
func ShellQuote(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || slices.Contains([]rune("-_./:=@%+,"), r)
	}
	for _, r := range word {
		if !plain(r) {
			return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
	}
	if word == "" {
		return "''"
	}
	return word
}
