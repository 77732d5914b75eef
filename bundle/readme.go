package bundle

import (
	"fmt"
	"strings"

	"wskharness/results"
)

// versions are what took part in a run.
type versions struct {
	Run     string                   `json:"run"`
	Program string                   `json:"program"` // of wskharness
	Driver  *results.Package         `json:"driver,omitempty"`
	Guests  map[string]results.Guest `json:"guests,omitempty"` // by target, as they were asked last; the agent's hash is in their facts
	Reason  results.Reason           `json:"ended,omitempty"`  // empty: the controller was killed
}

func versionsOf(events []results.Event) versions {
	v := versions{Guests: map[string]results.Guest{}}
	for _, e := range events {
		switch {
		case e.Run != nil:
			v.Run, v.Program = e.Run.ID, e.Run.Version
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

func (p *packer) readme() string {
	return `A run of wskharness, packed by "wskharness report --bundle" to be attached to a bug report.

Passwords of the configuration, variables that are secret, and the names of users in paths were
replaced, also where they were written as UTF-16, base64, JSON or XML: in texts by a mark, in other
files by stars. What a program of the guest has written of its own may still be nobody else's
business: look through the files before you send them.

The files, with their sizes in bytes:

` + p.contents.Text()
}
