package guest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"wskharness/driver/abi"
)

// State is what can still be told while a run hangs (docs/protocol.md, "State").
type State struct {
	Run    string // the run's process: running, ended, gone, absent, unreadable
	Driver string // the driver's service: running, stopped, …

	FreeBytes *uint64 // of the volume that the journal is on; nil: unknown

	// Win32 is why the driver did not tell: 0, it did; 1460, it did not answer in time. What is below is zero then.
	Win32       uint32
	Steps, Irps int // all that are under way; those listed may be fewer
	Outstanding Residue
	Activities  []Activity // the oldest first
}

// Activity is something that is under way in the driver.
type Activity struct {
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
	if err := CheckRunID(runID); err != nil {
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
	shell, err := g.client.Shell(ctx, g.opts.Shell)
	if err != nil {
		return State{}, fmt.Errorf("state: %w", err)
	}
	defer g.discard(ctx, shell)
	p, err := g.startIn(ctx, shell, g.exe, g.leased("state", "--journal", JournalPath(runID), driver)...)
	if err != nil {
		return State{}, fmt.Errorf("state: %w", err)
	}
	defer p.close()
	// Its end is not waited for: a process that has a request out to a stuck driver may not come to it.
	out, err := bufio.NewReader(io.LimitReader(p.Stdout, maxJSON)).ReadBytes('\n')
	if errors.Is(err, io.EOF) {
		if _, err := p.wait(ctx); err != nil {
			return State{}, fmt.Errorf("state: %w", err)
		}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return State{}, fmt.Errorf("state: %w", err)
	}
	state, err := parseState(out)
	if err != nil {
		return State{}, &ProtocolError{Doing: "agent state", Err: err}
	}
	return state, nil
}

// stateJSON is what the agent prints.
type stateJSON struct {
	Run         *string        `json:"run"`
	FreeBytes   *uint64        `json:"freeBytes"`
	Driver      *string        `json:"driver"`
	Win32       *uint32        `json:"win32"`
	Steps       *int           `json:"steps"`
	Irps        *int           `json:"irps"`
	Outstanding []uint32       `json:"outstanding"`
	Activities  []activityJSON `json:"activities"`
}

type activityJSON struct {
	Kind      *int    `json:"kind"`
	Op        *int    `json:"op"`
	Context   *int    `json:"context"`
	Named     *int    `json:"named"`
	Case      *int    `json:"case"`
	Step      *int    `json:"step"`
	Runner    *int    `json:"runner"`
	Iteration *number `json:"iteration"`
	Thread    *number `json:"thread"`
	NS        *number `json:"ns"`
}

// parseState reads and checks what `state` printed.
func parseState(out []byte) (State, error) {
	var in stateJSON
	if err := decodeOne(out, &in); err != nil {
		return State{}, err
	}
	c := check{}
	s := State{
		Run:    c.word("run", in.Run, "running", "ended", "gone", "absent", "unreadable"),
		Driver: clip(printable([]byte(c.text("driver", in.Driver))), 40),
		Win32:  c.code("win32", in.Win32), FreeBytes: in.FreeBytes,
	}
	if s.Win32 == 0 {
		s.Steps, s.Irps = c.index("steps", in.Steps), c.index("irps", in.Irps)
		s.Outstanding = c.residue("outstanding", in.Outstanding)
		if len(in.Activities) > abi.MaxActivities {
			c.wrong("%d activities; the most is %d", len(in.Activities), abi.MaxActivities)
		} else {
			for _, a := range in.Activities {
				s.Activities = append(s.Activities, c.activity(a))
			}
		}
	}
	if err := errors.Join(c.mistakes...); err != nil {
		return State{}, err
	}
	return s, nil
}

func (c *check) activity(in activityJSON) Activity {
	kind := c.index("kind", in.Kind)
	if kind != abi.ActivityStep && kind != abi.ActivityIRP {
		c.wrong("kind %d is not known", kind)
	}
	return Activity{
		IRP: kind == abi.ActivityIRP, Op: c.index("op", in.Op), Context: c.index("context", in.Context), Named: c.index("named", in.Named),
		Case: c.index("case", in.Case), Step: c.index("step", in.Step), Runner: c.index("runner", in.Runner),
		Iteration: int64(c.count("iteration", in.Iteration, 1<<32)), Thread: c.count("thread", in.Thread, 1<<64-1),
		Took: c.duration("ns", in.NS, 1),
	}
}
