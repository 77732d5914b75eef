//go:build unix

package static

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wskharness/remote"
	"wskharness/settings"
	"wskharness/strictyaml"
	"wskharness/testtime"
	"wskharness/vm"
)

// dark is a machine that a test turns on and off by programs: files in its folder say what it is, and what was done to it.
type dark struct {
	t       *testing.T
	dir     string
	address string
}

func newDark(t *testing.T) *dark {
	t.Helper()
	d := &dark{t: t, dir: t.TempDir()}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d.address = free.Addr().String()
	free.Close()
	return d
}

// sh is a program of the target's, as YAML has it.
func (d *dark) sh(script string) string { return fmt.Sprintf("[sh, -c, %q]", "cd "+d.dir+"; "+script) }

func (d *dark) is(name string) bool { _, err := os.Stat(filepath.Join(d.dir, name)); return err == nil }

// serves answers HTTP from when the machine is on, to the end of the test.
func (d *dark) serves() {
	done, ctx := make(chan struct{}), testtime.Context(d.t)
	server := &http.Server{Handler: http.NotFoundHandler()}
	go func() {
		defer close(done)
		for !d.is("on") {
			select {
			case <-ctx.Done():
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
		l, err := net.Listen("tcp", d.address)
		if err != nil {
			d.t.Errorf("the port of the test was taken: %v", err)
			return
		}
		_ = server.Serve(l)
	}()
	d.t.Cleanup(func() {
		d.write("on")
		server.Close()
		<-done
	})
}

func (d *dark) write(name string) {
	if err := os.WriteFile(filepath.Join(d.dir, name), nil, 0o600); err != nil {
		d.t.Error(err)
	}
}

// provider is what a target's further keys make.
func (d *dark) provider(keys string) (*Provider, *[]string) {
	d.t.Helper()
	d.t.Setenv("P", "s3cret")
	defined := defined(d.t, "{url: 'http://"+d.address+"', user: u, password_env: P, "+keys+"}")
	var told []string
	p, err := defined.Provider(vm.Host{Getenv: os.Getenv, Never: []string{"P"}, Redactor: remote.NewRedactor("s3cret"), Tell: func(text string) { told = append(told, text) }})
	if err != nil {
		d.t.Fatal(err)
	}
	provider := p.(*Provider)
	provider.opts.Wait = 20 * time.Millisecond
	return provider, &told
}

// A machine that is off is turned on, and waited for; one that nobody can tell of is turned on all the same.
func TestAcquireTurnsOn(t *testing.T) {
	for name, status := range map[string]string{"told": "test -e on && echo on || echo off", "not told": ""} {
		t.Run(name, func(t *testing.T) {
			d := newDark(t)
			d.serves()
			keys := "power: {turn_on: " + d.sh("touch on")
			if status != "" {
				keys += ", status: " + d.sh(status)
			}
			p, told := d.provider(keys + "}")
			m, err := p.Acquire(testtime.Context(t), vm.Target{Name: "lab1"})
			if err != nil {
				t.Fatal(err)
			}
			if _, ok := m.(vm.Switch); ok {
				t.Error("it is a vm.Switch, and nothing turns it off")
			}
			if len(*told) != 1 || !strings.Contains((*told)[0], "lab1 was turned on, and does not answer yet: it is waited for, up to 10m0s (boot_within)") {
				t.Errorf("got %q, want that it is waited for", *told)
			}
			if err := m.Release(t.Context()); err != nil || !d.is("on") {
				t.Errorf("%v, on: %v; want it left on", err, d.is("on"))
			}
		})
	}
}

// What keeps a machine from coming up is told as what it is.
func TestAcquireThatFails(t *testing.T) {
	for name, test := range map[string]struct {
		keys func(d *dark) string
		want []string
	}{
		"no power": {func(*dark) string { return "boot_within: 5m" }, []string{"reach lab1 at ", "is the machine up", "firewall"}},
		"on, and dead": {func(d *dark) string {
			return "boot_within: 50ms, power: {turn_on: " + d.sh("exit 1") + ", status: " + d.sh("echo on") + "}"
		}, []string{"lab1 is on, as it is told from outside, and does not come up: ", "no answer within 50ms (boot_within)"}},
		"never comes up": {func(d *dark) string { return "boot_within: 50ms, power: {turn_on: " + d.sh("touch on") + "}" }, []string{"lab1 was turned on, and does not come up", "connection refused"}},
		"status fails": {func(d *dark) string {
			return "power: {turn_on: [\"true\"], status: " + d.sh("echo s3cret: no route >&2; exit 1") + "}"
		}, []string{"does not answer at", "power status by the target's program: sh: exit status 1: it said: [redacted]: no route"}},
		"on fails": {func(d *dark) string { return "power: {turn_on: " + d.sh("echo no outlet; exit 2") + "}" }, []string{"power on by the target's program: sh: exit status 2: it said: no outlet"}},
		"stays off": {func(d *dark) string {
			return "power: {within: 50ms, turn_on: [\"true\"], status: " + d.sh("echo off") + "}"
		}, []string{"it was told to, and is not on after 50ms"}},
		"reset alone":           {func(d *dark) string { return "power: {reset: " + d.sh("touch reset") + "}" }, []string{"is the machine up"}},
		"revert fails":          {func(d *dark) string { return "revert: " + d.sh("echo no image >&2; exit 1") }, []string{"revert lab1 by its program: sh: exit status 1: it said: no image"}},
		"revert hangs":          {func(d *dark) string { return "revert_within: 50ms, revert: " + d.sh("sleep 600 & wait") }, []string{"revert lab1 by its program: sh: it was ended", "it took longer than 50ms (raise revert_within)"}},
		"revert is not there":   {func(d *dark) string { return "revert: [" + d.dir + "/none]" }, []string{"none can't be started: "}},
		"gone after its revert": {func(d *dark) string { return "revert: [\"true\"]" }, []string{"its revert program has ended well: reach lab1 at "}},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDark(t)
			p, _ := d.provider(test.keys(d))
			_, err := p.Acquire(t.Context(), vm.Target{Name: "lab1"})
			if err == nil {
				t.Fatal("it was acquired")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %q in it", err, want)
				}
			}
			if strings.Contains(err.Error(), "s3cret") || d.is("reset") {
				t.Errorf("%v; it was reset: %v", err, d.is("reset"))
			}
		})
	}
}

