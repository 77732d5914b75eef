package guest

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"wskharness/driver/abi"
)

// Event is the kind of a record in a run's journal.
type Event string

// The events, in the order in which a run has them (docs/protocol.md, "The journal of a run").
const (
	EvRunStart    Event = "run-start"
	EvDriverStart Event = "driver-start"
	EvCaseStart   Event = "case-start"
	EvOutput      Event = "output"
	EvStep        Event = "step"
	EvReboot      Event = "reboot"
	EvBoot        Event = "boot"
	EvCaseEnd     Event = "case-end"
	EvDriverStop  Event = "driver-stop"
	EvDriverLeft  Event = "driver-left" // in the place of driver-stop: a driver that is never unloaded
	EvRunEnd      Event = "run-end"
)

// Residue is what a case has left behind (WSKT_RESIDUE).
type Residue struct {
	Registrations, Captures, Threads, PoolBlocks, Sockets, Irps uint32
}

// Zero reports whether nothing was left.
func (r Residue) Zero() bool { return r == Residue{} }

// Failure says in which run of a repeated or parallel unit a step deviated.
type Failure struct {
	Thread, Iteration uint64
}

// StepRange is some steps of a case that follow one another.
type StepRange struct {
	First int // index in the case
	Count int // at least 1
}

// Record is one record of a run's journal. Which fields an event has is in docs/protocol.md; the
// others are zero.
type Record struct {
	Ev  Event
	Seq uint64        // from 1, without gaps
	At  time.Duration // since run-start, by the guest's monotonic clock

	// run-start
	ABI      int
	Run      string
	Boot     string    // boot id; in boot: of the boot that goes on with the run
	Agent    string    // SHA-256 of the agent's image
	Started  time.Time // by the guest's clock, which may be wrong
	Cases    int       // in the plan; in run-end, those that were run
	OK       bool      // driver-start: it worked; driver-stop, driver-left: that is proven; step: as the plan expects
	Why      string    // driver-start, driver-stop, driver-left, case-end, run-end: a fixed word
	Win32    uint32    // driver-start, driver-stop, driver-left, case-end with "io" or Back: Win32 error; run-end: why records are missing before it
	Entry    uint32    // driver-start, case-end with Back: NTSTATUS that DriverEntry returned, 0 where unknown
	Again    *uint32   // with Entry: to learn it DriverEntry was run a second time, which came to this NTSTATUS; nil: it was not
	SHA256   string    // driver-start, driver-stop, driver-left: of the driver's file as it was read in the guest, then
	Base     uint64    // driver-start: where the image was loaded
	Size     uint64    // driver-start: of the loaded image
	StopTook time.Duration

	// case-start, step, reboot, case-end
	N    int // index of the case in the plan
	Step int // index of the step in the case

	// step
	Status uint32 // NTSTATUS
	Origin uint32 // WSKT_ORIGIN_*: who says so
	Runs   uint64
	Took   time.Duration    // the run that Status is of
	Most   time.Duration    // the longest run
	P      [3]time.Duration // half, 95% and 99% of the runs took no longer; zero for a step that ran once
	V      [abi.MaxValues]uint64
	It     *Failure // nil unless a unit of several threads or repetitions failed part-way

	// case-end
	Ran         int        // steps that were run
	Left, After Residue    // before and after the driver tidied up
	Kept        uint64     // case-end: changes of the case outside of its own folder that could not be undone; run-end: likewise, of the suites' set-ups
	Driver      string     // of a driver that can't be asked what is left: what its service is doing, such as running; so in driver-left
	Back        string     // not empty: the driver, which the case had unloaded, did not start again; a word of driver-start
	Under       *StepRange // with "io", "hang" and "timeout": the steps that were under way and are not back; nil where none was

	// output: a piece of what the step, whose record follows, wrote
	Of    string // stdout, stderr or report
	Total uint64 // bytes of all of it
	Last  bool   // it is of the end of one of which not all is kept
	Data  []byte

	Raw    []byte // the line, without its line break; the caller's
	Offset int64  // of the line in the journal
}

// maxLine bounds a line of the journal; the longest that an agent writes has some 600 bytes.
const maxLine = 16 << 10

// number is an unsigned 64-bit number in a journal: decimal, or a string "0x…".
type number uint64

