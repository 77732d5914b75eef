package harness

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"wskharness/remote"
)

// TestWaitsForBoot waits for a machine that boots: what passes is borne with, refused credentials a few times only, with time
// between them, and everything else ends it.
func TestWaitsForBoot(t *testing.T) {
	answer := func(status int) error { return &remote.Fault{HTTPStatus: status} }
	gone := &remote.ConnError{Err: errors.New("refused")}
	for name, test := range map[string]struct {
		errs  []error
		borne int // how many of them
		least time.Duration
	}{
		"on its way up":         {[]error{gone, answer(503), answer(404), gone, answer(401), answer(500)}, 6, refusedPause},
		"refused for ever":      {[]error{answer(401), answer(401), answer(401), answer(401)}, maxRefused, maxRefused * refusedPause},
		"refused now and then":  {[]error{answer(401), gone, answer(401), gone, answer(401), gone, answer(401)}, 6, maxRefused * refusedPause},
		"forbidden":             {[]error{answer(http.StatusForbidden)}, 0, 0},
		"denied by the service": {[]error{&remote.Fault{HTTPStatus: 401, Code: 5}}, 0, 0},
		"something else":        {[]error{errors.New("no")}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var p bootTolerance
				begun, borne := time.Now(), 0
				for _, err := range test.errs {
					if !p.tolerates(t.Context(), err) {
						break
					}
					borne++
					if !p.wait(t.Context()) {
						t.Fatal("there is time")
					}
				}
				if took := time.Since(begun); borne != test.borne || took < test.least {
					t.Errorf("%d of %d were borne with, in %s", borne, len(test.errs), took)
				}
			})
		})
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	var p bootTolerance
	if p.tolerates(ended, gone) || p.wait(ended) {
		t.Error("it waits though its time is up")
	}
}
