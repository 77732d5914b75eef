package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"wskharness/guest"
	"wskharness/guest/agent"
	"wskharness/guest/journal"
	"wskharness/guest/transfer"
	"wskharness/remote"
)

// simPort is the connection of one controller to the guest.
type simPort struct {
	guest *simGuest
	owner int
	boot  int
}

var errDead = errors.New("this controller is dead")

func unreachable(text string) error { return &remote.ConnError{Err: errors.New(text), Sent: true} }

// reach connects, if the guest can be reached.
func (g *simGuest) reach(owner int) (port, error) {
	time.Sleep(20 * time.Millisecond)
	g.mu.Lock()
	defer g.mu.Unlock()
	p := &simPort{guest: g, owner: owner, boot: g.boots}
	if err := p.there(); err != nil {
		return nil, err
	}
	return p, nil
}

// there reports why the guest does not answer; nil where it does.
func (p *simPort) there() error {
	g := p.guest
	switch {
	case g.owner != p.owner:
		return errDead
	case g.endedAt.IsZero() && time.Now().Before(g.upAt) && g.slow && g.random.IntN(2) == 0:
		codes := []int{401, 404, 503}
		return &remote.Fault{HTTPStatus: codes[g.random.IntN(len(codes))], Reason: "the machine is booting"}
	case !g.endedAt.IsZero(), time.Now().Before(g.upAt), time.Now().Before(g.deafTill), g.mute:
		return unreachable("nobody answers")
	}
	return nil
}

