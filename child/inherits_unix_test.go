//go:build unix

package child

import (
	"strings"
	"testing"
)

// A command with no environment has none, and not all.
func TestCommandInheritsNothing(t *testing.T) {
	t.Setenv("LAB1_PASSWORD", "canary")
	for _, env := range [][]string{nil, {}, {"ONE=1"}} {
		out, err := Command(t.Context(), env, "/usr/bin/env").Output()
		if want := strings.Join(env, "\n"); err != nil || strings.TrimSpace(string(out)) != want {
			t.Errorf("with %q: %q, %v", env, out, err)
		}
	}
}
