package static

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wskharness/vm"
)

func TestReset(t *testing.T) {
	dir := t.TempDir()
	for name, test := range map[string]struct {
		command []string
		limit   time.Duration
		want    string // of the error; empty: none
	}{
		"done":      {command: []string{"touch", filepath.Join(dir, "turned")}},
		"fails":     {command: []string{"sh", "-c", "echo no such outlet >&2; exit 3"}, want: "no such outlet"},
		"not there": {command: []string{filepath.Join(dir, "ipmitool")}, want: "no such file"},
		"hangs":     {command: []string{"sh", "-c", "sleep 60 & wait"}, limit: 200 * time.Millisecond, want: "deadline"},
		"says too much": {command: []string{"sh", "-c", "head -c 1000000 /dev/zero | tr '\\0' x; echo; echo the end; exit 1"},
			want: "the end"},
	} {
		t.Run(name, func(t *testing.T) {
			m := &resettable{machine: &machine{}, command: test.command}
			ctx, cancel := context.WithTimeout(t.Context(), cmp.Or(test.limit, time.Minute))
			defer cancel()
			begun := time.Now()
			err := vm.Resetter(m).Reset(ctx)
			if took := time.Since(begun); took > 30*time.Second {
				t.Errorf("it took %s", took)
			}
			if test.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				if _, err := os.Stat(filepath.Join(dir, "turned")); err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) || len(err.Error()) > 2*maxSaid {
				t.Errorf("%v", err)
			}
		})
	}
}
