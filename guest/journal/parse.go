package journal

import (
	"bytes"
	"fmt"
	"time"

	"wskharness/driver/abi"
	"wskharness/guest/untrusted"
	"wskharness/winerr"
)

// line is a record as it is written. A nil field is absent; null counts as absent.
type line struct {
	Seq    *uint64            `json:"seq"`
	MS     *untrusted.Number  `json:"ms"`
	Ev     *string            `json:"ev"`
	ABI    *int               `json:"abi"`
	Run    *string            `json:"run"`
	Boot   *string            `json:"boot"`
	Agent  *string            `json:"agent"`
	UnixMs *untrusted.Number  `json:"unixMs"`
	Cases  *int               `json:"cases"`
	OK     *untrusted.Number  `json:"ok"`
	Why    *string            `json:"why"`
	Win32  *winerr.Win32      `json:"win32"`
	Entry  *winerr.NTStatus   `json:"entry"`
	Again  *winerr.NTStatus   `json:"again"`
	SHA256 *string            `json:"sha256"`
	Base   *untrusted.Number  `json:"base"`
	Size   *untrusted.Number  `json:"size"`
	MS2    *untrusted.Number  `json:"ms2"`
	N      *int               `json:"n"`
	Step   *int               `json:"step"`
	Status *winerr.NTStatus   `json:"status"`
	Origin *uint32            `json:"origin"`
	Runs   *untrusted.Number  `json:"runs"`
	NS     *untrusted.Number  `json:"ns"`
	MaxNs  *untrusted.Number  `json:"maxNs"`
	V      []untrusted.Number `json:"v"`
	P      []untrusted.Number `json:"p"`
	It     []untrusted.Number `json:"it"`
	Ran    *int               `json:"ran"`
	Left   []uint32           `json:"left"`
	After  []uint32           `json:"after"`
	Kept   *untrusted.Number  `json:"kept"`
	Driver *string            `json:"driver"`
	Back   *string            `json:"back"`
	Under  []int              `json:"under"`
	Of     *string            `json:"of"`
	Total  *untrusted.Number  `json:"total"`
	At     *untrusted.Number  `json:"at"`
	Data   []byte             `json:"data"` // base64
}

// parseRecord reads and checks one line of a journal. Fields that this version doesn't know are
// passed over; those that it knows must be there, of the right type and within bounds.
func parseRecord(raw []byte) (Record, error) {
	if len(raw) > maxLine {
		return Record{}, fmt.Errorf("a line of %d bytes; the most is %d", len(raw), maxLine)
	}
	var l line
	if err := untrusted.DecodeOne(bytes.TrimSuffix(raw, []byte("\r")), &l); err != nil {
		return Record{}, err
	}
	c := check{line: &l}
	r := Record{
		Ev:  Event(c.Text("ev", l.Ev)),
		Seq: c.Count("seq", (*untrusted.Number)(l.Seq), 1<<53),
		At:  c.Duration("ms", l.MS, time.Millisecond),
		Raw: raw,
	}
	if r.Seq == 0 {
		c.Wrong("seq counts from 1")
	}
	switch r.Ev {
	case EvRunStart:
		c.runStart(&r)
	case EvDriverStart:
		c.driverStart(&r)
	case EvCaseStart:
		r.N = c.Index("n", l.N)
	case EvOutput:
		r.N, r.Step = c.Index("n", l.N), c.Index("step", l.Step)
		r.Of = c.Word("of", l.Of, "stdout", "stderr", "report")
		r.Total, r.Data = c.Count("total", l.Total, 1<<53), l.Data
		if r.Last = l.At != nil; r.Last && (c.Count("at", l.At, 1<<53)+uint64(len(r.Data)) > r.Total || r.Of == "report") {
			c.Wrong("at %d of the %s, which has %d bytes", *l.At, r.Of, r.Total)
		}
	case EvStep:
		c.step(&r)
	case EvReboot:
		r.N, r.Step = c.Index("n", l.N), c.Index("step", l.Step)
	case EvBoot:
		r.Boot = c.GUID("boot", l.Boot)
	case EvCaseEnd:
		c.caseEnd(&r)
	case EvDriverStop:
		c.driverEnd(&r, "hash", "refused", "timeout", "stop")
		r.StopTook = c.Duration("ms2", l.MS2, time.Millisecond)
	case EvDriverLeft:
		c.driverEnd(&r, "hash", "state")
		r.Driver = c.serviceState(l.Driver)
		if r.OK && r.Driver != "running" {
			c.Wrong("ok of a driver that is %s", r.Driver)
		}
	case EvRunEnd:
		r.Why = c.Word("why", l.Why, "done", "driver-start", "cancelled", "tainted", "device", "lease", "plan", "journal")
		if r.Why == "journal" || l.Win32 != nil {
			r.Win32 = untrusted.Code(&c.Fields, "win32", l.Win32)
		}
		if l.Kept != nil {
			r.Kept = c.Count("kept", l.Kept, maxKept)
		}
		r.Cases = c.Index("cases", l.Cases)
	default:
		c.Wrong("unknown event %q", untrusted.Clip(string(r.Ev), 40))
	}
	if err := c.Err(); err != nil {
		return Record{}, fmt.Errorf("record %q: %w", untrusted.Clip(string(raw), 200), err)
	}
	return r, nil
}