// An Acquire whose controller gives up ends its programs, and says so.
func TestAcquireIsCancelled(t *testing.T) {
	for name, keys := range map[string]func(d *dark) string{
		"while it reverts":  func(d *dark) string { return "revert: " + d.sh("touch begun; sleep 600 & wait") },
		"while it turns on": func(d *dark) string { return "power: {turn_on: " + d.sh("touch begun; sleep 600 & wait") + "}" },
		"while it is asked": func(d *dark) string {
			return "power: {turn_on: [\"true\"], status: " + d.sh("touch begun; sleep 600 & wait") + "}"
		},
		"while it comes up": func(d *dark) string { return "power: {turn_on: " + d.sh("touch begun") + "}" },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDark(t)
			p, _ := d.provider(keys(d))
			ctx, cancel := context.WithCancel(testtime.Context(t))
			failed := make(chan error, 1)
			go func() { _, err := p.Acquire(ctx, vm.Target{Name: "lab1"}); failed <- err }()
			testtime.Await(t, "the program to begin", func() bool { return d.is("begun") })
			cancel()
			if err := <-failed; err == nil || !strings.Contains(err.Error(), "context canceled") {
				t.Errorf("got %v, want what ended it", err)
			}
		})
	}
}

// A machine is reverted when it is acquired, or only when it has to be; and only one that has a program for it.
func TestRevert(t *testing.T) {
	for keys, want := range map[string]string{"": "", ", revert_when: acquired": "revert\nrevert\n", ", revert_when: tainted": "revert\n"} {
		d := newDark(t)
		d.serves()
		d.write("on")
		if keys != "" {
			keys = "revert: " + d.sh("echo revert >>reverts") + keys
		} else {
			keys = "boot_within: 5m"
		}
		p, _ := d.provider(keys)
		p.opts.Wait = 0
		p, err := New(p.opts)
		if err != nil {
			t.Fatal(err)
		}
		m, err := p.Acquire(testtime.Context(t), vm.Target{Name: "lab1"})
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Revert(testtime.Context(t)); (err == vm.ErrCannotRevert) != (want == "") || err != nil && want != "" {
			t.Errorf("%s: %v", keys, err)
		}
		if said, _ := os.ReadFile(filepath.Join(d.dir, "reverts")); string(said) != want {
			t.Errorf("%s: got %q, want %q", keys, said, want)
		}
	}
}

