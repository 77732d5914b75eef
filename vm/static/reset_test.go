package static

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"wskharness/child"
	"wskharness/remote"
	"wskharness/vm"
)

func TestReset(t *testing.T) {
	dir := t.TempDir()
	for name, test := range map[string]struct {
		command []string
		limit   time.Duration
		want    string // of the error; empty: none
	}{
		"done":            {command: []string{"touch", filepath.Join(dir, "turned")}},
		"leaves a daemon": {command: []string{"sh", "-c", "touch " + filepath.Join(dir, "turned") + "; sleep 600 & echo $! > " + filepath.Join(dir, "daemon")}},
		"fails":           {command: []string{"sh", "-c", "echo no such outlet >&2; exit 3"}, want: "no such outlet"},
		"not there":       {command: []string{filepath.Join(dir, "ipmitool")}, want: "no such file"},
		"hangs":           {command: []string{"sh", "-c", "sleep 60 & wait"}, limit: 200 * time.Millisecond, want: "deadline"},
		"says too much": {command: []string{"sh", "-c", "head -c 1000000 /dev/zero | tr '\\0' x; echo; echo the end; exit 1"},
			want: "the end"},
	} {
		t.Run(name, func(t *testing.T) {
			m := &resettable{machine: &machine{}, opts: Options{Reset: test.command}}
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
				if err := os.Remove(filepath.Join(dir, "turned")); err != nil {
					t.Error(err)
				}
				endDaemon(t, filepath.Join(dir, "daemon"))
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) || len(err.Error()) > 2*maxSaid {
				t.Errorf("got %v, want an error of at most %d bytes with %q", err, 2*maxSaid, test.want)
			}
		})
	}
}

// endDaemon ends what a program has left running, which the reset has left alone.
func endDaemon(t *testing.T, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		return // it has left nothing
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err == nil {
		err = syscall.Kill(pid, syscall.SIGKILL)
	}
	if err != nil {
		t.Errorf("the daemon of a reset program: %v", err)
	}
}

// What a reset program is given is told nobody: neither its arguments, nor the variables that it gets by name, nor a
// password that it has from elsewhere, also where it prints all of them. What it has to say besides is told.
func TestResetTellsNoSecret(t *testing.T) {
	t.Setenv("BMC_PASSWORD", "canary-by-name")
	t.Setenv("LAB1_PASSWORD", "canary-inherited")
	t.Setenv("LC_PASSWORD", "canary-on-the-list")
	const script = `env; cat /proc/$$/cmdline; echo canary-'of the target'; echo no such outlet; exit 3`
	for name, test := range map[string]struct {
		also []string
		want []string
	}{
		"all":     {[]string{"BMC_PASSWORD"}, []string{"reset the machine with sh: exit status 3", "BMC_PASSWORD=[redacted]", "no such outlet"}},
		"not set": {[]string{"BMC_PASSWORD", "NOT_SET_ANYWHERE"}, []string{"reset the machine with sh: ", "NOT_SET_ANYWHERE", "export it"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := &resettable{machine: &machine{}, opts: Options{
				Reset:       []string{"/bin/sh", "-c", script, "sh", "canary-of-the-arguments"},
				Environment: child.Environment{Also: test.also, Never: []string{"LC_PASSWORD"}},
				Redactor:    remote.NewRedactor("canary-of the target"),
			}}
			err := m.Reset(t.Context())
			if err == nil {
				t.Fatal("it did not fail")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v; want %q in it", err, want)
				}
			}
			if strings.Contains(err.Error(), "canary") {
				t.Error(err)
			}
		})
	}
}
