package transfer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
)

// File is something to bring into a guest.
type File struct {
	Path string // where it goes: an absolute path in the guest

	// What goes there: the host file Local, or Size bytes of Data. Data stays the caller's, and
	// must not change until the push has returned.
	Local string
	Data  io.ReaderAt
	Size  int64 // of Data; Local's is looked up

	// SHA256 of the contents in lower-case hex; worked out, by reading it once more, when empty.
	SHA256 string
}

// Contents is a File with these contents.
func Contents(path string, data []byte) File {
	sum := sha256.Sum256(data)
	return File{Path: path, Data: bytes.NewReader(data), Size: int64(len(data)), SHA256: hex.EncodeToString(sum[:])}
}

// PushStats tell what a push did.
type PushStats struct {
	Files   int   // that are now in the guest
	Skipped int   // of these, that were there already
	Bytes   int64 // of all the files together
	Sent    int64 // bytes of files that went over the wire, those sent again included
	Tries   int   // conversations with the agent; more than batches when contact was lost
}

// Progress is told while files move. Done never goes back.
type Progress struct {
	Done, Total int64 // bytes
}

const (
	// What one conversation is about at most. The agent takes 4096 files (driver/agent/transfer/manifest.h).
	maxBatchFiles    = 1024
	maxBatchManifest = 256 << 10
)

// Push brings files into the guest, each under a temporary name until its SHA-256 has been checked
// there. What is there already with the right hash is skipped; what was interrupted goes on where
// it stopped. Memory is bounded whatever the sizes. progress may be nil.
//
// When it fails, every file is whole or not there under its name. Errors: *[Error] when the
// agent refuses a file (its Win32 code says why: 112 is a full disk); *[RebootedError]; what remote
// reports when contact was lost for good.
func (m *Mover) Push(ctx context.Context, files []File, progress func(Progress)) (PushStats, error) {
	return m.push(ctx, files, progress, put)
}

// PushInto is Push for a command of the agent that receives files as `put` does, and then goes on with something else. The last
// of the files go into it: start starts it, and has the Conversation with it. That may be repeated as long as start fails with
// what may pass.
func (m *Mover) PushInto(ctx context.Context, files []File, progress func(Progress), start func(context.Context, *Conversation) error) error {
	_, err := m.push(ctx, files, progress, func(ctx context.Context, c *Conversation) error {
		c.goesOn = true
		return start(ctx, c)
	})
	return err
}

// push has the conversations about the files, of which the last may be another than the others.
func (m *Mover) push(ctx context.Context, files []File, progress func(Progress), last func(context.Context, *Conversation) error) (PushStats, error) {
	uploads, err := prepare(ctx, files)
	if err != nil {
		return PushStats{}, err
	}
	s := newStats(uploads, progress)
	all := batches(uploads, func(u upload) string { return u.entry.Path })
	for i, batch := range all {
		have := put
		if i == len(all)-1 {
			have = last
		}
		if err := m.converse(ctx, batch, s, have); err != nil {
			return s.sum, err
		}
	}
	return s.sum, nil
}

// converse has as many conversations about these files as it takes to bring them into the guest.
func (m *Mover) converse(ctx context.Context, batch []upload, s *stats, have func(context.Context, *Conversation) error) error {
	start, first := s.sum.Bytes, true
	return m.agent.Persist(ctx, "push "+batch[0].entry.Path, func(ctx context.Context) (bool, error) {
		known := s.started(first)
		first = false
		err := have(ctx, &Conversation{mover: m, batch: batch, stats: s, start: start})
		if err == nil {
			m.remember(batch)
		}
		return s.finished(batch, err, known), err
	})
}
