package crashdump

import (
	"fmt"
	"strconv"
)

// Hex is a number that people know in hex: it is printed, and is in JSON, as "0x1a2c".
type Hex uint64

func (h Hex) String() string { return "0x" + strconv.FormatUint(uint64(h), 16) }

// MarshalText makes it a string in JSON, where large numbers would lose digits.
func (h Hex) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// Type is DUMP_TYPE, what a dump holds beyond its header.
type Type uint32

// The types up to Automatic are those of DUMP_TYPE in the debugger's headers; Windows 11 22H2 has
// added the three after it, which are known from open readers only (unproven).
const (
	Full          Type = 1  // every page of physical memory, by runs
	KernelSummary Type = 2  // kernel pages, by a bitmap: Windows 7 and older
	HeaderOnly    Type = 3  // nothing
	Mini          Type = 4  // "triage": driver list, stack, and some pages
	BitmapFull    Type = 5  // pages by a bitmap: full, active and kernel dumps since Windows 8
	BitmapKernel  Type = 6  // kernel pages by a bitmap: also live dumps
	Automatic     Type = 7  // a kernel dump whose page file the system sizes
	Kernel        Type = 8  // kernel pages, by ranges
	Active        Type = 9  // kernel and user pages in use, by ranges
	Complete      Type = 10 // every page of physical memory, by ranges
)

func (t Type) String() string {
	switch t {
	case Full:
		return "full"
	case KernelSummary:
		return "kernel summary"
	case HeaderOnly:
		return "header only"
	case Mini:
		return "mini (triage)"
	case BitmapFull:
		return "bitmap full"
	case BitmapKernel:
		return "bitmap kernel"
	case Automatic:
		return "automatic"
	case Kernel:
		return "kernel (ranges)"
	case Active:
		return "active (ranges)"
	case Complete:
		return "complete (ranges)"
	}
	return fmt.Sprintf("unknown (%d)", uint32(t))
}

// MarshalText gives the type by name.
func (t Type) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// Machine is IMAGE_FILE_MACHINE of the crashed system.
type Machine uint32

// The machines on which 64-bit dumps are written today.
const (
	AMD64 Machine = 0x8664
	ARM64 Machine = 0xaa64
)

func (m Machine) String() string {
	switch m {
	case AMD64:
		return "x64"
	case ARM64:
		return "arm64"
	}
	return fmt.Sprintf("unknown (0x%x)", uint32(m))
}

// MarshalText gives the machine by name.
func (m Machine) MarshalText() ([]byte, error) { return []byte(m.String()), nil }
