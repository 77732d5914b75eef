package transfer

import "sync"

// stats is what Push returns and what progress is told.
type stats struct {
	mu       sync.Mutex
	sum      PushStats
	total    int64
	known    int64 // bytes known to be in the guest, over all batches
	told     int64 // to progress
	skipped  bool  // those of this batch are counted
	progress func(Progress)
}

func newStats(uploads []upload, progress func(Progress)) *stats {
	s := &stats{progress: progress}
	for _, u := range uploads {
		s.total += u.entry.Size
	}
	return s
}

// surveyed notes what the agent says to have of a batch. Only the first time: after contact was
// lost, what is there was brought there.
func (s *stats) surveyed(there int, known int64) {
	s.mu.Lock()
	if !s.skipped {
		s.sum.Skipped += there
		s.skipped = true
	}
	s.mu.Unlock()
	s.arrived(known)
}

func (s *stats) arrived(known int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known = max(s.known, known)
	s.tell(known)
}

func (s *stats) sent(n, position int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sum.Sent += n
	s.tell(position)
}

func (s *stats) tell(position int64) {
	if s.progress != nil && (position > s.told || s.total == 0) {
		s.told = position
		s.progress(Progress{Done: position, Total: s.total})
	}
}

// started counts a conversation, or the first of a batch; it returns what was known before.
func (s *stats) started(first bool) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sum.Tries++
	s.skipped = s.skipped && !first
	return s.known
}

// finished counts a batch, and reports whether a conversation got on since known bytes.
func (s *stats) finished(batch []upload, err error, known int64) (progressed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.sum.Files += len(batch)
		for _, u := range batch {
			s.sum.Bytes += u.entry.Size
		}
	}
	return s.known > known
}
