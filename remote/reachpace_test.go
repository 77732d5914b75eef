package remote

import (
	"testing"
	"time"
)

// The longer a machine was waited for, the more time it has to answer, and the fewer tries are begun: never more are under way
// at a time than at first.
func TestPace(t *testing.T) {
	for _, test := range []struct{ waited, limit, pause time.Duration }{
		{0, shortLimit, betweenTries},
		{8 * time.Second, time.Second, 150 * time.Millisecond},
		{40 * time.Second, 5 * time.Second, 750 * time.Millisecond},
		{time.Hour, reachLimit, 15 * betweenTries},
	} {
		if limit, pause := pace(test.waited); limit != test.limit || pause != test.pause {
			t.Errorf("after %s: got %s for a try and %s between two, want %s and %s", test.waited, limit, pause, test.limit, test.pause)
		}
	}
}
