package driverrun

import "wskharness/winerr"

// win32Text is a Win32 error by name, with what to do about it.
func win32Text(code winerr.Win32) string {
	if advice := win32Advice(code); advice != "" {
		return code.String() + ": " + advice
	}
	return code.String()
}

// win32Advice is what an error means for a driver's service, and what to do about it; "" where there is nothing to say. It is
// from the documentation of StartService and CreateService, and of driver signing.
func win32Advice(code winerr.Win32) string {
	return map[winerr.Win32]string{
		winerr.ErrorInvalidFunction:                "the device does not know this request: agent and driver may be of different versions",
		winerr.ErrorFileNotFound:                   "the driver's file is not where its service says, or a module that it imports is missing",
		winerr.ErrorPathNotFound:                   "the folder of the driver's file does not exist in the guest",
		winerr.ErrorAccessDenied:                   "the account needs to be an elevated administrator in the guest",
		winerr.ErrorNotEnoughMemory:                "the guest is out of memory",
		winerr.ErrorCRC:                            "the file in the guest is not the one that was built: deploy again",
		winerr.ErrorGenFailure:                     "DriverEntry returned a failure: its NTSTATUS says which",
		winerr.ErrorSharingViolation:               "the file is open in another process of the guest",
		winerr.ErrorDiskFull:                       "free some space on the guest's system drive",
		winerr.ErrorProcNotFound:                   "the driver imports a function that this guest's kernel lacks",
		winerr.ErrorAlreadyExists:                  "a device or driver of this name is loaded already: stop the old one",
		winerr.ErrorBadEXEFormat:                   "the file is not a driver image for this guest's processor",
		winerr.ErrorEXEMachineTypeMismatch:         "the file is for another processor than the guest's",
		winerr.ErrorMRMIDNotFound:                  "DriverEntry returned an NTSTATUS that has no Win32 error of its own",
		winerr.ErrorInvalidImageHash:               "Windows did not accept the signature: turn test signing on (bcdedit /set testsigning on, Secure Boot off, reboot) and put the test certificate into the machine's Root and TrustedPublisher stores; `wskharness doctor TARGET` says which of it is missing, `wskharness vm prepare TARGET` does it",
		winerr.ErrorNoAccess:                       "the driver faulted",
		winerr.ErrorServiceRequestTimeout:          "the guest may have just booted: try again",
		winerr.ErrorServiceDatabaseLocked:          "another installation is under way in the guest: try again",
		winerr.ErrorServiceAlreadyRunning:          "stop the driver that is running first",
		winerr.ErrorServiceDisabled:                "the service is disabled or marked for deletion: remove it, or reboot the guest",
		winerr.ErrorServiceDoesNotExist:            "install the driver's service first",
		winerr.ErrorProcessAborted:                 "the process that hosts the driver ended: look for a fault",
		winerr.ErrorServiceDependencyFail:          "a service that the driver depends on did not start",
		winerr.ErrorServiceMarkedForDelete:         "something still holds a handle to the service: close it, or reboot the guest",
		winerr.ErrorServiceDependencyDeleted:       "a service that the driver depends on is not installed",
		winerr.ErrorDuplicateServiceName:           "another service has this display name",
		winerr.ErrorShutdownInProgress:             "the guest is shutting down",
		winerr.ErrorDeviceNotConnected:             "the driver's device went away",
		winerr.ErrorDriverBlocked:                  "policy blocks this driver: memory integrity (HVCI), an application control policy, or the vulnerable driver block list; `wskharness doctor TARGET` says which is on",
		winerr.ErrorNoSystemResources:              "the guest is out of pool or other resources",
		winerr.ErrorTimeout:                        "it did not answer in time: the driver, or the whole guest, may be stuck",
		winerr.RPCSServerUnavailable:               "the guest's service manager does not answer: it may be starting or shutting down",
		winerr.ErrorSystemIntegrityPolicyViolation: "an application control policy blocks the file",
	}[code]
}
