package qemu

import (
	"io"
	"sync"
)

// maxConsole is how much of the console is kept, in bytes: the last of it.
const maxConsole = 1 << 20

// console keeps what comes over the serial line, for whoever asks later, and passes it on to whoever follows.
type console struct {
	mu    sync.Mutex
	kept  []byte
	total int64         // bytes that have come in all
	more  chan struct{} // closed when more has come
	over  bool          // nothing more comes
}

func newConsole() *console { return &console{more: make(chan struct{})} }

// follow takes in what a boot says, until that ends.
func (c *console) follow(from io.Reader) {
	piece := make([]byte, 16<<10)
	for {
		n, err := from.Read(piece)
		c.add(piece[:n])
		if err != nil {
			return
		}
	}
}

func (c *console) add(said []byte) {
	if len(said) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total += int64(len(said))
	c.kept = append(c.kept, said...)
	if len(c.kept) > 2*maxConsole { // not at each piece
		c.kept = append([]byte(nil), c.kept[len(c.kept)-maxConsole:]...)
	}
	c.wake()
}

func (c *console) wake() {
	close(c.more)
	c.more = make(chan struct{})
}

// end tells whoever follows that nothing more comes.
func (c *console) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	c.wake()
}

// tail is the last of it.
func (c *console) tail() []byte {
	text, _, _, _ := c.from(0)
	return text
}

// from is what has come since so many bytes had, as far as that is kept, and how many that makes; where there is nothing, more is
// closed when there is, and over says that there will be none.
func (c *console) from(since int64) (text []byte, now int64, more <-chan struct{}, over bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := min(c.total-since, int64(len(c.kept)), maxConsole)
	return append([]byte(nil), c.kept[int64(len(c.kept))-last:]...), c.total, c.more, c.over
}
