package bundle

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"wskharness/results"
)

// versions are what took part in a run.
type versions struct {
	Run     string                   `json:"run"`
	Program string                   `json:"program"`          // of wskharness
	Go      string                   `json:"go,omitempty"`     // that it was built with
	System  string                   `json:"system,omitempty"` // that it ran on
	Driver  *results.Package         `json:"driver,omitempty"`
	Guests  map[string]results.Guest `json:"guests,omitempty"` // by target, as they were asked last; the agent's hash is in their facts
	Reason  results.Reason           `json:"ended,omitempty"`  // empty: the controller was killed
}

func versionsOf(events []results.Event) versions {
	v := versions{Guests: map[string]results.Guest{}}
	for _, e := range events {
		switch {
		case e.Run != nil:
			v.Run, v.Program, v.Go, v.System = e.Run.ID, e.Run.Version, e.Run.Go, e.Run.System
		case e.Package != nil:
			v.Driver = e.Package
		case e.Kind == results.KindTargetFacts && e.Guest != nil:
			v.Guests[e.Target] = *e.Guest
		case e.Finish != nil:
			v.Reason = e.Finish.Reason
		}
	}
	return v
}

// Text is a table of what is packed, and of what is not.
func (c *Contents) Text() string {
	var b strings.Builder
	table := func(entries []Entry) {
		for _, e := range entries {
			fmt.Fprintf(&b, "  %-48s %10d  %s\n", e.Name, e.Size, e.What)
		}
	}
	table(c.Packed)
	if len(c.Left) > 0 {
		b.WriteString("\nLeft out:\n\n")
		table(c.Left)
	}
	return b.String()
}

// text is the same for people.
func (v *versions) text() string {
	var b strings.Builder
	line := func(what, version string) {
		if version != "" {
			fmt.Fprintf(&b, "  %-14s  %s\n", printable(what), printable(version))
		}
	}
	line("wskharness", v.Program)
	line("built with", v.Go)
	line("controller", v.System)
	for _, target := range slices.Sorted(maps.Keys(v.Guests)) {
		g := v.Guests[target]
		line(target, g.OS)
		line("", g.Label)
		line("", g.RunBy)
	}
	return b.String()
}

func (p *packer) readme(v *versions) string {
	return `A run of wskharness, packed by "wskharness report --bundle" to be attached to a bug report.

Passwords of the configuration, variables that are secret, and the names of users in paths were
replaced, also where they were written as UTF-16, base64, JSON or XML: in texts by a mark, in other
files by stars. What a program of the guest has written of its own may still be nobody else's
business: look through the files before you send them.

What took part, by its versions (versions.json has more; of a target: its system, what stands in for
Windows' own parts there, and what runs the machine):

` + p.clean(v.text()) + `
The files, with their sizes in bytes:

` + p.contents.Text()
}
