// Command mutants proves that the suites notice. It builds the model of a WSK provider, and the sample driver, each
// time with one known defect (driver/model/defects.h, driver/kernel/defects.h), runs the suites on a Wine guest with
// it, and tells which case caught the defect, by which rule, and with which message. It fails when one is not caught
// by a case that its declaration names, or when something other than a case is what fails.
//
//	make mutants
//	bin/mutants 'model.TIMEOUT_*' sample.DOUBLE_CLOSE
//
// docs/mutants.md says how to add a defect and how to read what is printed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"

	"wskharness/driver"
	"wskharness/harness"
	"wskharness/vm"
	"wskharness/vm/kinds"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	played, err := vm.Play(ctx, kinds.All(), os.Args[1:], hclog.NewNullLogger())
	if !played {
		err = command(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		stop()
		os.Exit(1)
	}
}

func command(ctx context.Context) error {
	guests := flag.Int("guests", 2*runtime.NumCPU(), "Wine guests at a time: most cases wait more than they work")
	keep := flag.String("keep", "", "folder to keep the runs in; none are kept otherwise")
	list := flag.Bool("list", false, "only tell the defects, and what has to catch them")
	flag.Parse()
	if *guests < 1 || *guests > 64 {
		return fmt.Errorf("-guests %d: want 1 to 64", *guests)
	}
	all, err := readDefects(driver.Sources())
	if err != nil {
		return err
	}
	chosen, err := choose(all, flag.Args())
	if err != nil {
		return err
	}
	out := newTable(os.Stdout)
	if *list {
		out.list(chosen)
		return nil
	}
	dir := *keep
	if dir == "" {
		if dir, err = os.MkdirTemp("", "wskharness-mutants-"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	env, err := environment()
	if err != nil {
		return err
	}
	l, err := newLab(env, dir)
	if err != nil {
		return err
	}
	return l.all(ctx, all, chosen, *guests, out)
}

func environment() (harness.Env, error) {
	cache, err := driver.DefaultCache()
	if err != nil {
		return harness.Env{}, err
	}
	self, err := os.Executable()
	if err != nil {
		return harness.Env{}, err
	}
	return harness.Env{Host: vm.Host{
		Kinds: kinds.All(), Logger: hclog.NewNullLogger(), Cache: cache.Dir, Program: []string{self}, Getenv: os.Getenv,
	}}, nil
}

// all tries those of the known defects that were chosen, so many at a time, and tells of each in its turn.
func (l *lab) all(ctx context.Context, known, chosen []defect, guests int, out *table) error {
	tried, begun := inTable(chosen), time.Now()
	if len(tried) == 0 {
		return errors.New("none of these defects is in the table: `bin/mutants -list` tells why")
	}
	out.begin(len(tried), len(l.cases), guests)
	results := make([]chan finding, len(tried))
	for i := range results {
		results[i] = make(chan finding, 1)
	}
	lanes := make(chan struct{}, guests)
	go func() {
		for i, d := range tried {
			lanes <- struct{}{}
			go func() {
				defer func() { <-lanes }()
				results[i] <- l.try(ctx, d)
			}()
		}
	}()
	var findings []finding
	for _, result := range results {
		f := <-result
		if err := context.Cause(ctx); err != nil {
			for _, other := range results[len(findings)+1:] {
				<-other // its guest is let go
			}
			return fmt.Errorf("after %d of %d defects: %w", len(findings), len(tried), err)
		}
		findings = append(findings, f)
		out.finding(f, len(l.cases))
	}
	out.end(findings, chosen, time.Since(begun))
	if len(chosen) == len(known) {
		out.idle(findings, l.cases)
	}
	for _, f := range findings {
		if !f.ok() {
			return errors.New("not every defect was caught as it has to be")
		}
	}
	return nil
}
