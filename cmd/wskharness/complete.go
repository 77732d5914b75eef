package main

import (
	"time"

	"github.com/spf13/cobra"

	"wskharness/targets"
)

// completeCases offers suites and cases to the shell.
func (c *common) completeCases(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	catalog, err := c.catalog()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var words []string
	for _, s := range catalog.Suites {
		words = append(words, s.Name+"\t"+s.Doc)
		for _, one := range s.Cases {
			words = append(words, one.Name()+"\t"+one.Doc)
		}
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}

func (c *common) completeTargets(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	config, err := c.load()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return config.TargetNames(), cobra.ShellCompDirectiveNoFileComp
}

func (c *common) completeGuests(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	env, err := c.env()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	guests, err := targets.Guests(env)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var names []string
	for _, up := range guests {
		if g := up.Info(); g.Kept {
			names = append(names, g.ID+"\t"+g.Target+", up since "+g.Started.Format(time.TimeOnly))
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
