package crashdump

import "fmt"

// NotDumpError says that a file is not a kernel crash dump at all.
type NotDumpError struct {
	Magic []byte // the file's first bytes, at most 8
}

func (e *NotDumpError) Error() string {
	return fmt.Sprintf("not a Windows kernel crash dump: it begins with %q instead of \"PAGEDU64\"", e.Magic)
}

// UnsupportedError says that a file is a crash dump, of a kind that is not read here.
type UnsupportedError struct {
	Kind   string // what the file is
	Advice string // what to do with it
}

func (e *UnsupportedError) Error() string { return e.Kind + ": " + e.Advice }

// TruncatedError says that a file ends before something that it should hold.
type TruncatedError struct {
	Part   string // what is missing
	Offset uint64 // where it should be, in bytes from the start of the file
	Need   uint64 // its size, in bytes
	Size   int64  // the file's size
}

func (e *TruncatedError) Error() string {
	return fmt.Sprintf("%s: %d bytes at offset 0x%x are beyond the end of the file (%d bytes): the dump was not written or not fetched whole",
		e.Part, e.Need, e.Offset, e.Size)
}

// CorruptError says that something in a dump contradicts the layout.
type CorruptError struct {
	Part   string
	Reason string
}

func (e *CorruptError) Error() string { return e.Part + ": " + e.Reason }

// AbsentError says that an address of the crashed machine is not in the dump.
type AbsentError struct {
	Part    string
	Address uint64
	Reason  string
}

func (e *AbsentError) Error() string {
	return fmt.Sprintf("%s at 0x%x: %s", e.Part, e.Address, e.Reason)
}

// ReadError says that the file itself could not be read.
type ReadError struct {
	Part   string
	Offset uint64
	Err    error
}

func (e *ReadError) Error() string {
	return fmt.Sprintf("read %s at offset 0x%x: %v", e.Part, e.Offset, e.Err)
}

func (e *ReadError) Unwrap() error { return e.Err }
