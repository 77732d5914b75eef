package suites

import (
	"fmt"
	"io"
	"strings"

	"wskharness/strictyaml"
)

// Describe writes a case for people: what it checks, on what grounds, and its steps as they will
// run, numbered from 1.
func (c *Case) Describe(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n  %s\n", c.Name(), c.Doc)
	grounds := string(c.Basis)
	if c.Source != "" {
		grounds += ", " + c.Source
	}
	fmt.Fprintf(&b, "  basis: %s; timeout %s", grounds, strictyaml.ShortDuration(c.Timeout))
	if len(c.Tags) > 0 {
		fmt.Fprintf(&b, "; tags: %s", strings.Join(c.Tags, ", "))
	}
	if len(c.Requires) > 0 {
		fmt.Fprintf(&b, "; requires: %s", strings.Join(c.Requires, ", "))
	}
	if c.Verifier != nil {
		fmt.Fprintf(&b, "; Driver Verifier: %s", c.Verifier)
	}
	if c.Misuse {
		b.WriteString("; misuse")
	}
	b.WriteString("\n")
	width := len(fmt.Sprint(len(c.Steps)))
	for i, u := range c.batches {
		if i == len(c.batches)-c.tearDownBatches(c.batches) {
			fmt.Fprintf(&b, "  whatever became of them, within %s:\n", strictyaml.ShortDuration(c.TearDown))
		}
		indent := "  "
		if u.listed {
			fmt.Fprintf(&b, "  %s:\n", u.times())
			indent = "    "
		}
		for i := u.first; i < u.first+u.count; i++ {
			s := &c.Steps[i]
			if u.groups > 0 && (i == u.first || s.group != c.Steps[i-1].group) {
				fmt.Fprintf(&b, "    choice of weight %d:\n", s.weight)
			}
			fmt.Fprintf(&b, "%s%*d. %s → %s\n", indent, width, i+1, s.Text, s.Expected())
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Expected says what the step must come to: "STATUS_SUCCESS or STATUS_NOINTERFACE", "recorded".
func (s *Step) Expected() string {
	switch {
	case s.Record:
		return "recorded"
	case s.async():
		return "started"
	case s.op.asSeen != "":
		return s.op.asSeen
	}
	text := statusList(s.Expect)
	if s.nextAt != nil {
		text += "; next on " + s.nextWords()
	}
	return text
}