func (n *number) UnmarshalJSON(b []byte) error {
	text, base := string(b), 10
	if inner, ok := strings.CutPrefix(text, `"0x`); ok && strings.HasSuffix(inner, `"`) {
		text, base = strings.TrimSuffix(inner, `"`), 16
	}
	v, err := strconv.ParseUint(text, base, 64)
	if err != nil {
		return fmt.Errorf(`%s is neither an unsigned number nor "0x…"`, clip(string(b), 40))
	}
	*n = number(v)
	return nil
}

// line is a record as it is written. A nil field is absent; null counts as absent.
type line struct {
	Seq    *uint64  `json:"seq"`
	MS     *number  `json:"ms"`
	Ev     *string  `json:"ev"`
	ABI    *int     `json:"abi"`
	Run    *string  `json:"run"`
	Boot   *string  `json:"boot"`
	Agent  *string  `json:"agent"`
	UnixMs *number  `json:"unixMs"`
	Cases  *int     `json:"cases"`
	OK     *number  `json:"ok"`
	Why    *string  `json:"why"`
	Win32  *uint32  `json:"win32"`
	Entry  *uint32  `json:"entry"`
	Again  *uint32  `json:"again"`
	SHA256 *string  `json:"sha256"`
	Base   *number  `json:"base"`
	Size   *number  `json:"size"`
	MS2    *number  `json:"ms2"`
	N      *int     `json:"n"`
	Step   *int     `json:"step"`
	Status *uint32  `json:"status"`
	Origin *uint32  `json:"origin"`
	Runs   *number  `json:"runs"`
	NS     *number  `json:"ns"`
	MaxNs  *number  `json:"maxNs"`
	V      []number `json:"v"`
	P      []number `json:"p"`
	It     []number `json:"it"`
	Ran    *int     `json:"ran"`
	Left   []uint32 `json:"left"`
	After  []uint32 `json:"after"`
	Kept   *number  `json:"kept"`
	Driver *string  `json:"driver"`
	Back   *string  `json:"back"`
	Under  []int    `json:"under"`
	Of     *string  `json:"of"`
	Total  *number  `json:"total"`
	At     *number  `json:"at"`
	Data   []byte   `json:"data"` // base64
}

// parseRecord reads and checks one line of a journal. Fields that this version doesn't know are
// passed over; those that it knows must be there, of the right type and within bounds.
func parseRecord(raw []byte) (Record, error) {
	if len(raw) > maxLine {
		return Record{}, fmt.Errorf("a line of %d bytes; the most is %d", len(raw), maxLine)
	}
	var l line
	if err := decodeOne(bytes.TrimSuffix(raw, []byte("\r")), &l); err != nil {
		return Record{}, err
	}
	c := check{line: &l}
	r := Record{
		Ev:  Event(c.text("ev", l.Ev)),
		Seq: c.count("seq", (*number)(l.Seq), 1<<53),
		At:  c.duration("ms", l.MS, time.Millisecond),
		Raw: raw,
	}
	if r.Seq == 0 {
		c.wrong("seq counts from 1")
	}
	switch r.Ev {
	case EvRunStart:
		c.runStart(&r)
	case EvDriverStart:
		c.driverStart(&r)
	case EvCaseStart:
		r.N = c.index("n", l.N)
	case EvOutput:
		r.N, r.Step = c.index("n", l.N), c.index("step", l.Step)
		r.Of = c.word("of", l.Of, "stdout", "stderr", "report")
		r.Total, r.Data = c.count("total", l.Total, 1<<53), l.Data
		if r.Last = l.At != nil; r.Last && (c.count("at", l.At, 1<<53)+uint64(len(r.Data)) > r.Total || r.Of == "report") {
			c.wrong("at %d of the %s, which has %d bytes", *l.At, r.Of, r.Total)
		}
	case EvStep:
		c.step(&r)
	case EvReboot:
		r.N, r.Step = c.index("n", l.N), c.index("step", l.Step)
	case EvBoot:
		r.Boot = c.bootID(l.Boot)
	case EvCaseEnd:
		c.caseEnd(&r)
	case EvDriverStop:
		c.driverEnd(&r, "hash", "refused", "timeout", "stop")
		r.StopTook = c.duration("ms2", l.MS2, time.Millisecond)
	case EvDriverLeft:
		c.driverEnd(&r, "hash", "state")
		r.Driver = c.serviceState(l.Driver)
		if r.OK && r.Driver != "running" {
			c.wrong("ok of a driver that is %s", r.Driver)
		}
	case EvRunEnd:
		r.Why = c.word("why", l.Why, "done", "driver-start", "cancelled", "tainted", "device", "lease", "plan", "journal")
		if r.Why == "journal" || l.Win32 != nil {
			r.Win32 = c.code("win32", l.Win32)
		}
		if l.Kept != nil {
			r.Kept = c.count("kept", l.Kept, maxKept)
		}
		r.Cases = c.index("cases", l.Cases)
	default:
		c.wrong("unknown event %q", clip(string(r.Ev), 40))
	}
	if err := errors.Join(c.mistakes...); err != nil {
		return Record{}, fmt.Errorf("record %q: %w", clip(string(raw), 200), err)
	}
	return r, nil
}

