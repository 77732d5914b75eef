package transfer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"wskharness/guest/transfer/frame"
	"wskharness/winerr"
)

// TreeStats tell what a PullTree did.
type TreeStats struct {
	Files   int      // that are here now
	Skipped int      // of these, that were here already with the guest's SHA-256
	Folders int      // that are here now, the destination itself not counted
	Links   []string // guest paths of symbolic links and junctions, which were left out
	Bytes   int64    // of all the files together
	Fetched int64    // bytes of files that were fetched
	Resumed int64    // bytes that an interrupted call had fetched before
}

// TreeOptions tune the download of a tree. The zero value is right.
type TreeOptions struct {
	// MaxBytes ends, with *[agent.LimitError], what brings more than so many bytes here, all files together: before anything
	// is fetched where the guest lists more, and when they arrive where it sends more than it has listed. Zero: no limit.
	MaxBytes int64

	// Progress may be nil.
	Progress func(Progress)
}

// PullTree fetches a file, or a folder with everything in it, from the guest, to be local here. What
// is here already with the guest's SHA-256 is skipped, and what an interrupted call has left of a
// large file is gone on with. Small files come many at a time.
//
// All of the guest's names are checked before anything is fetched, and nothing is written outside of local, whatever
// the guest says and whatever links there are in local. When it fails, every file is whole or not there under its name. A
// file that can't be read in the guest, or whose name can't be had here or asked for there, does not keep the others
// from being fetched; the error tells of each (*[Error], *[NamesError] with Rest). What is here in the place of
// something else does: *[NamesError], before anything is moved.
func (m *Mover) PullTree(ctx context.Context, path, local string, o TreeOptions) (TreeStats, error) {
	if o.MaxBytes < 0 {
		return TreeStats{}, fmt.Errorf("pull %s: a limit of %d bytes", path, o.MaxBytes)
	}
	listed, err := m.list(ctx, path)
	if err != nil {
		return TreeStats{}, err
	}
	if listed.entries[0].Kind == EntryAbsent {
		return TreeStats{}, &Error{Doing: "pull", Path: path, Win32: winerr.ErrorFileNotFound, Text: "there is no file or folder of this name; check the path"}
	}
	p, err := newTreePull(m, path, local, listed, o)
	if err != nil {
		return TreeStats{}, err
	}
	err = errors.Join(p.run(ctx), p.root.Close())
	return p.stats, err
}

// treePull is one tree on its way here.
type treePull struct {
	mover    *Mover
	path     string
	dir      string   // on the host: what the places of items are below
	root     *os.Root // the same; it lets nothing out
	folders  []string // below dir
	items    []*treeItem
	room     *budget // for all files together
	progress func(Progress)

	stats  TreeStats
	total  int64
	done   int64 // bytes of the items that are here
	told   int64
	failed []error
	more   int        // failures beyond maxNames
	out    NamesError // what is left out for its name
}

// treeItem is one file.
type treeItem struct {
	path  string // in the guest
	place string // below dir
	size  int64  // as listed

	here   bool     // a file of that size is at its place, with this hash:
	sha256 [32]byte //
}

// newTreePull checks everything that can be checked before anything is fetched.
func newTreePull(m *Mover, path, local string, listed listing, o TreeOptions) (*treePull, error) {
	p := &treePull{mover: m, path: path, dir: local, room: newBudget(o.MaxBytes), progress: o.Progress, out: listed.leftOut}
	p.out.Doing, p.out.Rest = "pull "+path, true
	entries := listed.entries
	if entries[0].Kind == EntryFile {
		p.dir = filepath.Dir(local)
		p.items = []*treeItem{{path: path, place: filepath.Base(local), size: entries[0].Size}}
	}
	p.plan(entries[1:])
	if err := p.room.fits(path, p.items); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(p.dir, 0o755); err != nil {
		return nil, fmt.Errorf("pull %s: %w", path, err)
	}
	root, err := os.OpenRoot(p.dir)
	if err != nil {
		return nil, fmt.Errorf("pull %s: %w", path, err)
	}
	p.root = root
	refused := NamesError{Doing: "pull " + path}
	p.survey(&refused)
	if err := refused.err(); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return p, nil
}

func (p *treePull) run(ctx context.Context) error {
	for _, folder := range p.folders {
		if err := p.root.MkdirAll(folder, 0o755); err != nil {
			return fmt.Errorf("pull %s: %w", p.path, err)
		}
		p.stats.Folders++
	}
	var asked, large []*treeItem
	for _, item := range p.items {
		if err := p.hash(ctx, item); err != nil {
			return err
		}
		if item.here || item.size <= gatherLimit {
			asked = append(asked, item)
		} else {
			large = append(large, item)
		}
	}
	for _, batch := range batches(asked, func(i *treeItem) string { return i.path }) {
		differ, err := p.gather(ctx, batch)
		if err != nil {
			return err
		}
		large = append(large, differ...)
	}
	for _, item := range large {
		if err := p.fetch(ctx, item); err != nil {
			return err
		}
	}
	return p.failures()
}

// hash notes the hash of what is at an item's place.
func (p *treePull) hash(ctx context.Context, item *treeItem) error {
	if !item.here {
		return context.Cause(ctx)
	}
	f, err := openPlain(p.root, item.place, os.O_RDONLY)
	if err != nil {
		return fmt.Errorf("pull %s: %w", item.path, err)
	}
	defer f.Close()
	u := upload{entry: frame.Entry{Size: item.size}, file: File{Data: f}}
	item.sha256, err = u.hash(ctx)
	return err
}

// fetch brings one large file here.
func (p *treePull) fetch(ctx context.Context, item *treeItem) error {
	begun := p.done
	stats, err := p.mover.pullFile(ctx, item.path, p.root, item.place, PullOptions{Progress: func(at Progress) {
		p.tell(begun + min(at.Done, item.size))
	}}, p.room)
	p.stats.Fetched += stats.Bytes
	if refused, ok := errors.AsType[*Error](err); ok {
		p.fail(item, refused)
		return nil
	}
	if err != nil {
		return err
	}
	p.stats.Resumed += max(0, stats.Size-stats.Bytes)
	p.arrived(item, stats.Size)
	return nil
}

// arrived counts a file that is here, of a size that need not be the listed one any more.
func (p *treePull) arrived(item *treeItem, size int64) {
	p.stats.Files++
	p.stats.Bytes += size
	p.done += item.size
	p.tell(p.done)
}

func (p *treePull) tell(done int64) {
	if p.progress != nil && (done > p.told || p.total == 0) {
		p.told = done
		p.progress(Progress{Done: done, Total: p.total})
	}
}

func (p *treePull) fail(item *treeItem, why error) {
	p.done += item.size
	if len(p.failed) == maxNames {
		p.more++
		return
	}
	p.failed = append(p.failed, why)
}

func (p *treePull) failures() error {
	if p.more > 0 {
		p.failed = append(p.failed, fmt.Errorf("… and %d more files that could not be read", p.more))
	}
	return errors.Join(append(p.failed, p.out.err())...)
}
