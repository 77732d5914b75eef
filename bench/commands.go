package main

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"time"
)

// commands measures whole commands.
func (b *bench) commands(ctx context.Context, runs int) error {
	for i := range runs + 1 {
		b.counted = i > 0
		if err := b.round(ctx); err != nil {
			return err
		}
	}
	return b.print()
}

// round measures everything once.
func (b *bench) round(ctx context.Context) error {
	build, err := b.run(ctx, "build")
	if err != nil {
		return err
	}
	b.add("second `build`, nothing changed", "s", 0.1, build.took.Seconds())

	registration, err := b.run(ctx, "run", "registration")
	if err != nil {
		return err
	}
	cases, err := b.casesOfLatest()
	if err != nil {
		return err
	}
	b.add("`run registration`, outside its cases", "s", 1.5, (registration.took - cases).Seconds())
	b.add("`run registration`, whole", "s", 0, registration.took.Seconds())
	b.add("`run registration`, peak memory of the controller", "MiB", 64, registration.mebibytes)

	whole, err := b.run(ctx, "run")
	if err != nil {
		return err
	}
	b.add("`run`, both suites", "s", 0, whole.took.Seconds())
	b.add("`run`, peak memory of the controller", "MiB", 64, whole.mebibytes)
	return b.guest(ctx)
}

// guest measures a guest's revert, to "a driver can be loaded", and a command in it.
func (b *bench) guest(ctx context.Context) error {
	up, err := b.up(ctx)
	if err != nil {
		return err
	}
	defer up.down()
	revert, err := b.run(ctx, "vm", "revert", up.ID)
	if err != nil {
		return err
	}
	b.add("`vm revert`", "s", 0, revert.took.Seconds())
	noop, err := b.run(ctx, "vm", "exec", up.ID, "exit 0")
	if err != nil {
		return err
	}
	b.add("`vm exec` of nothing", "s", 0, noop.took.Seconds())
	return nil
}

// casesOfLatest is how long the cases of the newest run took, by the guest's clock. On the way it measures how
// long it took from the run's first move to the first case.
func (b *bench) casesOfLatest() (time.Duration, error) {
	f, err := os.Open(filepath.Join(b.dir, "wskharness-runs", "latest", "events.ndjson"))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	var sum time.Duration
	var acquire, first time.Time
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		var e struct {
			Kind    string
			Time    time.Time
			Phase   struct{ Name, State string }
			Verdict struct {
				Elapsed time.Duration `json:"elapsedNs"`
			}
		}
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return 0, err
		}
		sum += e.Verdict.Elapsed
		switch {
		case e.Phase.Name == "acquire" && e.Phase.State == "started":
			acquire = e.Time
		case e.Kind == "case-started" && first.IsZero():
			first = e.Time
		}
	}
	b.add("cold guest to the first case in the loaded driver", "s", 0, first.Sub(acquire).Seconds())
	return sum, lines.Err()
}
