package suites

import (
	"strings"
	"testing"

	"wskharness/winerr"
)

// TestParseStatus: a status is written by its name, by that of the Win32 error that it was made of, or in hexadecimal digits.
func TestParseStatus(t *testing.T) {
	for text, want := range map[string]winerr.NTStatus{
		"STATUS_NOINTERFACE": 0xC00002B9, "ERROR_SERVICE_NOT_ACTIVE": 0xC0070426, "0xC0FFEE00": 0xC0FFEE00, "0x0": 0,
	} {
		if got, err := parseStatus(text); err != nil || got != want {
			t.Errorf("%s is %s, %v", text, got, err)
		}
	}
	for _, bad := range []string{"", "STATUS_", "0x", "0x1C0000184", "-0x1", "0xZ", "success", "ERROR_SUCCESS", "win32-5", "5"} {
		if got, err := parseStatus(bad); err == nil {
			t.Errorf("%q is %s", bad, got)
		}
	}
	if _, err := parseStatus("STATUS_NOINTERFASE"); err == nil || !strings.Contains(err.Error(), "STATUS_NOINTERFACE") {
		t.Errorf("%v: what is near it is not named", err)
	}
}
