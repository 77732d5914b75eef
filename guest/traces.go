package guest

import (
	"context"
	"errors"
	"fmt"
	"regexp"
)

// Traces are what crashes have left in a guest.
type Traces struct {
	Dumps    map[string]Dump // crash dumps by their paths; nil: they could not be listed
	EventLog bool            // there is a System event log to ask
}

// Dump is a crash dump as the guest tells of it. Time is only to be compared with itself: a guest's clock may be wrong.
type Dump struct {
	Size int64  `json:"size"`
	Time string `json:"time"`
}

const (
	maxDumps    = 64 // that are looked at
	maxDumpTime = 20 // bytes
)

var dumpPath = regexp.MustCompile(`(?i)^C:\\Windows\\(MEMORY\.DMP|Minidump\\[A-Z0-9 _.-]{1,80}\.dmp)$`)

// Traces asks what crashes have left now. Contact that is lost is sought again, as by every question.
func (g *Guest) Traces(ctx context.Context) (Traces, error) {
	var facts Facts
	err := g.persist(ctx, "agent info", func(ctx context.Context) (bool, error) {
		var err error
		facts, err = g.probe(ctx)
		return false, err
	})
	if err == nil && facts.Traces.Dumps == nil {
		err = errors.New("the agent could not list them")
	}
	if err != nil {
		return Traces{}, fmt.Errorf("list the crash dumps: %w", err)
	}
	return facts.Traces, nil
}

// tracesJSON is their part of what `info` prints.
type tracesJSON struct {
	Dumps []struct {
		Path string `json:"path"`
		Dump
	} `json:"dumps"`
	EventLog bool `json:"eventLog"`
}

// traces leaves out what is no dump: the list is the guest's, and hostile.
func (in tracesJSON) traces() Traces {
	t := Traces{EventLog: in.EventLog}
	if in.Dumps == nil {
		return t
	}
	t.Dumps = map[string]Dump{}
	for _, d := range in.Dumps {
		if dumpPath.MatchString(d.Path) && d.Size > 0 && len(d.Time) <= maxDumpTime && len(t.Dumps) < maxDumps {
			t.Dumps[d.Path] = d.Dump
		}
	}
	return t
}
