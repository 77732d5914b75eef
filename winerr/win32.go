package winerr

import (
	_ "embed"
	"fmt"
	"sync"
)

// Win32 is an error of the Win32 interface, as GetLastError returns it.
type Win32 uint32

// The errors that this program speaks of itself.
const (
	ErrorSuccess                        Win32 = 0
	ErrorInvalidFunction                Win32 = 1
	ErrorFileNotFound                   Win32 = 2
	ErrorPathNotFound                   Win32 = 3
	ErrorAccessDenied                   Win32 = 5
	ErrorNotEnoughMemory                Win32 = 8
	ErrorCRC                            Win32 = 23
	ErrorGenFailure                     Win32 = 31
	ErrorSharingViolation               Win32 = 32
	ErrorHandleEOF                      Win32 = 38
	ErrorHandleDiskFull                 Win32 = 39
	ErrorFileExists                     Win32 = 80
	ErrorInvalidParameter               Win32 = 87
	ErrorBrokenPipe                     Win32 = 109
	ErrorDiskFull                       Win32 = 112
	ErrorProcNotFound                   Win32 = 127
	ErrorAlreadyExists                  Win32 = 183
	ErrorBadEXEFormat                   Win32 = 193
	ErrorFilenameExcedRange             Win32 = 206
	ErrorEXEMachineTypeMismatch         Win32 = 216
	ErrorNoData                         Win32 = 232
	ErrorDirectory                      Win32 = 267
	ErrorMRMIDNotFound                  Win32 = 317
	ErrorInvalidImageHash               Win32 = 577
	ErrorOperationAborted               Win32 = 995
	ErrorNoAccess                       Win32 = 998
	ErrorKeyDeleted                     Win32 = 1018
	ErrorServiceRequestTimeout          Win32 = 1053
	ErrorServiceDatabaseLocked          Win32 = 1055
	ErrorServiceAlreadyRunning          Win32 = 1056
	ErrorServiceDisabled                Win32 = 1058
	ErrorServiceDoesNotExist            Win32 = 1060
	ErrorProcessAborted                 Win32 = 1067
	ErrorServiceDependencyFail          Win32 = 1068
	ErrorServiceMarkedForDelete         Win32 = 1072
	ErrorServiceDependencyDeleted       Win32 = 1075
	ErrorDuplicateServiceName           Win32 = 1078
	ErrorNoUnicodeTranslation           Win32 = 1113
	ErrorShutdownInProgress             Win32 = 1115
	ErrorDeviceNotConnected             Win32 = 1167
	ErrorDriverBlocked                  Win32 = 1275
	ErrorInternalError                  Win32 = 1359
	ErrorNoSystemResources              Win32 = 1450
	ErrorTimeout                        Win32 = 1460
	RPCSServerUnavailable               Win32 = 1722
	ErrorSystemIntegrityPolicyViolation Win32 = 4551
)

// facility7 is FACILITY_WIN32 among the HRESULTs.
const facility7 = 0x80070000

//go:embed win32.txt
var win32Text string

var errors32 = sync.OnceValue(func() *table[Win32] { return read[Win32]("win32.txt", win32Text, 10) })

// FromHRESULT is the Win32 error in a code that is one, or an HRESULT that was made of one.
func FromHRESULT(code uint32) (w Win32, ok bool) {
	return Win32(code & 0xFFFF), code>>16 == 0 || code&^0xFFFF == facility7
}

// HRESULT is HRESULT_FROM_WIN32.
func (w Win32) HRESULT() uint32 { return facility7 | uint32(w&0xFFFF) }

// NTStatus is NTSTATUS_FROM_WIN32, as which the agent reports the error of a step.
func (w Win32) NTStatus() NTStatus { return facilityWin32 | NTStatus(w&0xFFFF) }

// Name is the error's symbolic name, or a word with its number: "win32-4711".
func (w Win32) Name() string {
	if name := errors32().names[w]; name != "" {
		return name
	}
	return fmt.Sprintf("win32-%d", uint32(w))
}

// String is name and number, "ERROR_ACCESS_DENIED (5)", or "Win32 error 4711".
func (w Win32) String() string {
	if name := errors32().names[w]; name != "" {
		return fmt.Sprintf("%s (%d)", name, uint32(w))
	}
	return fmt.Sprintf("Win32 error %d", uint32(w))
}