// check reads the fields of one line.
type check struct {
	untrusted.Fields
	line *line
}

func (c *check) runStart(r *Record) {
	l := c.line
	r.ABI, r.Cases = c.Index("abi", l.ABI), c.Index("cases", l.Cases)
	r.Run, r.Boot, r.Agent = c.Text("run", l.Run), c.GUID("boot", l.Boot), c.SHA256("agent", l.Agent)
	r.Started = time.UnixMilli(int64(c.Count("unixMs", l.UnixMs, untrusted.MaxMillis))).UTC()
	if err := CheckRunID(r.Run); err != nil {
		c.Wrong("run: %w", err)
	}
}

func (c *check) driverStart(r *Record) {
	l := c.line
	r.OK, r.Win32, r.Entry = c.Flag("ok", l.OK), untrusted.Code(&c.Fields, "win32", l.Win32), c.entry()
	if !r.OK {
		r.Why = c.startWord("why", l.Why)
	}
	r.Again = c.again(r.Why, r.Entry)
	if l.SHA256 != nil { // absent when the plan says that the driver is running already
		r.SHA256 = c.SHA256("sha256", l.SHA256)
	}
	if r.OK || l.Base != nil {
		r.Base = c.Count("base", l.Base, 1<<64-1)
	}
	if r.OK || l.Size != nil {
		r.Size = c.Count("size", l.Size, 1<<32)
	}
}

// driverEnd reads what driver-stop and driver-left have in common: with ok they prove something, else they say why not.
func (c *check) driverEnd(r *Record, whys ...string) {
	l := c.line
	r.OK, r.Win32 = c.Flag("ok", l.OK), untrusted.Code(&c.Fields, "win32", l.Win32)
	if r.OK || l.SHA256 != nil {
		r.SHA256 = c.SHA256("sha256", l.SHA256)
	}
	if !r.OK {
		r.Why = c.Word("why", l.Why, whys...)
	}
}

func (c *check) step(r *Record) {
	l := c.line
	r.N, r.Step = c.Index("n", l.N), c.Index("step", l.Step)
	r.Status, r.Origin = untrusted.Code(&c.Fields, "status", l.Status), untrusted.Code(&c.Fields, "origin", l.Origin)
	if r.Origin >= abi.OriginSkipped { // of a step that was skipped there is no record
		c.Wrong("origin %d is none that a step of a run has", r.Origin)
	}
	r.OK, r.Runs = c.Flag("ok", l.OK), c.Count("runs", l.Runs, 1<<53)
	r.Took, r.Most = c.Duration("ns", l.NS, 1), c.Duration("maxNs", l.MaxNs, 1)
	if len(l.V) != abi.MaxValues {
		c.Wrong("v has %d values, not %d", len(l.V), abi.MaxValues)
	} else {
		for i, v := range l.V {
			r.V[i] = uint64(v)
		}
	}
	switch len(l.P) {
	case 0:
	case len(r.P):
		for i := range l.P {
			r.P[i] = c.Duration("p", &l.P[i], 1)
		}
	default:
		c.Wrong("p has %d values, not %d", len(l.P), len(r.P))
	}
	switch len(l.It) {
	case 0:
	case 2:
		r.It = &Failure{Thread: uint64(l.It[0]), Iteration: uint64(l.It[1])}
	default:
		c.Wrong("it has %d values, not 2", len(l.It))
	}
}

