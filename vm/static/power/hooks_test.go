//go:build unix

package power

import (
	"context"
	"errors"
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

// What a program of the user's does, and what is told of it.
func TestProgram(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, []byte("#!/bin/sh\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		words []string
		limit time.Duration
		want  string // of the error; empty: none
	}{
		"done":            {words: []string{"touch", filepath.Join(dir, "turned")}},
		"leaves a daemon": {words: []string{"sh", "-c", "touch " + filepath.Join(dir, "turned") + "; sleep 600 & echo $! > " + filepath.Join(dir, "daemon")}},
		"fails":           {words: []string{"sh", "-c", "echo no such outlet >&2; exit 3"}, want: "sh: exit status 3: it said: no such outlet"},
		"not there":       {words: []string{filepath.Join(dir, "ipmitool")}, want: "no such file"},
		"not in PATH":     {words: []string{"no-such-program-anywhere"}, want: "not found in $PATH: see that it is there and executable"},
		"not executable":  {words: []string{plain}, want: "permission denied: see that it is there and executable (chmod +x)"},
		"hangs":           {words: []string{"sh", "-c", "sleep 60 & wait"}, limit: 200 * time.Millisecond, want: "deadline"},
		"says too much": {words: []string{"sh", "-c", "head -c 1000000 /dev/zero | tr '\\0' x; echo; echo the end; exit 1"},
			want: "the end"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			defer cancel()
			if test.limit != 0 {
				ctx, cancel = context.WithTimeout(ctx, test.limit)
				defer cancel()
			}
			err := (&Program{Words: test.words}).Run(ctx)
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

// endDaemon ends what a program has left running, which Run has left alone.
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
		t.Errorf("the daemon of a program: %v", err)
	}
}

// What a program is given is told nobody: neither its arguments, nor the variables that it gets by name, nor a password that it
// has from elsewhere, also where it prints all of them. What it has to say besides is told.
func TestProgramTellsNoSecret(t *testing.T) {
	t.Setenv("BMC_PASSWORD", "canary-by-name")
	t.Setenv("LAB1_PASSWORD", "canary-inherited")
	t.Setenv("LC_PASSWORD", "canary-on-the-list")
	const script = `env; cat /proc/$$/cmdline; echo canary-'of the target' >&2; echo no such outlet`
	program := func(also []string, then string) *Program {
		return &Program{
			Words:       []string{"/bin/sh", "-c", script + then, "sh", "canary-of-the-arguments"},
			Environment: child.Environment{Also: also, Never: []string{"LC_PASSWORD"}},
			Redactor:    remote.NewRedactor("canary-of the target"),
		}
	}
	for name, test := range map[string]struct {
		program *Program
		want    []string
	}{
		"all":       {program([]string{"BMC_PASSWORD"}, "; exit 3"), []string{"sh: exit status 3", "BMC_PASSWORD=[redacted]", "no such outlet"}},
		"not set":   {program([]string{"BMC_PASSWORD", "NOT_SET_ANYWHERE"}, ""), []string{"sh: ", "NOT_SET_ANYWHERE", "export it"}},
		"no status": {program([]string{"BMC_PASSWORD"}, ""), []string{"its last word has to be on or off", "no such outlet"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newControl(&hooks{status: test.program}, 0).State(t.Context())
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

// stateOf reads what the tools say that people have.
func TestStateOf(t *testing.T) {
	for said, want := range map[string]vm.Power{
		"Chassis Power is on": vm.On, "Chassis Power is off\n": vm.Off, "running\n\n": vm.On, "shut off": vm.Off, "Power state: ON": vm.On, "stopped": vm.Off,
		`VMState="poweroff"`: vm.Off, "": vm.Unknown, "paused": vm.Unknown, "on fire": vm.Unknown, "Chassis Power is": vm.Unknown, "online": vm.Unknown,
	} {
		if got := stateOf(said); got != want {
			t.Errorf("%q: got %s, want %s", said, got, want)
		}
	}
}

// scripted is a machine's power as a test wants it.
type scripted struct {
	actions []Action // that it can do
	told    bool     // it can be asked
	now     vm.Power
	refuses error
	deaf    bool // what it is told changes nothing
	did     []string
}

func (s *scripted) name() string { return "by the test" }
func (s *scripted) can(a Action) bool {
	for _, b := range s.actions {
		if a == b {
			return true
		}
	}
	return false
}
func (s *scripted) tellsState() bool { return s.told }
func (s *scripted) state(context.Context) (vm.Power, error) {
	if !s.told {
		return vm.Unknown, nil
	}
	return s.now, nil
}
func (s *scripted) do(_ context.Context, a Action) error {
	s.did = append(s.did, string(a))
	if want := wanted[a]; want != "" && !s.deaf {
		s.now = want
	}
	return s.refuses
}

// A machine is done to what it takes, and what is so already is left alone.
func TestControl(t *testing.T) {
	all := []Action{On, Off, Reset, NMI}
	refused := errors.New("no")
	for name, test := range map[string]struct {
		by   scripted
		do   Action
		did  string
		want string // of the error
	}{
		"on, which it is":             {scripted{actions: all, told: true, now: vm.On}, On, "", ""},
		"on":                          {scripted{actions: all, told: true, now: vm.Off}, On, "on", ""},
		"on, without a word":          {scripted{actions: all}, On, "on", ""},
		"off":                         {scripted{actions: all, told: true, now: vm.On}, Off, "off", ""},
		"between":                     {scripted{actions: all, told: true, now: vm.Unknown}, Off, "off", ""},
		"reset":                       {scripted{actions: all, told: true, now: vm.On}, Reset, "reset", ""},
		"reset of one that is off":    {scripted{actions: all, told: true, now: vm.Off}, Reset, "on", ""},
		"reset, in two":               {scripted{actions: []Action{On, Off}, told: true, now: vm.On}, Reset, "off on", ""},
		"reset, in two, blind":        {scripted{actions: []Action{On, Off}}, Reset, "off on", ""},
		"reset only, and off":         {scripted{actions: []Action{Reset}, told: true, now: vm.Off}, Reset, "reset", ""},
		"nmi":                         {scripted{actions: all, told: true, now: vm.On}, NMI, "nmi", ""},
		"refused":                     {scripted{actions: all, told: true, now: vm.Off, refuses: refused}, On, "on", "power on by the test: no"},
		"told, and it stays as it is": {scripted{actions: all, told: true, now: vm.Off, deaf: true}, On, "on", "it was told to, and is not on after"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newControl(&test.by, 5*time.Minute)
			if test.by.deaf {
				c.within = 50 * time.Millisecond
			}
			if !c.Can(test.do) {
				t.Error("it can't")
			}
			err := c.Do(t.Context(), test.do)
			if got := strings.Join(test.by.did, " "); got != test.did {
				t.Errorf("got %q, want %q", got, test.did)
			}
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
	if c := newControl(&scripted{actions: []Action{On}}, 0); c.Can(Reset) || c.Can(Off) || (*Control)(nil).Can(On) {
		t.Error("it can what it has no way to do")
	}
}

// A program that hangs is ended with what it has started when its time is up, and the message says whose limit that was.
func TestHookThatHangs(t *testing.T) {
	c := newControl(&hooks{programs: map[Action]*Program{Reset: {Words: []string{"sh", "-c", "sleep 600 & wait"}}}}, 100*time.Millisecond)
	err := c.Do(t.Context(), Reset)
	if err == nil || !strings.Contains(err.Error(), "power reset by the target's program: sh: it was ended (signal: killed): it took longer than 100ms to answer (raise within)") {
		t.Error(err)
	}
}
