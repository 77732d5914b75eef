package suites

import (
	"fmt"
	"strconv"
	"strings"

	"wskharness/strictyaml"
	"wskharness/winerr"
)

// parseStatus reads an NTSTATUS by name, or by number as 0x and up to eight hexadecimal digits. A Win32 error is read by name.
func parseStatus(text string) (winerr.NTStatus, error) {
	if digits, ok := strings.CutPrefix(text, "0x"); ok {
		code, err := strconv.ParseUint(digits, 16, 32)
		if err != nil {
			return 0, fmt.Errorf("status %q is not a 32-bit hexadecimal number", text)
		}
		return winerr.NTStatus(code), nil
	}
	if code, ok := winerr.NTStatusNamed(text); ok {
		return code, nil
	}
	return 0, fmt.Errorf("unknown status %q%s", text, strictyaml.Hint(text, winerr.NTStatusNames()))
}
