package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"wskharness/results"
)

// part is what is built with a defect.
type part string

const (
	model  part = "model"  // the WSK provider
	sample part = "sample" // the driver
)

// define is the preprocessor name that chooses a defect of a part, and begins the names of all its defects.
func (p part) define() string { return "WSK" + strings.ToUpper(string(p)) + "_DEFECT" }

// declarations is the header that declares the defects of a part.
func (p part) declarations() string {
	if p == sample {
		return "kernel/defects.h"
	}
	return "model/defects.h"
}

// defect is one way to be broken, as the part's defects.h declares it.
type defect struct {
	part   part
	name   string    // DOUBLE_CLOSE
	doc    string    // what is wrong, in a sentence
	by     []catcher // cases of which one has to catch it
	may    []catcher // patterns of other cases that may hang or crash of it
	awaits string    // case that would catch it and is not written yet: the defect is not in the table
	other  string    // who else shows it, where the suites are not meant to
}

// String is how the defect is called on the command line.
func (d defect) String() string { return string(d.part) + "." + d.name }

// catcher is a case, or a pattern of cases, and what it may be called instead of fail.
type catcher struct {
	pattern string
	outcome results.Outcome // Fail unless the declaration says more
}

func (c catcher) matches(name string, outcome results.Outcome) bool {
	ok, _ := path.Match(c.pattern, name) // checked when it was read
	return ok && (outcome == results.Fail || outcome == c.outcome)
}

// catches reports whether a case with that outcome is one that has to catch the defect.
func (d defect) catches(name string, outcome results.Outcome) bool { return match(d.by, name, outcome) }

// allows reports whether a case may have failed in that way, without being one that has to.
func (d defect) allows(name string, outcome results.Outcome) bool {
	return outcome == results.Fail || match(d.may, name, outcome)
}

func match(all []catcher, name string, outcome results.Outcome) bool {
	return slices.ContainsFunc(all, func(c catcher) bool { return c.matches(name, outcome) })
}

var (
	declaration = regexp.MustCompile(`(?:/\*((?:[^*]|\*[^/])*)\*/\n)?#define WSK[A-Z]+_DEFECT_([A-Z0-9_]+) +(\S+)`)
	expectation = regexp.MustCompile(`^(.*\.) (?:Caught by ([^;]+)(?:; (.+) may (hang|bugcheck))?|Awaits (\S+)|Shown by (.+))\.$`)
	caught      = regexp.MustCompile(`^([a-z0-9_]+\.[a-z0-9_]+)(?: \((hang|bugcheck)\))?$`)
	others      = regexp.MustCompile(`^[a-z0-9_]+\.(\*|[a-z0-9_]+)$`)
)

// readDefects reads the declarations of both parts. Everything that is wrong with them comes back together.
func readDefects(sources fs.FS) ([]defect, error) {
	var all []defect
	var wrong []error
	for _, p := range []part{model, sample} {
		file := p.declarations()
		text, err := fs.ReadFile(sources, file)
		if err != nil {
			return nil, err
		}
		numbers := map[string]string{}
		for _, m := range declaration.FindAllStringSubmatch(string(text), -1) {
			comment, name, number := m[1], m[2], m[3]
			if name == "NONE" {
				continue
			}
			if first, taken := numbers[number]; taken {
				wrong = append(wrong, fmt.Errorf("driver/%s: %s and %s have the number %s", file, first, name, number))
			}
			numbers[number] = name
			d, err := describe(p, name, comment)
			if err != nil {
				wrong = append(wrong, fmt.Errorf("driver/%s: %s: %w", file, name, err))
			}
			all = append(all, d)
		}
	}
	return all, errors.Join(wrong...)
}

// describe reads the comment before a defect: what is wrong, and who notices.
func describe(p part, name, comment string) (defect, error) {
	d := defect{part: p, name: name}
	m := expectation.FindStringSubmatch(strings.Join(strings.Fields(strings.ReplaceAll(comment, "\n *", "\n")), " "))
	if m == nil {
		return d, errors.New("want a comment before it that says what is wrong and ends with Caught by CASE, Awaits CASE or Shown by WHAT")
	}
	d.doc, d.awaits, d.other = m[1], m[5], m[6]
	for _, text := range list(m[2]) {
		c := caught.FindStringSubmatch(text)
		if c == nil {
			return d, fmt.Errorf("%q is no case: want suite.case, with (hang) or (bugcheck) after it where that is what it is called", text)
		}
		outcome := results.Fail
		if c[2] != "" {
			outcome = results.Outcome(c[2])
		}
		d.by = append(d.by, catcher{pattern: c[1], outcome: outcome})
	}
	for _, text := range list(m[3]) {
		if !others.MatchString(text) {
			return d, fmt.Errorf("%q is no case: want suite.case or suite.*", text)
		}
		d.may = append(d.may, catcher{pattern: text, outcome: results.Outcome(m[4])})
	}
	return d, nil
}

// list splits an enumeration; it is empty where there is none.
func list(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ", ")
}

// choose picks the defects that patterns such as model.* name; no pattern means all.
func choose(all []defect, patterns []string) ([]defect, error) {
	if len(patterns) == 0 {
		return all, nil
	}
	var chosen []defect
	used := make([]bool, len(patterns))
	for _, d := range all {
		hit := false
		for i, pattern := range patterns {
			ok, err := path.Match(pattern, d.String())
			if err != nil {
				return nil, fmt.Errorf("%q: %w", pattern, err)
			}
			used[i] = used[i] || ok
			hit = hit || ok
		}
		if hit {
			chosen = append(chosen, d)
		}
	}
	if i := slices.Index(used, false); i >= 0 {
		return nil, fmt.Errorf("no defect is called %s: `bin/mutants -list` tells them all", patterns[i])
	}
	return chosen, nil
}

// inTable are the defects that the suites have to catch.
func inTable(all []defect) []defect {
	return slices.DeleteFunc(slices.Clone(all), func(d defect) bool { return len(d.by) == 0 })
}
