//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// event is what `go test -json` tells (`go doc test2json`).
type event struct {
	Action, Package, Test, Output, ImportPath string
	Elapsed                                   float64
}

// counts are what became of tests.
type counts struct{ passed, failed, skipped int }

// part is what was told of a package.
type part struct {
	counts
	said    map[string][]string // by test; "" is the package's own
	skips   []string            // a line for each
	failing []string            // tests
	cached  bool
}

// skipLine is what a test prints when it is skipped for a reason.
var skipLine = regexp.MustCompile(`^\s+\S+\.go:\d+: (?s:(.+))$`)

// tell writes a line for each package when it is done, and what failed, and why what was skipped was. A test that is skipped without a
// reason fails.
func tell(w io.Writer, events io.Reader) (all counts, err error) {
	parts := map[string]*part{}
	for decoder := json.NewDecoder(events); ; {
		var e event
		if err := decoder.Decode(&e); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return all, fmt.Errorf("read what go test says: %w", err)
		}
		if e.Package == "" { // of a build
			fmt.Fprint(w, e.Output)
			continue
		}
		p := parts[e.Package]
		if p == nil {
			p = &part{said: map[string][]string{}}
			parts[e.Package] = p
		}
		if done := p.take(e); done {
			fmt.Fprint(w, p.describe(e))
			all.passed, all.failed, all.skipped = all.passed+p.passed, all.failed+p.failed, all.skipped+p.skipped
			delete(parts, e.Package)
		}
	}
	fmt.Fprintf(w, "on Windows (Wine): %d tests passed, %d failed, %d were skipped\n", all.passed, all.failed, all.skipped)
	return all, nil
}

// take takes an event in, and says whether it is the package's last.
func (p *part) take(e event) (done bool) {
	switch e.Action {
	case "output":
		p.said[e.Test] = append(p.said[e.Test], e.Output)
		p.cached = p.cached || e.Test == "" && strings.HasSuffix(e.Output, "(cached)\n")
	case "pass":
		if e.Test == "" {
			return true
		}
		p.passed++
	case "skip":
		if e.Test == "" {
			return true
		}
		p.skip(e.Test)
	case "fail":
		if e.Test != "" {
			p.failed++
			p.failing = append(p.failing, e.Test)
			return false
		}
		if p.failed == 0 {
			p.failed++ // it did not come to its tests, or not through them
		}
		return true
	}
	return false
}

// skip notes why a test was skipped.
func (p *part) skip(name string) {
	for _, line := range slices.Backward(p.said[name]) {
		if m := skipLine.FindStringSubmatch(line); m != nil {
			p.skipped++
			p.skips = append(p.skips, fmt.Sprintf("     skipped: %s: %s\n", name, strings.TrimSpace(m[1])))
			return
		}
	}
	p.failed++
	p.failing = append(p.failing, name)
	p.said[name] = append(p.said[name], "    it is skipped without a reason\n")
}

// describe is what is said of a package that is done.
func (p *part) describe(e event) string {
	var b strings.Builder
	word := "ok  "
	if p.failed > 0 {
		word = "FAIL"
	}
	fmt.Fprintf(&b, "%s %-32s %d passed, %d failed, %d skipped", word, e.Package, p.passed, p.failed, p.skipped)
	if p.cached {
		b.WriteString(" (cached)\n")
	} else {
		fmt.Fprintf(&b, " (%.1f s)\n", e.Elapsed)
	}
	for _, line := range p.skips {
		b.WriteString(line)
	}
	if p.failed > 0 {
		for _, name := range append(p.failing, "") {
			for _, line := range p.said[name] {
				b.WriteString(line)
			}
		}
	}
	return b.String()
}
