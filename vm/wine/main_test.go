//go:build linux

package wine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"wskharness/driver"
	"wskharness/remote"
	"wskharness/testtime"
	"wskharness/vm"
)

const serveCommand = "wine-guest"

// TestMain makes the test binary the process that serves a guest, too.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == serveCommand {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		log := hclog.New(&hclog.LoggerOptions{Output: os.Stderr})
		if err := Serve(ctx, os.Args[2], os.NewFile(3, "ready"), ServeOptions{Logger: log}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// programs are what the tests run in guests.
type programs struct{ host, probe, faulty string }

// compiled builds the programs, once for all tests, in the cache that other tests and runs share.
var compiled = sync.OnceValues(func() (*programs, error) {
	ctx := context.Background()
	toolchain, err := driver.FindToolchain(ctx)
	if err != nil {
		return nil, err
	}
	cache, err := driver.DefaultCache()
	if err != nil {
		return nil, err
	}
	p := &programs{}
	for _, b := range []struct {
		spec driver.Spec
		to   *string
	}{
		{hostSpec(), &p.host},
		{driver.Spec{Name: "probe.exe", Kind: driver.Program, Sources: os.DirFS("testdata"), Dirs: []string{"probe"}}, &p.probe},
		{driver.Spec{Name: "faulty.sys", Kind: driver.KernelDriver, Sources: os.DirFS("testdata"), Dirs: []string{"faulty"}, Libs: []string{"ntoskrnl"}}, &p.faulty},
	} {
		artifact, err := driver.Build(ctx, toolchain, b.spec, cache)
		if err != nil {
			return nil, err
		}
		*b.to = artifact.Path
	}
	return p, nil
})

// testProvider makes guests below a root of the test's own; the template, kept by content, is the user's.
func testProvider(t testing.TB, change func(*Options)) *Provider {
	t.Helper()
	if _, err := Find(t.Context()); err != nil {
		t.Skip(err)
	}
	p, err := compiled()
	if missing, ok := errors.AsType[*driver.MissingToolError](err); ok {
		t.Skip("no compiler for programs of the guest: ", missing)
	}
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cache, err := driver.DefaultCache()
	if err != nil {
		t.Fatal(err)
	}
	templates := filepath.Join(cache.Dir, "wine", "templates")
	// Beside the templates, or clones could not be hard links.
	if err := os.MkdirAll(templates, 0o755); err != nil {
		t.Fatal(err)
	}
	root, err := os.MkdirTemp(cache.Dir, "test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { checkNothingLeft(t, root) })
	if err := os.Mkdir(filepath.Join(root, "wine"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(templates, filepath.Join(root, "wine", "templates")); err != nil {
		t.Fatal(err)
	}
	o := Options{
		Root: root, Serve: []string{self, serveCommand}, Host: p.host,
		Seed: map[string]string{`C:\probe.exe`: p.probe, `C:\faulty.sys`: p.faulty},
	}
	if change != nil {
		change(&o)
	}
	provider, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return provider
}

// checkNothingLeft fails the test for each guest that it left behind, and removes it.
func checkNothingLeft(t testing.TB, root string) {
	t.Helper()
	// A guard may still be at it, under another name; one that never comes to its end is reported below.
	for range 10_000 {
		if going, _ := filepath.Glob(filepath.Join(guestsDir(root), replaced+"*")); len(going) == 0 {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	left, err := os.ReadDir(guestsDir(root))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	for _, entry := range left {
		t.Errorf("guest %s is left behind", entry.Name())
		if err := remove(filepath.Join(guestsDir(root), entry.Name()), 0); err != nil {
			t.Error(err)
		}
	}
	if err := os.RemoveAll(root); err != nil {
		t.Error(err)
	}
}

// processesOf lists the processes of the guest with this prefix.
func processesOf(prefix string) []int {
	var pids []int
	for _, n := range (kin{prefix: prefix}).processes() {
		pids = append(pids, n.pid)
	}
	return pids
}

func acquire(t testing.TB, p *Provider) *Machine {
	t.Helper()
	m, err := p.Acquire(t.Context(), vm.Target{Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	releaseAtEnd(t, m)
	return m.(*Machine)
}

func releaseAtEnd(t testing.TB, m vm.Machine) {
	t.Helper()
	t.Cleanup(func() {
		if err := m.Release(context.Background()); err != nil { // one that hangs is shown when the time of all tests is up
			t.Error(err)
		}
	})
}

// open makes a shell in a guest, which ends with the test.
func open(t testing.TB, m *Machine, o remote.ShellOptions) *remote.Shell {
	t.Helper()
	client, err := remote.New(m.Endpoint(), remote.Options{})
	if err != nil {
		t.Fatal(err)
	}
	shell, err := client.Shell(t.Context(), o)
	if err != nil {
		client.Close()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_ = shell.Close(ctx) // its guest may be gone, that is what some tests are about
		client.Close()
	})
	return shell
}

// next waits for the machine's next event.
func next(t *testing.T, m *Machine) vm.Event {
	t.Helper()
	select {
	case e, ok := <-m.Events():
		if !ok {
			t.Fatal("the events ended")
		}
		return e
	case <-testtime.Context(t).Done():
		t.Fatal("no event as long as the tests may take")
	}
	return vm.Event{}
}
