package crashdump

import (
	"fmt"
	"io"
	"os"
)

// Dump is what could be read of a crash dump. It holds no file.
type Dump struct {
	Header
	// Modules are the images that were loaded, as far as the dump says; Unloaded those that had gone.
	Modules  []Module
	Unloaded []Module
	// Problems say what is missing or broken, each with a type of this package.
	Problems []error
	// Fault is where it happened, and how that is known.
	Fault Fault
	size  int64
}

// Open reads the dump in a file of this machine.
func Open(path string) (*Dump, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read crash dump: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read crash dump: %w", err)
	}
	d, err := Read(f, info.Size())
	if err != nil {
		return nil, fmt.Errorf("read crash dump %s: %w", path, err)
	}
	return d, nil
}

// Read reads a dump of size bytes. An error means that there are no facts at all; what is wrong
// further on is in Problems.
func Read(r io.ReaderAt, size int64) (*Dump, error) {
	f := &file{r, size}
	h, raw, problems, err := readHeader(f)
	if err != nil {
		return nil, err
	}
	d := &Dump{Header: h, Problems: problems, size: size}
	// A minidump has a signature at its end instead; what it writes into this field is unproven.
	if space := uint64(h.RequiredSpace); h.Type != Mini && !f.holds(0, space) {
		d.Problems = append(d.Problems, &TruncatedError{"the dump as a whole", 0, space, size})
	}
	mem := d.readMemory(f, raw)
	d.Fault = d.findFault(mem)
	return d, nil
}

// readMemory reads the modules, and gives the memory that the type has.
func (d *Dump) readMemory(f *file, raw []byte) memory {
	if d.Type == Mini {
		t, problems := readTriage(f, &d.Header)
		d.Modules, d.Unloaded = t.loaded, t.unloaded
		d.Problems = append(d.Problems, problems...)
		return t
	}
	p, err := d.pages(f, raw)
	if err != nil {
		d.Problems = append(d.Problems, err)
	}
	if p == nil {
		return noMemory{}
	}
	how, known := pagingOf(d.Machine)
	if !known {
		d.Problems = append(d.Problems, &UnsupportedError{"memory of an " + d.Machine.String() + " system", "its page tables are not read here: the modules are unknown"})
		return noMemory{}
	}
	mem := &paged{f, p, how, uint64(d.DirectoryTable)}
	if d.Modules, err = walkModules(mem, uint64(d.ModuleList)); err != nil {
		d.Problems = append(d.Problems, err)
	}
	return mem
}

// pages finds the physical memory; nil if there is none.
func (d *Dump) pages(f *file, raw []byte) (pages, error) {
	switch d.Type {
	case HeaderOnly:
		return nil, nil
	case Full:
		found, err := readRuns(raw)
		if len(found) == 0 {
			return nil, err
		}
		return found, err
	case Kernel, Active, Complete:
		found, err := readRanges(f)
		if len(found) == 0 {
			return nil, err
		}
		return found, err
	case KernelSummary, BitmapFull, BitmapKernel, Automatic:
		b, err := readBitmap(f, d.Type)
		if b == nil {
			return nil, err
		}
		return b, err
	}
	return nil, &UnsupportedError{"a dump of type " + d.Type.String(), "what it has beyond the header is not read here: the modules are unknown"}
}

// locate finds the module that an address of the crashed system is in.
func (d *Dump) locate(address Hex) Place { return locate(address, d.Modules, d.Unloaded) }
