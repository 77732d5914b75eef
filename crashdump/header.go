package crashdump

import (
	"bytes"
	"math"
	"strings"
	"time"
)

// Where the fields of DUMP_HEADER64 are. Sizes: 8 KiB in all; the physical memory descriptor has 700
// bytes, the context record 3,000, the comment 128.
const (
	headerSize = 0x2000

	atMajor              = 0x08
	atMinor              = 0x0c
	atDirectoryTable     = 0x10
	atModuleList         = 0x20
	atMachine            = 0x30
	atProcessors         = 0x34
	atCode               = 0x38
	atParameters         = 0x40
	atDebuggerData       = 0x80
	atPhysicalMemory     = 0x88
	physicalMemorySize   = 700
	atContext            = 0x348
	atException          = 0xf00
	atType               = 0xf98
	atRequiredSpace      = 0xfa0
	atSystemTime         = 0xfa8
	atComment            = 0xfb0
	commentSize          = 128
	atUptime             = 0x1030
	atMiniFields         = 0x1038
	atSecondaryDataState = 0x103c
	atProductType        = 0x1040
	atSuiteMask          = 0x1044
	atWriterStatus       = 0x1048
	atAttributes         = 0x1050 // unproven: newer than the published header
)

// Where the parts of other records are.
const (
	exceptionSize = 0x98 // EXCEPTION_RECORD64
)

// unwritten is what the kernel fills a header with before it writes the fields: "PAGE".
const unwritten = 0x45474150

// mostExceptionParameters is EXCEPTION_MAXIMUM_PARAMETERS.
const mostExceptionParameters = 15

// Header is what DUMP_HEADER64 says. A field that Windows has not written is zero.
type Header struct {
	Type       Type    `json:"type"`
	Code       Hex     `json:"code"` // the stop code; 0 is none
	Parameters [4]Hex  `json:"parameters"`
	Machine    Machine `json:"machine"`
	Processors uint32  `json:"processors"`
	Major      uint32  `json:"major"` // 15 for a free, 12 for a checked build
	Build      uint32  `json:"build"`
	// Time is when the system crashed, in UTC by its own clock; zero if not written or impossible.
	Time   time.Time     `json:"time,omitzero"`
	Uptime time.Duration `json:"uptimeNs,omitzero"`

	Comment    string    `json:"comment,omitempty"`
	Exception  Exception `json:"exception,omitzero"`
	Context    Context   `json:"context,omitzero"` // of machines that are known
	ModuleList Hex       `json:"psLoadedModuleList"`
	// DebuggerData is the address of KdDebuggerDataBlock.
	DebuggerData   Hex    `json:"kdDebuggerDataBlock"`
	DirectoryTable Hex    `json:"directoryTableBase"`
	RequiredSpace  Hex    `json:"requiredDumpSpace"` // bytes that the dump should have
	ProductType    uint32 `json:"productType,omitzero"`
	SuiteMask      Hex    `json:"suiteMask,omitzero"`
	WriterStatus   Hex    `json:"writerStatus,omitzero"`
	MiniFields     Hex    `json:"miniDumpFields,omitzero"`
	SecondaryState Hex    `json:"secondaryDataState,omitzero"`
	Attributes     Hex    `json:"attributes,omitzero"`
}

// Exception is EXCEPTION_RECORD64. A bugcheck that a driver asked for leaves a breakpoint
// (0x80000003) in the kernel here: where the kernel stopped, not where anything went wrong.
type Exception struct {
	Code       Hex   `json:"code"`
	Address    Hex   `json:"address"`
	Parameters []Hex `json:"parameters,omitempty"`
}

