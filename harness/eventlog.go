package harness

import (
	"context"
	"fmt"
	"strings"
	"time"

	"wskharness/crashdump"
	"wskharness/harness/driverrun"
	"wskharness/remote"
	"wskharness/results"
	"wskharness/vm"
)

const (
	eventLimit = 20 * time.Second // to ask the guest's event log once
	maxLogged  = 512 << 10        // bytes of its answer

	// newestEvent and eventsSince are of wevtutil, which every Windows has ("wevtutil", Windows Server command
	// reference; the query is XPath as "Consuming Events" has it). Events are told apart by the number of their record:
	// a guest's clock may be wrong. Unproven on Windows.
	newestEvent = `wevtutil qe System /c:1 /rd:true /f:xml`
	eventsSince = `wevtutil qe System /q:"*[System[EventRecordID>%d and (EventID=1001 or EventID=41)]]" /c:16 /rd:true /f:xml`
)

// queryLog has the guest print events. What can't be read of them is an error, and what came before it counts.
func (s *session) queryLog(ctx context.Context, line string) ([]crashdump.StopEvent, uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, s.allow(eventLimit))
	defer cancel()
	var out strings.Builder
	code, err := s.guest.Exec(ctx, remote.CommandLine{Line: line}, nil, &limited{to: &out, left: maxLogged}, nil)
	if err == nil && code != 0 {
		err = fmt.Errorf("wevtutil ended with exit code %d", code)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("query the event log of %s: %w", s.target.Name, err)
	}
	stops, newest, err := crashdump.ReadEventLog(strings.NewReader(out.String()))
	if err != nil {
		err = fmt.Errorf("query the event log of %s: %w", s.target.Name, err)
	}
	return stops, newest, err
}

// limited passes on so many bytes and drops the rest.
type limited struct {
	to   *strings.Builder
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	keep := p[:min(len(p), l.left)]
	l.left -= len(keep)
	l.to.Write(keep)
	return len(p), nil
}

// eventLog asks the guest's event log how the boot ended that this driver run began in: events that were not there then.
// It tells what they say as evidence, the crash where one has a stop code, and what is to be said where none has.
func (l *driverRun) eventLog(ctx context.Context, _ driverrun.Collect) driverrun.Told {
	switch {
	case l.traces.newest == nil:
		return driverrun.Told{Says: "there is no System event log to ask"}
	case l.session.guest == nil:
		return driverrun.Told{Says: "the System event log can't be asked"}
	}
	ctx, cancel := context.WithTimeout(ctx, l.session.allow(eventLimit))
	defer cancel()
	stops, _, err := l.session.queryLog(ctx, fmt.Sprintf(eventsSince, *l.traces.newest))
	if err != nil {
		l.run.notice(l.session.target.Name, results.Warning, "%v", err)
	}
	evidence, crash := newStops(stops, *l.traces.newest)
	return driverrun.Told{Evidence: evidence, Crash: crash, Says: "the System event log has no stop code"}
}

// newStops is what the events say that were not there when the log's newest record was that one: whatever time they
// bear, and whatever the guest was asked for.
func newStops(stops []crashdump.StopEvent, newest uint64) (evidence []results.Evidence, crash *vm.Event) {
	for _, e := range stops {
		if e.Record <= newest {
			continue
		}
		piece := results.Evidence{Kind: "event-log", Text: e.String()}
		if e.Code != 0 {
			found := &vm.Event{Kind: vm.Panicked, Time: time.Now(), Code: e.Code, Args: e.Parameters, Text: piece.Text}
			piece.Signature = signature(found)
			if crash == nil {
				crash = found
			}
		}
		evidence = append(evidence, piece)
	}
	return evidence, crash
}
