//go:build linux

package guest

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"wskharness/driver"
	"wskharness/guest/agent"
	"wskharness/guest/journal"
	"wskharness/guest/transfer"
	"wskharness/suites"
)

// runGuest is a guest with what its runs are made of.
type runGuest struct {
	*Guest
	wine    *wineGuest
	options Options
	sample  transfer.File // wsksample.sys, in the guest
	quirk   transfer.File // testdata/quirk, in the guest
	runs    int

	start, stop time.Duration // that a driver may take
}

// ample is as long as a driver may take at most.
const ample = 2 * time.Minute

// TestRunsOfRealAgent is about what the journal of a run says: the agent on a real Wine, with the sample driver and with
// one that misbehaves as it is told.
func TestRunsOfRealAgent(t *testing.T) {
	t.Parallel()
	inGuests(t, [][]inGuest{
		{
			{"cancelled at once", (*runGuest).cancelledAtOnce},
			{"a driver that goes", (*runGuest).driverGoes},
			{"a driver that is another one in the end", (*runGuest).driverChanged},
			{"a driver that does not come back", (*runGuest).notBack},
			{"a driver that does not start", (*runGuest).doesNotStart},
			// The last of a guest leaves a driver behind that does not go.
			{"no Unload", (*runGuest).noUnload},
		},
		{{"an Unload that does not return", (*runGuest).unloadStays}},
		{{"left, but gone", (*runGuest).leftAndGone}},
		{{"left running", (*runGuest).leftRunning}},
		{{"a fault of the sample", (*runGuest).faultOfSample}},
		{{"a fault of an own driver", (*runGuest).faultOfOwn}},
		{{"a request that does not come back", (*runGuest).requestStays}},
		{{"a DriverEntry that does not return", (*runGuest).entryStays}},
	})
}

// inGuest is a test in a guest.
type inGuest struct {
	name string
	test func(*runGuest, *testing.T)
}

// inGuests runs tests side by side, each group in a guest of its own.
func inGuests(t *testing.T, groups [][]inGuest) {
	agent := buildAgent(t)
	for _, tests := range groups {
		t.Run(tests[0].name, func(t *testing.T) {
			t.Parallel()
			w := newWineGuest(t)
			w.seed(t, agent)
			r := &runGuest{wine: w, options: Options{Agent: agent, retryPause: 10 * time.Millisecond}, start: ample, stop: ample}
			r.connect(t)
			defer func() { r.Close(context.Background()) }()
			r.sample = r.deploy(t, driver.SampleSpec(nil))
			r.quirk = r.deploy(t, driver.Spec{Name: "quirk.sys", Kind: driver.KernelDriver, Sources: os.DirFS("testdata"), Dirs: []string{"quirk"}, Libs: []string{"ntoskrnl"}})
			for _, one := range tests {
				t.Run(one.name, func(t *testing.T) { one.test(r, t) })
			}
		})
	}
}

func (r *runGuest) connect(t *testing.T) {
	t.Helper()
	g, err := Connect(t.Context(), r.wine.client, r.options)
	if err != nil {
		t.Fatal(err)
	}
	r.Guest = g
}

// reboot rids the guest of all drivers and services, and of what they have left in memory.
func (r *runGuest) reboot(t *testing.T) {
	t.Helper()
	r.Close(context.Background())
	r.wine.shutdown()
	r.wine.up(t)
	r.connect(t)
}

// deploy builds a driver and brings it into the guest.
func (r *runGuest) deploy(t *testing.T, spec driver.Spec) transfer.File {
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
	f := transfer.File{Path: StorePath(built.SHA256[:16], spec.Name), Local: built.Path, SHA256: built.SHA256}
	if _, err := r.Push(t.Context(), []transfer.File{f}, nil); err != nil {
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

// Requests that the driver takes: nothing, a page fault, one that does not come back.
const (
	codeNothing = "0x222000"
	codeFault   = "0x222004"
	codeStays   = "0x222008"
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
		StartTimeout: r.start, StopTimeout: r.stop, External: own})
	if err != nil {
		t.Fatal(err)
	}
	return Run{ID: id, Plan: plan, Files: []transfer.File{file}}
}

