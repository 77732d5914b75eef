// Command bench measures wskharness as its users meet it: whole commands, several runs each, medians. It is a
// module of its own, so that the peers it measures never become dependencies of the product.
//
//	make bench
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"text/tabwriter"
	"time"
)

func main() {
	program := flag.String("program", "bin/wskharness", "what is measured")
	runs := flag.Int("runs", 7, "counted runs of each command, after one that is not counted")
	flag.Parse()
	if err := measure(*program, *runs); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// figure is one thing that is measured, over the runs.
type figure struct {
	name   string
	unit   string
	limit  float64 // what it must not exceed at the median; 0: none
	values []float64
}

func measure(program string, runs int) error {
	program, err := filepath.Abs(program)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "wskharness-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{program: program, dir: dir, figures: map[string]*figure{}}
	for i := range runs + 1 {
		b.counted = i > 0
		if err := b.round(); err != nil {
			return err
		}
	}
	return b.print(runs)
}

type bench struct {
	program string
	dir     string
	counted bool
	order   []*figure
	figures map[string]*figure
}

func (b *bench) add(name, unit string, limit, value float64) {
	if !b.counted {
		return
	}
	f := b.figures[name]
	if f == nil {
		f = &figure{name: name, unit: unit, limit: limit}
		b.figures[name] = f
		b.order = append(b.order, f)
	}
	f.values = append(f.values, value)
}

// round measures everything once.
func (b *bench) round() error {
	build, err := b.run("build")
	if err != nil {
		return err
	}
	b.add("second `build`, nothing changed", "s", 0.1, build.took.Seconds())

	registration, err := b.run("run", "registration")
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

	whole, err := b.run("run")
	if err != nil {
		return err
	}
	b.add("`run`, both suites", "s", 0, whole.took.Seconds())
	b.add("`run`, peak memory of the controller", "MiB", 64, whole.mebibytes)
	return b.guest()
}

// guest measures a guest's cold start and its revert, both to "a driver can be loaded".
func (b *bench) guest() error {
	if _, err := b.run("vm", "up", "wine"); err != nil {
		return err
	}
	revert, err := b.run("vm", "revert", "wine")
	if err != nil {
		return err
	}
	b.add("`vm revert`", "s", 0, revert.took.Seconds())
	noop, err := b.run("vm", "exec", "wine", "exit 0")
	if err != nil {
		return err
	}
	b.add("`vm exec` of nothing", "s", 0, noop.took.Seconds())
	_, err = b.run("vm", "down", "--all")
	return err
}

type usage struct {
	took      time.Duration
	mebibytes float64
}

// run runs the program once. It must succeed: the time of a failure says nothing.
func (b *bench) run(args ...string) (usage, error) {
	cmd := exec.Command(b.program, args...)
	cmd.Dir = b.dir
	begun := time.Now()
	out, err := cmd.CombinedOutput()
	took := time.Since(begun)
	if err != nil {
		return usage{}, fmt.Errorf("%v: %w\n%s", args, err, out)
	}
	r, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return usage{}, errors.New("no resource usage on this system")
	}
	return usage{took, float64(r.Maxrss) / 1024}, nil
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

func (b *bench) print(runs int) error {
	fmt.Printf("%d runs of each after one that is not counted, on %d CPUs\n\n", runs, runtime.NumCPU())
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "median\tmin\tmax\t\tlimit\t  what")
	over := false
	for _, f := range b.order {
		slices.Sort(f.values)
		median, limit := f.values[len(f.values)/2], "-"
		if f.limit > 0 {
			limit = fmt.Sprint(f.limit)
			if median > f.limit {
				limit += " EXCEEDED"
				over = true
			}
		}
		fmt.Fprintf(w, "%.3f\t%.3f\t%.3f\t%s\t%s\t  %s\n", median, f.values[0], f.values[len(f.values)-1], f.unit, limit, f.name)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if over {
		return errors.New("a limit was exceeded")
	}
	return nil
}
