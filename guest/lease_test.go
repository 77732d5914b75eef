//go:build linux

package guest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"wskharness/guest/agent"
	"wskharness/guest/journal"
	"wskharness/guest/transfer"
	"wskharness/remote"
	"wskharness/testtime"
)

// TestLeaseOfRealAgent is about who may use a guest: the agent on a real Wine decides it.
func TestLeaseOfRealAgent(t *testing.T) {
	t.Parallel()
	inGuests(t, [][]inGuest{
		{
			{"one at a time", (*runGuest).oneOwner},
			{"a stale number", (*runGuest).staleNumber},
			{"a run that lives", (*runGuest).runLives},
			{"a start that comes late", (*runGuest).staleStart},
		},
		{{"a run whose lease is taken", (*runGuest).leaseTaken}},
		{
			{"a reboot", (*runGuest).leaseAndReboot},
			{"renewal", (*runGuest).leaseRenewed},
		},
		{{"a run's own reboot", (*runGuest).leaseAndOwnReboot}},
	})
}

// owner connects as one.
func (r *runGuest) owner(t *testing.T, run string) *runGuest {
	t.Helper()
	o := r.options
	o.Owner = LeaseOwner(run, "host-"+run)
	g, err := Connect(t.Context(), r.wine.client, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close(context.Background()) })
	as := *r
	as.Guest = g
	return &as
}

// takeFrom is another owner, who gets the guest since it has forgotten that the one before uses it. That may use it at any
// moment, and then it has to be forgotten again.
func (r *runGuest) takeFrom(t *testing.T, old *runGuest, run string) *runGuest {
	t.Helper()
	o := r.options
	o.Owner = LeaseOwner(run, "host-"+run)
	for {
		old.forget(t)
		g, err := Connect(t.Context(), r.wine.client, o)
		if _, used := errors.AsType[*LeasedError](err); used {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { g.Close(context.Background()) })
		as := *r
		as.Guest = g
		return &as
	}
}

// refused checks that another owner does not get the guest, and is told who has it.
func (r *runGuest) refused(t *testing.T, run, by string, running bool) {
	t.Helper()
	o := r.options
	o.Owner = LeaseOwner(run, "host-"+run)
	g, err := Connect(t.Context(), r.wine.client, o)
	if err == nil {
		g.Close(context.Background())
	}
	leased, ok := errors.AsType[*LeasedError](err)
	if !ok || leased.Lease.Owner != by || leased.Lease.Running != running {
		t.Errorf("%s: %v; want it refused by %q", run, err, by)
	}
}

func (r *runGuest) giveBack(t *testing.T) {
	t.Helper()
	if err := r.Release(t.Context()); err != nil {
		t.Error(err)
	}
}

// reg changes the guest's registry, as nothing of the product does.
func (r *runGuest) reg(t *testing.T, args string) {
	t.Helper()
	var out bytes.Buffer
	code, err := r.Exec(t.Context(), remote.CommandLine{Line: "reg " + args + " 2>&1"}, nil, &out, io.Discard)
	if err != nil || code != 0 {
		t.Fatalf("reg %s: %d, %v: %s; want no error and code == 0", args, code, err, out.String())
	}
}

// forget makes the guest forget that the lease was used, and that a run of it lives.
func (r *runGuest) forget(t *testing.T) {
	t.Helper()
	r.reg(t, `delete HKLM\SOFTWARE\wskharness-lease\Use /f`)
	r.reg(t, `delete HKLM\SOFTWARE\wskharness-lease /v Journal /f`)
}

