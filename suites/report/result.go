package report

import (
	"maps"
	"strings"
)

// Outcome is what one test came to, in the words of TAP.
type Outcome string

// The outcomes. A test that is still to do may fail; it is told, and does not count as a failure.
const (
	OK    Outcome = "ok"
	NotOK Outcome = "not ok"
	Skip  Outcome = "skip"
	Todo  Outcome = "todo"
)

// Result is one test.
type Result struct {
	Name    string
	Outcome Outcome
	Detail  string // why it failed or was skipped; several lines, may be empty
}

// Bounds of what is kept of a report. All of its tests are counted.
const (
	maxResults = 1000     // half of them for tests that failed
	maxName    = 300      // bytes
	maxDetail  = 2 << 10  // bytes of one test, …
	maxDetails = 64 << 10 // … until those of the report have so many; then the following of each
	maxShort   = 300
)

// Report is what a program said of its tests.
type Report struct {
	Results []Result        // in their order; the first of those that failed, and the first others
	Counts  map[Outcome]int // of all tests
	details int             // bytes kept
	failed  int             // kept of those that failed
}

// Total is how many tests there are.
func (r *Report) Total() int {
	total := 0
	for _, n := range r.Counts {
		total += n
	}
	return total
}

// Failed are the names of those that failed, as far as they are kept.
func (r *Report) Failed() []string {
	var names []string
	for _, one := range r.Results {
		if one.Outcome == NotOK {
			names = append(names, one.Name)
		}
	}
	return names
}

// Left is how many tests of each outcome are not among the Results.
func (r *Report) Left() map[Outcome]int {
	left := maps.Clone(r.Counts)
	for _, one := range r.Results {
		left[one.Outcome]--
	}
	maps.DeleteFunc(left, func(_ Outcome, n int) bool { return n == 0 })
	return left
}

func (r *Report) add(one Result) {
	if r.Counts == nil {
		r.Counts = map[Outcome]int{}
	}
	r.Counts[one.Outcome]++
	switch others := len(r.Results) - r.failed; {
	case one.Outcome == NotOK && r.failed == maxResults/2, one.Outcome != NotOK && others == maxResults/2:
		return
	case one.Outcome == NotOK:
		r.failed++
	}
	most := maxDetail
	if r.details > maxDetails {
		most = maxShort
	}
	one.Name, one.Detail = clip(one.Name, maxName), clip(strings.TrimRight(one.Detail, " \t\r\n"), most)
	r.details += len(one.Detail)
	r.Results = append(r.Results, one)
}

// ran reports whether a test did anything.
func (r *Report) ran() bool { return r.Counts[OK]+r.Counts[NotOK]+r.Counts[Todo] > 0 }

// clip cuts a valid text to a number of bytes.
func clip(text string, most int) string {
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

// detail gathers lines until there are enough.
type detail struct{ strings.Builder }

func (d *detail) line(text string) {
	if d.Len() <= maxDetail && text != "" {
		if d.Len() > 0 {
			d.WriteByte('\n')
		}
		d.WriteString(clip(text, maxDetail))
	}
}

// more goes on with a text that came in pieces.
func (d *detail) more(text string) {
	if room := maxDetail - d.Len(); room > 0 {
		d.WriteString(clip(text, room))
	}
}

// tail keeps the end of a text that comes in pieces.
type tail struct{ end string }

const tailBytes = 1 << 10

func (t *tail) more(text string) {
	t.end += text[max(0, len(text)-2*tailBytes):]
	if len(t.end) > 2*tailBytes {
		t.end = t.end[len(t.end)-tailBytes:]
	}
}

// lines are the last few of its lines.
func (t *tail) lines() string {
	const most = 5
	all := strings.Split(strings.Trim(strings.ToValidUTF8(t.end, ""), "\r\n \t"), "\n")
	return strings.Join(all[max(0, len(all)-most):], "\n")
}
