package guest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"wskharness/guest/ntfs"
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
	dataFrame = 256 << 10 // payload of one DATA frame; the protocol allows maxPayload

	// The controller does not ask what is there already before it sends as little as this: the
	// question would cost more than the answer saves.
	unasked = 256 << 10

	// What one conversation is about at most. The agent takes 4096 files (driver/agent/transfer/manifest.h).
	maxBatchFiles    = 1024
	maxBatchManifest = 256 << 10
)

// Push brings files into the guest, each under a temporary name until its SHA-256 has been checked
// there. What is there already with the right hash is skipped; what was interrupted goes on where
// it stopped. Memory is bounded whatever the sizes. progress may be nil.
//
// When it fails, every file is whole or not there under its name. Errors: *[TransferError] when the
// agent refuses a file (its Win32 code says why: 112 is a full disk); *[RebootedError]; what remote
// reports when contact was lost for good.
func (g *Guest) Push(ctx context.Context, files []File, progress func(Progress)) (PushStats, error) {
	return g.push(ctx, g.exe, files, progress)
}

func (g *Guest) push(ctx context.Context, exe string, files []File, progress func(Progress)) (PushStats, error) {
	uploads, err := prepare(ctx, files)
	if err != nil {
		return PushStats{}, err
	}
	t := newTally(uploads, progress)
	for len(uploads) > 0 {
		n := batchLength(uploads)
		if err := g.pushBatch(ctx, exe, uploads[:n], t); err != nil {
			return t.stats, err
		}
		uploads = uploads[n:]
	}
	return t.stats, nil
}

// pushBatch brings these files into the guest.
func (g *Guest) pushBatch(ctx context.Context, exe string, batch []upload, t *tally) error {
	return g.converse(ctx, exe, batch, t, func(ctx context.Context, c *conversation) error { return c.put(ctx) })
}

// converse has as many conversations about these files as it takes to bring them into the guest.
func (g *Guest) converse(ctx context.Context, exe string, batch []upload, t *tally, have func(context.Context, *conversation) error) error {
	start, first := t.stats.Bytes, true
	return g.persist(ctx, "push "+batch[0].entry.path, func(ctx context.Context) (bool, error) {
		known := t.started(first)
		first = false
		err := have(ctx, &conversation{guest: g, exe: exe, batch: batch, tally: t, start: start})
		if err == nil {
			g.remember(batch)
		}
		return t.finished(batch, err, known), err
	})
}

// tally is what Push returns and what progress is told.
type tally struct {
	mu       sync.Mutex
	stats    PushStats
	total    int64
	known    int64 // bytes known to be in the guest, over all batches
	told     int64 // to progress
	skipped  bool  // those of this batch are counted
	progress func(Progress)
}

func newTally(uploads []upload, progress func(Progress)) *tally {
	t := &tally{progress: progress}
	for _, u := range uploads {
		t.total += u.entry.size
	}
	return t
}

// surveyed notes what the agent says to have of a batch. Only the first time: after contact was
// lost, what is there was brought there.
func (t *tally) surveyed(there int, known int64) {
	t.mu.Lock()
	if !t.skipped {
		t.stats.Skipped += there
		t.skipped = true
	}
	t.mu.Unlock()
	t.arrived(known)
}

func (t *tally) arrived(known int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.known = max(t.known, known)
	t.tell(known)
}

func (t *tally) sent(n, position int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stats.Sent += n
	t.tell(position)
}

func (t *tally) tell(position int64) {
	if t.progress != nil && (position > t.told || t.total == 0) {
		t.told = position
		t.progress(Progress{Done: position, Total: t.total})
	}
}

// started counts a conversation, or the first of a batch; it returns what was known before.
func (t *tally) started(first bool) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stats.Tries++
	t.skipped = t.skipped && !first
	return t.known
}

