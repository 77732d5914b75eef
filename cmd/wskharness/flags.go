package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// strictNumbers has every flag of a number take it as it is typed: to the flag package 010 is 8, and 1_0 is 10.
func strictNumbers(cmd *cobra.Command) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if kind := f.Value.Type(); strings.HasPrefix(kind, "int") || strings.HasPrefix(kind, "uint") {
			f.Value = decimal{f.Value}
		}
	})
	for _, sub := range cmd.Commands() {
		strictNumbers(sub)
	}
}

// decimal is a flag's number in decimal digits.
type decimal struct{ pflag.Value }

var decimalText = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)

func (d decimal) Set(text string) error {
	if !decimalText.MatchString(text) {
		return errors.New("want a whole number in decimal, without a leading zero")
	}
	return d.Value.Set(text)
}

// emptyFlags says which flags were given without a value: as a rule a variable of a script that is not set. To take them
// as not given would run everything, on every target.
func emptyFlags(flags *pflag.FlagSet) error {
	var empty []error
	flags.Visit(func(f *pflag.Flag) {
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			if values = list.GetSlice(); len(values) == 0 {
				values = []string{""}
			}
		} else if f.Value.Type() != "string" {
			return
		}
		if slices.ContainsFunc(values, func(value string) bool { return strings.TrimSpace(value) == "" }) {
			empty = append(empty, fmt.Errorf("--%s is empty, or has an empty entry; leave it out where it is not meant", f.Name))
		}
	})
	if err := errors.Join(empty...); err != nil {
		return &flagError{err}
	}
	return nil
}
