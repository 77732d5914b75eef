package harness

import (
	"fmt"
	"slices"
	"strings"

	"wskharness/config"
	"wskharness/settings"
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
	return command + configFlag(r.plan.Request.Config)
}

// rerunAll is the exact command that runs everything that was planned for this target again: for what is of no case, such
// as deploy.start.
func (s *session) rerunAll() string {
	r := &s.run.plan.Request
	command := "wskharness run"
	for _, pattern := range r.Selection.Patterns {
		command += " " + ShellQuote(pattern)
	}
	command += " --target " + s.target.Name
	if len(r.Selection.Tags) > 0 {
		command += " --tags " + ShellQuote(strings.Join(r.Selection.Tags, ","))
	}
	if r.Repeat > 1 {
		command += fmt.Sprintf(" --repeat %d", r.Repeat)
	}
	if r.Seed != 0 {
		command += fmt.Sprintf(" --seed %d", r.Seed)
	}
	if r.Shuffle {
		command += " --shuffle"
	}
	if d := r.StressFor; d != 0 {
		command += " --stress-for " + strictyaml.ShortDuration(d)
	}
	return command + configFlag(r.Config)
}

// configFlag names the file of the configuration; it is empty for the one that is built in.
func configFlag(c *config.Config) string {
	if c.Path == "" {
		return ""
	}
	return " --config " + ShellQuote(settings.DisplayPath(c.Path))
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
