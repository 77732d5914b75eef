package suites

import (
	"slices"
	"strings"

	"wskharness/driver/abi"
	"wskharness/strictyaml"
	"wskharness/suites/output"
)

// Note is what a recorded step came to.
type Note struct {
	Step     int
	StepText string
	Text     string // "STATUS_SUCCESS (0x00000000); version 1.0, client_set true"
}

// Notes puts the results of the recorded steps into words, for the report.
func (c *Case) Notes(results []StepResult) []Note {
	var notes []Note
	for _, r := range results {
		if r.Step < 0 || r.Step >= len(c.Steps) {
			continue
		}
		s := &c.Steps[r.Step]
		if s.op.unjudged != nil {
			if text := s.op.unjudged(s, r); text != "" {
				notes = append(notes, Note{Step: r.Step, StepText: s.Text, Text: text})
			}
		}
		if !s.Record || s.silent {
			continue
		}
		notes = append(notes, Note{Step: r.Step, StepText: s.Text, Text: s.note(r)})
	}
	return notes
}

func (s *Step) note(r StepResult) string {
	switch r.Origin {
	case abi.OriginRefused:
		return "refused by the driver: " + r.Status.String()
	case abi.OriginTimeout:
		return "no return within " + strictyaml.ShortDuration(s.Timeout)
	}
	text := r.Status.String()
	if !r.Status.Success() {
		return text
	}
	var values []string
	for _, v := range s.Reported(r.Values) {
		if slices.Contains(s.recorded, v.Name) {
			values = append(values, v.Name+" "+v.Text)
		}
	}
	if len(values) == 0 {
		return text
	}
	return text + "; " + strings.Join(values, ", ")
}

// Wrote is what a step's program wrote, as far as a reader wants to see it beside the step.
func (s *Step) Wrote(o output.Outputs) []Reported {
	g := s.demands()
	if g == nil {
		return nil
	}
	var all []Reported
	show := func(name string, data []byte, total uint64) {
		switch {
		case total == 0:
		case g.device:
			all = append(all, Reported{"out", output.Hex(data)})
		default:
			all = append(all, Reported{name, output.Quote(o.Decode(data))})
		}
	}
	show("stdout", o.Out, o.OutBytes)
	show("stderr", o.Err, o.ErrBytes)
	return all
}

// Generic reports whether the step needs nothing of the driver but that it is one.
func (s *Step) Generic() bool { return s.generic != nil || s.joined != nil }

// Reported is a value that a step reports, by name and in words.
type Reported struct {
	Name string // as checks and known issues call it
	Text string // "1.0", "true", "64KiB"
}

// Reported names the values of a step's result. What is not known, such as the version of a
// provider that is not captured, is left out. The values of a step that failed mean nothing.
func (s *Step) Reported(values []uint64) []Reported {
	captures, counted := s.op.value("captures")
	none := counted && int(captures.index) < len(values) && values[captures.index] == 0
	var all []Reported
	for _, v := range s.op.values {
		if int(v.index) < len(values) && !(v.held && none) && !s.async() {
			all = append(all, Reported{v.name, v.format(values[v.index])})
		}
	}
	return all
}
