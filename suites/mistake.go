package suites

import "wskharness/strictyaml"

// Mistakes is everything that is wrong in all the files of one Load, as an error.
type Mistakes = strictyaml.Mistakes

type (
	node    = strictyaml.Node
	mapping = strictyaml.Mapping
)

// reporter gathers the mistakes of one file, and reads the kinds of values that only suites have.
type reporter struct{ *strictyaml.Reporter }