func (r *runGuest) oneOwner(t *testing.T) {
	one := r.owner(t, "one")
	r.refused(t, "two", "one@host-one", false)
	if again := r.owner(t, "one"); again.lease != one.lease || one.lease == 0 {
		t.Errorf("the same owner has lease %d, then %d; want again.lease == one.lease and one.lease != 0", one.lease, again.lease)
	}
	// Who has no lease may ask, and bring plain files; he may not start anything.
	if _, err := r.Refresh(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := r.State(t.Context(), "wsksample", "never-was"); err != nil {
		t.Error(err)
	}
	if _, err := r.Push(t.Context(), []transfer.File{transfer.Contents(`C:\plain.txt`, []byte("plain"))}, nil); err != nil {
		t.Error(err)
	}
	var stale *agent.StaleError
	if s, err := r.StartRun(t.Context(), r.order(t, sleepsShort, nil)); !errors.As(err, &stale) || !strings.Contains(stale.Complaint, "one@host-one") {
		t.Errorf("a run without a lease: %v; want errors.As(err, &stale) and strings.Contains(stale.Complaint, \"one@host-one\")", err)
		if err == nil {
			s.Close()
		}
	}
	one.giveBack(t)
	two := r.owner(t, "two")
	if two.lease != one.lease+1 {
		t.Errorf("lease %d follows lease %d; want two.lease == one.lease+1", two.lease, one.lease)
	}
	two.giveBack(t)
	// Nobody has it: whoever has no lease starts a run, too.
	unharmed(t, r.records(t, r.order(t, sleepsShort, nil)), r.sample.SHA256)
}

// staleNumber has an owner give orders when another has the guest: nothing comes of any.
func (r *runGuest) staleNumber(t *testing.T) {
	old := r.owner(t, "old")
	owned := r.order(t, sleepsLong, nil)
	stopped := old.owner(t, "old")
	stopped.giveBack(t)
	young := r.owner(t, "young")
	defer young.giveBack(t)
	s, err := young.StartRun(t.Context(), owned)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	fresh := r.order(t, sleepsShort, nil)
	for what, order := range map[string]func() error{
		"run": func() error {
			s, err := old.StartRun(t.Context(), fresh)
			if err == nil {
				s.Close()
			}
			return err
		},
		"cancel": func() error { return old.Cancel(t.Context(), owned.ID) },
		"kill":   func() error { return old.Kill(t.Context(), owned.ID) },
		"state": func() error {
			_, err := old.State(t.Context(), "wsksample", owned.ID)
			return err
		},
		"put": func() error {
			_, err := old.Push(t.Context(), []transfer.File{transfer.Contents(`C:\stale.txt`, []byte("stale"))}, nil)
			return err
		},
		"renew": func() error {
			_, err := old.queryOnce(t.Context(), old.leased("renew")...)
			return err
		},
		"release": func() error { return old.Release(t.Context()) },
	} {
		var stale *agent.StaleError
		if err := order(); !errors.As(err, &stale) || !strings.Contains(stale.Complaint, "young@host-young") {
			t.Errorf("%s: %v; want it refused", what, err)
		}
	}
	for _, path := range []string{`C:\stale.txt`, planPath(fresh.ID), JournalPath(fresh.ID)} {
		if _, err := os.Stat(r.wine.path(path)); err == nil {
			t.Errorf("%s is there; want an error", path)
		}
	}
	r.refused(t, "old", "young@host-young", true)
	if err := young.Cancel(t.Context(), owned.ID); err != nil {
		t.Error(err)
	}
	records, err := all(t, s)
	if stop := find(t, records, journal.EvDriverStop); !stop.OK || records[len(records)-1].Why != "cancelled" {
		t.Errorf("%v\n%s; want stop.OK and records[len(records)-1].Why == \"cancelled\"", err, journalOf(records))
	}
}

// runLives has an owner let go of a run: nobody gets the guest before it is over, but its owner.
func (r *runGuest) runLives(t *testing.T) {
	one := r.owner(t, "one")
	o := r.order(t, sleepsLong, nil)
	s, err := one.StartRun(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	one.reg(t, `delete HKLM\SOFTWARE\wskharness-lease\Use /f`) // hours later
	r.refused(t, "two", "one@host-one", true)
	again := r.owner(t, "one")
	if again.lease != one.lease {
		t.Errorf("the owner has lease %d, then %d; want again.lease == one.lease", one.lease, again.lease)
	}
	if err := again.Cancel(t.Context(), o.ID); err != nil {
		t.Error(err)
	}
	if records, _ := all(t, s); records[len(records)-1].Why != "cancelled" {
		t.Errorf("\n%s; want records[len(records)-1].Why == \"cancelled\"", journalOf(records))
	}
	one.reg(t, `delete HKLM\SOFTWARE\wskharness-lease\Use /f`)
	two := r.owner(t, "two") // nothing lives, and nothing was heard of it
	two.giveBack(t)
}

// leaseTaken has a run whose guest was given to another, against all rules: it leaves the other's driver alone, whether a case
// would be next or the driver's stop.
func (r *runGuest) leaseTaken(t *testing.T) {
	for _, next := range []string{"", strings.ReplaceAll(sleepsShort, "short", "next")} {
		old := r.owner(t, "old")
		r.runs++
		old.runs = r.runs
		step, open := r.gate(t)
		s, err := old.StartRun(t.Context(), old.order(t, behind(step, "first")+next, quirky(quirkNone)))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		await(t, s, journal.EvCaseStart)
		young := r.takeFrom(t, old, "young")
		r.runs++
		young.runs = r.runs + 20
		step, openNewer := r.gate(t)
		newer, err := young.StartRun(t.Context(), young.order(t, behind(step, "newer"), quirky(quirkNone)))
		if err != nil {
			t.Fatal(err)
		}
		defer newer.Close()
		await(t, newer, journal.EvCaseStart)
		open()
		records, err := all(t, s)
		if last := records[len(records)-1]; last.Ev != journal.EvRunEnd || last.Why != "lease" || last.Cases != 1 {
			t.Errorf("%v\n%s; want last.Ev == journal.EvRunEnd and last.Why == \"lease\" and last.Cases == 1", err, journalOf(records))
		}
		for _, record := range records {
			if record.Ev == journal.EvDriverStop || record.Ev == journal.EvCaseStart {
				t.Errorf("it went on\n%s; want record.Ev != journal.EvDriverStop and record.Ev != journal.EvCaseStart", journalOf(records))
			}
		}
		openNewer()
		records, err = all(t, newer)
		if !errors.Is(err, io.EOF) {
			t.Error(err)
		}
		unharmed(t, records, r.quirk.SHA256)
		young.giveBack(t)
	}
}

// staleStart has the service of a run start when its guest is another's by then.
func (r *runGuest) staleStart(t *testing.T) {
	owner := r.owner(t, "owner")
	defer owner.giveBack(t)
	r.runs++
	o := r.order(t, sleepsShort, nil)
	if _, err := r.Push(t.Context(), []transfer.File{transfer.Contents(planPath(o.ID), o.Plan)}, nil); err != nil {
		t.Fatal(err)
	}
	// The service that `run` makes (driver/agent/machine/runservice.c).
	var folded []byte
	for _, c := range utf16.Encode([]rune(strings.ToLower(JournalPath(o.ID)) + "\x00")) {
		folded = append(folded, byte(c), byte(c>>8))
	}
	sum := sha256.Sum256(folded)
	name := "wskharness-run-" + hex.EncodeToString(sum[:8])
	script := "sc create " + name + ` binPath= "` + r.exe + ` service --plan ` + planPath(o.ID) + ` --journal ` + JournalPath(o.ID) +
		` --lease ` + strconv.Itoa(int(owner.lease)-1) + "\"\r\nsc start " + name + "\r\n"
	if err := os.WriteFile(r.wine.path(`C:\late.bat`), []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := r.Exec(t.Context(), remote.CommandLine{Line: `C:\late.bat 2>&1`}, nil, &out, io.Discard); err != nil {
		t.Fatal(err) // whether the service began, its journal tells
	}
	t.Logf("%s", out.String())
	if records := r.whole(t, o.ID); len(records) != 2 || records[1].Why != "lease" {
		t.Errorf("it began\n%s; want len(records) == 2 and records[1].Why == \"lease\"", journalOf(records))
	}
}

// whole is the journal of a run once it is there, and whole.
func (r *runGuest) whole(t *testing.T, runID string) (records []journal.Record) {
	t.Helper()
	var last error
	defer func() {
		if !errors.Is(last, io.EOF) {
			t.Logf("the last that was seen of it: %v, after\n%s\nbeside it: %q", last, journalOf(records), r.wine.beside(JournalPath(runID)))
		}
	}()
	testtime.Await(t, "the whole journal", func() bool {
		var s *Stream
		if s, last = r.Follow(t.Context(), runID, journal.Position{}, nil); last != nil {
			return false
		}
		defer s.Close()
		records, last = all(t, s)
		return errors.Is(last, io.EOF)
	})
	return records
}

func (r *runGuest) leaseAndReboot(t *testing.T) {
	one := r.owner(t, "one")
	one.Close(context.Background())
	r.reboot(t)
	two := r.owner(t, "two")
	if two.lease != one.lease+1 {
		t.Errorf("after a reboot, lease %d follows lease %d; want two.lease == one.lease+1", two.lease, one.lease)
	}
	two.Close(context.Background())
	r.reboot(t)
	if again := r.owner(t, "two"); again.lease != two.lease {
		t.Errorf("after a reboot, its owner has lease %d, not %d", again.lease, two.lease)
	} else {
		again.giveBack(t)
	}
}

// leaseRenewed has an owner that orders nothing: its lease is renewed all the same, until it closes its connection.
func (r *runGuest) leaseRenewed(t *testing.T) {
	o := r.options
	o.Owner, o.renewal = LeaseOwner("idle", "host-idle"), 100*time.Millisecond
	idle, err := Connect(t.Context(), r.wine.client, o)
	if err != nil {
		t.Fatal(err)
	}
	const use = `HKLM\SOFTWARE\wskharness-lease\Use`
	used := func() bool {
		code, err := r.Exec(t.Context(), remote.CommandLine{Line: "reg query " + use + " /v Ticks"}, nil, io.Discard, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		return code == 0
	}
	for range 3 {
		r.reg(t, "delete "+use+" /f") // hours later
		testtime.Await(t, "the lease to be renewed", used)
	}
	r.refused(t, "two", "idle@host-idle", false)
	if err := idle.Close(context.Background()); err != nil {
		t.Error(err)
	}
	r.reg(t, "delete "+use+" /f")
	time.Sleep(10 * o.renewal)
	if used() {
		t.Error("the lease is renewed behind the back of its owner, who has gone")
	}
	two := r.owner(t, "two")
	if two.lease != idle.lease+1 {
		t.Errorf("lease %d follows lease %d; want two.lease == idle.lease+1", two.lease, idle.lease)
	}
	two.giveBack(t)
}

// reboots is a case that reboots its guest after a step.
func reboots(step string) string { return behind(step, "reboots", "reboot: {}", "sleep: 2ms") }

// leaseAndOwnReboot has a run reboot its guest, and that be another's: when it is about to, and when it is back.
func (r *runGuest) leaseAndOwnReboot(t *testing.T) {
	t.Run("as it should be", func(t *testing.T) {
		records := r.acrossReboot(t, func() {})
		unharmed(t, records, r.quirk.SHA256)
		if end := find(t, records, journal.EvCaseEnd); find(t, records, journal.EvBoot).Boot == "" || end.Why != "done" || end.Ran != 3 {
			t.Errorf("it did not go on\n%s; want find(t, records, journal.EvBoot).Boot != \"\" and end.Why == \"done\" and end.Ran == 3", journalOf(records))
		}
	})
	t.Run("another's when it is back", func(t *testing.T) {
		records := r.acrossReboot(t, func() { r.giveAway(t) })
		if last := records[len(records)-1]; last.Why != "lease" || last.Cases != 0 || records[len(records)-2].Ev != journal.EvReboot {
			t.Errorf("it went on\n%s; want last.Why == \"lease\" and last.Cases == 0 and records[len(records)-2].Ev == journal.EvReboot", journalOf(records))
		}
	})
	t.Run("another's before it", func(t *testing.T) {
		r.reboot(t)
		old := r.owner(t, "old")
		step, open := r.gate(t)
		s, err := old.StartRun(t.Context(), r.order(t, reboots(step), quirky(quirkNone)))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		await(t, s, journal.EvCaseStart)
		young := r.takeFrom(t, old, "young")
		open()
		records, err := all(t, s)
		if last := records[len(records)-1]; !errors.Is(err, io.EOF) || last.Why != "lease" || records[len(records)-2].Ev != journal.EvReboot {
			t.Errorf("%v\n%s; want io.EOF and last.Why == \"lease\" and records[len(records)-2].Ev == journal.EvReboot", err, journalOf(records))
		}
		// The guest has not rebooted: its owner has the boot that he had.
		boot := young.Facts().BootID
		time.Sleep(longIdle)
		if facts, err := young.Refresh(t.Context()); err != nil || facts.BootID != boot {
			t.Errorf("the guest was rebooted under another: %v; want no error and facts.BootID == boot", err)
		}
		young.giveBack(t)
	})
}

// ordersNoReboot has what the agent orders a reboot with do nothing, for the rest of a test that ends the guest itself: while
// Wine's processes end one by one, any command brings its services up again, in the same boot.
func (r *runGuest) ordersNoReboot(t *testing.T) {
	t.Helper()
	// A program is looked for in its parent's folder first. The agent, called so, does not know what is asked of it.
	agent, err := os.ReadFile(r.wine.path(r.exe))
	if err != nil {
		t.Fatal(err)
	}
	harmless := filepath.Join(filepath.Dir(r.wine.path(r.exe)), "wineboot.exe")
	if err := os.WriteFile(harmless, agent, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Remove(harmless); err != nil {
			t.Error(err)
		}
	})
}

// acrossReboot has the run of an owner reboot the guest, and returns its whole journal. In between is done while the guest
// is down.
func (r *runGuest) acrossReboot(t *testing.T, between func()) []journal.Record {
	t.Helper()
	r.reboot(t)
	r.ordersNoReboot(t)
	old := r.owner(t, "old")
	o := r.order(t, reboots("sleep: 1s"), quirky(quirkNone))
	s, err := old.StartRun(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = s.Next(t.Context()) // it has begun, or the guest is down already
	s.Close()
	// The last that the agent writes down before it orders the reboot.
	point := r.wine.path(JournalPath(o.ID) + ".reboot")
	testtime.Await(t, "the agent to prepare the reboot", func() bool {
		info, err := os.Stat(point)
		return err == nil && info.Size() > 0
	})
	r.startedTooEarly(t, old, o.ID)
	if _, err := os.Stat(point); err != nil {
		t.Fatalf("nobody knows any more where the run is: %v; want no error", err)
	}
	old.Close(context.Background())
	r.Close(context.Background())
	r.wine.shutdown()
	between()
	r.wine.up(t)
	r.connect(t)
	return r.whole(t, o.ID)
}

// startedTooEarly has the process that goes on with a run after a reboot start before that, as a guest that goes down may have it:
// it leaves all as it is.
func (r *runGuest) startedTooEarly(t *testing.T, owner *runGuest, runID string) {
	t.Helper()
	line := remote.CommandLine{Line: r.exe, SkipShell: true, Args: []string{"service", "--after-boot", "--plan", planPath(runID),
		"--journal", JournalPath(runID), "--lease", strconv.Itoa(int(owner.lease))}}
	if code, err := owner.Exec(t.Context(), line, nil, io.Discard, io.Discard); err != nil || code == 0 {
		t.Errorf("exit code %d, error %v; want no error and code != 0", code, err)
	}
}

// giveAway makes the guest another's, while it is down.
func (r *runGuest) giveAway(t *testing.T) {
	t.Helper()
	file := filepath.Join(r.wine.prefix, "system.reg")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "[Software\\\\wskharness-lease]")
	if !ok {
		t.Fatal("the guest has no lease")
	}
	value := regexp.MustCompile(`"Number"=dword:[0-9a-f]{8}`).FindString(rest)
	number, err := strconv.ParseUint(value[len(value)-8:], 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), value, fmt.Sprintf(`"Number"=dword:%08x`, number+1), 1)
	if err := os.WriteFile(file, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
}
