package driverrun

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"wskharness/driver/abi"
	"wskharness/guest/journal"
	"wskharness/results"
	"wskharness/suites"
	"wskharness/testtime"
)

var mixes = flag.Int("mixes", map[bool]int{false: 13_500, true: 200}[testtime.Race], "random mixes of disturbances for each journal")

// base is a journal that is disturbed, and what the undisturbed one comes to.
type base struct {
	name    string
	plan    Plan
	records []journal.Record
	then    string // happens at its end
	ranks   map[string]int
	exit    int
}

// rank orders outcomes by what is believed of them: 0 is a pass, 1 a known issue, 2 everything that is no good news.
func rank(o results.Outcome) int {
	switch o {
	case results.Pass:
		return 0
	case results.KnownIssue:
		return 1
	}
	return 2
}

// ranksOf plays a journal, and returns what became of its cases, and the run's exit code.
func ranksOf(t testing.TB, p Plan, w *world) (map[string]int, int) {
	_, events := live(t, p, w)
	rec := record(p, events)
	ranks := map[string]int{}
	for _, c := range rec.Targets[0].Cases {
		if c.Planned {
			ranks[c.Name] = rank(c.Final)
		}
	}
	return ranks, results.ExitCode(rec, results.Policy{})
}

// bases are the journals of real runs in testdata, each beside its suite: pass, fail, known issue, reboot, reload, own
// driver, hang, crash, and one that the agent noticed as a load that failed.
func bases(t *testing.T) []*base {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "*.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	var all []*base
	for _, file := range files {
		b := readBase(t, file)
		b.ranks, b.exit = ranksOf(t, b.plan, &world{records: b.records, then: b.then, late: b.then == "panic"})
		if slices.Contains(goodBases, b.name) && b.exit != results.ExitOK {
			t.Fatalf("%s: the undisturbed journal comes to exit code %d: nothing could get better than that", file, b.exit)
		}
		all = append(all, b)
	}
	if len(all) < 11 {
		t.Fatalf("%d journals; eleven kinds of runs are to be disturbed", len(all))
	}
	return all
}

// goodBases are the journals of runs in which all was as expected.
var goodBases = []string{"pass", "known", "reboot", "reload", "own"}

