package main

import (
	"strings"

	"github.com/spf13/cobra"

	"wskharness/vm"
)

// newRoles are the commands by which kinds of machines call this program again.
func newRoles(c *common, kinds []vm.Kind) []*cobra.Command {
	var all []*cobra.Command
	for _, kind := range kinds {
		for _, role := range kind.Roles {
			all = append(all, &cobra.Command{
				Use:    role.Name + " " + role.Args,
				Short:  role.Doc,
				Hidden: true,
				Args:   cobra.ExactArgs(len(strings.Fields(role.Args))),
				RunE: func(cmd *cobra.Command, args []string) error {
					return role.Run(cmd.Context(), args, c.logger(c.io.err))
				},
			})
		}
	}
	return all
}
