package host

import (
	"runtime"
	"strings"
	"testing"
)

func TestSystem(t *testing.T) {
	got := System()
	if !strings.HasSuffix(got, ", "+runtime.GOARCH) || len(got) < len(runtime.GOARCH)+6 || strings.ContainsAny(got, "\n\"") {
		t.Errorf("%q does not name this system", got)
	}
}
