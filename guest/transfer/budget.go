package transfer

import (
	"sync"

	"wskharness/guest/agent"
)

// budget is how many bytes an operation may bring here in all, over several files that are fetched side by side. They
// are counted as they arrive: what the guest says of its files before need not be so. A nil budget is without a limit.
type budget struct {
	limit int64

	mu   sync.Mutex
	used int64
}

// newBudget is one of so many bytes; nil for 0.
func newBudget(limit int64) *budget {
	if limit == 0 {
		return nil
	}
	return &budget{limit: limit}
}

// take counts bytes of a file that have arrived, and are not kept where they are too many.
func (b *budget) take(path string, n int64) error {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if n > b.limit-b.used {
		return &agent.LimitError{Doing: "pull " + path, What: "it brings what is fetched in all", Limit: b.limit}
	}
	b.used += n
	return nil
}

// giveBack is for bytes that were damaged on their way, or cut off, and are asked for again.
func (b *budget) giveBack(n int64) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= n
}

// fits refuses what is too much by the guest's own word.
func (b *budget) fits(path string, items []*treeItem) error {
	if b == nil {
		return nil
	}
	left := b.limit
	for _, item := range items {
		if item.size > left { // sums could overflow
			return &agent.LimitError{Doing: "pull " + path, What: "its files are", Limit: b.limit}
		}
		left -= item.size
	}
	return nil
}
