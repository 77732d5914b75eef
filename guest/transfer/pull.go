package transfer

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"strconv"
	"sync"

	"wskharness/guest/agent"
	"wskharness/guest/transfer/frame"
	"wskharness/guest/winname"
)

// PullOptions tune a download. The zero value is right.
type PullOptions struct {
	// Offset is where to begin; Length is how much to fetch, to the end when zero.
	Offset, Length int64

	// MaxBytes refuses, with *[agent.LimitError] and before it is fetched, what is longer. Zero: no
	// limit.
	MaxBytes int64

	// RangeBytes is what one command fetches: what has to be fetched again when contact is lost in
	// the middle of it. When zero it is 16 MiB, or 4 MiB where round trips take long.
	RangeBytes int64

	// Parallel is how many ranges are fetched side by side, at most 16. When zero it is 2, so that
	// one is on its way while the other begins, and 8 where round trips take long.
	Parallel int

	// Progress may be nil. It is told offsets in the file, and not by two goroutines at once.
	Progress func(Progress)
}

const maxParallel = 16

// PullStats tell what a pull did.
type PullStats struct {
	Size   int64 // of the whole file, when it was first looked at
	Bytes  int64 // that were fetched and written
	Ranges int   // commands that fetched something
	Tries  int   // commands in all; more than Ranges when contact was lost
}

// Pull fetches a file, or a part of it, in independent ranges, each checked by its SHA-256 before
// it counts and fetched again when contact was lost in it. Offset in the file is offset in w. Memory
// is bounded whatever the size. Ranges are written side by side, each byte once. A file that grows
// meanwhile is fetched up to the size that it had at first; one that shrinks is an error.
//
// What w holds after an error is what was written so far: use [Mover.PullFile] for a host file that
// is whole or not there.
func (m *Mover) Pull(ctx context.Context, path string, w io.WriterAt, o PullOptions) (PullStats, error) {
	p, err := newPull(m, path, w, o)
	if err != nil {
		return PullStats{}, err
	}
	err = p.run(ctx)
	return p.stats, err
}

func newPull(m *Mover, path string, w io.WriterAt, o PullOptions) (*pull, error) {
	if err := winname.CheckPath(path); err != nil {
		return nil, fmt.Errorf("pull: guest path %q: %w", path, err)
	}
	if o.Offset < 0 || o.Length < 0 || o.MaxBytes < 0 || o.RangeBytes < 0 || o.Parallel < 0 || o.Parallel > maxParallel {
		return nil, fmt.Errorf("pull %s: offset %d, length %d, limit %d, range %d: none may be negative; %d ranges side by side, at most %d",
			path, o.Offset, o.Length, o.MaxBytes, o.RangeBytes, o.Parallel, maxParallel)
	}
	parallel, rangeBytes := m.ranges()
	o.Parallel, o.RangeBytes = cmp.Or(o.Parallel, parallel), cmp.Or(o.RangeBytes, rangeBytes)
	p := &pull{mover: m, path: path, w: w, o: o, verified: o.Offset, sized: make(chan struct{})}
	if o.MaxBytes > 0 {
		p.limit = o.Offset + o.MaxBytes
	}
	return p, nil
}

// pull is one download.
type pull struct {
	mover *Mover
	path  string
	w     io.WriterAt
	o     PullOptions
	limit int64         // where the end may be at most; 0: anywhere
	room  *budget       // that it shares with other files; nil: none
	sized chan struct{} // closed when stats.Size is known

	mu       sync.Mutex
	stats    PullStats
	verified int64           // everything before it is written and checked
	ahead    map[int64]int64 // checked ranges beyond verified: start → end
}

// span is the range [from, to) of the file.
type span struct{ from, to int64 }

// run fetches the first range and, as soon as its beginning has told how long the file is, the others beside it.
func (p *pull) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	spans := make(chan span)
	fetch := func(s span) {
		if err := p.fetch(ctx, s); err != nil {
			cancel(err)
		}
	}
	first := p.first()
	var fetchers sync.WaitGroup
	fetchers.Go(func() {
		fetch(first)
		for s := range spans {
			fetch(s)
		}
	})
	end := first.to
	select {
	case <-p.sized:
		end = p.end(p.size())
	case <-ctx.Done():
	}
	for i := int64(1); i < int64(p.o.Parallel) && first.to+(i-1)*p.o.RangeBytes < end; i++ {
		fetchers.Go(func() {
			for s := range spans {
				fetch(s)
			}
		})
	}
feed:
	for from := first.to; from < end; from += p.o.RangeBytes {
		select {
		case spans <- span{from, min(from+p.o.RangeBytes, end)}:
		case <-ctx.Done():
			break feed
		}
	}
	close(spans)
	fetchers.Wait()
	return context.Cause(ctx)
}

// first is the range to begin with; the file may end before it does.
func (p *pull) first() span {
	length := p.o.RangeBytes
	if p.o.Length > 0 {
		length = min(length, p.o.Length)
	}
	return span{p.o.Offset, p.o.Offset + length}
}

