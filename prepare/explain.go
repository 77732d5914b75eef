package prepare

import (
	"fmt"
	"strings"

	"wskharness/winerr"
)

// cause is why Windows does not load a driver, with the settings that are to be looked at.
type cause struct {
	text     string
	settings []string
}

var signature = cause{"Windows does not accept the signature: the file is not signed, not by a certificate that the machine trusts, or test signing is not in effect", []string{"secure-boot", "test-signing", "certificate"}}

var policyRefused = cause{"a policy of code integrity refuses the driver, whatever its signature; the event log Microsoft-Windows-CodeIntegrity/Operational names the policy (events 3076 and 3077)",
	[]string{"driver-policy", "driver-block-list", "memory-integrity", "smart-app-control"}}

// statusCauses are those that the kernel, and its event log, name ([MS-ERREF] 2.3.1).
var statusCauses = map[string]cause{
	"STATUS_INVALID_IMAGE_HASH":                signature,
	"STATUS_IMAGE_CERT_REVOKED":                {"the certificate is revoked, or on Microsoft's list of what is refused", []string{"driver-block-list", "driver-policy", "certificate"}},
	"STATUS_SYSTEM_INTEGRITY_POLICY_VIOLATION": policyRefused,
	"STATUS_DRIVER_BLOCKED":                    policyRefused,
	"STATUS_DRIVER_BLOCKED_CRITICAL":           policyRefused,
	"STATUS_DRIVER_UNABLE_TO_LOAD":             {"the driver's image, or one that it imports, can't be loaded: a file is missing, or a function", nil},
	"STATUS_DRIVER_ENTRYPOINT_NOT_FOUND":       {"the driver imports a function that this Windows does not have", []string{"windows"}},
}

// win32Causes are those that the service manager names (StartService and CreateService in Microsoft's documentation).
var win32Causes = map[winerr.Win32]cause{
	winerr.ErrorFileNotFound:                   {"the driver's file is not where its service says, or a module that it imports is missing", nil},
	winerr.ErrorAccessDenied:                   {"the account is no administrator with a full token", []string{"administrator"}},
	winerr.ErrorAlreadyExists:                  {"a device, or a driver, of that name is there already: one is loaded, or its unload left something behind", nil},
	winerr.ErrorBadEXEFormat:                   {"the file is no driver for this processor", []string{"windows"}},
	winerr.ErrorInvalidImageHash:               signature,
	winerr.ErrorServiceAlreadyRunning:          {"the driver is running: stop it first", nil},
	winerr.ErrorServiceDisabled:                {"the service is disabled, or marked for deletion: remove it, or reboot", []string{"pending-reboot"}},
	winerr.ErrorServiceMarkedForDelete:         {"something still holds a handle to the service that was deleted: close it, or reboot", []string{"pending-reboot"}},
	winerr.ErrorDriverBlocked:                  policyRefused,
	winerr.ErrorSystemIntegrityPolicyViolation: policyRefused,
}

// Explain says what an error comes to with which a driver does not load: its name, its cause, and the settings to look at. The
// number is a Win32 error or an NTSTATUS.
func Explain(code uint32) string {
	name, found := winerr.Win32(code).String(), win32Causes[winerr.Win32(code)]
	if status := winerr.NTStatus(code); code > 0xFFFF {
		name, found = status.String(), statusCauses[status.Name()]
		if win32, ok := winerr.FromHRESULT(code); ok && found.text == "" {
			name, found = win32.String(), win32Causes[win32]
		}
	}
	switch {
	case found.text == "":
		return name + ": nothing is known of it that has to do with how drivers are loaded"
	case found.settings == nil:
		return name + ": " + found.text
	}
	return fmt.Sprintf("%s: %s; look at %s", name, found.text, strings.Join(found.settings, ", "))
}