// ask does something in the guest, which takes a while.
func (p *simPort) ask(ctx context.Context, do func() error) error {
	select {
	case <-time.After(5 * time.Millisecond):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	g := p.guest
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := p.there(); err != nil {
		return err
	}
	if g.boots != p.boot {
		return &guest.RebootedError{Was: fmt.Sprint(p.boot), Now: fmt.Sprint(g.boots)}
	}
	return do()
}

func (p *simPort) StartRun(ctx context.Context, run guest.Run) (following, error) {
	err := p.ask(ctx, func() error {
		if p.guest.runs[run.ID] != nil {
			return &agent.Error{Command: "run", ExitCode: 1, Complaint: "its journal is there"}
		}
		r := &simRun{alive: true, names: planNames(run.Plan)}
		p.guest.runs[run.ID] = r
		go p.guest.serve(run.ID, r, simReboot{n: -1})
		if p.guest.random.IntN(16) == 0 {
			return &guest.LostError{RunID: run.ID, Err: unreachable("no answer")}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &simJournal{port: p, id: run.ID, copy: run.Journal}, nil
}

func (p *simPort) Follow(ctx context.Context, id string, from journal.Position, raw io.Writer) (following, error) {
	err := p.ask(ctx, func() error {
		if p.guest.runs[id] == nil {
			return &agent.Error{Command: "tail", ExitCode: 1, Complaint: "there is no journal"}
		}
		return nil
	})
	if unanswered, _ := remote.IsUnanswered(err); unanswered {
		err = &guest.LostError{RunID: id, Err: err}
	}
	if err != nil {
		return nil, err
	}
	return &simJournal{port: p, id: id, copy: raw, at: from}, nil
}

func (p *simPort) Cancel(ctx context.Context, id string) error {
	return p.ask(ctx, func() error {
		if r := p.guest.runs[id]; r != nil {
			r.cancelled = true
		}
		return nil
	})
}

func (p *simPort) State(ctx context.Context, _, _ string) (guest.State, error) {
	return guest.State{Run: "running", Driver: "running"}, p.ask(ctx, func() error { return nil })
}

func (p *simPort) Refresh(ctx context.Context) (guest.Facts, error) {
	return p.Facts(), p.ask(ctx, func() error { return nil })
}

func (p *simPort) Traces(ctx context.Context) (t guest.Traces, err error) {
	err = p.ask(ctx, func() error {
		t.Control = simControl
		t.Dumps = map[string]guest.Dump{}
		for path, d := range p.guest.dumps {
			t.Dumps[path] = d
		}
		return nil
	})
	return t, err
}

var simControl = guest.CrashControl{DumpFile: `C:\Windows\MEMORY.DMP`, MinidumpDir: `C:\Windows\Minidump`}

func (p *simPort) Look(context.Context, string) (transfer.Entry, error) {
	return transfer.Entry{}, errDead
}
func (p *simPort) PullFile(ctx context.Context, _, _ string, _ transfer.PullOptions) (transfer.PullStats, error) {
	return transfer.PullStats{}, p.ask(ctx, func() error { return nil })
}
func (p *simPort) PullTree(context.Context, string, string, transfer.TreeOptions) (transfer.TreeStats, error) {
	return transfer.TreeStats{}, errDead
}
func (p *simPort) Exec(context.Context, remote.CommandLine, io.Reader, io.Writer, io.Writer) (uint32, error) {
	return 1, errDead
}
func (p *simPort) Facts() guest.Facts {
	facts := guest.Facts{BootID: fmt.Sprintf("%08d-0000-0000-0000-000000000000", p.boot), Wine: "8.0", OSName: "simulated"}
	if p.guest.rack {
		facts.Wine, facts.OSVersion = "", "10.0.26100"
		facts.Verifier, facts.Traces.Control = p.guest.verifier.kernel(), simControl
	}
	if p.guest.facts != nil {
		p.guest.facts(&facts)
	}
	return facts
}
func (p *simPort) Release(context.Context) error { return nil }
func (p *simPort) Close(context.Context) error   { return nil }

// simJournal reads a run's journal as it is written.
type simJournal struct {
	port *simPort
	id   string
	copy io.Writer
	at   journal.Position
}

func (j *simJournal) Next(ctx context.Context) (journal.Record, error) {
	g := j.port.guest
	wake := context.AfterFunc(ctx, func() { g.mu.Lock(); g.changed.Broadcast(); g.mu.Unlock() })
	defer wake()
	g.mu.Lock()
	defer g.mu.Unlock()
	for {
		if ctx.Err() != nil {
			return journal.Record{}, context.Cause(ctx)
		}
		if err := j.port.there(); err != nil && !g.mute {
			if errors.Is(err, errDead) {
				return journal.Record{}, err
			}
			return journal.Record{}, &guest.LostError{RunID: j.id, Position: j.at, Err: err}
		}
		if g.boots != j.port.boot {
			return journal.Record{}, &guest.LostError{RunID: j.id, Position: j.at, Err: unreachable("the connection ended")}
		}
		r := g.runs[j.id]
		if r == nil {
			return journal.Record{}, &agent.Error{Command: "tail", ExitCode: 1, Complaint: "there is no journal"}
		}
		if record, ok := r.record(j.id, j.at); ok && !g.mute {
			g.mu.Unlock() // the controller may be killed as it writes
			_, err := j.copy.Write(append(record.Raw, '\n'))
			g.mu.Lock()
			if err != nil {
				return journal.Record{}, err
			}
			j.at = journal.Position{Offset: record.Offset + int64(len(record.Raw)) + 1, Seq: record.Seq}
			return record, nil
		}
		if !r.alive && !g.mute && r.at == nil {
			if strings.Contains(r.journal.String(), `"ev":"run-end"`) {
				return journal.Record{}, io.EOF
			}
			return journal.Record{}, &guest.EndedError{RunID: j.id, Offset: j.at.Offset, Seq: j.at.Seq}
		}
		g.changed.Wait()
	}
}

func (j *simJournal) Close() {}

// record is the one behind a position.
func (r *simRun) record(id string, at journal.Position) (found journal.Record, ok bool) {
	if r.read.Offset < int64(r.journal.Len()) {
		r.records = nil
		r.read, _ = journal.Read(bytes.NewReader(r.journal.Bytes()), id, func(record journal.Record) { r.records = append(r.records, record) })
	}
	if n := int(at.Seq); n < len(r.records) {
		return r.records[n], true
	}
	return found, false
}

func (p *simPort) Left(ctx context.Context, _ guest.Own) (left guest.Left, err error) {
	return left, p.ask(ctx, func() error {
		for id := range p.guest.runs {
			left.Files = append(left.Files, `runs\`+id)
		}
		return nil
	})
}

func (p *simPort) Clean(ctx context.Context, _ guest.Own, before guest.Left) (removed []string, err error) {
	return removed, p.ask(ctx, func() error {
		if p.guest.sticks {
			return &guest.StaysError{Why: []error{errors.New("it sticks")}}
		}
		for id, r := range p.guest.runs {
			if !slices.Contains(before.Files, `runs\`+id) {
				r.alive = false
				delete(p.guest.runs, id)
				removed = append(removed, `file runs\`+id)
			}
		}
		return nil
	})
}
