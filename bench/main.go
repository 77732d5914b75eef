// Command bench measures wskharness as its users meet it: whole commands, several runs each, medians; and the
// transfer of files against other WinRM clients, over one endpoint in front of one real Wine guest. It is a
// module of its own, so that the peers it measures never become dependencies of the product.
//
//	make bench
//	bin/bench -only transfers
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	program := flag.String("program", "bin/wskharness", "what is measured")
	runs := flag.Int("runs", 7, "counted runs of each command, after one that is not counted")
	only := flag.String("only", "", "builds, commands, starts, machines, steps, following or transfers; empty is all")
	flag.Parse()
	if err := measure(ctx, *program, *runs, *only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context, program string, runs int, only string) error {
	parts := []string{"builds", "commands", "starts", "machines", "steps", "following", "transfers"}
	if only != "" && !slices.Contains(parts, only) {
		return fmt.Errorf("-only %q: expected %s", only, strings.Join(parts, ", "))
	}
	program, err := filepath.Abs(program)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "wskharness-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := newBench(program, dir)
	fmt.Printf("on %d CPUs, %d runs of each unless it says otherwise, after one that is not counted\n\n", runtime.NumCPU(), runs)
	var errs []error
	if only == "" || only == "builds" {
		errs = append(errs, newBench(program, dir).builds(ctx, runs))
	}
	if only == "" || only == "commands" {
		errs = append(errs, b.commands(ctx, runs))
	}
	if only == "" || only == "starts" {
		errs = append(errs, newBench(program, dir).starts(ctx, runs))
	}
	if only == "" || only == "machines" {
		errs = append(errs, newBench(program, dir).machines(ctx, runs))
	}
	if only == "" || only == "steps" {
		errs = append(errs, newBench(program, dir).steps(ctx, runs))
	}
	if only == "" || only == "following" {
		errs = append(errs, newBench(program, dir).following(ctx))
	}
	if only == "" || only == "transfers" {
		errs = append(errs, b.transfers(ctx, runs))
	}
	return errors.Join(errs...)
}

func newBench(program, dir string) *bench {
	return &bench{program: program, dir: dir, figures: map[string]*figure{}}
}

type bench struct {
	program string
	dir     string
	counted bool
	order   []*figure
	figures map[string]*figure
}

type usage struct {
	took      time.Duration
	mebibytes float64
	stdout    []byte
}

// env has a cache of its own, so that these guests and those of whoever works here leave each other alone.
func (b *bench) env() []string {
	return append(os.Environ(), "XDG_CACHE_HOME="+filepath.Join(b.dir, "cache"))
}

// run runs the program once. It must succeed: the time of a failure says nothing.
func (b *bench) run(ctx context.Context, args ...string) (usage, error) {
	cmd := exec.CommandContext(ctx, b.program, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // so that it tidies up
	cmd.WaitDelay = 10 * time.Second
	cmd.Dir = b.dir
	cmd.Env = b.env()
	begun := time.Now()
	out, err := cmd.Output()
	took := time.Since(begun)
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			out = append(out, exit.Stderr...)
		}
		return usage{}, fmt.Errorf("%v: %w\n%s", args, err, out)
	}
	r, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return usage{}, errors.New("no resource usage on this system")
	}
	return usage{took, float64(r.Maxrss) / 1024, out}, nil
}
