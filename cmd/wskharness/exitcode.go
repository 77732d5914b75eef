package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"wskharness/harness"
	"wskharness/results"
	"wskharness/settings"
	"wskharness/strictyaml"
	"wskharness/workshop"
)

// exitUsage is the exit code that no record decides; results has the others.
const exitUsage = 2

// flagError is a flag or an argument that can't be: the help is worth naming.
type flagError struct{ error }

func (e *flagError) Unwrap() error { return e.error }

// exitError is an exit code that was decided by what a command found, with what is still to be
// said of it.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}
func (e *exitError) Unwrap() error { return e.err }

// exitCode is the one place where errors become exit codes.
func exitCode(ctx context.Context, err error) int {
	if decided, ok := errors.AsType[*exitError](err); ok {
		return decided.code
	}
	switch {
	case err == nil:
		return results.ExitOK
	case ctx.Err() != nil:
		return results.ExitInterrupted
	case is[*workshop.BuildError](err):
		return results.ExitBuild
	case is[*harness.NothingSelectedError](err):
		return results.ExitNothing
	case is[*settings.UsageError](err), is[strictyaml.Mistakes](err), is[*flagError](err), isCobraUsage(err):
		return exitUsage
	}
	return results.ExitInfrastructure
}

// is reports whether an error is of a type, or wraps one that is.
func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// isCobraUsage reports the errors that cobra makes without a type: an unknown command, a wrong
// number of arguments.
func isCobraUsage(err error) bool {
	known := []string{"unknown command", "accepts ", "requires at least", "requires at most", "invalid argument"}
	return slices.ContainsFunc(known, func(prefix string) bool { return strings.HasPrefix(err.Error(), prefix) })
}