// readHeader checks the magic and reads the header; the raw bytes are for those who need its tables.
func readHeader(f *file) (Header, []byte, []error, error) {
	if err := checkMagic(f); err != nil {
		return Header{}, nil, nil, err
	}
	raw, err := f.read("header (DUMP_HEADER64)", 0, headerSize)
	if err != nil {
		return Header{}, nil, nil, err
	}
	h := Header{
		Type:           Type(u32(raw, atType)),
		Code:           Hex(u32(raw, atCode)),
		Machine:        Machine(u32(raw, atMachine)),
		Processors:     u32(raw, atProcessors),
		Major:          u32(raw, atMajor),
		Build:          u32(raw, atMinor),
		Comment:        comment(raw[atComment:][:commentSize]),
		ModuleList:     Hex(u64(raw, atModuleList)),
		DebuggerData:   Hex(u64(raw, atDebuggerData)),
		DirectoryTable: Hex(u64(raw, atDirectoryTable)),
		RequiredSpace:  Hex(u64(raw, atRequiredSpace)),
		ProductType:    u32(raw, atProductType),
		SuiteMask:      Hex(u32(raw, atSuiteMask)),
		WriterStatus:   Hex(u32(raw, atWriterStatus)),
		MiniFields:     Hex(u32(raw, atMiniFields)),
		SecondaryState: Hex(u32(raw, atSecondaryDataState)),
		Attributes:     Hex(u32(raw, atAttributes)),
		Exception:      exception(raw[atException:]),
	}
	for i := range h.Parameters {
		h.Parameters[i] = Hex(order.Uint64(raw[atParameters+8*i:])) // may well be "PAGEPAGE"
	}
	if layout, known := contextOf(h.Machine); known {
		h.Context = layout.read(raw[atContext:])
	}
	var problems []error
	if h.Time, err = systemTime(u64(raw, atSystemTime)); err != nil {
		problems = append(problems, err)
	}
	if h.Uptime, err = uptime(u64(raw, atUptime)); err != nil {
		problems = append(problems, err)
	}
	return h, raw, problems, nil
}

// checkMagic tells 64-bit dumps from whatever else has a similar name.
func checkMagic(f *file) error {
	n := min(max(f.size, 0), 8)
	magic, err := f.read("signature", 0, uint64(n))
	if err != nil {
		return err
	}
	switch {
	case string(magic) == "PAGEDU64":
		return nil
	case string(magic) == "PAGEDUMP":
		return &UnsupportedError{"a dump of a 32-bit system (DUMP_HEADER32)", "only 64-bit dumps are read here; open it with WinDbg"}
	case bytes.HasPrefix(magic, []byte("MDMP")):
		return &UnsupportedError{"a dump of a user mode process (MDMP)", "only kernel crash dumps are read here; open it with WinDbg"}
	case n < 8 && (strings.HasPrefix("PAGEDU64", string(magic)) || strings.HasPrefix("PAGEDUMP", string(magic))):
		return &TruncatedError{"signature", 0, 8, f.size}
	}
	return &NotDumpError{magic}
}

// Recognises tells by the first bytes of a file whether it is something that Read has an answer to,
// be it that the dump is of a kind that is not read.
func Recognises(start []byte) bool {
	for _, magic := range []string{"PAGEDU64", "PAGEDUMP", "MDMP"} {
		if bytes.HasPrefix(start, []byte(magic)) {
			return true
		}
	}
	return false
}

// u32 is a field of the header, 0 if it has not been written.
func u32(raw []byte, at int) uint32 {
	if v := order.Uint32(raw[at:]); v != unwritten {
		return v
	}
	return 0
}

// u64 is a field of the header, 0 if it has not been written.
func u64(raw []byte, at int) uint64 {
	if v := order.Uint64(raw[at:]); v != unwritten<<32|unwritten {
		return v
	}
	return 0
}

func exception(raw []byte) Exception {
	e := Exception{Code: Hex(u32(raw, 0)), Address: Hex(u64(raw, 16))}
	if n := u32(raw, 24); n <= mostExceptionParameters {
		for i := range int(n) {
			e.Parameters = append(e.Parameters, Hex(u64(raw, 32+8*i)))
		}
	}
	return e
}

// comment is the text up to its end, in characters that can be printed anywhere.
func comment(raw []byte) string {
	if bytes.HasPrefix(raw, []byte("PAGEPAGE")) {
		return ""
	}
	text, _, _ := bytes.Cut(raw, []byte{0})
	return printable(string(text))
}

// systemTime reads a FILETIME: 100 ns since 1601.
func systemTime(v uint64) (time.Time, error) {
	const toUnix, perSecond = 11644473600, 10_000_000
	if v == 0 {
		return time.Time{}, nil
	}
	if v > math.MaxInt64 {
		return time.Time{}, &CorruptError{"header: system time", "beyond what a FILETIME can be"}
	}
	t := time.Unix(int64(v/perSecond)-toUnix, int64(v%perSecond)*100).UTC()
	if t.Year() > 9999 {
		return time.Time{}, &CorruptError{"header: system time", "after the year 9999"}
	}
	return t, nil
}

// uptime reads a number of 100 ns.
func uptime(v uint64) (time.Duration, error) {
	if v > math.MaxInt64/100 {
		return 0, &CorruptError{"header: uptime", "longer than 292 years"}
	}
	return time.Duration(v) * 100, nil
}