// learn notes how long the file is, the first time that it is heard.
func (p *pull) learn(size int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.sized:
	default:
		p.stats.Size = size
		close(p.sized)
	}
}

func (p *pull) size() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stats.Size
}

// end is where to end in a file of that size.
func (p *pull) end(size int64) int64 {
	if p.o.Length > 0 {
		return min(size, p.o.Offset+p.o.Length)
	}
	return size
}

// fetch brings one range here, however often it has to be asked for. What was checked of it is not asked for
// again.
func (p *pull) fetch(ctx context.Context, s span) error {
	err := p.mover.agent.Persist(ctx, "pull "+p.path, func(ctx context.Context) (bool, error) {
		p.mu.Lock()
		p.stats.Tries++
		p.mu.Unlock()
		before := s.from
		done, err := p.fetchOnce(ctx, &s)
		if done {
			return true, nil // however the process ended
		}
		return s.from > before, err
	})
	if err == nil {
		p.mu.Lock()
		p.stats.Ranges++
		p.mu.Unlock()
	}
	return err
}

// note records a piece that is here and checked.
func (p *pull) note(got span) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stats.Bytes += got.to - got.from
	if p.ahead == nil {
		p.ahead = make(map[int64]int64)
	}
	p.ahead[got.from] = got.to
	for {
		to, ok := p.ahead[p.verified]
		if !ok || to == p.verified {
			break
		}
		delete(p.ahead, p.verified)
		p.verified = to
	}
	if p.o.Progress != nil {
		p.o.Progress(Progress{Done: p.o.Offset + p.stats.Bytes, Total: p.end(p.stats.Size)})
	}
}

// fetchOnce is one `get`. It moves s.from on behind what was checked, and says whether that is all of it.
func (p *pull) fetchOnce(ctx context.Context, s *span) (done bool, err error) {
	process, err := p.mover.agent.Start(ctx, "get",
		"--offset", strconv.FormatInt(s.from, 10), "--length", strconv.FormatInt(s.to-s.from, 10), p.path)
	if err != nil {
		return false, err
	}
	defer process.Close()
	if err := p.receive(process, s); err != nil {
		return false, process.Explain(ctx, "pull "+p.path, err)
	}
	return true, nil
}

// receive reads the frames of a range up to its last END and writes what they bring.
func (p *pull) receive(process *agent.Process, s *span) error {
	frames := frame.NewReader(process.Out)
	size, at, sum := int64(-1), s.from, sha256.New()
	defer func() { p.room.giveBack(at - s.from) }() // what was not checked comes once more
	for {
		f, err := frames.Next()
		if err != nil {
			return err
		}
		if f.Kind == frame.Error {
			return refusal("pull", p.path, f)
		}
		if (f.Kind == frame.Size) != (size < 0) || f.File != 0 {
			return agent.Malformed("%s came where it must not, or about file %d", f.Kind, f.File)
		}
		switch f.Kind {
		case frame.Size:
			size = int64(f.Offset)
			if err := p.judge(size, s); err != nil {
				return err
			}
		case frame.Data:
			end := at + int64(len(f.Payload))
			if int64(f.Offset) != at || end > min(s.to, size) {
				return agent.Malformed("DATA for [%d, %d) while [%d, %d) of %d bytes is to come", f.Offset, end, at, s.to, size)
			}
			if err := p.room.take(p.path, int64(len(f.Payload))); err != nil {
				return err
			}
			sum.Write(f.Payload)
			if _, err := p.w.WriteAt(f.Payload, at); err != nil {
				return fmt.Errorf("pull %s: write %d bytes at %d: %w", p.path, len(f.Payload), at, err)
			}
			at = end
		case frame.End:
			last := at == min(s.to, size)
			if int64(f.Offset) != at || at == s.from && !last {
				return agent.Malformed("END at %d after %d of [%d, %d) of %d bytes", f.Offset, at-s.from, s.from, s.to, size)
			}
			if [32]byte(sum.Sum(nil)) != [32]byte(f.Payload) {
				return fmt.Errorf("pull %s: the SHA-256 of [%d, %d) is another one than the agent says: %w", p.path, s.from, at, agent.ErrDamaged)
			}
			p.note(span{s.from, at})
			if s.from = at; last {
				return nil
			}
			sum.Reset()
		default:
			return agent.Malformed("an unexpected %s", f.Kind)
		}
	}
}

// judge decides whether a file of this size is one to go on with.
func (p *pull) judge(size int64, s *span) error {
	if end := p.end(size); p.limit > 0 && end > p.limit {
		return &agent.LimitError{Doing: "pull " + p.path, What: fmt.Sprintf("%d bytes are", end), Limit: p.limit}
	}
	p.learn(size)
	if was := p.size(); size < min(s.to, was) {
		return fmt.Errorf("pull %s: it has shrunk from %d bytes to %d while it was fetched", p.path, was, size)
	}
	return nil
}
