package winerr

import (
	_ "embed"
	"fmt"
	"slices"
	"sync"
)

// NTStatus is a status of the kernel: NTSTATUS.
type NTStatus uint32

// The statuses that this program speaks of itself.
const (
	StatusSuccess            NTStatus = 0x00000000
	StatusTimeout            NTStatus = 0x00000102
	StatusPending            NTStatus = 0x00000103
	StatusBreakpoint         NTStatus = 0x80000003
	StatusAccessViolation    NTStatus = 0xC0000005
	StatusDLLNotFound        NTStatus = 0xC0000135
	StatusOrdinalNotFound    NTStatus = 0xC0000138
	StatusEntrypointNotFound NTStatus = 0xC0000139
	StatusControlCExit       NTStatus = 0xC000013A
	StatusDLLInitFailed      NTStatus = 0xC0000142
	StatusStackBufferOverrun NTStatus = 0xC0000409
)

// facilityWin32 has what NTSTATUS_FROM_WIN32 makes of Win32 errors.
const facilityWin32 NTStatus = 0xC0070000

//go:embed ntstatus.txt
var ntstatusText string

var statuses = sync.OnceValue(func() *table[NTStatus] { return read[NTStatus]("ntstatus.txt", ntstatusText, 16) })

// NTStatusNamed finds the status with that name, or that of the Win32 error with that name.
func NTStatusNamed(name string) (status NTStatus, ok bool) {
	if status, ok = statuses().codes[name]; ok {
		return status, true
	}
	code, ok := errors32().codes[name]
	return code.NTStatus(), ok && code != ErrorSuccess
}

// NTStatusNames are the names of all statuses, in the order of their numbers.
func NTStatusNames() []string { return slices.Clone(statuses().order) }

// Known reports whether the table has a name for the status.
func (s NTStatus) Known() bool { return statuses().names[s] != "" }

// Name is the status's symbolic name. One that has none is called by the Win32 error that it was made of, or by its
// number: 0x and eight digits.
func (s NTStatus) Name() string {
	if name := statuses().names[s]; name != "" {
		return name
	}
	if code, ok := s.win32(); ok {
		return code.Name()
	}
	return fmt.Sprintf("0x%08X", uint32(s))
}

// String is name and number, "STATUS_SUCCESS (0x00000000)", or the number alone.
func (s NTStatus) String() string {
	name, number := s.Name(), fmt.Sprintf("0x%08X", uint32(s))
	if name == number {
		return number
	}
	return name + " (" + number + ")"
}

// win32 is the error that the status was made of, if it was.
func (s NTStatus) win32() (code Win32, ok bool) { return Win32(s & 0xFFFF), s&^0xFFFF == facilityWin32 }

// Success is NT_SUCCESS: the severities success and informational.
func (s NTStatus) Success() bool { return int32(s) >= 0 }

// Error is NT_ERROR: the severity error, and no warning.
func (s NTStatus) Error() bool { return s>>30 == 3 }
