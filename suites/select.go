package suites

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"wskharness/strictyaml"
	"wskharness/suites/parameters"
)

// Selection says which cases to run. A pattern is SUITE, SUITE/CASE or SUITE.CASE, each part a glob
// (*, ?, [a-z]); without patterns every case is meant. Of a case with parameters CASE means all combinations, and
// CASE[version=1.1] those with this value, a glob too. Tags narrow it down: a case must have at
// least one of the plain tags, where there are any, and none of those written with a ! before.
type Selection struct {
	Patterns []string
	Tags     []string
}

// Select returns the selected cases in the order of the catalog, each once. Misuse cases are
// selected only by their exact name. A pattern or a tag that no case has is an error that names
// near ones; a selection that is fine but selects nothing is no error.
func (cat *Catalog) Select(sel Selection) ([]*Case, error) {
	all := cat.All()
	chosen := map[*Case]bool{}
	var problems []error
	for _, pattern := range sel.Patterns {
		cases, err := cat.matching(pattern)
		if err != nil {
			problems = append(problems, err)
		}
		for _, c := range cases {
			chosen[c] = true
		}
	}
	wanted, unwanted, err := cat.tags(sel.Tags)
	if err = errors.Join(append(problems, err)...); err != nil {
		return nil, err
	}
	var selected []*Case
	for _, c := range all {
		if len(sel.Patterns) == 0 && c.Misuse || len(sel.Patterns) > 0 && !chosen[c] {
			continue
		}
		has := func(tag string) bool { return slices.Contains(c.Tags, tag) }
		if slices.ContainsFunc(unwanted, has) || len(wanted) > 0 && !slices.ContainsFunc(wanted, has) {
			continue
		}
		selected = append(selected, c)
	}
	return selected, nil
}

// matching returns the cases that one pattern means.
func (cat *Catalog) matching(pattern string) ([]*Case, error) {
	suite, id := pattern, "*"
	if cut := strings.IndexAny(pattern, "/."); cut >= 0 {
		suite, id = pattern[:cut], pattern[cut+1:]
	}
	id, params, ok := parameters.Cut(id)
	for _, glob := range []string{suite, id} {
		if _, err := path.Match(glob, ""); err != nil || glob == "" || !ok {
			return nil, fmt.Errorf("pattern %q is not SUITE or SUITE/CASE with globs", pattern)
		}
	}
	var found []*Case
	misuse := ""
	var names []string
	for _, s := range cat.Suites {
		names = append(names, s.Name)
		for _, c := range s.Cases {
			names = append(names, c.Name())
			inSuite, _ := path.Match(suite, c.Suite)
			inCase, _ := path.Match(id, c.family)
			switch {
			case !inSuite || !inCase || !parameters.Match(params, c.params):
			case c.Misuse && (suite != c.Suite || id != c.family):
				misuse = c.Name()
			default:
				found = append(found, c)
			}
		}
	}
	switch {
	case len(found) > 0:
		return found, nil
	case misuse != "":
		return nil, fmt.Errorf("pattern %q means only misuse cases, which can corrupt a machine and run only by their exact name, such as %s", pattern, misuse)
	}
	name := strings.Replace(pattern, "/", ".", 1)
	if similar := strictyaml.Hint(name, names); similar != "" {
		return nil, fmt.Errorf("there is no suite or case %q%s", pattern, similar)
	}
	var suiteNames []string
	for _, s := range cat.Suites {
		suiteNames = append(suiteNames, s.Name)
	}
	return nil, fmt.Errorf("there is no suite or case %q%s", pattern, suggest(name, suiteNames, "the suites are", "no suite was read"))
}

// suggest says what a name that is none may have meant, or else which there are; none says that there are none.
func suggest(name string, known []string, are, none string) string {
	if similar := strictyaml.Hint(name, known); similar != "" {
		return similar
	}
	if len(known) == 0 {
		return "; " + none
	}
	return "; " + are + " " + strings.Join(known, ", ")
}

func (cat *Catalog) tags(tags []string) (wanted, unwanted []string, err error) {
	known := cat.knownTags()
	var problems []error
	for _, tag := range tags {
		name, negated := strings.CutPrefix(strings.TrimSpace(tag), "!")
		switch {
		case name == "":
			problems = append(problems, errors.New("a tag is empty; leave it out where any tag will do"))
		case !slices.Contains(known, name):
			problems = append(problems, fmt.Errorf("no case has the tag %q%s", name, suggest(name, known, "the tags are", "no case has any")))
		case negated:
			unwanted = append(unwanted, name)
		default:
			wanted = append(wanted, name)
		}
	}
	return wanted, unwanted, errors.Join(problems...)
}
