package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"wskharness/harness"
	"wskharness/report"
	"wskharness/settings"
	"wskharness/suites"
)

type listOptions struct {
	*common
	tags  []string
	json  bool
	steps bool
}

func newList(c *common) *cobra.Command {
	o := &listOptions{common: c}
	cmd := &cobra.Command{
		Use:               "list [SUITE[/CASE]...]",
		Short:             "List suites and cases",
		ValidArgsFunction: c.completeCases,
		RunE:              o.run,
	}
	cmd.Flags().StringSliceVar(&o.tags, "tags", nil, "only cases with this tag, or without it: `TAG,!TAG`")
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON, with everything that is known of a case")
	cmd.Flags().BoolVar(&o.steps, "steps", false, "show the steps of each case")
	return cmd
}

func (o *listOptions) run(_ *cobra.Command, patterns []string) error {
	catalog, err := o.catalog()
	if err != nil {
		return err
	}
	cases, err := catalog.Select(suites.Selection{Patterns: patterns, Tags: o.tags})
	if err != nil {
		return &settings.UsageError{Err: err}
	}
	if len(patterns) == 0 && len(o.tags) == 0 {
		cases = catalog.All() // also those that run only when they are named
	}
	if len(cases) == 0 {
		return &harness.NothingSelectedError{Why: "no case matches"}
	}
	switch {
	case o.json:
		return report.JSON(o.io.out, listedOf(cases))
	case o.steps:
		for _, c := range cases {
			if err := c.Describe(o.io.out); err != nil {
				return err
			}
		}
		return nil
	}
	return o.print(cases)
}

func (o *listOptions) print(cases []*suites.Case) error {
	w := tabwriter.NewWriter(o.io.out, 0, 0, 2, ' ', 0)
	for _, c := range cases {
		fmt.Fprintf(w, "%s\t%s\t%s\n", c.Name(), c.Doc, strings.Join(remarks(c), ", "))
	}
	return w.Flush()
}

// remarks are what a person has to know before running a case.
func remarks(c *suites.Case) []string {
	var all []string
	if c.Misuse {
		all = append(all, "misuse: only when named")
	}
	if c.Basis == suites.Recorded {
		all = append(all, "recorded, not judged")
	}
	for _, need := range c.Requires {
		all = append(all, "needs "+need)
	}
	return all
}

// listed is a case as other programs read it.
type listed struct {
	Name     string   `json:"name"`
	Suite    string   `json:"suite"`
	Doc      string   `json:"doc"`
	Source   string   `json:"source,omitempty"`
	Basis    string   `json:"basis"`
	Tags     []string `json:"tags"`
	Requires []string `json:"requires"`
	Misuse   bool     `json:"misuse"`
	Timeout  string   `json:"timeout"`
	File     string   `json:"file"`
	Line     int      `json:"line"`
	Steps    []string `json:"steps"`
}

func listedOf(cases []*suites.Case) []listed {
	all := []listed{}
	for _, c := range cases {
		one := listed{
			Name: c.Name(), Suite: c.Suite, Doc: c.Doc, Source: c.Source, Basis: string(c.Basis),
			Tags: append([]string{}, c.Tags...), Requires: append([]string{}, c.Requires...), Misuse: c.Misuse,
			Timeout: c.Timeout.String(), File: c.File, Line: c.Line,
		}
		for _, s := range c.Steps {
			one.Steps = append(one.Steps, s.Text)
		}
		all = append(all, one)
	}
	return all
}
