package driverrun

import (
	"fmt"
	"time"

	"wskharness/results"
	"wskharness/winerr"
)

// startFailed says at which stage, and why, a driver did not come up.
func startFailed(why string, win32 winerr.Win32, entry winerr.NTStatus, again *winerr.NTStatus) string {
	return startEnded(why, win32, entry) + askedAgain(why, entry, again)
}

func startEnded(why string, win32 winerr.Win32, entry winerr.NTStatus) string {
	switch {
	case entry != 0:
		return "DriverEntry returned " + entry.String()
	case why == "hang":
		return "DriverEntry did not return in time"
	}
	return notStartedSince(why, win32)
}

// askedAgain says what became of a DriverEntry that was run a second time to learn its NTSTATUS; "" where none was.
func askedAgain(why string, entry winerr.NTStatus, again *winerr.NTStatus) string {
	const second = "it was run a second time to learn its NTSTATUS, which Windows' service manager does not pass on"
	switch {
	case again == nil:
		return ""
	case why == "hang":
		return "; it had failed before, and " + second
	case *again == winerr.StatusSuccess:
		return "; " + second + ": then it succeeded, so that it fails only at times, and the driver was unloaded again"
	case entry == 0:
		return "; " + second + ": then it came to " + again.String() + ", which is not what it was the first time"
	}
	return "; " + second
}

// notStartedSince says of a driver that did not come up at which stage that was, and by which error.
func notStartedSince(why string, win32 winerr.Win32) string {
	return "the agent could not " + startStage(why) + " the driver: " + win32Text(win32)
}

func startStage(why string) string {
	switch why {
	case "install":
		return "install the service of"
	case "open":
		return "open the device of"
	case "abi":
		return "agree on an ABI with"
	case "hash":
		return "verify"
	}
	return "start"
}

// startRefused reports the Win32 errors of a machine (or its service manager) that did not let the
// driver start; any other is what DriverEntry's own status became on its way through it.
func startRefused(code winerr.Win32) bool {
	switch code {
	case winerr.ErrorFileNotFound, winerr.ErrorPathNotFound, winerr.ErrorAccessDenied, winerr.ErrorSharingViolation,
		winerr.ErrorProcNotFound, winerr.ErrorBadEXEFormat, winerr.ErrorEXEMachineTypeMismatch, winerr.ErrorInvalidImageHash,
		winerr.ErrorServiceRequestTimeout, winerr.ErrorServiceDatabaseLocked, winerr.ErrorServiceAlreadyRunning,
		winerr.ErrorServiceDisabled, winerr.ErrorServiceDoesNotExist, winerr.ErrorServiceDependencyFail,
		winerr.ErrorServiceMarkedForDelete, winerr.ErrorServiceDependencyDeleted, winerr.ErrorShutdownInProgress,
		winerr.ErrorDriverBlocked, winerr.ErrorInternalError, winerr.ErrorTimeout, winerr.RPCSServerUnavailable,
		winerr.ErrorSystemIntegrityPolicyViolation:
		return true
	}
	return false
}

// loaderSays reports the statuses of a loader that does not come to DriverEntry: what the driver imports is not there, or did
// not load, as Wine says where a provider of one's own imports what is not there.
func loaderSays(status winerr.NTStatus) bool {
	switch status {
	case winerr.StatusDLLNotFound, winerr.StatusOrdinalNotFound, winerr.StatusEntrypointNotFound, winerr.StatusDLLInitFailed:
		return true
	}
	return false
}

// hostGone reports whether a service manager says such a thing of a driver that has gone down with what hosted it. Wine
// gives each a process, and its manager may notice the end of that before the machine tells of a crash.
func hostGone(code winerr.Win32) bool {
	switch code {
	case winerr.ErrorBrokenPipe, winerr.ErrorNoData, winerr.ErrorServiceRequestTimeout, winerr.ErrorProcessAborted:
		return true
	}
	return false
}

// wineGivesUp is how long Wine's service manager waits for a service's answer to its start. One that is running after all is
// one that takes no orders, as is a driver without DriverUnload: seen with Wine 8.0.
const wineGivesUp = 10 * time.Second

// stopFailed is what a driver comes to that did not end as it should: its outcome and why. It had started so long after the
// run's begin.
func stopFailed(why string, win32 winerr.Win32, started time.Duration) (results.Outcome, string) {
	switch why {
	case "hash":
		return results.Error, "the driver's file in the guest is not the deployed one any more: somebody replaced it while the cases ran"
	case "refused":
		reason := "the driver can't be unloaded, since it has no DriverUnload: give it one, or say `unload: never` in the configuration where that is meant"
		if started >= wineGivesUp {
			reason += fmt.Sprintf("; or, on Wine, start it faster: it took %s, and of one that takes %s Wine's service manager loses track",
				started.Round(100*time.Millisecond), wineGivesUp)
		}
		return results.Fail, reason
	case "state":
		return results.Fail, "the driver was no longer loaded at the end of the run, which should have unloaded it: look for what unloaded it before"
	case "stop":
		return results.Fail, "the driver did not unload: " + win32Text(win32)
	}
	return results.Hang, "the driver did not unload in time: " + win32.String()
}

// leaseLost is a run that the agent ended since another has the guest.
const leaseLost = "the guest was given to another run in the meantime: this run left everything in it as it was"

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
