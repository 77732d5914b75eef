package suites

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func selectable(t *testing.T) *Catalog {
	t.Helper()
	simple := func(id, keys string) string {
		return "  - {id: " + id + ", doc: d, " + keys + "steps: [{sleep: {for: 1ms}}]}\n"
	}
	one := "suite: capture\ndoc: d\ncases:\n" + simple("no_wait", "tags: [smoke]") + simple("parallel", "tags: [stress, slow]") + simple("over_release", "misuse: true, ")
	two := "suite: lifecycle\ndoc: d\ncases:\n" + simple("parallel", "tags: [stress]") + simple("unload", "")
	one, two = strings.ReplaceAll(one, "]steps", "], steps"), strings.ReplaceAll(two, "]steps", "], steps")
	catalog, err := Load(Source{Name: "2", Data: []byte(two)}, Source{Name: "1", Data: []byte(one)})
	if err != nil {
		t.Fatal(err)
	}
	return catalog
}

func TestSelect(t *testing.T) {
	catalog := selectable(t)
	for _, test := range []struct{ patterns, tags, want string }{
		{"", "", "lifecycle.parallel lifecycle.unload capture.no_wait capture.parallel"},
		{"capture", "", "capture.no_wait capture.parallel"},
		{"capture/no_wait", "", "capture.no_wait"},
		{"capture.no_wait", "", "capture.no_wait"},
		{"capture/over_release", "", "capture.over_release"},
		{"capture.over_release capture", "", "capture.no_wait capture.parallel capture.over_release"},
		{"*/parallel", "", "lifecycle.parallel capture.parallel"},
		{"*.[nu]*", "", "lifecycle.unload capture.no_wait"},
		{"capture/* l*", "", "lifecycle.parallel lifecycle.unload capture.no_wait capture.parallel"},
		{"", "stress", "lifecycle.parallel capture.parallel"},
		{"", "stress smoke", "lifecycle.parallel capture.no_wait capture.parallel"},
		{"", "stress !slow", "lifecycle.parallel"},
		{"", "!stress", "lifecycle.unload capture.no_wait"},
		{"capture", "smoke", "capture.no_wait"},
		{"lifecycle", "smoke", ""},
	} {
		cases, err := catalog.Select(Selection{Patterns: strings.Fields(test.patterns), Tags: strings.Fields(test.tags)})
		if err != nil {
			t.Errorf("%q %q: %v", test.patterns, test.tags, err)
		}
		var got []string
		for _, c := range cases {
			got = append(got, c.Name())
		}
		if diff := cmp.Diff(test.want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%q %q: %s", test.patterns, test.tags, diff)
		}
	}
}

func TestSelectRefuses(t *testing.T) {
	catalog := selectable(t)
	for _, test := range []struct{ patterns, tags, want string }{
		{"captur", "", `there is no suite or case "captur"; did you mean "capture"?`},
		{"capture/nowait", "", `there is no suite or case "capture/nowait"; did you mean "capture.no_wait"?`},
		{"unload", "", `there is no suite or case "unload"; did you mean "lifecycle.unload"?`},
		{"zzz", "", `there is no suite or case "zzz"; the suites are lifecycle, capture`},
		{"capture/[", "", `pattern "capture/[" is not SUITE or SUITE/CASE with globs`},
		{"capture/", "", `pattern "capture/" is not SUITE`},
		{"capture/over*", "", `pattern "capture/over*" means only misuse cases, which can corrupt a machine and run only by their exact name, such as capture.over_release`},
		{"", "stres", `no case has the tag "stres"; did you mean "stress"?`},
		{"", "!", "a tag is empty; leave it out where any tag will do"},
		{"", "!zzz", `no case has the tag "zzz"; the tags are slow, smoke, stress`},
		{"captur", "stres", "there is no suite or case \"captur\"; did you mean \"capture\"?\nno case has the tag \"stres\""},
	} {
		_, err := catalog.Select(Selection{Patterns: strings.Fields(test.patterns), Tags: strings.Fields(test.tags)})
		if err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%q %q:\ngot  %v\nwant %s", test.patterns, test.tags, err, test.want)
		}
	}
}

// Where there is nothing that could be meant, that is said, and no list without anything in it.
func TestSelectOfNothing(t *testing.T) {
	untagged, err := Load(Source{Name: "s.yaml", Data: []byte("suite: s\ndoc: d\ncases: [{id: c, doc: d, steps: [sleep: 1ms]}]\n")})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		catalog   *Catalog
		selection Selection
		want      string
	}{
		{untagged, Selection{Tags: []string{"slow"}}, `no case has the tag "slow"; no case has any`},
		{&Catalog{}, Selection{Patterns: []string{"zzz"}}, `there is no suite or case "zzz"; no suite was read`},
	} {
		if _, err := test.catalog.Select(test.selection); err == nil || err.Error() != test.want {
			t.Errorf("%v, want %s", err, test.want)
		}
	}
}
