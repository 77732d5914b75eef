package harness

import (
	"fmt"
	"io"
	"os"
	"strings"

	"wskharness/settings"
	"wskharness/suites"
)

// Describe writes what the run would do, for people: `run --dry-run`.
func (p *Plan) Describe(w io.Writer) error {
	var b strings.Builder
	c := p.Request.Config
	fmt.Fprintf(&b, "configuration: %s\n", c.Source())
	for _, t := range p.Targets {
		fmt.Fprintf(&b, "target: %s (%s, %s)\n", t.Name, t.Kind.Name, t.Machine.Description)
	}
	switch {
	case c.External != nil:
		fmt.Fprintf(&b, "driver: %s", c.Redactor(os.Getenv).Text(c.External.Describe()))
	case len(c.Defines) > 0:
		fmt.Fprintf(&b, "driver: the built-in sample, with %s", strings.Join(settings.Defined(c.Defines), ", "))
	default:
		b.WriteString("driver: the built-in sample")
	}
	fmt.Fprintf(&b, "\nrun folder: below %s\n", settings.DisplayPath(p.Request.Out))
	fmt.Fprintf(&b, "cases: %d on each target", len(p.Cases))
	if p.Request.Repeat > 1 {
		fmt.Fprintf(&b, ", %d times each", p.Request.Repeat)
	}
	if p.Request.Shuffle {
		b.WriteString(", shuffled")
	}
	if p.Request.Seed != 0 {
		fmt.Fprintf(&b, ", with seed %d", p.Request.Seed)
	}
	b.WriteString("\n")
	if _, err := io.WriteString(w, b.String()); err != nil {
		return err
	}
	for _, one := range suites.Whole(p.Cases) {
		if _, err := io.WriteString(w, "\n"); err != nil {
			return err
		}
		if err := one.Describe(w); err != nil {
			return err
		}
	}
	return nil
}
