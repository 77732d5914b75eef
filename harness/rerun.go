package harness

import (
	"fmt"
	"slices"
	"strings"

	"wskharness/strictyaml"
	"wskharness/suites"
)

// rerun is the exact command that runs one attempt again, on one target: with the same choices.
func (r *run) rerun(t *attempt, target string) string {
	name := t.test.Name()
	if t.test.Role != suites.RoleCase { // it runs with any case of its suite
		name = t.test.Suite
	}
	command := "wskharness run " + ShellQuote(name) + " --target " + target
	if t.test.Chance() {
		command += fmt.Sprintf(" --seed %d", suites.Loop{Chance: true}.SeedOf(t.seed, t.number))
	}
	if d := r.plan.Request.StressFor; d != 0 && t.test.Timed() {
		command += " --stress-for " + strictyaml.ShortDuration(d)
	}
	if path := r.plan.Request.Config.Path; path != "" {
		command += " --config " + ShellQuote(displayPath(path))
	}
	return command
}

// rerunAll is the command that runs everything that was planned for this target again.
func (s *session) rerunAll() string {
	command := "wskharness run"
	for _, pattern := range s.plan.Request.Selection.Patterns {
		command += " " + ShellQuote(pattern)
	}
	if s.plan.Request.Seed != 0 {
		command += fmt.Sprintf(" --seed %d", s.plan.Request.Seed)
	}
	if s.plan.Request.Shuffle {
		command += " --shuffle"
	}
	if d := s.plan.Request.StressFor; d != 0 {
		command += " --stress-for " + strictyaml.ShortDuration(d)
	}
	return command + " --target " + s.target.Name
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
