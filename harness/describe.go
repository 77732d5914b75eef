package harness

import (
	"fmt"
	"io"
	"os"
	"strings"

	"wskharness/suites"
)

// Describe writes what the run would do, for people: `run --dry-run`.
func (p *Plan) Describe(w io.Writer) error {
	var b strings.Builder
	c := p.Request.Config
	fmt.Fprintf(&b, "configuration: %s\n", c.source())
	for _, t := range p.Targets {
		fmt.Fprintf(&b, "target: %s\n", t.describe())
	}
	switch {
	case c.Own != nil:
		fmt.Fprintf(&b, "driver: %s", c.redactor(os.Getenv).Text(c.Own.describe()))
	case len(c.Defines) > 0:
		fmt.Fprintf(&b, "driver: the built-in sample, with %s", strings.Join(sortedDefines(c.Defines), ", "))
	default:
		b.WriteString("driver: the built-in sample")
	}
	fmt.Fprintf(&b, "\nrun folder: below %s\n", displayPath(p.Request.Out))
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

func (t *Target) describe() string {
	switch {
	case t.Static != nil:
		return fmt.Sprintf("%s (static, %s as %s)", t.Name, t.Static.URL, t.Static.User)
	case t.Wine.Model:
		return fmt.Sprintf("%s (wine, %s)", t.Name, t.Wine.describeModel())
	case t.Wine.Control:
		return fmt.Sprintf("%s (wine, netio.sys from %s, which can be controlled)", t.Name, displayPath(t.Wine.Netio))
	case t.Wine.Netio != "":
		return fmt.Sprintf("%s (wine, netio.sys from %s)", t.Name, displayPath(t.Wine.Netio))
	}
	return fmt.Sprintf("%s (wine, Wine's own netio.sys)", t.Name)
}