// maxKept is more than a case, or a set-up, can change.
const maxKept = 1 << 20

func (c *check) caseEnd(r *Record) {
	l := c.line
	r.N, r.Ran = c.Index("n", l.N), c.Index("ran", l.Ran)
	r.Why = c.Word("why", l.Why, "done", "deviation", "timeout", "hang", "cancelled", "io", "unready")
	if r.Why == "io" || l.Win32 != nil {
		r.Win32 = untrusted.Code(&c.Fields, "win32", l.Win32)
	}
	if l.Back != nil {
		r.Back, r.Win32, r.Entry = c.startWord("back", l.Back), untrusted.Code(&c.Fields, "win32", l.Win32), untrusted.Code(&c.Fields, "entry", l.Entry)
	}
	r.Again = c.again(r.Back, r.Entry)
	if r.Why == "io" || r.Why == "hang" || r.Why == "timeout" {
		r.Under = c.under(l.Under)
	} else if l.Under != nil {
		c.Wrong("under of a case that ended with %s", r.Why)
	}
	if l.Kept != nil {
		r.Kept = c.Count("kept", l.Kept, maxKept)
	}
	switch {
	case l.Driver != nil:
		r.Driver = c.serviceState(l.Driver)
	case (r.Why == "hang" || r.Why == "io") && l.Left == nil && l.After == nil:
		// a driver that no longer answers can't tell what is left
	default:
		r.Left, r.After = ReadResidue(&c.Fields, "left", l.Left), ReadResidue(&c.Fields, "after", l.After)
	}
}

func (c *check) under(v []int) *StepRange {
	if v == nil {
		return nil
	}
	if len(v) != 2 {
		c.Wrong("under has %d numbers, not 2", len(v))
		return nil
	}
	r := StepRange{First: c.Index("under", &v[0]), Count: c.Index("under", &v[1])}
	if r.Count == 0 {
		c.Wrong("under has no step")
	}
	return &r
}

// again reads what became of the second DriverEntry of a start that failed for that reason. StatusTimeout: it has not returned.
func (c *check) again(why string, entry winerr.NTStatus) *winerr.NTStatus {
	again := c.line.Again
	switch {
	case again == nil:
	case why != "start" && why != "hang":
		c.Wrong("again of a driver that was not asked")
	case (*again == winerr.StatusTimeout) != (why == "hang") || *again != winerr.StatusTimeout && *again != winerr.StatusSuccess && again.Success():
		c.Wrong("again is %s, with %q", *again, why)
	case entry != 0 && entry != *again:
		c.Wrong("again is %s, and entry %s", *again, entry)
	}
	return again
}

// startWord is why a driver did not start.
func (c *check) startWord(name string, v *string) string {
	return c.Word(name, v, "hash", "install", "start", "hang", "open", "abi")
}

func (c *check) serviceState(v *string) string {
	return c.Word("driver", v, "absent", "stopped", "start-pending", "stop-pending", "running",
		"continue-pending", "pause-pending", "paused", "unknown")
}

// entry is 0 where it is not told.
func (c *check) entry() winerr.NTStatus {
	if c.line.Entry == nil {
		return 0
	}
	return *c.line.Entry
}

// ReadResidue reads the numbers of a WSKT_RESIDUE.
func ReadResidue(f *untrusted.Fields, name string, v []uint32) Residue {
	if len(v) != 6 {
		f.Wrong("%s has %d numbers, not 6", name, len(v))
		return Residue{}
	}
	return Residue{Registrations: v[0], Captures: v[1], Threads: v[2], PoolBlocks: v[3], Sockets: v[4], Irps: v[5]}
}