// records runs an order to its end.
func (r *runGuest) records(t *testing.T, o Run) []journal.Record {
	t.Helper()
	s, err := r.StartRun(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	records, err := all(t, s)
	if !errors.Is(err, io.EOF) {
		t.Fatalf("%v, after\n%s; want io.EOF", err, journalOf(records))
	}
	return records
}

// await reads a run's journal up to the first record of a kind.
func await(t *testing.T, s *Stream, ev journal.Event) {
	t.Helper()
	for {
		record, err := s.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if record.Ev == ev {
			return
		}
	}
}

func journalOf(records []journal.Record) string {
	var b bytes.Buffer
	for _, r := range records {
		b.Write(append(bytes.Clone(r.Raw), '\n'))
	}
	return b.String()
}

// find returns the first record of a kind.
func find(t *testing.T, records []journal.Record, ev journal.Event) journal.Record {
	t.Helper()
	for _, r := range records {
		if r.Ev == ev {
			return r
		}
	}
	t.Fatalf("no %s in\n%s", ev, journalOf(records))
	return journal.Record{}
}

// sleepsLong is minutes longer than any test, but none of its cases is: an order is taken between two.
var sleepsLong = func() string {
	var cases strings.Builder
	for i := range 600 {
		cases.WriteString(behind("sleep: 100ms", fmt.Sprint("long-", i), "sleep: 100ms", "sleep: 100ms", "sleep: 100ms"))
	}
	return cases.String()
}()

// gate makes a step that lasts until it is let go.
func (r *runGuest) gate(t *testing.T) (step string, open func()) {
	t.Helper()
	script, err := os.CreateTemp(r.wine.path(`C:\`), "gate-*.bat")
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Base(script.Name())
	_, err = fmt.Fprintf(script, "@echo off\r\n:again\r\nif exist C:\\%s.open exit 0\r\ncmd /c exit 0\r\ngoto again\r\n", name) // it has nothing to sleep with
	if err := errors.Join(err, script.Close()); err != nil {
		t.Fatal(err)
	}
	return `run: {program: cmd.exe, args: [/c, 'C:\` + name + `'], limit: 100s}`, func() {
		t.Helper()
		if err := os.WriteFile(script.Name()+".open", nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// behind is a case that begins with a step, as [runGuest.gate] makes it.
func behind(step, id string, more ...string) string {
	return "\n  - id: " + id + "\n    doc: It begins with something that lasts.\n    steps: [" + strings.Join(append([]string{step}, more...), ", ") + "]\n"
}

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
			t.Fatalf("%d: %v\n%s; want io.EOF and end.Why == \"cancelled\"", i, err, journalOf(records))
		}
		if err := r.Cancel(t.Context(), s.runID); err != nil {
			t.Errorf("a run that has ended is no error: %v; want no error", err)
		}
		s.Close()
	}
	var never *agent.Error
	if err := r.Cancel(t.Context(), "never-was"); !errors.As(err, &never) || never.ExitCode != agent.ExitRefused {
		t.Errorf("a run that never was: %v; want errors.As(err, &never) and never.ExitCode == agent.ExitRefused", err)
	}
}

const sleepsShort = `
  - id: short
    doc: Something that takes a moment.
    steps: [sleep: 500ms]
`

// unharmed checks that the run ended well, with the proof that its driver is gone.
func unharmed(t *testing.T, records []journal.Record, sha256 string) {
	t.Helper()
	stop, end := find(t, records, journal.EvDriverStop), find(t, records, journal.EvRunEnd)
	if !stop.OK || stop.SHA256 != sha256 || stop.Why != "" || end.Why != "done" {
		t.Errorf("not proven to be gone\n%s; want stop.OK and stop.SHA256 == sha256 and stop.Why == \"\" and end.Why == \"done\"", journalOf(records))
	}
}

func (r *runGuest) driverGoes(t *testing.T) {
	unharmed(t, r.records(t, r.order(t, sleepsShort, nil)), r.sample.SHA256)
	unharmed(t, r.records(t, r.order(t, sleepsShort, quirky(quirkNone))), r.quirk.SHA256)
}

// changed runs an order whose driver is another file as soon as it has started.
func (r *runGuest) changed(t *testing.T, o Run) []journal.Record {
	t.Helper()
	file := r.wine.path(o.Files[0].Path)
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s, err := r.StartRun(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	await(t, s, journal.EvDriverStart)
	// In the place of the one that is loaded, which nobody may write to.
	if err := errors.Join(os.Remove(file), os.WriteFile(file, append(bytes.Clone(good), 0), 0o600)); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := os.WriteFile(file, good, 0o600); err != nil {
			t.Fatal(err)
		}
	}()
	records, err := all(t, s)
	if !errors.Is(err, io.EOF) {
		t.Fatalf("%v, after\n%s; want io.EOF", err, journalOf(records))
	}
	return records
}

func (r *runGuest) driverChanged(t *testing.T) {
	for _, own := range []*suites.Service{nil, quirky(quirkNone)} {
		o := r.order(t, sleepsShort, own)
		records := r.changed(t, o)
		stop, end := find(t, records, journal.EvDriverStop), find(t, records, journal.EvRunEnd)
		if stop.OK || stop.Why != "hash" || stop.Win32 != 23 || stop.SHA256 == "" || stop.SHA256 == o.Files[0].SHA256 || end.Why != "tainted" {
			t.Errorf("the other file is not noticed\n%s", journalOf(records))
		}
	}
}

const unloads = `
  - id: unloads
    doc: The driver is gone in the end.
    steps: [sleep: 500ms, unload: ]
`

const reloads = `
  - id: reloads
    doc: The driver starts twice.
    steps: [sleep: 500ms, reload: {times: 1}]
`

// What a case has unloaded is started for the next one, and a start that fails is told by the case: no start goes
// without the file's hash.
func (r *runGuest) notBack(t *testing.T) {
	for _, own := range []*suites.Service{nil, quirky(quirkNone)} {
		records := r.changed(t, r.order(t, unloads+sleepsShort, own))
		end, last := find(t, records, journal.EvCaseEnd), records[len(records)-1]
		if end.Why != "done" || end.Ran != 2 || end.Back != "hash" || end.Win32 != 23 || last.Why == "done" || last.Cases != 1 {
			t.Errorf("not told to be gone\n%s; want end.Why == \"done\" and end.Ran == 2 and end.Back == \"hash\" and end.Win32 == 23 and last.Why != \"done\" and last.Cases == 1", journalOf(records))
		}
		records = r.changed(t, r.order(t, reloads, own))
		step, end := records[len(records)-1], find(t, records, journal.EvCaseEnd)
		for _, record := range records {
			if record.Ev == journal.EvStep {
				step = record
			}
		}
		if step.Step != 1 || step.Status != 0xC0070017 || end.Why != "deviation" || end.Back != "hash" {
			t.Errorf("another file was started again\n%s; want step.Step == 1 and step.Status == 0xC0070017 and end.Why == \"deviation\" and end.Back == \"hash\"", journalOf(records))
		}
		unharmed(t, r.records(t, r.order(t, unloads, own)), r.order(t, unloads, own).Files[0].SHA256)
	}
}

// The agent would ask what NTSTATUS that was, by another call, which Wine does not have: that is none of the driver's.
func (r *runGuest) doesNotStart(t *testing.T) {
	records := r.records(t, r.order(t, sleepsShort, quirky(quirkFails)))
	if start := find(t, records, journal.EvDriverStart); start.OK || start.Why != "start" || start.Win32 != 317 || start.Entry != 0 || start.Again != nil || len(records) != 3 {
		t.Errorf("%s", journalOf(records))
	}
}

// Wine's manager takes the order to stop and leaves the driver running.
func (r *runGuest) noUnload(t *testing.T) {
	records := r.records(t, r.order(t, sleepsShort, quirky(quirkNoUnload)))
	stop, end := find(t, records, journal.EvDriverStop), find(t, records, journal.EvRunEnd)
	if stop.OK || stop.Why != "refused" || stop.Win32 != 1052 || stop.SHA256 != "" || end.Why != "tainted" {
		t.Errorf("not refused\n%s; want not stop.OK and stop.Why == \"refused\" and stop.Win32 == 1052 and stop.SHA256 == \"\" and end.Why == \"tainted\"", journalOf(records))
	}
}

func (r *runGuest) unloadStays(t *testing.T) {
	r.stop = 5 * time.Second
	records := r.records(t, r.order(t, sleepsShort, quirky(quirkStays)))
	stop, end := find(t, records, journal.EvDriverStop), find(t, records, journal.EvRunEnd)
	if stop.OK || stop.Why != "timeout" || stop.Win32 != 1460 || end.Why != "tainted" {
		t.Errorf("no timeout\n%s; want not stop.OK and stop.Why == \"timeout\" and stop.Win32 == 1460 and end.Why == \"tainted\"", journalOf(records))
	}
}

// neverUnloaded is a service that no run stops.
func neverUnloaded(habit int) *suites.Service {
	s := quirky(habit)
	s.NeverUnload = true
	return s
}

// longIdle is longer than wineserver bears with a guest in which nothing runs but services.
const longIdle = 6 * time.Second

func (r *runGuest) leftRunning(t *testing.T) {
	var refused *agent.Error
	o := r.order(t, unloads, neverUnloaded(quirkNone))
	if s, err := r.StartRun(t.Context(), o); err != nil {
		t.Fatal(err)
	} else if records, err := all(t, s); !errors.As(err, &refused) || !strings.Contains(refused.Complaint, "never to be unloaded") || len(records) != 1 || records[0].Why != "plan" {
		t.Errorf("a plan that unloads what is never unloaded: %v\n%s", err, journalOf(records))
	}
	records := r.records(t, r.order(t, sleepsShort, neverUnloaded(quirkNoUnload)))
	left, end := find(t, records, journal.EvDriverLeft), find(t, records, journal.EvRunEnd)
	if !left.OK || left.Driver != "running" || left.SHA256 != r.quirk.SHA256 || end.Why != "done" || len(records) != 7 {
		t.Errorf("not left\n%s; want left.OK and left.Driver == \"running\" and left.SHA256 == r.quirk.SHA256 and end.Why == \"done\" and len(records) == 7", journalOf(records))
	}
	time.Sleep(longIdle)
	if state, err := r.State(t.Context(), "quirk", "never-was"); err != nil || state.Driver != "running" {
		t.Errorf("it was left, and is %+v a while later, %v; want no error and state.Driver == \"running\"", state, err)
	}
	records = r.records(t, r.order(t, sleepsShort, neverUnloaded(quirkNoUnload)))
	if start := find(t, records, journal.EvDriverStart); start.OK || start.Why != "install" || start.Win32 != 1056 || len(records) != 3 {
		t.Errorf("one that is never unloaded was followed by another\n%s; want not start.OK and start.Why == \"install\" and start.Win32 == 1056 and len(records) == 3", journalOf(records))
	}
	r.reboot(t)
	records = r.changed(t, r.order(t, sleepsShort, neverUnloaded(quirkNone)))
	left, end = find(t, records, journal.EvDriverLeft), find(t, records, journal.EvRunEnd)
	if left.OK || left.Why != "hash" || left.Driver != "running" || left.Win32 != 23 || end.Why != "tainted" {
		t.Errorf("the other file is not noticed\n%s; want not left.OK and left.Why == \"hash\" and left.Driver == \"running\" and left.Win32 == 23 and end.Why == \"tainted\"", journalOf(records))
	}
}

// faultInTheMiddle is a case whose second step takes the driver down.
func faultInTheMiddle(step string) string {
	return `
  - id: fault
    doc: The driver goes down in the middle.
    tear_down: [sleep: 2ms]
    steps: [sleep: 1ms, ` + step + `, sleep: 3ms, sleep: 4ms]
`
}

func (r *runGuest) leftAndGone(t *testing.T) {
	records := r.records(t, r.order(t, faultInTheMiddle("ioctl: {device: Quirk, code: "+codeFault+"}"), neverUnloaded(quirkNone)))
	if left := find(t, records, journal.EvDriverLeft); left.OK || left.Why != "state" || left.Driver != "stopped" {
		t.Errorf("a driver is left that is not there\n%s; want not left.OK and left.Why == \"state\" and left.Driver == \"stopped\"", journalOf(records))
	}
}

// takenDown checks that the second step of four, and no other, is told to have been under way.
func takenDown(t *testing.T, records []journal.Record) {
	t.Helper()
	var steps []int
	for _, record := range records {
		if record.Ev == journal.EvStep {
			steps = append(steps, record.Step)
		}
	}
	end := find(t, records, journal.EvCaseEnd)
	if end.Why != "io" || end.Win32 == 0 || end.Ran != 1 || len(steps) != 1 || end.Under == nil || *end.Under != (journal.StepRange{First: 1, Count: 1}) {
		t.Errorf("it is not told alike\n%s", journalOf(records))
	}
}

// faults is how often a fault has to be told alike.
const faults = 4

func (r *runGuest) faultOfSample(t *testing.T) {
	for range faults {
		records := r.records(t, r.order(t, strings.Replace(faultInTheMiddle("fault: {kind: write, address: 0x10}"), "doc:", "misuse: true\n    doc:", 1), nil))
		takenDown(t, records)
		if end := records[len(records)-1]; end.Why != "device" || records[len(records)-2].Ev != journal.EvCaseEnd {
			t.Errorf("got %s; want end.Why == \"device\" and records[len(records)-2].Ev == journal.EvCaseEnd", journalOf(records))
		}
		r.reboot(t)
	}
}

func (r *runGuest) faultOfOwn(t *testing.T) {
	for range faults {
		records := r.records(t, r.order(t, faultInTheMiddle("ioctl: {device: Quirk, code: "+codeFault+"}"), quirky(quirkNone)))
		takenDown(t, records)
		if end, stop := find(t, records, journal.EvCaseEnd), find(t, records, journal.EvDriverStop); end.Driver != "stopped" || stop.OK {
			t.Errorf("got %s; want end.Driver == \"stopped\" and not stop.OK", journalOf(records))
		}
		r.reboot(t)
	}
}

func (r *runGuest) requestStays(t *testing.T) {
	records := r.records(t, r.order(t, strings.Replace(faultInTheMiddle("{ioctl: {device: Quirk, code: "+codeStays+"}, within: 1s}"), "the driver goes down", "a request stays", 1), quirky(quirkNone)))
	end := find(t, records, journal.EvCaseEnd)
	if end.Why != "hang" || end.Ran != 3 || end.Under != nil || records[len(records)-2].Ev != journal.EvCaseEnd {
		t.Errorf("got %s; want end.Why == \"hang\" and end.Ran == 3 and end.Under == nil and records[len(records)-2].Ev == journal.EvCaseEnd", journalOf(records))
	}
}

func (r *runGuest) entryStays(t *testing.T) {
	r.start = 12 * time.Second
	records := r.records(t, r.order(t, sleepsShort, quirky(quirkNoReturn)))
	if start := find(t, records, journal.EvDriverStart); start.OK || start.Why != "hang" || start.Win32 != 1460 || len(records) != 3 {
		t.Errorf("got %s; want not start.OK and start.Why == \"hang\" and start.Win32 == 1460 and len(records) == 3", journalOf(records))
	}
}
