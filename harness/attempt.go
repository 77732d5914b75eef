package harness

import "wskharness/suites"

// attempt is one attempt of one case on a target, as it is planned. What became of it, the recorder knows.
type attempt struct {
	test   *suites.Case
	number int    // from 1
	seed   uint32 // the run's
}

func (t *attempt) key() attemptKey { return attemptKey{t.test.Name(), t.number} }
