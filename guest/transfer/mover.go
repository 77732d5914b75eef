// Package transfer moves files between this host and a guest: it pushes files and trees, pulls them, and lists what there
// is. docs/protocol.md, "Transfer", is what it and the agent have agreed on.
//
// What was interrupted goes on where it stopped, and what is there already with the right SHA-256 is not moved. A file has
// its name only when it is whole and its hash was right, on both sides; until then it is a part beside it. Memory is
// bounded whatever the sizes. Nothing that a guest says of its files is believed, neither their sizes nor their names: nothing
// is written outside of the folder that a tree is pulled to.
package transfer

import (
	"context"
	"sync"

	"github.com/hashicorp/go-hclog"

	"wskharness/guest/agent"
	"wskharness/guest/ntfs"
)

// Agent is how commands of the agent are started in a guest; guest has one for each.
type Agent interface {
	// Start starts a command.
	Start(ctx context.Context, args ...string) (*agent.Process, error)
	// Order is Start for one that the agent refuses, with *agent.StaleError, where another owner has the guest.
	Order(ctx context.Context, args ...string) (*agent.Process, error)
	// Beside opens a shell of its own, for commands that are to have a connection of their own. The caller calls end, which
	// does not wait.
	Beside(ctx context.Context) (start Start, end func(), err error)
	// Persist does something that can be done again until it works, until the reason why it does not is one that won't
	// pass, or until it has stopped getting on.
	Persist(ctx context.Context, doing string, try func(context.Context) (progressed bool, err error)) error
	// Far reports whether round trips to the guest take long.
	Far() bool
}

// Start starts a command of the agent: see [Agent].
type Start = func(ctx context.Context, args ...string) (*agent.Process, error)

// Mover moves files to and from one guest. It is safe for use by several goroutines.
type Mover struct {
	agent Agent
	log   hclog.Logger

	mu    sync.Mutex
	there map[string][32]byte // guest path (folded) → SHA-256 of what was brought there
}

// NewMover makes a Mover for the guest that this agent is in.
func NewMover(a Agent, log hclog.Logger) *Mover {
	return &Mover{agent: a, log: log, there: make(map[string][32]byte)}
}

// Forget forgets what was brought there: the guest may have been reverted. That costs a question, and no more.
func (m *Mover) Forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.there)
}

// remember notes what is in the guest now, so that asking before sending is known to pay.
func (m *Mover) remember(batch []upload) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, u := range batch {
		m.there[ntfs.Fold(u.entry.Path)] = u.entry.SHA256
	}
}

// probablyThere reports whether all of these files were brought there before.
func (m *Mover) probablyThere(batch []upload) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, u := range batch {
		if have, ok := m.there[ntfs.Fold(u.entry.Path)]; !ok || have != u.entry.SHA256 {
			return false
		}
	}
	return true
}

// A stream carries one request's worth of bytes a round trip, however fast the link is. So where round trips take long, a
// large file goes through several streams, each with a shell of its own.
const (
	maxStreams = 8

	// A stream has to carry this many requests to be worth the round trips that its start takes.
	requestsPerStream = 3
	bytesPerRequest   = 375000 // with the usual envelope
)

// streams is how many streams size bytes are worth on the way to this guest.
func (m *Mover) streams(size int64) int {
	if !m.agent.Far() {
		return 1
	}
	return int(max(1, min(maxStreams, size/(requestsPerStream*bytesPerRequest))))
}

// ranges is how many ranges of a file are fetched at once, and how long they are. The start of a process in the guest costs
// as much as some MiB do where the link is fast; where it is not, less should be lost with it.
func (m *Mover) ranges() (parallel int, bytes int64) {
	if m.agent.Far() {
		return maxStreams, 4 << 20
	}
	return 2, 16 << 20
}
