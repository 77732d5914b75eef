package main

import (
	"os"

	"github.com/spf13/cobra"

	"wskharness/vm/wine"
)

// wineGuestCommand is how this program is called to serve a Wine guest.
const wineGuestCommand = "wine-guest"

// readyFD is where the provider waits to be told that the guest is up.
const readyFD = 3

func newWineGuest(c *common) *cobra.Command {
	return &cobra.Command{
		Use:    wineGuestCommand + " DIR",
		Short:  "Serve a Wine guest (started by the wine provider)",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return wine.Serve(cmd.Context(), args[0], os.NewFile(readyFD, "ready"), wine.ServeOptions{Logger: c.logger(c.io.err)})
		},
	}
}
