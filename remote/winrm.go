package remote

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Client is what most users of this package need of a connection to a machine.
type Client interface {
	Shell(ctx context.Context, opts ShellOptions) (*Shell, error)
}

var _ Client = (*WinRM)(nil)

// Options tune a client. The zero value is right for a Windows machine with default settings.
type Options struct {
	Logger hclog.Logger // nil is silent

	// OperationTimeout is how long the server may take for one operation, and how long a Receive
	// with nothing to say blocks before it is asked again. 20 s when zero. Servers cap it at
	// MaxTimeoutms (60 s by default).
	OperationTimeout time.Duration

	// HTTPMargin is how much longer than OperationTimeout the client waits for an answer before it
	// takes the server for lost. 10 s when zero.
	HTTPMargin time.Duration

	// CleanupTimeout bounds what is done after a context has ended: ending commands and deleting
	// shells. 10 s when zero.
	CleanupTimeout time.Duration

	// MaxEnvelope is the largest request that is sent, and the largest answer asked for, in bytes
	// of the HTTP body. 512000 when zero, Windows' own default (500 KiB; 150 KiB on old systems:
	// the client finds that out and adapts). At least 8192.
	MaxEnvelope int

	// MaxOutput bounds each output that Shell.Run collects, in bytes. 16 MiB when zero.
	MaxOutput int

	// Owner marks shells as this client's: it is put in front of their names. When the quota of
	// shells is used up, shells with this mark that this client does not know are deleted, so it
	// should name one controller (its run id, say) and no other. Empty: nobody's shells are
	// touched.
	Owner string

	// QuotaWait is how long Shell keeps trying when a quota is used up. 30 s when zero; negative
	// means not at all.
	QuotaWait time.Duration

	// Record is nil, or told of every exchange when it is over, by whichever goroutine had it; it must not block.
	Record func(Exchange)
}

const (
	defaultOperationTimeout = 20 * time.Second // with an HTTP time-out of 30 s: proven values
	defaultHTTPMargin       = 10 * time.Second
	defaultCleanupTimeout   = 10 * time.Second
	defaultMaxEnvelope      = 500 << 10
	minMaxEnvelope          = 8192 // a smaller one is a fault (DSP0226 6.2, wsmerror.h)
	defaultMaxOutput        = 16 << 20
	defaultQuotaWait        = 30 * time.Second
)

func (o *Options) fill() error {
	if o.Logger == nil {
		o.Logger = hclog.NewNullLogger()
	}
	setDefault(&o.OperationTimeout, defaultOperationTimeout)
	setDefault(&o.HTTPMargin, defaultHTTPMargin)
	setDefault(&o.CleanupTimeout, defaultCleanupTimeout)
	setDefault(&o.MaxEnvelope, defaultMaxEnvelope)
	setDefault(&o.MaxOutput, defaultMaxOutput)
	setDefault(&o.QuotaWait, defaultQuotaWait)
	switch {
	case o.MaxEnvelope < minMaxEnvelope:
		return fmt.Errorf("option MaxEnvelope %d: a WinRM server refuses less than %d bytes", o.MaxEnvelope, minMaxEnvelope)
	case o.OperationTimeout < 0 || o.HTTPMargin < 0 || o.CleanupTimeout < 0 || o.MaxOutput < 0:
		return fmt.Errorf("options: a negative limit")
	}
	return nil
}

func setDefault[T comparable](value *T, fallback T) {
	var zero T
	if *value == zero {
		*value = fallback
	}
}

// Stats counts what went over the wire.
type Stats struct {
	Requests      int64 // HTTP requests that were sent, handshakes of authentication included
	BytesSent     int64 // bytes written to sockets, TLS and HTTP included
	BytesReceived int64 // bytes read from sockets

	// RoundTrip is the shortest time in which a request was answered: about the network's, since there are
	// requests that cost the server next to nothing. Zero before the first answer.
	RoundTrip time.Duration
}

type counters struct {
	requests, sent, received atomic.Int64
	connections              atomic.Int64 // that were made so far
	roundTrip                atomic.Int64 // ns; 0: nothing was answered yet
}

// answered notes how long a request took to be answered.
func (c *counters) answered(took time.Duration) {
	for {
		least := c.roundTrip.Load()
		if least != 0 && int64(took) >= least || c.roundTrip.CompareAndSwap(least, max(1, int64(took))) {
			return
		}
	}
}

// WinRM is a client of one machine. It is safe for use by several goroutines. It holds
// connections, so Close it.
type WinRM struct {
	endpoint Endpoint
	opts     Options
	log      hclog.Logger
	wire     exchanger
	count    *counters

	maxEnvelope atomic.Int64 // adapts downwards to the server's limit

	mu     sync.Mutex
	shells map[string]*Shell // by id: those made here and not closed
	closed bool

	background sync.WaitGroup // clean-up that outlives the call that started it
	cleanup    context.Context
	endCleanup context.CancelFunc
}

// New makes a client. It does not connect: the first operation does.
func New(ep Endpoint, opts Options) (*WinRM, error) {
	if err := ep.Validate(); err != nil {
		return nil, err
	}
	if err := opts.fill(); err != nil {
		return nil, err
	}
	c := &WinRM{
		endpoint: ep,
		opts:     opts,
		log:      opts.Logger.Named("winrm").With("url", ep.URL),
		count:    new(counters),
		shells:   make(map[string]*Shell),
	}
	c.maxEnvelope.Store(int64(opts.MaxEnvelope))
	c.cleanup, c.endCleanup = context.WithCancel(context.Background())
	wire, err := newExchanger(ep, opts, c.count)
	if err != nil {
		return nil, err
	}
	c.wire = wire
	return c, nil
}

// Close ends what still runs, deletes the shells that are still open, waits for clean-up that goes
// on in the background, all within Options.CleanupTimeout, and closes the connections.
func (c *WinRM) Close() error {
	c.mu.Lock()
	c.closed = true
	var left []*Shell
	for _, s := range c.shells {
		left = append(left, s)
	}
	c.mu.Unlock()
	limit := time.AfterFunc(c.opts.CleanupTimeout, c.endCleanup)
	var errs []error
	for _, s := range left {
		errs = append(errs, s.Close(c.cleanup))
	}
	c.background.Wait()
	limit.Stop()
	c.endCleanup()
	c.wire.close()
	return errors.Join(errs...)
}

// ErrClosed is what a client that was closed answers.
var ErrClosed = errors.New("the WinRM client is closed")

// Stats tells what went over the wire so far.
func (c *WinRM) Stats() Stats {
	return Stats{
		Requests:      c.count.requests.Load(),
		BytesSent:     c.count.sent.Load(),
		BytesReceived: c.count.received.Load(),
		RoundTrip:     time.Duration(c.count.roundTrip.Load()),
	}
}

// Endpoint is where the client connects to.
func (c *WinRM) Endpoint() Endpoint { return c.endpoint }

// join counts a goroutine that Close has to wait for; leave it with c.background.Done.
func (c *WinRM) join() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return ErrClosed
	}
	c.background.Add(1)
	return nil
}

// tidyUp gives a context for clean-up that must not depend on one that has ended. It has a limit of
// its own, and ends with the client.
func (c *WinRM) tidyUp(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.opts.CleanupTimeout)
	stop := context.AfterFunc(c.cleanup, cancel)
	return ctx, func() { stop(); cancel() }
}
