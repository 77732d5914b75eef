package harnesstest

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"testing"

	"github.com/hashicorp/go-hclog"

	"wskharness/driver"
	"wskharness/driver/drivertest"
	"wskharness/remote/winrmd"
	"wskharness/targets"
	"wskharness/testtime"
	"wskharness/vm"
	"wskharness/vm/kinds"
	"wskharness/vm/wine"
)

const (
	serveCommand = "wine-guest"
	// ResetCommand makes the test binary the program that turns the guest of a cache and an id off and on.
	ResetCommand = "reset-guest"
	// RevertCommand likewise makes it the program that reverts the guest.
	RevertCommand = "revert-guest"
)

// Main is a TestMain that makes the test binary the process that serves a guest, too; with a word before the role, over a
// network whose faults are made of that. Without such a word failing is not called.
func Main(m *testing.M, failing func(word string) func(winrmd.Request) winrmd.InjectedFault) {
	n := len(os.Args)
	var err error
	switch {
	case n >= 3 && os.Args[n-2] == serveCommand:
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		o := wine.ServeOptions{}
		if n == 4 {
			o.Inject = failing(os.Args[1])
		}
		err = wine.Serve(ctx, os.Args[n-1], os.NewFile(3, "ready"), o)
	case n == 4 && os.Args[1] == ResetCommand:
		err = reset(os.Args[2], os.Args[3])
	case n == 4 && os.Args[1] == RevertCommand:
		err = revert(os.Args[2], os.Args[3])
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func reset(cache, id string) error {
	up, err := found(cache, id)
	if err != nil {
		return err
	}
	return up.Reset(context.Background()) // whoever started this process ends it
}

func revert(cache, id string) error {
	up, err := found(cache, id)
	if err != nil {
		return err
	}
	_, err = up.Revert(context.Background())
	return err
}

func found(cache, id string) (*wine.State, error) {
	up, err := wine.List(cache)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(up, func(s wine.State) bool { return s.ID == id })
	if at < 0 {
		return nil, fmt.Errorf("find guest %s: it is not among the %d that are up", id, len(up))
	}
	return &up[at], nil
}

// Host is an environment with guests of the test's own; what is kept by content is the user's. Tests that have one
// run side by side: most of their time they wait.
func Host(t *testing.T) vm.Host {
	t.Helper()
	t.Parallel()
	if _, err := wine.Find(t.Context()); err != nil {
		t.Skip(err)
	}
	shared, err := driver.DefaultCache()
	if err != nil {
		t.Fatal(err)
	}
	cache := t.TempDir()
	if err := drivertest.Share(shared.Dir, cache, "wine/templates"); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return vm.Host{Kinds: kinds.All(), Logger: hclog.NewNullLogger(), Cache: cache, Program: []string{self}, Getenv: os.Getenv}
}

// BringUp has a guest up until the test ends.
func BringUp(t *testing.T, host vm.Host) *wine.State {
	t.Helper()
	ctx := testtime.Context(t)
	config, err := LoadConfig("", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	up, err := targets.Up(ctx, config, host, "wine")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := targets.Down(context.Background(), config, host, nil, true); err != nil {
			t.Error(err)
		}
	})
	return up.(*wine.State)
}
