package harness

import (
	"os"
	"path/filepath"
	"testing"

	"wskharness/config"
	"wskharness/driver"
	"wskharness/harness/harnesstest"
	"wskharness/results"
	"wskharness/suites"
	"wskharness/testtime"
	"wskharness/workshop"
)

// runTargets runs the builtin suites on the targets of a configuration.
func runTargets(t *testing.T, env Env, targets string, patterns ...string) *results.Record {
	t.Helper()
	return runSelected(t, env, targets, suites.Selection{Patterns: patterns})
}

func runSelected(t *testing.T, env Env, targets string, selection suites.Selection) *results.Record {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, config.Name), []byte(targets), 0o644); err != nil {
		t.Fatal(err)
	}
	config, err := harnesstest.LoadConfig("", dir)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := NewPlan(Request{Config: config, Out: config.Out, Selection: selection})
	if err != nil {
		t.Fatal(err)
	}
	ctx := testtime.Context(t)
	done, err := plan.Run(ctx, env)
	if err != nil {
		t.Fatal(err)
	}
	return done.Record
}

// TestModelKeepsEveryRule runs everything but stress on the model: each case passes, and none is skipped. The second
// target loads the same file as a provider of the user's own, which provider steps don't control unless it is said.
func TestModelKeepsEveryRule(t *testing.T) {
	env := testEnv(t)
	w, err := workshop.New(t.Context(), env.Host)
	if err != nil {
		t.Fatal(err)
	}
	built, err := driver.Build(t.Context(), w.Toolchain, driver.ModelSpec(nil), w.Cache)
	if err != nil {
		t.Fatal(err)
	}
	all := runSelected(t, env, "targets: {model: {provider: wine, netio: model}}\n", suites.Selection{
		Patterns: []string{"registration", "capture", "negotiation", "lifecycle", "sockets", "boot"}, Tags: []string{"!slow"}})
	if got := all.Counts[results.Pass]; got < 135 || len(all.Counts) != 1 {
		t.Errorf("on the model: %v", all.Counts)
	}
	own := runTargets(t, env, "targets: {own: {provider: wine, netio: "+built.Path+"}}\n", "capture.cancel_waiter", "capture.after_deregister", "negotiation.query_after_ok")
	if own.Counts[results.Pass] != 2 || own.Counts[results.Skip] != 1 {
		t.Errorf("on a provider of the user's own: %v", own.Counts)
	}
}
