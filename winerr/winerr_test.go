package winerr

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func TestNTStatus(t *testing.T) {
	for code, want := range map[NTStatus]string{
		StatusSuccess: "STATUS_SUCCESS",
		StatusTimeout: "STATUS_TIMEOUT",
		0xC00002B9:    "STATUS_NOINTERFACE",
		0xC00000A3:    "STATUS_DEVICE_NOT_READY",
		0xC0000184:    "STATUS_INVALID_DEVICE_STATE",
		0xC0000428:    "STATUS_INVALID_IMAGE_HASH",
		0xC0070002:    "ERROR_FILE_NOT_FOUND",
		0xC00704D5:    "win32-1237",
		0xC0FFEE00:    "0xC0FFEE00",
	} {
		if got := code.Name(); got != want {
			t.Errorf("%#x is %s, want %s", uint32(code), got, want)
		}
		if got, ok := NTStatusNamed(want); strings.Contains(want, "_") != ok || ok && got != code {
			t.Errorf("NTStatusNamed(%s) = %s, %t", want, got, ok)
		}
	}
	for _, unknown := range []string{"", "STATUS_", "success", "ERROR_SUCCESS", "win32-5"} {
		if code, ok := NTStatusNamed(unknown); ok {
			t.Errorf("NTStatusNamed(%q) = %s", unknown, code)
		}
	}
	for code, want := range map[NTStatus]string{
		0xC00000A3: "STATUS_DEVICE_NOT_READY (0xC00000A3)", 0xC0FFEE00: "0xC0FFEE00", 0xC0070005: "ERROR_ACCESS_DENIED (0xC0070005)",
	} {
		if got := code.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestSeverities: only the severity error is an error, and what is neither that nor a warning is a success.
func TestSeverities(t *testing.T) {
	for code, want := range map[NTStatus][2]bool{
		0: {true, false}, 0x3FFFFFFF: {true, false}, 0x40000000: {true, false}, 0x7FFFFFFF: {true, false},
		0x80000000: {false, false}, 0x80000005: {false, false}, 0xBFFFFFFF: {false, false}, 0xC0000000: {false, true}, 0xFFFFFFFF: {false, true},
	} {
		if got := [2]bool{code.Success(), code.Error()}; got != want {
			t.Errorf("%s: success and error are %v, want %v", code, got, want)
		}
	}
}

func TestWin32(t *testing.T) {
	for code, want := range map[Win32][2]string{
		ErrorInvalidImageHash: {"ERROR_INVALID_IMAGE_HASH", "ERROR_INVALID_IMAGE_HASH (577)"},
		RPCSServerUnavailable: {"RPC_S_SERVER_UNAVAILABLE", "RPC_S_SERVER_UNAVAILABLE (1722)"},
		0xFFFF:                {"win32-65535", "Win32 error 65535"},
	} {
		if got := [2]string{code.Name(), code.String()}; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := ErrorFileNotFound.HRESULT(); got != 0x80070002 {
		t.Errorf("%#x", got)
	}
	for code, want := range map[uint32]Win32{0x80070002: ErrorFileNotFound, 5: ErrorAccessDenied} {
		if got, ok := FromHRESULT(code); got != want || !ok {
			t.Errorf("%#x is %s, %t", code, got, ok)
		}
	}
	for _, other := range []uint32{0x80338029, 0x80004005, 0x00070002, 0xC0070002} {
		if got, ok := FromHRESULT(other); ok {
			t.Errorf("%#x is %s", other, got)
		}
	}
	for status, want := range map[NTStatus]bool{0xC0070002: true, 0xC0080002: false, 0x80070002: false} {
		if _, ok := status.win32(); ok != want {
			t.Errorf("%s was made of a Win32 error: %t", status, ok)
		}
	}
}

func TestStopCode(t *testing.T) {
	for code, want := range map[StopCode]string{StopKmodeExceptionNotHandled: "KMODE_EXCEPTION_NOT_HANDLED", 0x4711: "0x4711"} {
		if got := code.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		if got, ok := StopCodeNamed(code.String()); ok != code.Known() || ok && got != code {
			t.Errorf("StopCodeNamed(%s) = %s, %t", code, got, ok)
		}
	}
	for code := StopCode(1); code <= 0x81; code++ { // these are all taken
		if !code.Known() {
			t.Errorf("%s has no name", code)
		}
	}
}

// TestTables holds each table to its form and its order, and a code of all but the statuses to one name.
func TestTables(t *testing.T) {
	checkTable(t, "ntstatus.txt", statuses(), `^STATUS_[A-Z0-9_]+$`, 1000, true)
	checkTable(t, "win32.txt", errors32(), `^(ERROR|WAIT|RPC_S)_[A-Z0-9_]+$`, 50, false)
	checkTable(t, "stopcodes.txt", stopCodes(), `^[A-Z][A-Z0-9_]+$`, 450, false)
	if code := stopCodes().codes[stopCodes().order[0]]; code == 0 {
		t.Error("a stop code is 0, which stands for none")
	}
}

func checkTable[C ~uint32](t *testing.T, file string, of *table[C], form string, least int, synonyms bool) {
	name := regexp.MustCompile(form)
	if len(of.order) < least {
		t.Errorf("%s has %d names", file, len(of.order))
	}
	for i, is := range of.order {
		if !name.MatchString(is) {
			t.Errorf("%s has a name %q", file, is)
		}
		code := of.codes[is]
		if !synonyms && of.names[code] != is {
			t.Errorf("%s: %d is %s and %s", file, code, is, of.names[code])
		}
		if i > 0 && code < of.codes[of.order[i-1]] {
			t.Errorf("%s: %s is not in order", file, is)
		}
	}
}

func TestDamagedTable(t *testing.T) {
	for text, want := range map[string]string{"D1": "line 1", "# a\nD1 A B": "line 2", "x A": "line 1", "1 A\n2 A": "A is listed already", "100000000 A": "line 1"} {
		if _, err := parse[StopCode](text, 16); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// TestConstants: a constant has the number of its table, under the name that it is written after.
func TestConstants(t *testing.T) {
	number := map[string]uint64{}
	list := func(prefix, name string, code uint64) { number[strings.ReplaceAll(prefix+name, "_", "")] = code }
	for name, code := range statuses().codes {
		list("", name, uint64(code))
	}
	for name, code := range errors32().codes {
		list("", name, uint64(code))
	}
	for name, code := range stopCodes().codes {
		list("STOP_", name, uint64(code))
	}
	seen := 0
	for _, file := range []string{"ntstatus.go", "win32.go", "stopcode.go"} {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || !spec.Names[0].IsExported() {
				return true
			}
			seen++
			name := spec.Names[0].Name
			literal, _ := spec.Values[0].(*ast.BasicLit)
			if literal == nil {
				t.Errorf("%s is not written as a number", name)
				return true
			}
			is, err := strconv.ParseUint(literal.Value, 0, 32)
			if want, known := number[strings.ToUpper(name)]; err != nil || !known || is != want {
				t.Errorf("%s is %s (%v); its table has %#x (%t)", name, literal.Value, err, want, known)
			}
			return true
		})
	}
	if seen < 50 {
		t.Errorf("%d constants were looked at", seen)
	}
}

// TestTablesAgreeWithHeaders compares every line with the compiler's own headers, as far as these are.
func TestTablesAgreeWithHeaders(t *testing.T) {
	agree(t, "ntstatus.h", `(?m)^#define (STATUS_\w+)\s+\(\(NTSTATUS\)\s*(0x[0-9A-Fa-f]+)\)`, statuses(), 1000, func(code NTStatus) bool { return code>>16 == 0xC0E9 })
	agree(t, "winerror.h", `(?m)^#define ((?:ERROR|WAIT|RPC_S)_\w+)\s+(?:__MSABI_LONG\()?(\d+)\)?`, errors32(), 50, func(code Win32) bool {
		return code == ErrorInvalidImageHash || code == ErrorSystemIntegrityPolicyViolation
	})
}

// agree compares a table with what a pattern finds in a header: a name, a number. newer are those that it may lack.
func agree[C ~uint32](t *testing.T, header, pattern string, of *table[C], least int, newer func(C) bool) {
	path := "/usr/x86_64-w64-mingw32/include/" + header
	data, err := os.ReadFile(path)
	if err != nil {
		t.Skipf("the mingw-w64 headers are not installed: %v", err)
	}
	theirs := map[string]C{}
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(data), -1) {
		code, err := strconv.ParseUint(m[2], 0, 32)
		if err != nil {
			t.Fatal(err)
		}
		theirs[m[1]] = C(code)
	}
	compared := 0
	for name, code := range of.codes {
		want, ok := theirs[name]
		switch {
		case ok && want != code:
			t.Errorf("%s is %#x here, %#x in %s", name, uint32(code), uint32(want), path)
		case ok:
			compared++
		case !newer(code):
			t.Errorf("%s is not in %s", name, path)
		}
	}
	if compared < least {
		t.Errorf("compared only %d names with %s", compared, path)
	}
}
