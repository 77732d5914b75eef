package guest

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
		"on its way up":         {[]error{gone, answer(503), answer(404), gone, answer(401), answer(500)}, 6, refusedPauses * bootPause},
		"refused for ever":      {[]error{answer(401), answer(401), answer(401), answer(401)}, maxRefused, maxRefused * refusedPauses * bootPause},
		"refused now and then":  {[]error{answer(401), gone, answer(401), gone, answer(401), gone, answer(401)}, 6, maxRefused * refusedPauses * bootPause},
		"forbidden":             {[]error{answer(http.StatusForbidden)}, 0, 0},
		"denied by the service": {[]error{&remote.Fault{HTTPStatus: 401, Code: 5}}, 0, 0},
		"something else":        {[]error{errors.New("no")}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var p Booting
				begun, borne := time.Now(), 0
				for _, err := range test.errs {
					if !p.Tolerates(t.Context(), err) {
						break
					}
					borne++
					if !p.Wait(t.Context()) {
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
	var p Booting
	if p.Tolerates(ended, gone) || p.Wait(ended) {
		t.Error("it waits though its time is up")
	}
}

// TestAwaitsAnotherBoot: one boot counts when it is another, and has answered twice in a row.
func TestAwaitsAnotherBoot(t *testing.T) {
	gone, mute := &remote.ConnError{Err: errors.New("refused")}, errors.New("mute")
	for name, test := range map[string]struct {
		answers []any // boots and errors, in turn; the last one for ever
		want    string
		asked   int
	}{
		"at once":                   {[]any{"b"}, "b", 2},
		"the old one still answers": {[]any{"a", "a", gone, "b", "b"}, "b", 5},
		"WinRM restarts":            {[]any{gone, "b", gone, "b", "b"}, "b", 5},
		"a second reboot":           {[]any{"b", "c", "c"}, "c", 3},
		"what passes there":         {[]any{mute, "b"}, "b", 3},
		"what does not pass":        {[]any{"a", errors.New("no")}, "", 2},
		"never":                     {[]any{"a"}, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				asked := 0
				b := Booting{Passes: func(err error) bool { return err == mute }}
				got, err := b.Await(ctx, "a", func(context.Context) (string, error) {
					answer := test.answers[min(asked, len(test.answers)-1)]
					asked++
					if err, failed := answer.(error); failed {
						return "", err
					}
					return answer.(string), nil
				})
				if got != test.want || (err == nil) != (test.want != "") || test.asked != 0 && asked != test.asked {
					t.Errorf("got %q, %v, asked %d times; want %q, %d times", got, err, asked, test.want, test.asked)
				}
			})
		})
	}
}
