package bundle

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"wskharness/config"
	"wskharness/disk"
	"wskharness/recording"
	"wskharness/remote"
	"wskharness/results"
)

// Options say what is packed, and what nobody must see of it.
type Options struct {
	Dir     string           // the run's folder
	Secrets *remote.Redactor // knows the passwords of the configuration
	Home    string           // this user's home folder; empty: not known
	Dumps   bool             // pack dumps, too

	// Values are what the environment variables hold whose names match: what is secret among them is taken out.
	Values func(match func(name string) bool) []string
}

// Write packs a run. [ErrRunning] is one that is not over; one whose controller was killed is packed as it is.
func Write(to io.Writer, o Options) (*Contents, error) {
	unlock, err := hold(filepath.Join(o.Dir, results.JournalName))
	if err != nil {
		return nil, err
	}
	defer unlock()
	root, err := os.OpenRoot(o.Dir) // no link leads out of it
	if err != nil {
		return nil, fmt.Errorf("open the run's folder: %w", err)
	}
	defer root.Close()
	events, err := journal(root)
	if err != nil {
		return nil, err
	}
	was, of := asked(root.FS())
	p := &packer{
		Options: o, root: root, zip: zip.NewWriter(to), taken: map[string]bool{"readme.txt": true, "versions.json": true}, request: was, config: of,
		secrets: o.Secrets.With(private(of, o.Values)...).Disguised(), homes: homes{own: o.Home},
	}
	if len(events) > 0 {
		p.time = events[0].Time.UTC().Truncate(time.Second)
	}
	p.zip.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.DefaultCompression) })
	return &p.contents, p.all(events)
}

// hold keeps a controller from going on with the run meanwhile. A journal that this user may only read is looked at.
func hold(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrPermission) {
		if disk.Locked(path) {
			return nil, ErrRunning
		}
		return func() {}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find the run's journal: %w", err)
	}
	if err := disk.TryLock(f); err != nil {
		f.Close()
		if errors.Is(err, disk.ErrLocked) {
			return nil, ErrRunning
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return func() { disk.Unlock(f) }, nil
}

func journal(root *os.Root) ([]results.Event, error) {
	f, err := root.Open(results.JournalName)
	if err != nil {
		return nil, fmt.Errorf("find the run's journal: %w", err)
	}
	defer f.Close()
	events, err := results.Read(f)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", results.JournalName, err)
	}
	return events, nil
}

type packer struct {
	Options
	root     *os.Root
	zip      *zip.Writer
	taken    map[string]bool
	time     time.Time
	secrets  *remote.Redactor
	homes    homes
	request  *request
	config   *config.Config
	contents Contents
	size     int64
}

func (p *packer) all(events []results.Event) error {
	err := fs.WalkDir(p.root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			p.leave(name, 0, "it can't be read: "+err.Error())
			if d != nil && d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			return nil
		case !d.Type().IsRegular():
			p.leave(name, 0, "it is not a file")
			return nil
		}
		return p.file(name)
	})
	if err != nil {
		return err
	}
	all := versionsOf(events)
	versions, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	if err := p.pack("versions.json", "versions of all that took part, as the run has recorded them: program and its system, driver, agent, guests and what runs them", append(versions, '\n')); err != nil {
		return err
	}
	if err := p.add("README.txt", []byte(p.readme(&all))); err != nil {
		return err
	}
	return p.zip.Close()
}

// leave notes a file that is not packed.
func (p *packer) leave(name string, size int64, why string) {
	p.contents.Left = append(p.contents.Left, Entry{p.clean(printable(name)), size, p.clean(printable(why))})
}

func printable(text string) string { return strings.Trim(fmt.Sprintf("%+q", text), `"`) }

// clean is a text as it may be seen.
func (p *packer) clean(text string) string { return p.secrets.Text(p.homes.shorten(text)) }

func (p *packer) file(name string) error {
	f, err := p.root.Open(name)
	if err != nil {
		p.leave(name, 0, "it can't be read: "+err.Error())
		return nil
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		p.leave(name, 0, "it is not a file")
		return nil
	}
	k, size := kindOf(name), info.Size()
	limit := int64(maxText)
	switch k.rule {
	case dump:
		if !p.Dumps {
			p.leave(name, size, k.what+": --with-dumps packs it")
			return nil
		}
		return p.blot(name, k.what, f)
	case driver:
		p.leave(name, size, k.what)
		return nil
	case small:
		limit = maxSmall
	}
	switch {
	case size > limit:
		p.leave(name, size, fmt.Sprintf("%s, larger than %d MiB", k.what, limit>>20))
		return nil
	case p.size+size > maxAll || len(p.contents.Packed) >= maxFiles:
		p.leave(name, size, k.what+": the bundle is full")
		return nil
	}
	data, err := io.ReadAll(io.LimitReader(f, limit))
	if err == nil {
		data, err = p.content(k, data)
	}
	if err != nil {
		p.leave(name, size, err.Error())
		return nil
	}
	return p.pack(name, k.what, data)
}

// content is what is packed of a file.
func (p *packer) content(k kind, data []byte) ([]byte, error) {
	switch k.rule {
	case recorded:
		var out bytes.Buffer
		if err := recording.Redact(&out, bytes.NewReader(data), p.secrets, p.homes.shorten); err != nil {
			return nil, err
		}
		return out.Bytes(), nil
	case filtered:
		if p.request == nil {
			return nil, errors.New("it can't be read, so that it is not known what is secret in it")
		}
		open, err := p.request.open(p.config)
		if err != nil {
			return nil, err
		}
		data = open
	}
	if !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0 {
		return []byte(p.secrets.KeepingLength().Text(string(data))), nil
	}
	return []byte(p.clean(string(data))), nil
}

// blot packs a file of any size as it is, but for secrets, which are blotted out.
func (p *packer) blot(name, what string, from io.Reader) error {
	name = safe(p.clean(name), p.taken)
	entry, err := p.create(name)
	if err != nil {
		return err
	}
	through := p.secrets.KeepingLength().Writer(entry)
	n, err := io.Copy(through, from)
	if err := errors.Join(err, through.Close()); err != nil {
		return fmt.Errorf("pack %s: %w", name, err)
	}
	p.contents.Packed = append(p.contents.Packed, Entry{name, n, what})
	return nil
}

func (p *packer) pack(name, what string, data []byte) error {
	if name != "versions.json" {
		name = safe(p.clean(name), p.taken)
	} else {
		data = []byte(p.clean(string(data)))
	}
	p.contents.Packed = append(p.contents.Packed, Entry{name, int64(len(data)), what})
	p.size += int64(len(data))
	return p.add(name, data)
}

func (p *packer) add(name string, data []byte) error {
	entry, err := p.create(name)
	if err == nil {
		_, err = entry.Write(data)
	}
	if err != nil {
		return fmt.Errorf("pack %s: %w", name, err)
	}
	return nil
}

func (p *packer) create(name string) (io.Writer, error) {
	return p.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: p.time})
}
