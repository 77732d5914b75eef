// Command controller proves that the tests notice a controller, or an agent, that is wrong. It breaks one line at a time, as
// defects.yaml declares (a check that is dropped, an error that is swallowed, a record that is taken twice), and runs the
// test that has to fail then.
//
//	make mutants
//	bin/mutants-controller 'a pass*'
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"gopkg.in/yaml.v3"

	"wskharness/child"
)

// defect is one way of being wrong.
type defect struct {
	Name string `yaml:"name"` // what is wrong, as a sentence
	File string `yaml:"file"` // from the module's root
	Was  string `yaml:"was"`  // text that the file has once
	Is   string `yaml:"is"`   // what stands in its place
	Test string `yaml:"test"` // that has to fail: package and name, such as harness/driverrun.TestCrashMatrix
}

// where is the package of the test, and its name.
func (d defect) where() (pkg, test string) {
	dot := strings.LastIndex(d.Test, ".")
	return "./" + d.Test[:dot], d.Test[dot+1:]
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "mutants of the controller:", err)
		stop()
		os.Exit(1)
	}
}

func command(ctx context.Context) error {
	lanes := flag.Int("lanes", runtime.NumCPU(), "defects that are tried at a time")
	root := flag.String("root", ".", "the module's root")
	flag.Parse()
	all, err := readDefects(*root)
	if err != nil {
		return err
	}
	chosen := choose(all, flag.Args())
	if len(chosen) == 0 {
		return fmt.Errorf("none of the %d defects is called so", len(all))
	}
	begun, missed := time.Now(), tryAll(ctx, *root, chosen, *lanes)
	fmt.Printf("%d of %d defects were caught, in %s\n", len(chosen)-missed, len(chosen), time.Since(begun).Round(time.Second))
	if missed > 0 {
		return errors.New("not every defect was caught")
	}
	return ctx.Err()
}

// readDefects reads the table, and checks that each defect can be made.
func readDefects(root string) ([]defect, error) {
	data, err := os.ReadFile(filepath.Join(root, "mutants", "controller", "defects.yaml"))
	if err != nil {
		return nil, err
	}
	var all []defect
	decoder := yaml.NewDecoder(strings.NewReader(string(data)))
	decoder.KnownFields(true)
	if err := decoder.Decode(&all); err != nil {
		return nil, fmt.Errorf("defects.yaml: %w", err)
	}
	var problems []error
	for _, d := range all {
		if _, err := d.broken(root); err != nil {
			problems = append(problems, err)
		}
	}
	return all, errors.Join(problems...)
}

// broken is the file with the defect in it.
func (d defect) broken(root string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(d.File)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.Name, err)
	}
	if n := strings.Count(string(text), d.Was); n != 1 || d.Was == d.Is {
		return nil, fmt.Errorf("%s: %s has %q %d times, and not once", d.Name, d.File, d.Was, n)
	}
	return []byte(strings.Replace(string(text), d.Was, d.Is, 1)), nil
}

func choose(all []defect, patterns []string) (chosen []defect) {
	for _, d := range all {
		wanted := len(patterns) == 0
		for _, p := range patterns {
			if ok, _ := path.Match(p, d.Name); ok {
				wanted = true
			}
		}
		if wanted {
			chosen = append(chosen, d)
		}
	}
	return chosen
}

// tryAll tries defects, so many at a time, tells of each in its turn, and returns how many were not caught.
func tryAll(ctx context.Context, root string, all []defect, lanes int) (missed int) {
	said := make([]chan string, len(all))
	for i := range said {
		said[i] = make(chan string, 1)
	}
	var running sync.WaitGroup
	free := make(chan struct{}, lanes)
	running.Go(func() {
		for i, d := range all {
			free <- struct{}{}
			running.Go(func() {
				defer func() { <-free }()
				said[i] <- d.try(ctx, root)
			})
		}
	})
	for i, d := range all {
		word := <-said[i]
		if word != "caught" {
			missed++
		}
		fmt.Printf("%-11s %s\n            by %s\n", word, d.Name, d.Test)
	}
	running.Wait()
	return missed
}

// try makes the defect and runs its test: "caught" when that test fails, by its own word.
func (d defect) try(ctx context.Context, root string) string {
	dir, err := os.MkdirTemp("", "wskharness-mutants-")
	if err != nil {
		return err.Error()
	}
	defer os.RemoveAll(dir)
	overlay, err := d.overlay(root, dir)
	if err != nil {
		return err.Error()
	}
	pkg, test := d.where()
	env, err := child.Environment{Also: goVariables()}.List()
	if err != nil {
		return err.Error()
	}
	cmd := child.Command(ctx, env, "go", "test", "-v", "-count=1", "-vet=off", "-timeout=5m", "-overlay", overlay, "-run", "^"+test+"$", pkg)
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	switch text := string(out); {
	case err == nil && !strings.Contains(text, "=== RUN   "+test+"\n"):
		return "WRONG: there is no " + test
	case err == nil:
		return "NOT CAUGHT"
	case strings.Contains(text, "--- FAIL: "+test):
		return "caught"
	default:
		return "WRONG: " + text
	}
}

// goVariables are those that are set of what the go command is told by its environment.
func goVariables() (set []string) {
	for _, name := range []string{"GOFLAGS", "GOCACHE", "GOMODCACHE", "GOPATH", "GOPROXY", "GOTOOLCHAIN"} {
		if _, is := os.LookupEnv(name); is {
			set = append(set, name)
		}
	}
	return set
}

// overlay has the broken file stand in the place of the whole one.
func (d defect) overlay(root, dir string) (string, error) {
	text, err := d.broken(root)
	if err != nil {
		return "", err
	}
	whole, err := filepath.Abs(filepath.Join(root, filepath.FromSlash(d.File)))
	if err != nil {
		return "", err
	}
	instead := filepath.Join(dir, filepath.Base(d.File))
	list, err := json.Marshal(map[string]map[string]string{"Replace": {whole: instead}})
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "overlay.json")
	return file, errors.Join(os.WriteFile(instead, text, 0o644), os.WriteFile(file, list, 0o644))
}
