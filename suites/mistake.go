package suites

import "wskharness/strictyaml"

// Mistake is one thing that is wrong in a suite file, with its place.
type Mistake = strictyaml.Mistake

// Mistakes is everything that is wrong in all the files of one Load, as an error.
type Mistakes = strictyaml.Mistakes

type (
	node    = strictyaml.Node
	mapping = strictyaml.Mapping
)

// reporter gathers the mistakes of one file, and reads the kinds of values that only suites have.
type reporter struct{ *strictyaml.Reporter }
