package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"wskharness/guest/journal"
)

const (
	latencyCases = 30
	quietFor     = 15 * time.Second // of a case that sleeps for longer
)

// following measures what it costs to follow a run: how long an event takes from the guest's journal to the
// terminal, and how many requests a guest gets whose run has nothing to say.
func (b *bench) following(ctx context.Context) error {
	config, err := b.followingSuite()
	if err != nil {
		return err
	}
	b.counted = true
	if err := b.latency(ctx, config); err != nil {
		return fmt.Errorf("latency of events: %w", err)
	}
	if err := b.quiet(ctx, config); err != nil {
		return fmt.Errorf("following a quiet guest: %w", err)
	}
	return b.print()
}

func (b *bench) followingSuite() (config string, err error) {
	var text strings.Builder
	text.WriteString("suite: latency\ndoc: Events at intervals\ncases:\n")
	for i := range latencyCases {
		fmt.Fprintf(&text, "  - {id: c%02d, doc: An event., steps: [register: {client: a}, sleep: 70ms, deregister: {client: a}]}\n", i)
	}
	const quiet = "suite: quiet\ndoc: Nothing to say\ncases:\n" +
		"  - {id: sleeps, doc: Sleeps., timeout: 40s, steps: [register: {client: a}, sleep: 5s, sleep: 20s, deregister: {client: a}]}\n"
	dir := filepath.Join(b.dir, "following")
	config = filepath.Join(dir, "wskharness.yaml")
	return config, errors.Join(
		os.Mkdir(dir, 0o755),
		os.WriteFile(config, []byte("targets: {wine: {provider: wine}}\nsuites: [latency.yaml, quiet.yaml]\n"), 0o644),
		os.WriteFile(filepath.Join(dir, "latency.yaml"), []byte(text.String()), 0o644),
		os.WriteFile(filepath.Join(dir, "quiet.yaml"), []byte(quiet), 0o644),
	)
}

// start runs the program in the background.
func (b *bench) start(ctx context.Context, args ...string) (*exec.Cmd, *bufio.Scanner, error) {
	cmd := exec.CommandContext(ctx, b.program, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	cmd.Dir, cmd.Env = b.dir, b.env()
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	return cmd, bufio.NewScanner(out), cmd.Start()
}

// latency compares the guest's times of each case's end, which are this machine's on a Wine guest, with those at
// which the program's line of it came.
func (b *bench) latency(ctx context.Context, config string) error {
	cmd, lines, err := b.start(ctx, "run", "--config", config, "latency")
	if err != nil {
		return err
	}
	shown := map[string]time.Time{}
	for lines.Scan() {
		for _, word := range strings.Fields(lines.Text()) {
			if _, known := shown[word]; !known && strings.HasPrefix(word, "latency.c") {
				shown[word] = time.Now()
			}
		}
	}
	if err := errors.Join(lines.Err(), cmd.Wait()); err != nil {
		return err
	}
	ends, err := caseEnds(filepath.Join(filepath.Dir(config), "wskharness-runs", "latest", "targets", "wine", "journal-1.ndjson"))
	if err != nil {
		return err
	}
	if len(ends) != latencyCases {
		return fmt.Errorf("%d cases ended, not %d", len(ends), latencyCases)
	}
	for n, end := range ends {
		at, ok := shown[fmt.Sprintf("latency.c%02d", n)]
		if !ok {
			return fmt.Errorf("case %d was not shown", n)
		}
		b.add("an event, from the guest's journal to the terminal", "ms", 300, float64(at.Sub(end).Microseconds())/1000)
	}
	return nil
}

// caseEnds are the times at which the cases of a guest's journal ended, by their index.
func caseEnds(journal string) (map[int]time.Time, error) {
	f, err := os.Open(journal)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var begun time.Time
	ends := map[int]time.Time{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var r struct {
			Ev     string
			N      int
			Ms     int64
			UnixMs int64
		}
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, err
		}
		switch r.Ev {
		case "run-start":
			begun = time.UnixMilli(r.UnixMs - r.Ms)
		case "case-end":
			ends[r.N] = begun.Add(time.Duration(r.Ms) * time.Millisecond)
		}
	}
	return ends, lines.Err()
}

// quiet follows a run beside the program that began it, while its one case sleeps, and counts requests.
func (b *bench) quiet(ctx context.Context, config string) error {
	cmd, lines, err := b.start(ctx, "run", "--config", config, "quiet")
	if err != nil {
		return err
	}
	defer cmd.Wait()                       // after the interrupt
	defer cmd.Process.Signal(os.Interrupt) // enough was seen
	go func() {
		for lines.Scan() {
		}
	}()
	up, run, err := b.underWay(ctx, filepath.Dir(config))
	if err != nil {
		return err
	}
	address, err := up.address()
	if err != nil {
		return err
	}
	s, err := up.connect(ctx, address)
	if err != nil {
		return err
	}
	defer s.close()
	stream, err := s.guest.Follow(ctx, run, journal.Position{}, nil)
	if err != nil {
		return err
	}
	defer stream.Close()
	for steps := 0; steps < 2; { // until it sleeps for long
		r, err := stream.Next(ctx)
		if err != nil {
			return err
		}
		if r.Ev == journal.EvStep {
			steps++
		}
	}
	before := s.client.Stats().Requests
	ctx, cancel := context.WithTimeout(ctx, quietFor)
	defer cancel()
	if r, err := stream.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("the guest was not quiet: %+v, %v", r, err)
	}
	b.add("following a quiet guest", "requests/s", 2, float64(s.client.Stats().Requests-before)/quietFor.Seconds())
	return nil
}

// underWay finds the guest of the run that was begun in a folder, and the run's id in the guest, once its first case has
// begun.
func (b *bench) underWay(ctx context.Context, dir string) (*upGuest, string, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		events, err := os.ReadFile(filepath.Join(dir, "wskharness-runs", "latest", "events.ndjson"))
		if err == nil && strings.Contains(string(events), `"case":"quiet.sleeps"`) && strings.Contains(string(events), `"case-started"`) {
			break
		}
		select {
		case <-ctx.Done():
			return nil, "", fmt.Errorf("the case did not begin: %w", ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
	latest, err := filepath.EvalSymlinks(filepath.Join(dir, "wskharness-runs", "latest"))
	if err != nil {
		return nil, "", err
	}
	listed, err := b.run(ctx, "vm", "list", "--json")
	if err != nil {
		return nil, "", err
	}
	var guests []struct {
		upGuest
		Run string
	}
	if err := json.Unmarshal(listed.stdout, &guests); err != nil {
		return nil, "", fmt.Errorf("vm list --json: %w", err)
	}
	for i := range guests {
		if guests[i].Run == filepath.Base(latest) {
			return &guests[i].upGuest, guests[i].Run + "-wine-1", nil
		}
	}
	return nil, "", fmt.Errorf("no guest of run %s is up: %s", filepath.Base(latest), listed.stdout)
}
