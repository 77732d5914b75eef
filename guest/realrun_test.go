package guest

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"wskharness/driver"
	"wskharness/suites"
)

// runGuest is a guest with what its runs are made of.
type runGuest struct {
	*Guest
	wine   *wineGuest
	sample File // wsksample.sys, in the guest
	quirk  File // testdata/quirk, in the guest
	runs   int
}

// TestRunsOfRealAgent is about what the journal of a run says: the agent on a real Wine, with the sample driver and with
// one that misbehaves as it is told.
func TestRunsOfRealAgent(t *testing.T) {
	t.Parallel()
	w := newWineGuest(t)
	agent := buildAgent(t)
	w.seed(t, agent)
	g, err := Connect(t.Context(), w.client, Options{Agent: agent, RetryPause: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close(context.Background())
	r := &runGuest{Guest: g, wine: w}
	r.sample = r.deploy(t, driver.SampleSpec(nil))
	r.quirk = r.deploy(t, driver.Spec{Name: "quirk.sys", Kind: driver.KernelDriver, Sources: os.DirFS("testdata"), Dirs: []string{"quirk"}, Libs: []string{"ntoskrnl"}})
	t.Run("cancelled at once", r.cancelledAtOnce)
}

// deploy builds a driver and brings it into the guest.
func (r *runGuest) deploy(t *testing.T, spec driver.Spec) File {
	t.Helper()
	tc, err := driver.FindToolchain(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cache, err := driver.DefaultCache()
	if err != nil {
		t.Fatal(err)
	}
	built, err := driver.Build(t.Context(), tc, spec, cache)
	if err != nil {
		t.Fatal(err)
	}
	f := File{Path: StorePath(built.SHA256[:16], spec.Name), Local: built.Path, SHA256: built.SHA256}
	if _, err := r.Push(t.Context(), []File{f}, nil); err != nil {
		t.Fatal(err)
	}
	return f
}

// quirky is the service of the driver of testdata/quirk with one of its habits.
func quirky(habit int) *suites.Service {
	return &suites.Service{Name: "quirk", Start: suites.StartDemand,
		Parameters: []suites.Parameter{{Name: "Quirk", Kind: suites.RegDword, Values: []string{strconv.Itoa(habit)}}}}
}

// The habits (testdata/quirk/quirk.c).
const (
	quirkNone = iota
	quirkNoUnload
	quirkNoReturn
	quirkFails
	quirkStays
)

// order is a run of the cases of a suite, `- id: …` and so on. With own it is the quirky driver's, else the sample's.
func (r *runGuest) order(t *testing.T, cases string, own *suites.Service) Run {
	t.Helper()
	catalog, err := suites.Load(suites.Source{Name: "test.yaml", Data: []byte("suite: t\ndoc: Of this test.\ncases:\n" + cases)})
	if err != nil {
		t.Fatal(err)
	}
	var entries []suites.Entry
	for _, c := range catalog.All() {
		entries = append(entries, suites.Entry{Case: c, Attempt: 1})
	}
	r.runs++
	id := fmt.Sprintf("%s-%d", runID, r.runs)
	file, service := r.sample, "wsksample"
	if own != nil {
		file, service = r.quirk, own.Name
	}
	hash, err := hex.DecodeString(file.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := suites.Compile(entries, suites.PlanOptions{RunID: id, DriverPath: file.Path, Service: service, DriverSHA256: [32]byte(hash),
		StartTimeout: 20 * time.Second, StopTimeout: 5 * time.Second, Own: own})
	if err != nil {
		t.Fatal(err)
	}
	return Run{ID: id, Plan: plan.Bytes(), Files: []File{file}}
}

// records runs an order to its end.
func (r *runGuest) records(t *testing.T, o Run) []Record {
	t.Helper()
	s, err := r.StartRun(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	records, err := all(t, s)
	if !errors.Is(err, io.EOF) {
		t.Fatalf("%v, after\n%s", err, journalOf(records))
	}
	return records
}

func journalOf(records []Record) string {
	var b bytes.Buffer
	for _, r := range records {
		b.Write(append(bytes.Clone(r.Raw), '\n'))
	}
	return b.String()
}

// find returns the first record of a kind.
func find(t *testing.T, records []Record, ev Event) Record {
	t.Helper()
	for _, r := range records {
		if r.Ev == ev {
			return r
		}
	}
	t.Fatalf("no %s in\n%s", ev, journalOf(records))
	return Record{}
}

// sleepsLong is longer than the test, but none of its steps is: an order is taken between two.
var sleepsLong = `
  - id: long
    doc: Longer than the test.
    timeout: 2m
    steps: [` + strings.Repeat("sleep: 100ms, ", 90) + `sleep: 100ms]
`

// A run takes an order from its first moment on, whether its service, its journal or nothing of it is there yet.
func (r *runGuest) cancelledAtOnce(t *testing.T) {
	for i := range 15 {
		s, err := r.StartRun(t.Context(), r.order(t, sleepsLong, nil))
		if err != nil {
			t.Fatal(err)
		}
		for range i % 3 { // at once, after run-start, after driver-start
			if _, err := s.Next(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.Cancel(t.Context(), s.runID); err != nil {
			t.Fatal(i, err)
		}
		records, err := all(t, s)
		if end := records[len(records)-1]; !errors.Is(err, io.EOF) || end.Why != "cancelled" {
			t.Fatalf("%d: %v\n%s", i, err, journalOf(records))
		}
		if err := r.Cancel(t.Context(), s.runID); err != nil {
			t.Errorf("a run that has ended is no error: %v", err)
		}
		s.Close()
	}
	var never *AgentError
	if err := r.Cancel(t.Context(), "never-was"); !errors.As(err, &never) || never.ExitCode != notYetExit {
		t.Errorf("a run that never was: %v", err)
	}
}
