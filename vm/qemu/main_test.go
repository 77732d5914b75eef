//go:build linux

package qemu

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"wskharness/settings"
	"wskharness/strictyaml"
	"wskharness/testtime"
	"wskharness/vm"
	"wskharness/vm/lease"
	"wskharness/vm/vmtest/minimal"
)

// sharedCache is where guests of all tests are: the snapshot that they start from is made once.
var sharedCache string

// TestMain has this program serve guests, too, and be a controller that a test kills.
func TestMain(m *testing.M) {
	played, err := vm.Play(context.Background(), []vm.Kind{Kind(), {Roles: []vm.Role{{Name: controllerRole, Run: playController}}}}, os.Args[1:], hclog.Default())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if played {
		return
	}
	if sharedCache, err = os.MkdirTemp("", "qemu-test-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if left, err := lease.Folders(leasesDir(sharedCache)); err != nil || len(left) > 0 {
		fmt.Fprintln(os.Stderr, "guests are left: ", left, err)
		code = 1
	}
	if err := os.RemoveAll(sharedCache); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// lab is where a test has its guests.
type lab struct {
	t     *testing.T
	cache string
	guest *minimal.Guest
}

func newLab(t *testing.T) *lab {
	t.Helper()
	return &lab{t: t, cache: sharedCache, guest: minimal.Build(t)}
}

// warm is more keys of a target whose guests start from a snapshot.
const warm = ", warm: true, set_clock: 'set-date {unix}'"

// text is the target's YAML, with more keys.
func (l *lab) text(more string, args ...string) string {
	words := append([]string{"-kernel", l.guest.Kernel, "-initrd", l.guest.Initrd, "-append", l.guest.Append}, args...)
	for i, word := range words {
		words[i] = "'" + word + "'"
	}
	return fmt.Sprintf(`{image: %s, user: %s, password_file: %s, auth: basic, certificate_sha256: %s, firmware: bios, memory: %dM, cpus: 1,
 disk: virtio, network: virtio, rtc: utc, args: [%s] %s}`, l.guest.Image, l.guest.User, l.guest.PasswordFile, l.guest.CertificateSHA256, minimal.MemoryMB, strings.Join(words, ", "), more)
}

// defineIn reads a target, whose relative paths count from a folder.
func defineIn(dir, text string) (vm.Definition, error) {
	r := &settings.Reader{Reporter: strictyaml.NewReporter("c.yaml"), Dir: dir}
	m, ok := r.Mapping(strictyaml.Parse([]byte(text), r.Reporter), "target vm")
	if !ok {
		return vm.Definition{}, r.Err()
	}
	form := Kind().Form()
	d := form.Define(r, form.Keys.Read(r, m))
	return d, r.Err()
}

func (l *lab) host() vm.Host {
	self, err := os.Executable()
	if err != nil {
		l.t.Fatal(err)
	}
	return vm.Host{Cache: l.cache, Program: []string{self}, Getenv: os.Getenv, Logger: hclog.New(&hclog.LoggerOptions{Output: logTo{l.t}, Level: hclog.Debug})}
}

type logTo struct{ t *testing.T }

func (l logTo) Write(p []byte) (int, error) {
	l.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

func (l *lab) provider(more string, args ...string) *provider {
	l.t.Helper()
	d, err := defineIn("/", l.text(more, args...))
	if err != nil {
		l.t.Fatal(err)
	}
	if err := d.Check(); err != nil {
		l.t.Fatal(err)
	}
	p, err := d.Provider(l.host())
	if err != nil {
		l.t.Fatal(err)
	}
	return p.(*provider)
}

func (l *lab) acquire(p *provider) *machine {
	l.t.Helper()
	m, err := p.Acquire(testtime.Context(l.t), vm.Target{Name: "vm"})
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() {
		if err := m.Release(context.WithoutCancel(l.t.Context())); err != nil {
			l.t.Error(err)
		}
	})
	return m.(*machine)
}

// event waits for the next one of a kind.
func event(t *testing.T, m vm.Machine, kind vm.EventKind) vm.Event {
	t.Helper()
	ctx := testtime.Context(t)
	for {
		select {
		case e, ok := <-m.Events():
			if !ok {
				t.Fatalf("no event %s, and no more", kind)
			}
			t.Logf("event %s: %s", e.Kind, e.Text)
			if e.Kind == kind {
				return e
			}
		case <-ctx.Done():
			t.Fatalf("no event %s", kind)
		}
	}
}