// A machine can do what its target has something for.
func TestCapabilities(t *testing.T) {
	for keys, want := range map[string]string{
		"boot_within: 5m":                                "",
		"power: {reset: [x]}":                            "reset",
		"power: {nmi: [x]}":                              "nmi",
		"power: {reset: [x], nmi: [x]}":                  "reset nmi",
		"power: {turn_on: [x]}":                          "",
		"power: {turn_on: [x], turn_off: [x]}":           "reset switch",
		"power: {turn_on: [x], turn_off: [x], nmi: [x]}": "reset switch nmi",
		"redfish: {host: b, user: u, password_env: P}":   "reset switch nmi",
		"ipmi: {host: b, user: u, password_env: P}":      "reset switch nmi",
	} {
		p, _ := newDark(t).provider(keys)
		m, err := p.Adopt(t.Context(), vm.Target{Name: "lab1"})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		if _, ok := m.(vm.Resetter); ok {
			got = append(got, "reset")
		}
		if _, ok := m.(vm.Switch); ok {
			got = append(got, "switch")
		}
		if _, ok := m.(vm.NMIInjector); ok {
			got = append(got, "nmi")
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got %q, want %q", keys, got, want)
		}
	}
}

// What a target says wrong is told at its place, all at once.
func TestMistakes(t *testing.T) {
	for text, want := range map[string][]string{
		"power: {}":                     {"power has no program that does something"},
		"power: {status: [x]}":          {"power has no program that does something"},
		"power: {turn_off: [x]}":        {"turn_off without turn_on: the machine would stay off"},
		"power: {reset: [x]}, ipmi: {}": {"one of power and ipmi", "ipmi has no host", "ipmi has no user", "ipmi has no password"},
		"redfish: {host: 'https://10.0.0.6', user: u, password: p, port: 0}":           {"an address or a name, such as 10.0.0.6", "a password in the configuration itself", "port is \"0\""},
		"redfish: {host: h, user: u, password_file: f, auth: ntlm, allow_plain: true}": {"auth is \"ntlm\"", "allow_plain"},
		"ipmi: {host: -x, user: u, password_file: f, cipher_suite: 18}":                {"host is \"-x\"", "cipher_suite is \"18\""},
		"revert_within: 5m": {"revert_within without revert"},
		"reset: [x]":        {"\"reset\""},
	} {
		r := &settings.Reader{Reporter: strictyaml.NewReporter("c.yaml"), Dir: "/etc"}
		m, ok := r.Mapping(strictyaml.Parse([]byte("{url: 'https://h', user: u, password_env: P, "+text+"}"), r.Reporter), "target box")
		if !ok {
			t.Fatal(r.Err())
		}
		form := Kind().Form()
		form.Define(r, form.Keys.Read(r, m))
		for _, part := range want {
			if err := r.Err(); err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%s: got %v, want %q", text, err, part)
			}
		}
	}
}

// The secrets of a management controller are the target's, too, and programs that are not there are told before anything begins.
func TestSecretsAndPrograms(t *testing.T) {
	d := defined(t, "{url: 'https://h', user: u, password_env: P, redfish: {host: b, user: u, password_env: Q}}")
	got := d.Secrets.Values(func(name string) string { return "value of " + name })
	if len(got) != 2 || got[0].Reveal() != "value of P" || got[1].Reveal() != "value of Q" || strings.Join(d.Secrets.Variables, " ") != "P Q" {
		t.Errorf("got %d secrets of %q, want those of P and Q", len(got), d.Secrets.Variables)
	}
	if err := d.Check(); err != nil {
		t.Error(err)
	}
	d = defined(t, "{url: 'https://h', user: u, password_env: P, power: {reset: [/no/such, x], turn_on: ['true']}, revert: [/no/revert]}")
	if err := d.Check(); err == nil || !strings.Contains(err.Error(), "/no/such can't be started") || !strings.Contains(err.Error(), "/no/revert can't be started") {
		t.Errorf("got %v, want both programs", err)
	}
}
