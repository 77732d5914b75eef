package crashdump

import "fmt"

// TRIAGE_DUMP64 follows the header of a minidump; its offsets are from the start of the file.
const (
	triageSize = 0x80

	atTriageValid      = 0x08 // offset of the signature "TRGD", the last thing that is written
	atTriageContext    = 0x0c
	atTriageException  = 0x10
	atTriageUnloaded   = 0x18
	atTriageStack      = 0x28
	atTriageStackSize  = 0x2c
	atTriageDrivers    = 0x30
	atTriageCount      = 0x34
	atTriageStackTop   = 0x48
	atTriagePage       = 0x60
	atTriagePageOffset = 0x68
	atTriagePageSize   = 0x6c
	atTriageBlocks     = 0x78
	atTriageBlockCount = 0x7c
)

// A driver entry is the offset of its name and, at 8, the loader's entry; a name is a number of
// characters, that many UTF-16 units, and a zero.
const (
	driverEntrySize = 0x90
	inDriverEntry   = 8
)

// An unloaded driver (DUMP_UNLOADED_DRIVERS64; unproven) has its name of at most 12 characters in it.
const (
	unloadedSize    = 0x38
	atUnloadedName  = 0x10
	unloadedName    = 24
	atUnloadedStart = 0x28
	atUnloadedEnd   = 0x30
	mostUnloaded    = 64 // the kernel remembers 50
)

const mostBlocks = 4096 // data blocks; a dump has some dozens

// block is memory in a minidump, by virtual address.
type block struct {
	address uint64
	offset  uint64
	size    uint64
}

// triage is what a minidump has beyond the header.
type triage struct {
	f    *file
	head []byte

	loaded   []Module
	unloaded []Module
	blocks   []block
}

// readTriage reads all that it can; the errors say what is missing.
func readTriage(f *file, h *Header) (*triage, []error) {
	t := &triage{f: f}
	var err error
	if t.head, err = f.read("minidump header (TRIAGE_DUMP64)", headerSize, triageSize); err != nil {
		return t, []error{err}
	}
	var problems []error
	for _, step := range []func() error{
		t.checkSignature,
		func() error { return t.readRecords(h) },
		t.readDrivers,
		t.readUnloaded,
		t.readBlocks,
	} {
		if err := step(); err != nil {
			problems = append(problems, err)
		}
	}
	return t, problems
}

func (t *triage) field(at int) uint64 { return uint64(order.Uint32(t.head[at:])) }

// checkSignature tells whether the dump was written to its end.
func (t *triage) checkSignature() error {
	const part = "minidump signature"
	raw, err := t.f.read(part, t.field(atTriageValid), 4)
	if err != nil {
		return err
	}
	if string(raw) != "TRGD" {
		return &CorruptError{part, "it is missing: the dump was not written to its end"}
	}
	return nil
}

// readRecords takes the context and the exception from elsewhere, if the minidump says so.
func (t *triage) readRecords(h *Header) error {
	layout, known := contextOf(h.Machine)
	if at := t.field(atTriageContext); known && at != 0 && at != atContext {
		raw, err := t.f.read("minidump context", at, layout.size)
		if err != nil {
			return err
		}
		h.Context = layout.read(raw)
	}
	if at := t.field(atTriageException); at != 0 && at != atException {
		raw, err := t.f.read("minidump exception", at, exceptionSize)
		if err != nil {
			return err
		}
		h.Exception = exception(raw)
	}
	return nil
}

func (t *triage) readDrivers() error {
	const part = "driver list"
	n := t.field(atTriageCount)
	if n > mostModules {
		return &CorruptError{part, fmt.Sprintf("%d drivers are more than any system has", n)}
	}
	for i := range n {
		name := fmt.Sprintf("%s: entry %d", part, i+1)
		raw, err := t.f.read(name, t.field(atTriageDrivers)+i*driverEntrySize, driverEntrySize)
		if err != nil {
			return err
		}
		entry := raw[inDriverEntry:]
		m := Module{Base: Hex(order.Uint64(entry[atEntryBase:])), Size: Hex(order.Uint32(entry[atEntrySize:]))}
		if m.Name, err = t.name(name, uint64(order.Uint32(raw))); err != nil {
			return err
		}
		if err := m.plausible(name); err != nil {
			return err
		}
		t.loaded = append(t.loaded, m)
	}
	return nil
}

