package suites

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func TestStatusNames(t *testing.T) {
	for code, want := range map[uint32]string{
		0:          "STATUS_SUCCESS",
		0x102:      "STATUS_TIMEOUT",
		0xC00002B9: "STATUS_NOINTERFACE",
		0xC00000A3: "STATUS_DEVICE_NOT_READY",
		0xC0000184: "STATUS_INVALID_DEVICE_STATE",
		0xC0000428: "STATUS_INVALID_IMAGE_HASH",
		0xC0FFEE00: "0xC0FFEE00",
	} {
		if got := StatusName(code); got != want {
			t.Errorf("%#x is %s, want %s", code, got, want)
		}
		if got, err := ParseStatus(want); err != nil || got != code {
			t.Errorf("ParseStatus(%s) = %#x, %v", want, got, err)
		}
	}
	for _, bad := range []string{"", "STATUS_", "0x", "0x1C0000184", "-0x1", "0xZ", "success"} {
		if code, err := ParseStatus(bad); err == nil {
			t.Errorf("ParseStatus(%q) = %#x", bad, code)
		}
	}
	if got := StatusText(0xC00000A3); got != "STATUS_DEVICE_NOT_READY (0xC00000A3)" {
		t.Error(got)
	}
}

func TestStatusTableIsWellFormed(t *testing.T) {
	line := regexp.MustCompile(`^([0-9A-F]{8} STATUS_[A-Z0-9_]+|#.*)$`)
	last := ""
	for text := range strings.Lines(ntstatusText) {
		text = strings.TrimSuffix(text, "\n")
		if !line.MatchString(text) {
			t.Errorf("line %q", text)
		}
		if strings.HasPrefix(text, "#") {
			continue
		}
		if text[:8] < last {
			t.Errorf("%s is not in order", text)
		}
		last = text[:8]
	}
	if n := len(statuses().names); n < 1000 || n != len(statuses().code) {
		t.Errorf("%d names, %d of them different", n, len(statuses().code))
	}
}

// TestStatusTableAgreesWithHeader compares every line with the compiler's own header.
func TestStatusTableAgreesWithHeader(t *testing.T) {
	const header = "/usr/x86_64-w64-mingw32/include/ntstatus.h"
	data, err := os.ReadFile(header)
	if err != nil {
		t.Skipf("the mingw-w64 headers are not installed: %v", err)
	}
	theirs := map[string]uint64{}
	for _, m := range regexp.MustCompile(`(?m)^#define (STATUS_\w+)\s+\(\(NTSTATUS\)\s*0x([0-9A-Fa-f]+)\)`).FindAllStringSubmatch(string(data), -1) {
		code, err := strconv.ParseUint(m[2], 16, 32)
		if err != nil {
			t.Fatal(err)
		}
		theirs[m[1]] = code
	}
	compared := 0
	for name, code := range statuses().code {
		want, ok := theirs[name]
		switch {
		case ok && want != uint64(code):
			t.Errorf("%s is %#x here, %#x in %s", name, code, want, header)
		case ok:
			compared++
		case code>>16 != 0xC0E9: // newer than the header
			t.Errorf("%s is not in %s", name, header)
		}
	}
	if compared < 1000 {
		t.Errorf("compared only %d names", compared)
	}
}

func TestWin32(t *testing.T) {
	if e := Win32(577); e.String() != "ERROR_INVALID_IMAGE_HASH (577)" || !strings.Contains(e.Advice, "testsigning") {
		t.Errorf("%s: %s", e, e.Advice)
	}
	if e := Win32(0xFFFF); e.String() != "Win32 error 65535" || e.Advice != "" {
		t.Errorf("%s: %s", e, e.Advice)
	}
	// The start errors that a user can do something about must say what.
	for _, code := range []uint32{2, 5, 23, 31, 127, 183, 577, 1053, 1056, 1058, 1072, 1275} {
		if e := Win32(code); e.Name == "" || e.Advice == "" {
			t.Errorf("%d: name %q, advice %q", code, e.Name, e.Advice)
		}
	}
}