// check collects the mistakes of one line.
type check struct {
	line     *line
	mistakes []error
}

func (c *check) wrong(format string, args ...any) {
	c.mistakes = append(c.mistakes, fmt.Errorf(format, args...))
}

func (c *check) runStart(r *Record) {
	l := c.line
	r.ABI, r.Cases = c.index("abi", l.ABI), c.index("cases", l.Cases)
	r.Run, r.Boot, r.Agent = c.text("run", l.Run), c.bootID(l.Boot), c.text("agent", l.Agent)
	r.Started = time.UnixMilli(int64(c.count("unixMs", l.UnixMs, uint64(maxMillis)))).UTC()
	if err := CheckRunID(r.Run); err != nil {
		c.wrong("run: %w", err)
	}
	if err := checkSHA256(r.Agent); err != nil {
		c.wrong("agent: %w", err)
	}
}

func (c *check) driverStart(r *Record) {
	l := c.line
	r.OK, r.Win32, r.Entry = c.flag("ok", l.OK), c.code("win32", l.Win32), c.optionalCode(l.Entry)
	if !r.OK {
		r.Why = c.startWord("why", l.Why)
	}
	r.Again = c.again(r.Why, r.Entry)
	if l.SHA256 != nil { // absent when the plan says that the driver is running already
		r.SHA256 = c.hash(l.SHA256)
	}
	if r.OK || l.Base != nil {
		r.Base = c.count("base", l.Base, 1<<64-1)
	}
	if r.OK || l.Size != nil {
		r.Size = c.count("size", l.Size, 1<<32)
	}
}

// driverEnd reads what driver-stop and driver-left have in common: with ok they prove something, else they say why not.
func (c *check) driverEnd(r *Record, whys ...string) {
	l := c.line
	r.OK, r.Win32 = c.flag("ok", l.OK), c.code("win32", l.Win32)
	if r.OK || l.SHA256 != nil {
		r.SHA256 = c.hash(l.SHA256)
	}
	if !r.OK {
		r.Why = c.word("why", l.Why, whys...)
	}
}

func (c *check) step(r *Record) {
	l := c.line
	r.N, r.Step = c.index("n", l.N), c.index("step", l.Step)
	r.Status, r.Origin = c.code("status", l.Status), c.code("origin", l.Origin)
	if r.Origin > abi.OriginSkipped {
		c.wrong("origin %d is not known", r.Origin)
	}
	r.OK, r.Runs = c.flag("ok", l.OK), c.count("runs", l.Runs, 1<<53)
	r.Took, r.Most = c.duration("ns", l.NS, 1), c.duration("maxNs", l.MaxNs, 1)
	if len(l.V) != abi.MaxValues {
		c.wrong("v has %d values, not %d", len(l.V), abi.MaxValues)
	} else {
		for i, v := range l.V {
			r.V[i] = uint64(v)
		}
	}
	switch len(l.P) {
	case 0:
	case len(r.P):
		for i := range l.P {
			r.P[i] = c.duration("p", &l.P[i], 1)
		}
	default:
		c.wrong("p has %d values, not %d", len(l.P), len(r.P))
	}
	switch len(l.It) {
	case 0:
	case 2:
		r.It = &Failure{Thread: uint64(l.It[0]), Iteration: uint64(l.It[1])}
	default:
		c.wrong("it has %d values, not 2", len(l.It))
	}
}

// maxKept is more than a case, or a set-up, can change.
const maxKept = 1 << 20

