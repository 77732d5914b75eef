package report

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// script is how a text gets its bytes; the page is the guest's.
type script struct {
	name    string
	declare string // in the XML declaration; empty: none is written
	xmlOnly bool
	page    CodePage
	bytes   func(text string) string
}

func scripts() []script {
	same := func(text string) string { return text }
	return []script{
		{"UTF-8", "UTF-8", false, 850, same},
		{"UTF-8 with a mark", "utf-8", false, 850, func(text string) string { return "\xef\xbb\xbf" + text }},
		{"UTF-16LE", "utf-16", false, 850, func(text string) string { return utf16le("\ufeff" + text) }},
		{"UTF-16BE", "UTF-16", false, 850, func(text string) string { return utf16be("\ufeff" + text) }},
		{"UTF-16LE without a mark", "utf-16", false, 850, utf16le},
		{"ISO 8859-1", "ISO-8859-1", true, 0, func(text string) string { return encoded(charmap.ISO8859_1, text) }},
		{"windows-1252", "windows-1252", true, 0, func(text string) string { return encoded(charmap.Windows1252, text) }},
		{"code page 850", "", false, 850, func(text string) string { return encoded(charmap.CodePage850, text) }},
		{"code page 1252", "", false, 1252, func(text string) string { return encoded(charmap.Windows1252, text) }},
	}
}

// sample is a report with a known truth.
type sample struct {
	truth  truth
	style  style
	script script
	text   string // before it has its bytes
}

// newSample makes one by chance. Names that are plain have nothing in them that one more byte could turn into a directive.
func newSample(r *rand.Rand, plain bool) sample {
	s := sample{style: styles()[r.IntN(len(styles()))]}
	for {
		s.script = scripts()[r.IntN(len(scripts()))]
		if s.style.xml || !s.script.xmlOnly {
			break
		}
	}
	names := []string{"opens", "grün", "Größe ä", "a b c", "C:\\x\\y", "ok 3"}
	if !plain {
		names = append(names, "sends # TODO marker intact", "a \\# skip", "not ok", "# skip", "x # b", "1..3", "<&>\"'")
	}
	outcomes := []Outcome{OK, OK, OK, NotOK, Skip, Todo}
	if r.IntN(2) == 0 {
		outcomes = []Outcome{OK, Skip, Todo}
	}
	if r.IntN(6) == 0 {
		outcomes = []Outcome{Skip}
	}
	for range 1 + r.IntN(6) {
		one := Result{Name: names[r.IntN(len(names))], Outcome: outcomes[r.IntN(len(outcomes))], Detail: "weil grün"}
		if one.Outcome == Todo && !s.style.todo || one.Outcome == Skip && !s.style.skip {
			one.Outcome = OK
		}
		s.truth.tests = append(s.truth.tests, one)
	}
	s.truth.crash = s.style.crash && r.IntN(4) == 0
	if s.style.lie && r.IntN(4) == 0 {
		s.truth.lie, s.truth.tests[0].Outcome = true, OK
	}
	s.text = s.style.write(&s.truth)
	if s.style.xml && s.script.declare != "" {
		s.text = fmt.Sprintf("<?xml version=\"1.0\" encoding=\"%s\"?>\n", s.script.declare) + s.text
	}
	return s
}

func (s *sample) read(data string) (Report, bool) {
	parse := TAP
	if s.style.xml {
		parse = JUnit
	}
	r, err := parse([]byte(data), s.script.page)
	return r, err == nil && r.Counts[NotOK] == 0
}

func (s *sample) String() string {
	return fmt.Sprintf("%s in %s, of %v:\n%s", s.style.name, s.script.name, s.truth, s.text)
}

// checkOracle holds a report to its truth.
func checkOracle(t *testing.T, seed uint64) {
	s := newSample(rand.New(rand.NewPCG(seed, 1)), false)
	r, passes := s.read(s.script.bytes(s.text))
	if passes != s.truth.passes() {
		t.Fatalf("seed %d: passes: %v; %v", seed, passes, &s)
	}
	want := map[Outcome]int{}
	for _, one := range s.truth.tests {
		want[one.Outcome]++
	}
	if s.truth.crash {
		want[NotOK]++
	}
	if s.truth.lie {
		want[NotOK], want[OK] = want[NotOK]+1, want[OK]-1
	}
	for _, o := range []Outcome{OK, NotOK, Skip, Todo} {
		if r.Counts[o] != want[o] {
			t.Fatalf("seed %d: %v, want %v; %v", seed, r.Counts, want, &s)
		}
	}
	for i, one := range s.truth.tests {
		if !strings.HasSuffix(r.Results[i].Name, one.Name) {
			t.Fatalf("seed %d: test %d is %q, want %q; %v", seed, i, r.Results[i].Name, one.Name, &s)
		}
		if one.Outcome == NotOK && r.Results[i].Detail == "" && s.style.name != "catch-tap" {
			t.Fatalf("seed %d: nothing is told of %q; %v", seed, one.Name, &s)
		}
	}
}

