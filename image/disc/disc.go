// Package disc reads and writes the images of optical discs: what is on an installation disc of Windows, which has its files in
// UDF and next to nothing in ISO 9660; on a disc of drivers, which has them in ISO 9660 with Joliet; and the small disc that an
// installation finds its answers on.
//
//	d, err := disc.Open("Win11_24H2.iso")
//	if err != nil {
//		return err
//	}
//	defer d.Close()
//	wim, err := d.File("sources/install.wim")
//
// Names are compared as Windows does it: without regard to case, with / between them. What is read is hostile: each number is
// checked against the file's size, and each chain has a bound.
package disc

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
)

const (
	sector     = 2048
	maxEntries = 20000 // of one folder
	maxFolder  = 8 << 20
	maxExtents = 4096 // of one file
)

// ErrNotADisc is what Open says of a file that is no image of a disc.
var ErrNotADisc = errors.New("is no image of a disc: it has neither ISO 9660 nor UDF where they would be")

// Disc is an open image. It may be used from several goroutines.
type Disc struct {
	Label  string // of the volume; hostile
	file   io.ReaderAt
	closer io.Closer
	size   int64
	root   place
	list   func(place) ([]entry, error)
}

// File is a file of a disc, which is there as long as the disc is open.
type File struct {
	*io.SectionReader
}

// Entry is what a folder has.
type Entry struct {
	Name   string // hostile
	Folder bool
	Size   int64
}

// entry is an Entry, and where it is.
type entry struct {
	Entry
	at place
}

// extent is a run of bytes on the disc, and place what a file or a folder is made of.
type extent struct{ at, size int64 }

type place struct {
	extents []extent
	// icb is the block of UDF's file entry, which is read when somebody needs the extents.
	icb    int64
	folder bool
}

// Open opens an image. An error of what is in it wraps ErrNotADisc, or says what is wrong with it.
func Open(path string) (*Disc, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("is not a regular file")
	}
	var d *Disc
	if err == nil {
		d, err = Read(f, info.Size())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	d.closer = f
	return d, nil
}

// Read reads an image of size bytes. Where it has UDF, that counts; else Joliet; else plain ISO 9660.
func Read(file io.ReaderAt, size int64) (*Disc, error) {
	d := &Disc{file: file, size: size}
	found, err := d.readUDF()
	if found || err != nil {
		return d, err
	}
	found, err = d.readISO()
	if err == nil && !found {
		err = ErrNotADisc
	}
	return d, err
}

// Close closes the file that Open opened.
func (d *Disc) Close() error {
	if d.closer == nil {
		return nil
	}
	return d.closer.Close()
}

// File finds a file. The error is fs.ErrNotExist where there is none of this name.
func (d *Disc) File(name string) (*File, error) {
	found, err := d.find(name)
	if err != nil {
		return nil, err
	}
	if found.Folder {
		return nil, fmt.Errorf("%s is a folder on the disc", name)
	}
	at, err := d.resolve(found.at)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	var size int64
	for _, e := range at.extents {
		size += e.size
	}
	return &File{io.NewSectionReader(pieces{d.file, at.extents}, 0, size)}, nil
}

// Folder lists a folder, "" for the root, by name.
func (d *Disc) Folder(name string) ([]Entry, error) {
	at := d.root
	if name != "" {
		found, err := d.find(name)
		if err != nil {
			return nil, err
		}
		if !found.Folder {
			return nil, fmt.Errorf("%s is a file on the disc", name)
		}
		at = found.at
	}
	list, err := d.list(at)
	if err != nil {
		return nil, fmt.Errorf("list %q: %w", name, err)
	}
	entries := make([]Entry, 0, len(list))
	for _, e := range list {
		entries = append(entries, e.Entry)
	}
	slices.SortFunc(entries, func(a, b Entry) int { return cmp.Compare(a.Name, b.Name) })
	return entries, nil
}

// Has reports whether there is a file or a folder of this name, as far as the disc can be read.
func (d *Disc) Has(name string) bool {
	_, err := d.find(name)
	return err == nil
}

func (d *Disc) find(name string) (entry, error) {
	at := entry{Entry{Folder: true}, d.root}
	for _, part := range strings.Split(name, "/") {
		if !at.Folder {
			return entry{}, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
		}
		list, err := d.list(at.at)
		if err != nil {
			return entry{}, fmt.Errorf("look for %s: %w", name, err)
		}
		next := slices.IndexFunc(list, func(e entry) bool { return strings.EqualFold(e.Name, part) })
		if next < 0 {
			return entry{}, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
		}
		at = list[next]
	}
	return at, nil
}

// resolve finds the extents of a file of UDF.
func (d *Disc) resolve(at place) (place, error) {
	if at.icb == 0 {
		return at, nil
	}
	return d.udfFile(at.icb)
}

// bytes reads a run whole, as far as it is in the file.
func (d *Disc) bytes(at, size int64) ([]byte, error) {
	if at < 0 || size < 0 || size > maxFolder || at > d.size-size {
		return nil, fmt.Errorf("%d bytes at %d are not within the image of %d bytes: it is cut or damaged", size, at, d.size)
	}
	data := make([]byte, size)
	if _, err := d.file.ReadAt(data, at); err != nil {
		return nil, fmt.Errorf("read %d bytes at %d: %w", size, at, err)
	}
	return data, nil
}

// content reads all of a folder's extents.
func (d *Disc) content(at place) ([]byte, error) {
	var all []byte
	for _, e := range at.extents {
		if int64(len(all))+e.size > maxFolder {
			return nil, fmt.Errorf("the folder is larger than %d bytes", maxFolder)
		}
		data, err := d.bytes(e.at, e.size)
		if err != nil {
			return nil, err
		}
		all = append(all, data...)
	}
	return all, nil
}

// pieces is a file in several runs.
type pieces struct {
	file    io.ReaderAt
	extents []extent
}

func (p pieces) ReadAt(b []byte, off int64) (n int, err error) {
	for _, e := range p.extents {
		if off >= e.size {
			off -= e.size
			continue
		}
		want := min(int64(len(b)-n), e.size-off)
		read, err := p.file.ReadAt(b[n:n+int(want)], e.at+off)
		n += read
		if int64(read) < want {
			return n, cmp.Or(err, io.ErrUnexpectedEOF)
		}
		if off = 0; n == len(b) {
			return n, nil
		}
	}
	return n, io.EOF
}
