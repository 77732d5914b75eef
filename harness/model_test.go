package harness

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"wskharness/driver"
	"wskharness/results"
	"wskharness/suites"
)

// runTargets runs the builtin suites on the targets of a configuration.
func runTargets(t *testing.T, env Env, targets string, patterns ...string) *results.Record {
	t.Helper()
	return runSelected(t, env, targets, suites.Selection{Patterns: patterns})
}

func runSelected(t *testing.T, env Env, targets string, selection suites.Selection) *results.Record {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, ConfigName), []byte(targets), 0o644); err != nil {
		t.Fatal(err)
	}
	config, err := LoadConfig("", dir)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := NewPlan(Request{Config: config, Out: config.Out, Selection: selection})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	done, err := plan.Run(ctx, env)
	if err != nil {
		t.Fatal(err)
	}
	return done.Record
}

// TestModelKeepsEveryRule runs everything on the model: each case passes, and none is skipped. The second
// target loads the same file as a provider of the user's own, which provider steps don't control.
func TestModelKeepsEveryRule(t *testing.T) {
	env := testEnv(t)
	w, err := NewWorkshop(t.Context(), env.Cache)
	if err != nil {
		t.Fatal(err)
	}
	built, err := driver.Build(t.Context(), w.Toolchain, driver.ModelSpec(nil), w.Cache)
	if err != nil {
		t.Fatal(err)
	}
	all := runSelected(t, env, "targets: {model: {provider: wine, netio: model}}\n", suites.Selection{
		Patterns: []string{"registration", "capture", "negotiation", "lifecycle", "sockets", "boot"}, Tags: []string{"!slow"}})
	if got := all.Counts[results.Pass]; got < 123 || len(all.Counts) != 1 {
		t.Errorf("on the model: %v", all.Counts)
	}
	own := runTargets(t, env, "targets: {own: {provider: wine, netio: "+built.Path+"}}\n", "capture.cancel_waiter", "capture.after_deregister", "negotiation.query_after_ok")
	if own.Counts[results.Pass] != 2 || own.Counts[results.Skip] != 1 {
		t.Errorf("on a provider of the user's own: %v", own.Counts)
	}
}

// TestSuitesNoticeABrokenModel builds the model with defects; of the cases that run, just those that are
// about the broken rule fail.
func TestSuitesNoticeABrokenModel(t *testing.T) {
	env := testEnv(t)
	rules := []string{"capture.deregister_waits_one", "capture.nointerface", "capture.timed_not_ready",
		"lifecycle.deregister_waits_socket", "lifecycle.transport_change_cancel", "sockets.cancel_accept"}
	for _, broken := range []struct {
		defect   string
		caughtBy []string
	}{
		{"NO_WAIT", []string{rules[0], rules[3]}}, // sockets are waited for in the same place
		{"NO_VERSION_CHECK", rules[1:2]},
		{"TIMEOUT_IGNORED", rules[2:3]},
		{"SOCKETS_NOT_AWAITED", rules[3:4]},
		{"CHANGE_NOT_CANCELLED", rules[4:5]},
		{"NOT_CANCELABLE", rules[5:6]},
	} {
		t.Run(broken.defect, func(t *testing.T) {
			record := runTargets(t, env, "targets: {broken: {provider: wine, netio: model, model_defines: {WSKMODEL_DEFECT: WSKMODEL_DEFECT_"+
				broken.defect+"}}}\n", rules...)
			if record.Counts[results.Fail] != len(broken.caughtBy) || record.Counts[results.Pass] != len(rules)-len(broken.caughtBy) {
				t.Fatalf("%v", record.Counts)
			}
			for _, target := range record.Targets {
				for _, c := range target.Cases {
					if (c.Final == results.Fail) != slices.Contains(broken.caughtBy, c.Name) {
						t.Errorf("%s: %s", c.Name, c.Final)
					}
				}
			}
		})
	}
}
