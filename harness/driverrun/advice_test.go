package driverrun

import (
	"strings"
	"testing"

	"wskharness/winerr"
)

// TestAdvice: of what keeps a driver from starting, and can be put right, it is said how.
func TestAdvice(t *testing.T) {
	for _, code := range []winerr.Win32{
		winerr.ErrorFileNotFound, winerr.ErrorAccessDenied, winerr.ErrorCRC, winerr.ErrorGenFailure, winerr.ErrorProcNotFound,
		winerr.ErrorAlreadyExists, winerr.ErrorInvalidImageHash, winerr.ErrorServiceRequestTimeout, winerr.ErrorServiceAlreadyRunning,
		winerr.ErrorServiceDisabled, winerr.ErrorServiceMarkedForDelete, winerr.ErrorDriverBlocked,
	} {
		if advice := win32Advice(code); advice == "" || !strings.HasSuffix(win32Text(code), advice) {
			t.Errorf("%s: %q", code, win32Text(code))
		}
	}
	if text := win32Text(winerr.ErrorInvalidImageHash); !strings.HasPrefix(text, "ERROR_INVALID_IMAGE_HASH (577): ") || !strings.Contains(text, "testsigning") {
		t.Error(text)
	}
	if text := win32Text(0xFFFF); text != "Win32 error 65535" {
		t.Error(text)
	}
}