// finished counts a batch, and reports whether a conversation got on since known bytes.
func (t *tally) finished(batch []upload, err error, known int64) (progressed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil {
		t.stats.Files += len(batch)
		for _, u := range batch {
			t.stats.Bytes += u.entry.size
		}
	}
	return t.known > known
}

// upload is a File that was looked at.
type upload struct {
	entry manifestEntry
	file  File
}

// open returns the contents and what closes them.
func (u upload) open() (io.ReaderAt, func(), error) {
	if u.file.Data != nil {
		return u.file.Data, func() {}, nil
	}
	f, err := os.Open(u.file.Local)
	if err != nil {
		return nil, nil, err
	}
	return f, func() { _ = f.Close() }, nil // it was only read
}

// prepare checks all files before anything is sent, and reports all mistakes at once.
func prepare(ctx context.Context, files []File) ([]upload, error) {
	var uploads []upload
	var mistakes []error
	seen := make(map[string]bool)
	for _, f := range files {
		u, err := look(ctx, f)
		if err == nil && seen[fold(f.Path)] {
			err = errors.New("named twice")
		}
		seen[fold(f.Path)] = true
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("push %s: %w", f.Path, err))
			continue
		}
		uploads = append(uploads, u)
	}
	return uploads, errors.Join(mistakes...)
}

// fold makes paths comparable: those of Windows differ in case without being different.
func fold(path string) string { return ntfs.Fold(path) }

func look(ctx context.Context, f File) (upload, error) {
	u := upload{file: f, entry: manifestEntry{size: f.Size, path: f.Path}}
	if err := CheckPath(f.Path); err != nil {
		return upload{}, err
	}
	if (f.Local == "") == (f.Data == nil) {
		return upload{}, errors.New("either Local or Data must be given")
	}
	if f.Local != "" {
		info, err := os.Stat(f.Local)
		if err != nil {
			return upload{}, err
		}
		if !info.Mode().IsRegular() {
			return upload{}, fmt.Errorf("%s is not a regular file", f.Local)
		}
		u.entry.size = info.Size()
	}
	if u.entry.size < 0 {
		return upload{}, fmt.Errorf("size %d", f.Size)
	}
	if f.SHA256 == "" {
		sum, err := u.hash(ctx)
		u.entry.sha256 = sum
		return u, err
	}
	if err := checkSHA256(f.SHA256); err != nil {
		return upload{}, err
	}
	_, err := hex.Decode(u.entry.sha256[:], []byte(f.SHA256))
	return u, err
}

func (u upload) hash(ctx context.Context) (sum [32]byte, err error) {
	r, done, err := u.open()
	if err != nil {
		return sum, err
	}
	defer done()
	h := sha256.New()
	buf := make([]byte, dataFrame)
	section := io.NewSectionReader(r, 0, u.entry.size)
	for ctx.Err() == nil {
		n, err := section.Read(buf)
		h.Write(buf[:n])
		if errors.Is(err, io.EOF) {
			h.Sum(sum[:0])
			return sum, nil
		}
		if err != nil {
			return sum, err
		}
	}
	return sum, context.Cause(ctx)
}

// batchLength is how many of the uploads the next conversation is about.
func batchLength(uploads []upload) int {
	bytes := 0
	for i, u := range uploads {
		bytes += manifestEntryFixed + len(u.entry.path)
		if i == maxBatchFiles || i > 0 && bytes > maxBatchManifest {
			return i
		}
	}
	return len(uploads)
}

// remember notes what is in the guest now, so that asking before sending is known to pay.
func (g *Guest) remember(batch []upload) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, u := range batch {
		g.there[fold(u.entry.path)] = u.entry.sha256
	}
}

// probablyThere reports whether this Guest has brought all of these files there before.
func (g *Guest) probablyThere(batch []upload) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, u := range batch {
		if have, ok := g.there[fold(u.entry.path)]; !ok || have != u.entry.sha256 {
			return false
		}
	}
	return true
}
