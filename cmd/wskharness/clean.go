package main

import (
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"wskharness/driver"
	"wskharness/host"
	"wskharness/report"
	"wskharness/vm/kinds"
)

type cleanOptions struct {
	*common
	dryRun, keys, json bool
}

func newClean(c *common) *cobra.Command {
	o := &cleanOptions{common: c}
	cmd := &cobra.Command{
		Use:   "clean",
		Short: "Remove what is kept in the cache: builds, Wine templates, what dead guests have left",
		Long: `Remove what wskharness keeps in its cache (` + driver.CachePlace + `) and can make again:
builds, Wine templates, what dead guests have left. Guests that are up stay, with what they are made of. Nothing is
removed while another wskharness is at work with the cache.

The signing key and its certificate (` + driver.ConfigPlace + `) stay unless --keys is given: every
machine has to trust the next one anew. Run folders (wskharness-runs) are not touched.`,
		Args: cobra.NoArgs,
		RunE: o.run,
	}
	cmd.Flags().BoolVarP(&o.dryRun, "dry-run", "n", false, "only show what would be removed, and how large it is")
	cmd.Flags().BoolVar(&o.keys, "keys", false, "remove the signing key and its certificate, too")
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return cmd
}

func (o *cleanOptions) run(*cobra.Command, []string) error {
	if err := checkHomes(o.io.getenv); err != nil {
		return err
	}
	found, err := host.Clean(kinds.All(), o.keys, o.dryRun)
	switch {
	case err != nil && found == nil:
		return err
	case o.json:
		return errors.Join(err, report.JSON(o.io.out, found))
	}
	return errors.Join(err, o.print(found))
}

func (o *cleanOptions) print(found []host.Leftover) error {
	does, did := "removed", "removed"
	if o.dryRun {
		does, did = "would remove", "would be removed"
	}
	var total int64
	w := tabwriter.NewWriter(o.io.out, 0, 0, 2, ' ', 0)
	for _, one := range found {
		if one.Stays == "" {
			total += one.Size
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", does, report.Bytes(one.Size), one.What, one.Path)
		}
	}
	for _, one := range found {
		if one.Stays != "" {
			fmt.Fprintf(w, "stays\t%s\t%s\t%s: %s\n", report.Bytes(one.Size), one.What, one.Path, one.Stays)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(o.io.out, "%s %s\n", report.Bytes(total), did)
	return err
}
