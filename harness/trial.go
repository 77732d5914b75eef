package harness

import "wskharness/suites"

// trial is one attempt of one case on a target, as it is planned. What became of it, the recorder knows.
type trial struct {
	test    *suites.Case
	attempt int    // from 1
	seed    uint32 // the run's
}

func (t *trial) key() attemptKey { return attemptKey{t.test.Name(), t.attempt} }
