package dumptest

import (
	"encoding/binary"
	"time"
	"unicode/utf16"
)

var le = binary.LittleEndian

const (
	pageSize   = 0x1000
	headerSize = 0x2000
)

// The types of dumps, by their number in the header.
const (
	Full          = 1
	KernelSummary = 2
	HeaderOnly    = 3
	Mini          = 4
	BitmapFull    = 5
	BitmapKernel  = 6
	Automatic     = 7
	Kernel        = 8
	Active        = 9
	Complete      = 10
)

// ARM64 is IMAGE_FILE_MACHINE_ARM64.
const ARM64 = 0xaa64

// Module is an image that was loaded, or had been.
type Module struct {
	Name string // as the system has it: a base name
	Path string // full name; "" is the base name below the drivers' folder
	Base uint64
	Size uint32
}

// Spec is a dump to write. What is zero is left as the kernel prefills it, or has a usual value.
type Spec struct {
	Type       uint32
	Code       uint32
	Parameters [4]uint64
	Machine    uint32 // 0 is x64; ARM64
	Processors uint32
	Build      uint32
	Time       time.Time
	Uptime     time.Duration
	Comment    string

	ExceptionCode    uint32
	ExceptionAddress uint64
	IP, SP           uint64
	FP, LR           uint64 // arm64 only

	Modules  []Module
	Unloaded []Module // in minidumps only: 12 characters at most
	// Memory is more memory of the crashed system, by virtual address. In a minidump the first piece is
	// the stack, and the others are data blocks.
	Memory []Memory
	// OldBitmap has a kernel summary written as SUMMARY_DUMP64 instead of with the newer bitmap.
	OldBitmap bool
	// LargePages maps memory by pages of 2 MiB.
	LargePages bool
}

// Memory is a piece of the crashed system's memory.
type Memory struct {
	Address uint64
	Data    []byte
}

// ListHead is PsLoadedModuleList of every dump that has memory.
const ListHead = 0xfffff800_00c00010

// Bytes writes the dump.
func (s Spec) Bytes() []byte {
	if s.Machine == 0 {
		s.Machine = 0x8664
	}
	d := s.header()
	switch s.Type {
	case Mini:
		d = s.mini(d)
	case Full, KernelSummary, BitmapFull, BitmapKernel, Automatic, Kernel, Active, Complete:
		d = s.physical(d)
	}
	le.PutUint64(d[0xfa0:], uint64(len(d)))
	return d
}

// header writes DUMP_HEADER64, prefilled with "PAGE" as the kernel does.
func (s Spec) header() []byte {
	d := make([]byte, headerSize)
	for at := 0; at < len(d); at += 4 {
		copy(d[at:], "PAGE")
	}
	copy(d, "PAGEDU64")
	le.PutUint32(d[0x08:], 15)
	le.PutUint32(d[0x0c:], s.Build)
	le.PutUint64(d[0x20:], ListHead)
	le.PutUint32(d[0x30:], s.Machine)
	le.PutUint32(d[0x34:], s.Processors)
	le.PutUint32(d[0x38:], s.Code)
	for i, p := range s.Parameters {
		le.PutUint64(d[0x40+8*i:], p)
	}
	le.PutUint64(d[0x80:], 0xfffff800_00d00000)
	s.context(d[0x348:])
	exception(d[0xf00:], s.ExceptionCode, s.ExceptionAddress)
	le.PutUint32(d[0xf98:], s.Type)
	if !s.Time.IsZero() {
		le.PutUint64(d[0xfa8:], uint64(s.Time.Unix()+11644473600)*1e7+uint64(s.Time.Nanosecond()/100))
	}
	if s.Comment != "" {
		copy(d[0xfb0:0xfb0+128], s.Comment+"\x00")
	}
	le.PutUint64(d[0x1030:], uint64(s.Uptime/100))
	return d
}

// context writes as much of a CONTEXT as has the registers; nothing where there is no instruction pointer.
func (s Spec) context(raw []byte) {
	if s.IP == 0 {
		return
	}
	if s.Machine != ARM64 {
		le.PutUint64(raw[0x98:], s.SP)
		le.PutUint64(raw[0xf8:], s.IP)
		return
	}
	for x := range 29 { // X0 to X28
		le.PutUint64(raw[8+8*x:], 0x1111*uint64(x))
	}
	for i, v := range []uint64{s.FP, s.LR, s.SP, s.IP} {
		le.PutUint64(raw[0xf0+8*i:], v)
	}
}

// ExceptionRecord writes an EXCEPTION_RECORD64, to be put into memory.
func ExceptionRecord(code uint32, address uint64) []byte {
	raw := make([]byte, 0x98)
	exception(raw, code, address)
	return raw
}

func exception(raw []byte, code uint32, address uint64) {
	clear(raw[:0x98])
	le.PutUint32(raw, code)
	le.PutUint64(raw[16:], address)
	le.PutUint32(raw[24:], 2)
	le.PutUint64(raw[32:], 1)
	le.PutUint64(raw[40:], 0x18)
}

func wide(s string) []byte {
	var raw []byte
	for _, u := range utf16.Encode([]rune(s)) {
		raw = le.AppendUint16(raw, u)
	}
	return raw
}

// loaderEntry writes KLDR_DATA_TABLE_ENTRY without its links.
func loaderEntry(raw []byte, m Module) {
	le.PutUint64(raw[0x30:], m.Base)
	le.PutUint64(raw[0x38:], m.Base+0x1000) // entry point
	le.PutUint32(raw[0x40:], m.Size)
}
