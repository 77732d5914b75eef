package guest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"wskharness/driver/abi"
	"wskharness/guest/agent"
	"wskharness/guest/journal"
	"wskharness/guest/untrusted"
	"wskharness/winerr"
)

// State is what can still be told while a run hangs (docs/protocol.md, "State").
type State struct {
	Run    string // the run's process: running, ended, gone, absent, unreadable
	Driver string // the driver's service: running, stopped, …

	FreeBytes *uint64 // of the volume that the journal is on; nil: unknown

	// Win32 is why the driver did not tell: 0, it did; ErrorTimeout, it did not answer in time. What is below is zero then.
	Win32       winerr.Win32
	Steps, Irps int // all that are under way; those listed may be fewer
	Outstanding journal.Residue
	Inflight    []Inflight // the oldest first
}

// Inflight is something that is under way in the driver.
type Inflight struct {
	IRP       bool          // an IRP that a provider has; else a thread that is in a step's operation
	Op        int           // WSKT_OP_*
	Context   int           // WSKT_CONTEXT_*
	Named     int           // n: on the case's named thread n - 1; 0: on none
	Case      int           // index in the plan
	Step      int           // index in the case
	Runner    int           // which of a loop's parallel threads, from 0
	Iteration int64         // and in which repetition, from 0
	Thread    uint64        // the kernel's id of the thread
	Took      time.Duration // so far
}

// State asks the agent, in a shell of its own, what became of a run and what the driver is doing. The agent
// gives the driver 3 s to answer; ctx bounds the rest.
func (g *Guest) State(ctx context.Context, driver, runID string) (State, error) {
	if err := journal.CheckRunID(runID); err != nil {
		return State{}, fmt.Errorf("state: %w", err)
	}
	var state State
	// Not as other commands are repeated: what else this Guest does, and waits for, is nothing to it.
	err := g.repeat(ctx, "agent state", func(ctx context.Context) (bool, error) {
		var err error
		state, err = g.stateOnce(ctx, driver, runID)
		return false, err
	})
	return state, err
}

func (g *Guest) stateOnce(ctx context.Context, driver, runID string) (State, error) {
	p, end, err := g.startBeside(ctx, g.leased("state", "--journal", JournalPath(runID), driver)...)
	if err != nil {
		return State{}, err
	}
	defer end(ctx)
	// Its end is not waited for: a process that has a request out to a stuck driver may not come to it.
	out, err := bufio.NewReader(io.LimitReader(p.Out, maxJSON)).ReadBytes('\n')
	if errors.Is(err, io.EOF) {
		err = p.Wait(ctx)
	}
	if err != nil {
		return State{}, fmt.Errorf("state: %w", err)
	}
	state, err := parseState(out)
	if err != nil {
		return State{}, &agent.ProtocolError{Doing: "agent state", Err: err}
	}
	return state, nil
}

// stateJSON is what the agent prints.
type stateJSON struct {
	Run         *string        `json:"run"`
	FreeBytes   *uint64        `json:"freeBytes"`
	Driver      *string        `json:"driver"`
	Win32       *winerr.Win32  `json:"win32"`
	Steps       *int           `json:"steps"`
	Irps        *int           `json:"irps"`
	Outstanding []uint32       `json:"outstanding"`
	Inflight    []inflightJSON `json:"inflight"`
}

type inflightJSON struct {
	Kind      *int              `json:"kind"`
	Op        *int              `json:"op"`
	Context   *int              `json:"context"`
	Named     *int              `json:"named"`
	Case      *int              `json:"case"`
	Step      *int              `json:"step"`
	Runner    *int              `json:"runner"`
	Iteration *untrusted.Number `json:"iteration"`
	Thread    *untrusted.Number `json:"thread"`
	NS        *untrusted.Number `json:"ns"`
}

// parseState reads and checks what `state` printed.
func parseState(out []byte) (State, error) {
	var in stateJSON
	if err := untrusted.DecodeOne(out, &in); err != nil {
		return State{}, err
	}
	var c untrusted.Fields
	s := State{
		Run:    c.Word("run", in.Run, "running", "ended", "gone", "absent", "unreadable"),
		Driver: untrusted.Clip(untrusted.Printable([]byte(c.Text("driver", in.Driver))), 40),
		Win32:  untrusted.Code(&c, "win32", in.Win32), FreeBytes: in.FreeBytes,
	}
	if s.Win32 == 0 {
		s.Steps, s.Irps = c.Index("steps", in.Steps), c.Index("irps", in.Irps)
		s.Outstanding = journal.ReadResidue(&c, "outstanding", in.Outstanding)
		if len(in.Inflight) > abi.MaxInflight {
			c.Wrong("%d inflight operations; the most is %d", len(in.Inflight), abi.MaxInflight)
		} else {
			for _, a := range in.Inflight {
				s.Inflight = append(s.Inflight, a.read(&c))
			}
		}
	}
	if err := c.Err(); err != nil {
		return State{}, err
	}
	return s, nil
}

func (in inflightJSON) read(c *untrusted.Fields) Inflight {
	kind := c.Index("kind", in.Kind)
	if kind != abi.InflightStep && kind != abi.InflightIRP {
		c.Wrong("kind %d is not known", kind)
	}
	return Inflight{
		IRP: kind == abi.InflightIRP, Op: c.Index("op", in.Op), Context: c.Index("context", in.Context), Named: c.Index("named", in.Named),
		Case: c.Index("case", in.Case), Step: c.Index("step", in.Step), Runner: c.Index("runner", in.Runner),
		Iteration: int64(c.Count("iteration", in.Iteration, 1<<32)), Thread: c.Count("thread", in.Thread, 1<<64-1),
		Took: c.Duration("ns", in.NS, 1),
	}
}
