package suites

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"wskharness/strictyaml"
)

//go:embed ntstatus.txt
var ntstatusText string

type statusTable struct {
	names []string // as in the file
	code  map[string]uint32
	name  map[uint32]string
}

// statuses reads the embedded table once, when it is first needed.
var statuses = sync.OnceValue(func() *statusTable {
	t := &statusTable{code: map[string]uint32{}, name: map[uint32]string{}}
	for line := range strings.Lines(ntstatusText) {
		hex, name, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || hex == "#" {
			continue
		}
		code, err := strconv.ParseUint(hex, 16, 32)
		if err != nil {
			continue // status_test.go checks every line
		}
		t.names = append(t.names, name)
		t.code[name] = uint32(code)
		if _, ok := t.name[uint32(code)]; !ok {
			t.name[uint32(code)] = name
		}
	}
	return t
})

// The statuses that the steps themselves are about.
const (
	statusSuccess = 0x00000000
	statusTimeout = 0x00000102
	statusPending = 0x00000103

	// A Win32 error as the status of a step of the agent: NTSTATUS_FROM_WIN32.
	statusOfWin32 = 0xC0070000
)

// StatusName returns the name of an NTSTATUS, or 0x and eight digits for one without a name here.
func StatusName(code uint32) string {
	if name, ok := statuses().name[code]; ok {
		return name
	}
	if code&^0xFFFF == statusOfWin32 {
		return Win32(code & 0xFFFF).name()
	}
	return fmt.Sprintf("0x%08X", code)
}

// StatusText returns name and number: "STATUS_SUCCESS (0x00000000)".
func StatusText(code uint32) string {
	name := StatusName(code)
	if strings.HasPrefix(name, "0x") {
		return name
	}
	return fmt.Sprintf("%s (0x%08X)", name, code)
}

// ParseStatus reads an NTSTATUS by name, or by number as 0x and up to eight hexadecimal digits.
func ParseStatus(text string) (uint32, error) {
	if digits, ok := strings.CutPrefix(text, "0x"); ok {
		code, err := strconv.ParseUint(digits, 16, 32)
		if err != nil {
			return 0, fmt.Errorf("status %q is not a 32-bit hexadecimal number", text)
		}
		return uint32(code), nil
	}
	if code, ok := statuses().code[text]; ok {
		return code, nil
	}
	if code, ok := win32Code(text); ok {
		return statusOfWin32 | code, nil
	}
	return 0, fmt.Errorf("unknown status %q%s", text, strictyaml.Hint(text, statuses().names))
}

// isError is NT_ERROR: of such a request the driver says nothing but its status.
func isError(code uint32) bool { return code>>30 == 3 }

// isSuccess is NT_SUCCESS: success and informational severities.
func isSuccess(code uint32) bool { return int32(code) >= 0 }