// mutation spoils a report in one place. It returns the spoilt one as bytes.
type mutation struct {
	name string
	// failures: it is tried only on a report with a test that failed. One byte is enough to make a skipped test of TAP one
	// that ran, and no reader could know.
	failures bool
	spoil    func(r *rand.Rand, s *sample) string
}

func mutations() []mutation {
	return []mutation{
		{"a line dropped", false, dropLine},
		{"an element dropped", false, dropElement},
		{"cut off", false, func(r *rand.Rand, s *sample) string {
			data := s.script.bytes(s.text)
			return data[:r.IntN(len(data))]
		}},
		{"a byte changed", true, func(r *rand.Rand, s *sample) string {
			data := []byte(s.script.bytes(s.text))
			data[r.IntN(len(data))] ^= byte(1 + r.IntN(255))
			return string(data)
		}},
		{"a counter changed", false, changeCounter},
	}
}

func dropLine(r *rand.Rand, s *sample) string {
	lines := strings.SplitAfter(s.text, "\n")
	at := r.IntN(len(lines))
	return s.script.bytes(strings.Join(append(lines[:at:at], lines[at+1:]...), ""))
}

var anElement = regexp.MustCompile(`(?s)<(failure|skipped|error|testcase|properties|system-out)\b[^>]*/>|<failure\b[^>]*>.*?</failure>|<skipped\b[^>]*>.*?</skipped>|<testcase\b[^>]*>.*?</testcase>`)

func dropElement(r *rand.Rand, s *sample) string {
	places := anElement.FindAllStringIndex(s.text, -1)
	if len(places) == 0 {
		return dropLine(r, s)
	}
	at := places[r.IntN(len(places))]
	return s.script.bytes(s.text[:at[0]] + s.text[at[1]:])
}

var aCounter = regexp.MustCompile(`\b(?:tests|failures|errors|skipped|disabled)="([0-9]+)"|^1\.\.([0-9]+)`)

func changeCounter(r *rand.Rand, s *sample) string {
	places := aCounter.FindAllStringSubmatchIndex(s.text, -1)
	if len(places) == 0 {
		return dropLine(r, s)
	}
	at := places[r.IntN(len(places))]
	from, to := max(at[2], at[4]), max(at[3], at[5])
	return s.script.bytes(s.text[:from] + strconv.Itoa(r.IntN(12)) + s.text[to:])
}

// checkMutation: a report that is spoilt in one place is never better than it was.
func checkMutation(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 2))
	m := mutations()[r.IntN(len(mutations()))]
	s := newSample(r, true)
	for s.truth.passes() || m.failures && s.truth.n(NotOK) == 0 && !s.truth.crash && !s.truth.lie {
		s = newSample(r, true)
	}
	spoilt := m.spoil(r, &s)
	if _, passes := s.read(spoilt); passes {
		t.Fatalf("seed %d: %s, and it passes: %v\nspoilt: %q", seed, m.name, &s, spoilt)
	}
}

func TestOracle(t *testing.T) {
	for seed := range uint64(4000) {
		checkOracle(t, seed)
		checkMutation(t, seed)
	}
}

// FuzzOracle looks for a report that is read as what it is not, and for one that gets better by what spoils it.
func FuzzOracle(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) {
		checkOracle(t, seed)
		checkMutation(t, seed)
	})
}

// FuzzRead: whatever a program writes, reading it ends, within bounds, and without a test that passed there is no pass.
func FuzzRead(f *testing.F) {
	f.Add([]byte("1..1\nok 1 - x # skip y\n"), uint16(850))
	f.Add([]byte("1..1\n# Subtest\n    1..1\n    ok 1 {\n    }\n      ---\n      ...\nok 1\n"), uint16(0))
	f.Add([]byte(`<testsuites><testsuite tests="1"><testcase name="x"><failure>&#27;</failure></testcase></testsuite></testsuites>`), uint16(932))
	f.Add([]byte(utf16le("\ufeff<testsuite><![CDATA[x]]></testsuite>")), uint16(0))
	f.Fuzz(func(t *testing.T, data []byte, page uint16) {
		for _, parse := range []func([]byte, CodePage) (Report, error){TAP, JUnit} {
			r, err := parse(data, CodePage(page))
			if err == nil && r.Total()-r.Counts[Skip] == 0 || len(r.Results) > maxResults || len(r.Results) > r.Total() {
				t.Fatalf("%d results of %v, %v", len(r.Results), r.Counts, err)
			}
			for _, one := range r.Results {
				if len(one.Name) > maxName+4 || len(one.Detail) > maxDetail+4 {
					t.Fatalf("a text of %d bytes", max(len(one.Name), len(one.Detail)))
				}
				if !utf8.ValidString(one.Name) || !utf8.ValidString(one.Detail) {
					t.Fatalf("%q (%q)", one.Name, one.Detail)
				}
			}
		}
	})
}
