package suites

import "fmt"

// Win32Error is a Win32 error code as the service manager reports it for a driver, with what to do
// about it where something can be done.
type Win32Error struct {
	Code   uint32
	Name   string // empty where this table does not know the code
	Advice string // may be empty
}

func (e Win32Error) String() string {
	if e.Name == "" {
		return fmt.Sprintf("Win32 error %d", e.Code)
	}
	return fmt.Sprintf("%s (%d)", e.Name, e.Code)
}

// name is a word for the error, also where the table has none.
func (e Win32Error) name() string {
	if e.Name == "" {
		return fmt.Sprintf("win32-%d", e.Code)
	}
	return e.Name
}

// Those that are told in words of their own.
const (
	errorFileNotFound     = 2
	errorPathNotFound     = 3
	errorSharingViolation = 32
	errorFileExists       = 80
	errorDirectory        = 267
)

// highestWin32 is beyond the codes that Win32 knows.
const highestWin32 = 6000

// win32Code finds the code that goes by a name.
func win32Code(name string) (code uint32, ok bool) {
	for code = 1; code < highestWin32; code++ {
		if e := Win32(code); e.Name == name && name != "" {
			return code, true
		}
	}
	return 0, false
}

// Win32 looks a code up. The names are those of winerror.h; what they mean for a kernel service is
// from the documentation of StartService and CreateService and of driver signing.
func Win32(code uint32) Win32Error {
	e := Win32Error{Code: code}
	switch code {
	case 0:
		e.Name = "ERROR_SUCCESS"
	case 1:
		e.Name, e.Advice = "ERROR_INVALID_FUNCTION", "the device does not know this request: agent and driver may be of different versions"
	case 2:
		e.Name, e.Advice = "ERROR_FILE_NOT_FOUND", "the driver's file is not where its service says, or a module that it imports is missing"
	case 3:
		e.Name, e.Advice = "ERROR_PATH_NOT_FOUND", "the folder of the driver's file does not exist in the guest"
	case 5:
		e.Name, e.Advice = "ERROR_ACCESS_DENIED", "the account needs to be an elevated administrator in the guest"
	case 6:
		e.Name = "ERROR_INVALID_HANDLE"
	case 8:
		e.Name, e.Advice = "ERROR_NOT_ENOUGH_MEMORY", "the guest is out of memory"
	case 21:
		e.Name = "ERROR_NOT_READY"
	case 23:
		e.Name, e.Advice = "ERROR_CRC", "the file in the guest is not the one that was built: deploy again"
	case 31:
		e.Name, e.Advice = "ERROR_GEN_FAILURE", "DriverEntry returned a failure: its NTSTATUS says which"
	case 32:
		e.Name, e.Advice = "ERROR_SHARING_VIOLATION", "the file is open in another process of the guest"
	case 50:
		e.Name = "ERROR_NOT_SUPPORTED"
	case 80:
		e.Name = "ERROR_FILE_EXISTS"
	case 87:
		e.Name = "ERROR_INVALID_PARAMETER"
	case 112:
		e.Name, e.Advice = "ERROR_DISK_FULL", "free some space on the guest's system drive"
	case 121:
		e.Name = "ERROR_SEM_TIMEOUT"
	case 127:
		e.Name, e.Advice = "ERROR_PROC_NOT_FOUND", "the driver imports a function that this guest's kernel lacks"
	case 170:
		e.Name = "ERROR_BUSY"
	case 183:
		e.Name, e.Advice = "ERROR_ALREADY_EXISTS", "a device or driver of this name is loaded already: stop the old one"
	case 193:
		e.Name, e.Advice = "ERROR_BAD_EXE_FORMAT", "the file is not a driver image for this guest's processor"
	case 216:
		e.Name, e.Advice = "ERROR_EXE_MACHINE_TYPE_MISMATCH", "the file is for another processor than the guest's"
	case 258:
		e.Name = "WAIT_TIMEOUT"
	case 267:
		e.Name = "ERROR_DIRECTORY"
	case 317:
		e.Name, e.Advice = "ERROR_MR_MID_NOT_FOUND", "DriverEntry returned an NTSTATUS that has no Win32 error of its own"
	case 577:
		e.Name, e.Advice = "ERROR_INVALID_IMAGE_HASH", "Windows did not accept the signature: turn test signing on (bcdedit /set testsigning on, Secure Boot off, reboot) and put the test certificate into the machine's Root and TrustedPublisher stores"
	case 995:
		e.Name = "ERROR_OPERATION_ABORTED"
	case 998:
		e.Name, e.Advice = "ERROR_NOACCESS", "the driver faulted"
	case 1223:
		e.Name = "ERROR_CANCELLED"
	case 1053:
		e.Name, e.Advice = "ERROR_SERVICE_REQUEST_TIMEOUT", "the guest may have just booted: try again"
	case 1054:
		e.Name = "ERROR_SERVICE_NO_THREAD"
	case 1055:
		e.Name, e.Advice = "ERROR_SERVICE_DATABASE_LOCKED", "another installation is under way in the guest: try again"
	case 1056:
		e.Name, e.Advice = "ERROR_SERVICE_ALREADY_RUNNING", "stop the driver that is running first"
	case 1058:
		e.Name, e.Advice = "ERROR_SERVICE_DISABLED", "the service is disabled or marked for deletion: remove it, or reboot the guest"
	case 1060:
		e.Name, e.Advice = "ERROR_SERVICE_DOES_NOT_EXIST", "install the driver's service first"
	case 1061:
		e.Name = "ERROR_SERVICE_CANNOT_ACCEPT_CTRL"
	case 1062:
		e.Name = "ERROR_SERVICE_NOT_ACTIVE"
	case 1066:
		e.Name = "ERROR_SERVICE_SPECIFIC_ERROR"
	case 1067:
		e.Name, e.Advice = "ERROR_PROCESS_ABORTED", "the process that hosts the driver ended: look for a fault"
	case 1068:
		e.Name, e.Advice = "ERROR_SERVICE_DEPENDENCY_FAIL", "a service that the driver depends on did not start"
	case 1072:
		e.Name, e.Advice = "ERROR_SERVICE_MARKED_FOR_DELETE", "something still holds a handle to the service: close it, or reboot the guest"
	case 1073:
		e.Name = "ERROR_SERVICE_EXISTS"
	case 1075:
		e.Name, e.Advice = "ERROR_SERVICE_DEPENDENCY_DELETED", "a service that the driver depends on is not installed"
	case 1078:
		e.Name, e.Advice = "ERROR_DUPLICATE_SERVICE_NAME", "another service has this display name"
	case 1115:
		e.Name, e.Advice = "ERROR_SHUTDOWN_IN_PROGRESS", "the guest is shutting down"
	case 1117:
		e.Name = "ERROR_IO_DEVICE"
	case 1167:
		e.Name, e.Advice = "ERROR_DEVICE_NOT_CONNECTED", "the driver's device went away"
	case 1275:
		e.Name, e.Advice = "ERROR_DRIVER_BLOCKED", "policy blocks this driver: memory integrity (HVCI), an application control policy, or the vulnerable driver block list"
	case 1359:
		e.Name = "ERROR_INTERNAL_ERROR"
	case 1450:
		e.Name, e.Advice = "ERROR_NO_SYSTEM_RESOURCES", "the guest is out of pool or other resources"
	case 1460:
		e.Name, e.Advice = "ERROR_TIMEOUT", "it did not answer in time: the driver, or the whole guest, may be stuck"
	case 1722:
		e.Name, e.Advice = "RPC_S_SERVER_UNAVAILABLE", "the guest's service manager does not answer: it may be starting or shutting down"
	case 4551:
		e.Name, e.Advice = "ERROR_SYSTEM_INTEGRITY_POLICY_VIOLATION", "an application control policy blocks the file"
	}
	return e
}
