//go:build linux

package targets_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/hashicorp/go-hclog"

	"wskharness/config"
	"wskharness/driver"
	"wskharness/driver/drivertest"
	"wskharness/harness"
	"wskharness/host"
	"wskharness/results"
	"wskharness/settings"
	"wskharness/strictyaml"
	"wskharness/suites"
	"wskharness/targets"
	"wskharness/testtime"
	"wskharness/vm"
	"wskharness/vm/kinds"
	"wskharness/vm/wine"
)

// shelf is a kind of machine that nothing but this file knows: one of some slots, with a Wine guest in it.
func shelf() vm.Kind {
	inside := wine.Kind()
	room := func(cache string) string { return filepath.Join(cache, "shelf") }
	return vm.Kind{
		Name: "shelf", Checks: func(_ context.Context, needed bool) []vm.Check {
			return []vm.Check{{Name: "shelf", OK: true, Needed: needed, Detail: "it hangs on the wall"}}
		},
		List: func(ctx context.Context, h vm.Host) ([]vm.Guest, error) {
			h.Cache = room(h.Cache)
			return inside.List(ctx, h)
		},
		Sweep: func(ctx context.Context, h vm.Host) ([]string, error) {
			h.Cache = room(h.Cache)
			return inside.Sweep(ctx, h)
		},
		Kept: func(cache string) ([]vm.Kept, error) { return inside.Kept(room(cache)) },
		Form: func() vm.Form {
			var slot uint64
			var model bool
			number := settings.Value{Schema: settings.Object{"type": "integer", "minimum": 1, "maximum": 9},
				Read: func(r *settings.Reader, n *strictyaml.Node, what string) { slot, _ = r.Number(n, what, 1, 9) }}
			return vm.Form{
				Keys: settings.Table{Doc: "A machine on the shelf.", Keys: []settings.Key{
					{Name: "slot", Doc: "Where it stands.", Must: "slot: 1 to 9", Value: number},
					{Name: "model", Value: settings.Bool(&model)},
				}},
				Define: func(r *settings.Reader, given settings.Given) vm.Definition {
					if slot == 9 && model {
						r.At(given["model"], "another slot", "slot 9 is too narrow for a model")
					}
					d := inside.Form().Define(r, nil)
					make := d.Provider
					d.Description, d.Shared, d.Stack.Word = fmt.Sprintf("slot %d", slot), fmt.Sprintf("shelf:%d", slot), "shelved"
					d.Provider = func(h vm.Host) (vm.Provider, error) {
						h.Cache = room(h.Cache)
						return make(h)
					}
					return d
				},
			}
		},
	}
}

func known() []vm.Kind { return append(kinds.All(), shelf()) }

// TestMain makes the test binary what the kinds call it to be, too.
func TestMain(m *testing.M) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if played, err := vm.Play(ctx, known(), os.Args[1:], hclog.NewNullLogger()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	} else if !played {
		os.Exit(m.Run())
	}
}

// TestAnotherKind: a kind of machine is one value in a list. What is wrong with such a target is told at its place; it is
// known to doctor and the schema, planned, brought up, listed, run on and taken down, and no other file knows of it.
func TestAnotherKind(t *testing.T) {
	dir := t.TempDir()
	_, err := config.Parse(known(), []byte("targets:\n  a: {provider: shelf}\n  b: {provider: shelf, slot: 10, slto: 1}\n  c: {provider: shelf, slot: 9, model: true}\n  d: {provider: shlf}\n"), "c.yaml", dir)
	for _, want := range []string{
		"c.yaml:2:6: target a has no slot (expected slot: 1 to 9)", "c.yaml:3:30: slot is \"10\" (expected a whole number from 1 to 9)",
		`c.yaml:3:34: unknown key "slto" in target b; did you mean "slot"?`, "c.yaml:4:40: slot 9 is too narrow for a model (expected another slot)",
		`c.yaml:5:17: provider is "shlf"; did you mean "shelf"? (expected one of `,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
	if schema := string(config.Schema(known())); !strings.Contains(schema, `"const": "shelf"`) || !strings.Contains(schema, `"description": "Where it stands."`) {
		t.Error("the schema does not know the kind")
	}

	if _, err := wine.Find(t.Context()); err != nil {
		t.Skip(err)
	}
	shared, noCache := driver.DefaultCache()
	self, err := os.Executable()
	if err := errors.Join(noCache, err); err != nil {
		t.Fatal(err)
	}
	env := vm.Host{Kinds: known(), Logger: hclog.NewNullLogger(), Cache: t.TempDir(), Program: []string{self}, Getenv: os.Getenv}
	if err := errors.Join(drivertest.Share(shared.Dir, env.Cache), drivertest.Share(shared.Dir, filepath.Join(env.Cache, "shelf"), "wine/templates")); err != nil {
		t.Fatal(err)
	}
	c, err := config.Parse(known(), []byte("targets: {a: {provider: shelf, slot: 3}}\n"), "c.yaml", dir)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(host.Examine(t.Context(), c, env.Kinds), vm.Check{Name: "shelf", OK: true, Needed: true, Detail: "it hangs on the wall"}) {
		t.Error("doctor does not ask the kind")
	}
	ctx := testtime.Context(t)
	up, err := targets.Up(ctx, c, env, "")
	if err != nil {
		t.Fatal(err)
	}
	g, err := targets.Kept(ctx, env, c, "a", nil)
	if list, listErr := targets.Guests(ctx, env); err != nil || listErr != nil || len(list) != 1 || g.ID != up.Info().ID || !g.Kept || up.Info().Ready <= 0 {
		t.Errorf("%v, %v, %v: %+v", list, err, listErr, up.Info())
	}
	plan, err := harness.NewPlan(harness.Request{Config: c, Targets: []string{"a"}, Guest: g.ID, Warm: true, Out: dir, Selection: suites.Selection{Patterns: []string{"capture.no_wait"}}})
	if err != nil {
		t.Fatal(err)
	}
	var dry bytes.Buffer
	if err := plan.Describe(&dry); err != nil || !strings.Contains(dry.String(), "target: a (shelf, slot 3)\n") {
		t.Errorf("%v: %s", err, &dry)
	}
	done, err := plan.Run(ctx, harness.Env{Host: env})
	if err != nil || done.Record.Counts[results.Pass] != 1 || done.Record.Targets[0].Guest.Facts.Netio != "shelved" {
		t.Errorf("%v: %+v", err, done)
	}
	if ended, err := targets.Down(ctx, c, env, []string{"a"}, false); err != nil || !slices.Contains(ended, g.ID+" is down") {
		t.Errorf("%v, %v", ended, err)
	}
}