// name reads a DUMP_STRING. Its length is in characters, for all that the published header says.
func (t *triage) name(part string, at uint64) (string, error) {
	raw, err := t.f.read(part+": name", at, 4)
	if err != nil {
		return "", err
	}
	n := uint64(order.Uint32(raw))
	if n == 0 || n > longestName {
		return "", &CorruptError{part, fmt.Sprintf("%d characters are no length of a name", n)}
	}
	text, err := t.f.read(part+": name", at+4, 2*n+2)
	if err != nil {
		return "", err
	}
	if order.Uint16(text[2*n:]) != 0 {
		return "", &CorruptError{part, "its name does not end in a zero"}
	}
	return baseName(fromUTF16(text[:2*n])), nil
}

func (t *triage) readUnloaded() error {
	const part = "unloaded drivers"
	at := t.field(atTriageUnloaded)
	if at == 0 {
		return nil
	}
	raw, err := t.f.read(part, at, 8)
	if err != nil {
		return err
	}
	n := uint64(order.Uint32(raw))
	if n > mostUnloaded {
		return &CorruptError{part, fmt.Sprintf("%d are more than the kernel remembers", n)}
	}
	for i := range n {
		name := fmt.Sprintf("%s: entry %d", part, i+1)
		raw, err := t.f.read(name, at+8+i*unloadedSize, unloadedSize)
		if err != nil {
			return err
		}
		length := order.Uint16(raw)
		if length > unloadedName {
			return &CorruptError{name, fmt.Sprintf("%d bytes are too long for its name", length)}
		}
		start, end := order.Uint64(raw[atUnloadedStart:]), order.Uint64(raw[atUnloadedEnd:])
		m := Module{Name: baseName(fromUTF16(raw[atUnloadedName:][:length])), Base: Hex(start), Size: Hex(end - start), Unloaded: true}
		if err := m.plausible(name); err != nil {
			return err
		}
		t.unloaded = append(t.unloaded, m)
	}
	return nil
}

// readBlocks finds the memory that a minidump has: the stack, whose "top" is its lowest address, the
// page around the fault, and the data blocks (address, offset, size).
func (t *triage) readBlocks() error {
	t.addBlock(order.Uint64(t.head[atTriageStackTop:]), t.field(atTriageStack), t.field(atTriageStackSize))
	t.addBlock(order.Uint64(t.head[atTriagePage:]), t.field(atTriagePageOffset), t.field(atTriagePageSize))
	const part = "data blocks"
	n := t.field(atTriageBlockCount)
	if n > mostBlocks {
		return &CorruptError{part, fmt.Sprintf("%d are more than a minidump has", n)}
	}
	raw, err := t.f.read(part, t.field(atTriageBlocks), n*16)
	if err != nil {
		return err
	}
	for ; len(raw) > 0; raw = raw[16:] {
		t.addBlock(order.Uint64(raw), uint64(order.Uint32(raw[8:])), uint64(order.Uint32(raw[12:])))
	}
	return nil
}

func (t *triage) addBlock(address, offset, size uint64) {
	if size > 0 && address+size > address && t.f.holds(offset, size) {
		t.blocks = append(t.blocks, block{address, offset, size})
	}
}

func (t *triage) readVirtual(part string, address uint64, n int) ([]byte, error) {
	for _, b := range t.blocks {
		if address >= b.address && address-b.address < b.size && b.size-(address-b.address) >= uint64(n) {
			return t.f.read(part, b.offset+address-b.address, uint64(n))
		}
	}
	return nil, &AbsentError{part, address, "it is not among what the minidump has of memory"}
}
