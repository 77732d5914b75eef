package harness

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"wskharness/results"
	"wskharness/suites"
	"wskharness/testtime"
)

// slowBuild is a plan for a driver whose build takes longer than anybody waits, and for a machine that nobody can reach.
func slowBuild(t *testing.T) *Plan {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "taint.yaml"), []byte(taintSuite), 0o644); err != nil {
		t.Fatal(err)
	}
	config, err := parseConfig([]byte("targets: {lab: {provider: static, url: 'https://127.0.0.1:1/wsman', user: u, password_env: P, auth: basic}}\n"+
		"driver: {source: ., build: [sleep, '600'], sys: x.sys}\nsuites: [taint.yaml]\n"), ConfigName, dir)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := NewPlan(Request{Config: config, Out: config.Out, Selection: suites.Selection{Patterns: []string{"taint.well"}}})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func TestBuildIsEndedByTheLimitOfTheRun(t *testing.T) {
	plan := slowBuild(t)
	plan.Request.Config.Limits.Run = 500 * time.Millisecond
	_, err := plan.Run(testtime.Context(t), testEnv(t))
	if _, ok := errors.AsType[*BuildError](err); !ok || err.Error() != "build: the limit of the run of 500ms was up" {
		t.Errorf("error %v", err)
	}
}

func TestInterruptWhileBuilding(t *testing.T) {
	ctx, interrupt := context.WithCancel(testtime.Context(t))
	time.AfterFunc(500*time.Millisecond, interrupt)
	done, err := slowBuild(t).Run(ctx, testEnv(t))
	if err != nil || done.Record.Reason != results.Interrupted {
		t.Errorf("%v, error %v", done.Record.Reason, err)
	}
}