// readBase reads a journal as a run kept it, with the suite that it is of. The driver is a user's own where the name says so,
// and the machine crashed at its end where it says that.
func readBase(t *testing.T, file string) *base {
	t.Helper()
	name := strings.TrimSuffix(filepath.Base(file), ".ndjson")
	suite, err := os.ReadFile(filepath.Join("testdata", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	b := &base{name: name, plan: planOf(t, string(suite))}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	first, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(first), `"run":"`)
	b.plan.ID, _, _ = strings.Cut(rest, `"`)
	if _, err := journal.Read(f, b.plan.ID, func(r journal.Record) { b.records = append(b.records, r) }); err != nil {
		t.Fatal(err)
	}
	if len(b.records) < 4 {
		t.Fatalf("%s: %d records were read", file, len(b.records))
	}
	b.records[0].ABI = abi.ABI // a later number means other plans and requests, not another journal
	b.plan.Boot, b.plan.SHA256 = b.records[0].Boot, b.records[1].SHA256
	b.plan.External = strings.HasPrefix(name, "own")
	if strings.HasPrefix(name, "crash") {
		b.then = "panic"
	}
	if strings.HasPrefix(name, "known") {
		catalog, err := suites.Load(suites.Source{Name: "s.yaml", Data: suite}, suites.Source{Name: "known.yaml", Data: []byte(oddIsKnown)})
		if err != nil {
			t.Fatal(err)
		}
		for i := range b.plan.Attempts {
			a := &b.plan.Attempts[i]
			a.Known = catalog.Known("wine", "8.0", a.Case)
		}
	}
	return b
}

const oddIsKnown = `known_issues:
  - {guest: wine, versions: [8.0, 10.0], case: s.odd, step: odd, actual: {status: STATUS_SUCCESS}, reason: seen, source: here}
`

// endings are what may happen at the end of what is left of a journal.
var endings = []string{"", "panic", "timeout", "kill", "reboot", "gone", "abandoned"}

// disturbance changes a journal, at places that r chooses.
type disturbance func(records []journal.Record, i, j int) []journal.Record

func without(records []journal.Record, i, _ int) []journal.Record {
	return slices.Delete(slices.Clone(records), i, i+1)
}

func twice(records []journal.Record, i, j int) []journal.Record {
	return slices.Insert(slices.Clone(records), j, records[i])
}

func swapped(records []journal.Record, i, j int) []journal.Record {
	records = slices.Clone(records)
	records[i], records[j] = records[j], records[i]
	return records
}

func prefix(records []journal.Record, i, _ int) []journal.Record { return slices.Clone(records[:i]) }

// check plays a disturbed journal: no verdict is better than the undisturbed one's, exit code 0 does not appear where it
// did not, and where it is still there, nothing that proves anything is missing, doubled or out of order.
func (b *base) check(t *testing.T, what string, records []journal.Record, then string) {
	ranks, exit := ranksOf(t, b.plan, &world{records: records, then: then, late: then == "panic"})
	for name, rank := range ranks {
		if rank < b.ranks[name] {
			t.Errorf("%s, %s, then %q: %s is better than undisturbed", b.name, what, then, name)
		}
	}
	if exit == results.ExitOK && (b.exit != results.ExitOK || !sameProof(records, b.records)) {
		t.Errorf("%s, %s, then %q: exit code 0", b.name, what, then)
	}
}

// sameProof reports whether a journal has the records of b, whatever their numbers; behind the last of these nobody reads.
// What steps wrote is judged by what they are to write.
func sameProof(a, b []journal.Record) bool {
	proof := func(records []journal.Record) []string {
		var all []string
		for _, r := range records {
			if r.Ev != journal.EvOutput {
				r.Seq, r.Offset, r.At, r.Raw = 0, 0, 0, nil
				all = append(all, fmt.Sprintf("%+v", r))
			}
		}
		return all
	}
	got, want := proof(a), proof(b)
	return len(got) >= len(want) && slices.Equal(got[:len(want)], want)
}

// TestDisturbedJournals disturbs the journals of real runs in every way that is one record away, as a whole and
// renumbered as by a guest that lies, with every ending; and then in random mixes.
func TestDisturbedJournals(t *testing.T) {
	var variants atomic.Int64
	t.Run("all", func(t *testing.T) {
		for _, b := range bases(t) {
			t.Run(b.name, func(t *testing.T) {
				t.Parallel()
				n := len(b.records)
				try := func(what string, records []journal.Record, then string) {
					variants.Add(1)
					b.check(t, what, numbered(records), then)
				}
				for i := range n + 1 {
					for _, then := range endings {
						if i < n {
							try(fmt.Sprintf("only %d records", i), prefix(b.records, i, 0), then)
						}
					}
				}
				for i := range n {
					try(fmt.Sprintf("without record %d", i+1), without(b.records, i, 0), b.then)
					for j := range n + 1 {
						try(fmt.Sprintf("record %d again at %d", i+1, j+1), twice(b.records, i, j), b.then)
						if j > i && j < n {
							try(fmt.Sprintf("records %d and %d swapped", i+1, j+1), swapped(b.records, i, j), b.then)
						}
					}
				}
				random := rand.New(rand.NewPCG(10, uint64(len(b.name))))
				kinds := []disturbance{without, twice, swapped, prefix}
				for mix := range *mixes {
					records, then := b.records, endings[random.IntN(len(endings))]
					for range 1 + random.IntN(4) {
						if len(records) > 0 {
							records = kinds[random.IntN(len(kinds))](records, random.IntN(len(records)), random.IntN(len(records)))
						}
					}
					try(fmt.Sprintf("mix %d", mix), records, then)
				}
			})
		}
	})
	if n := variants.Load(); n < 100_000 && !testtime.Race {
		t.Errorf("%d variants: too few to be believed", n)
	} else {
		t.Logf("%d variants", n)
	}
}