func (c *check) caseEnd(r *Record) {
	l := c.line
	r.N, r.Ran = c.index("n", l.N), c.index("ran", l.Ran)
	r.Why = c.word("why", l.Why, "done", "deviation", "timeout", "hang", "cancelled", "io", "unready")
	if r.Why == "io" || l.Win32 != nil {
		r.Win32 = c.code("win32", l.Win32)
	}
	if l.Back != nil {
		r.Back, r.Win32, r.Entry = c.startWord("back", l.Back), c.code("win32", l.Win32), c.code("entry", l.Entry)
	}
	r.Again = c.again(r.Back, r.Entry)
	if r.Why == "io" || r.Why == "hang" || r.Why == "timeout" {
		r.Under = c.under(l.Under)
	} else if l.Under != nil {
		c.wrong("under of a case that ended with %s", r.Why)
	}
	if l.Kept != nil {
		r.Kept = c.count("kept", l.Kept, maxKept)
	}
	switch {
	case l.Driver != nil:
		r.Driver = c.serviceState(l.Driver)
	case (r.Why == "hang" || r.Why == "io") && l.Left == nil && l.After == nil:
		// a driver that no longer answers can't tell what is left
	default:
		r.Left, r.After = c.residue("left", l.Left), c.residue("after", l.After)
	}
}

func (c *check) under(v []int) *StepRange {
	if v == nil {
		return nil
	}
	if len(v) != 2 {
		c.wrong("under has %d numbers, not 2", len(v))
		return nil
	}
	r := StepRange{First: c.index("under", &v[0]), Count: c.index("under", &v[1])}
	if r.Count == 0 {
		c.wrong("under has no step")
	}
	return &r
}

// statusTimeout, as what a second DriverEntry came to: it has not returned.
const statusTimeout = 0x102

// again reads what became of the second DriverEntry of a start that failed for that reason.
func (c *check) again(why string, entry uint32) *uint32 {
	again := c.line.Again
	switch {
	case again == nil:
	case why != "start" && why != "hang":
		c.wrong("again of a driver that was not asked")
	case (*again == statusTimeout) != (why == "hang") || *again != statusTimeout && *again != 0 && *again < 1<<31:
		c.wrong("again is 0x%08X, with %q", *again, why)
	case entry != 0 && entry != *again:
		c.wrong("again is 0x%08X, and entry 0x%08X", *again, entry)
	}
	return again
}

// startWord is why a driver did not start.
func (c *check) startWord(name string, v *string) string {
	return c.word(name, v, "hash", "install", "start", "hang", "open", "abi")
}

func (c *check) serviceState(v *string) string {
	return c.word("driver", v, "absent", "stopped", "start-pending", "stop-pending", "running",
		"continue-pending", "pause-pending", "paused", "unknown")
}

func (c *check) hash(v *string) string {
	s := c.text("sha256", v)
	if err := checkSHA256(s); err != nil {
		c.wrong("sha256: %w", err)
	}
	return s
}

func (c *check) text(name string, v *string) string {
	if v == nil {
		c.wrong("%s is missing", name)
		return ""
	}
	return *v
}

func (c *check) bootID(v *string) string {
	id := c.text("boot", v)
	if !isGUID(id) {
		c.wrong("boot %q is no GUID", clip(id, 60))
	}
	return id
}

func (c *check) word(name string, v *string, words ...string) string {
	s := c.text(name, v)
	for _, w := range words {
		if s == w {
			return s
		}
	}
	c.wrong("%s is %q; expected one of %s", name, clip(s, 40), strings.Join(words, ", "))
	return ""
}

func (c *check) count(name string, v *number, most uint64) uint64 {
	if v == nil || uint64(*v) > most {
		c.wrong("%s is not a number up to %d", name, most)
		return 0
	}
	return uint64(*v)
}

// index is a number that counts things of a plan; a plan of the largest size holds fewer.
func (c *check) index(name string, v *int) int {
	const most = 1 << 20
	if v == nil || *v < 0 || *v > most {
		c.wrong("%s is not a number from 0 to %d", name, most)
		return 0
	}
	return *v
}

func (c *check) code(name string, v *uint32) uint32 {
	if v == nil {
		c.wrong("%s is missing", name)
		return 0
	}
	return *v
}

func (c *check) optionalCode(v *uint32) uint32 {
	if v == nil {
		return 0
	}
	return *v
}

func (c *check) flag(name string, v *number) bool {
	if v == nil || *v > 1 {
		c.wrong("%s is neither 0 nor 1", name)
		return false
	}
	return *v == 1
}

func (c *check) duration(name string, v *number, unit time.Duration) time.Duration {
	return time.Duration(c.count(name, v, uint64((1<<63-1)/unit))) * unit
}

func (c *check) residue(name string, v []uint32) Residue {
	if len(v) != 6 {
		c.wrong("%s has %d numbers, not 6", name, len(v))
		return Residue{}
	}
	return Residue{Registrations: v[0], Captures: v[1], Threads: v[2], PoolBlocks: v[3], Sockets: v[4], Irps: v[5]}
}
