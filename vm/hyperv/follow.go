package hyperv

import (
	"context"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"wskharness/vm"
)

const (
	// watchSeconds is how long one call of watch.ps1 waits for news.
	watchSeconds = 30
	// watchLimit is how long it may take then: a host that is asked much is slow.
	watchLimit = 3 * time.Minute
	// waitUnheard is how long it is until a host is asked again that did not answer: it may be rebooting.
	waitUnheard = 5 * time.Second
)

// follower reads what the host's logs say of a machine. It is told to stop while something is done to the machine on purpose, and to go
// on behind what that has led to.
type follower struct {
	virtual *virtual
	logger  hclog.Logger
	tell    func(entry)
	gone    func() // the machine is not there any more; called once

	mu     sync.Mutex
	at     mark
	cancel context.CancelFunc
	done   chan struct{}
}

// resume follows from a mark.
func (f *follower) resume(from mark) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	f.mu.Lock()
	f.at, f.cancel, f.done = from, cancel, done
	f.mu.Unlock()
	go func() {
		defer close(done)
		f.follow(ctx)
	}()
}

// stop returns when nothing is followed any more, and says how far that has come.
func (f *follower) stop() mark {
	f.mu.Lock()
	cancel, done := f.cancel, f.done
	f.mu.Unlock()
	if cancel != nil {
		cancel()
		<-done
	}
	return f.mark()
}

func (f *follower) mark() mark {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.at
}

func (f *follower) follow(ctx context.Context) {
	for heard := true; ctx.Err() == nil; {
		asking, cancel := context.WithTimeout(ctx, watchLimit)
		n, err := f.virtual.watch(asking, f.mark(), watchSeconds)
		cancel()
		switch {
		case ctx.Err() != nil: // what was just read is read again
			return
		case err != nil:
			if heard {
				f.logger.Warn("the host does not tell what becomes of its VM; it is asked again", "vm", f.virtual.name, "host", f.virtual.host, "error", err)
			}
			heard = false
			select {
			case <-ctx.Done():
			case <-time.After(waitUnheard):
			}
			continue
		}
		heard = true
		for _, list := range [][]logged{n.Worker, n.Service} {
			for _, l := range list {
				if e, ok := readEntry(l.XML, f.virtual.id); ok {
					f.tell(e)
				}
			}
		}
		f.mu.Lock()
		f.at = n.Mark
		f.mu.Unlock()
		if n.Gone {
			f.gone()
			return
		}
	}
}

// feed is a machine's events. What nobody takes is kept, up to a bound.
type feed struct {
	mu     sync.Mutex
	ch     chan vm.Event
	closed bool
}

const keptEvents = 64

func newFeed() *feed { return &feed{ch: make(chan vm.Event, keptEvents)} }

func (f *feed) tell(e vm.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return
	}
	select {
	case f.ch <- e:
	default:
	}
}

func (f *feed) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.closed {
		f.closed = true
		close(f.ch)
	}
}
