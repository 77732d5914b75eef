package main

import (
	"github.com/spf13/cobra"

	"wskharness/config"
	"wskharness/suites"
	"wskharness/vm/kinds"
)

type schemaOptions struct{ *common }

func newSchema(c *common) *cobra.Command {
	return &cobra.Command{
		Use:   "schema {suites|config}",
		Short: "Print the JSON Schema of suite files or of the configuration",
		Long: `Print the JSON Schema (draft 2020-12) of suite files or of wskharness.yaml, for editors that check
YAML while it is written.`,
		Example:   "  wskharness schema suites > suites.schema.json",
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{"suites\tsuite files", "config\twskharness.yaml"},
		RunE:      (&schemaOptions{c}).run,
	}
}

func (o *schemaOptions) run(_ *cobra.Command, args []string) error {
	schema := suites.JSONSchema()
	if args[0] == "config" {
		schema = config.Schema(kinds.All())
	}
	_, err := o.io.out.Write(schema)
	return err
}
