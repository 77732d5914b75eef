package suites

import (
	"testing"

	"wskharness/driver/abi"
	"wskharness/suites/output"
	"wskharness/winerr"
)

// TestRegistryValues: what a step writes, or looks for, byte for byte, and how it is told.
func TestRegistryValues(t *testing.T) {
	for text, want := range map[string]struct {
		kind uint64
		data string // digits
		text string
	}{
		"5":               {4, "05000000", "REG_DWORD 5"},
		"0xffffffff":      {4, "ffffffff", "REG_DWORD 4294967295"},
		"4294967296":      {11, "0000000001000000", "REG_QWORD 4294967296"},
		"{qword: 5}":      {11, "0500000000000000", "REG_QWORD 5"},
		"ab":              {1, "610062000000", `REG_SZ "ab"`},
		`""`:              {1, "0000", `REG_SZ ""`},
		`{text: "5"}`:     {1, "35000000", `REG_SZ "5"`},
		"😀":               {1, "3dd800de0000", `REG_SZ "😀"`},
		`{expand: "%A%"}`: {2, "2500410025000000", `REG_EXPAND_SZ "%A%"`},
		"[a, b]":          {7, "6100000062000000" + "0000", `REG_MULTI_SZ "a|b"`},
		"{list: []}":      {7, "0000", `REG_MULTI_SZ ""`},
		`{hex: "00 ff"}`:  {3, "00ff", "REG_BINARY 00ff"},
		`{hex: ""}`:       {3, "", "REG_BINARY no bytes"},
	} {
		c := oneCase(t, "registry: {parameter: A, set: "+text+"}")
		s := c.Steps[0]
		digits := ""
		if len(s.generic.texts) > 2 {
			digits = s.generic.texts[2]
		}
		if s.args[0] != abi.PlanRegistrySet || s.args[2] != 1 || s.args[3] != want.kind || digits != want.data || s.Text != "registry parameter A, set "+want.text {
			t.Errorf("%s: %v, %s, %s", text, s.args, digits, s.Text)
		}
	}
}

// TestRegistryJudged: a value has to have the type and the bytes; a text may have its NUL, or not.
func TestRegistryJudged(t *testing.T) {
	number, text := oneCase(t, "registry: {parameter: A, equals: 5}"), oneCase(t, "registry: {parameter: A, equals: ab}")
	for _, test := range []struct {
		name   string
		c      *Case
		kind   uint64
		data   string
		total  uint64
		status winerr.NTStatus
		want   string
	}{
		{"the number", number, 4, "\x05\x00\x00\x00", 4, 0, ""},
		{"another number", number, 4, "\x06\x00\x00\x00", 4, 0, "expected REG_DWORD 5, got REG_DWORD 6"},
		{"another type", number, 3, "\x05\x00\x00\x00", 4, 0, "expected REG_DWORD 5, got REG_BINARY 05000000"},
		{"a type that nobody knows", number, 99, "\x05\x00\x00\x00", 4, 0, "expected REG_DWORD 5, got type 99 05000000"},
		{"cut short", number, 4, "\x05\x00", 2, 0, "expected REG_DWORD 5, got REG_DWORD 0500"},
		{"more of it", number, 4, "\x05\x00\x00\x00", 70000, 0, "expected REG_DWORD 5, got REG_DWORD 5"},
		{"not there", number, 0, "", 0, winerr.ErrorFileNotFound.NTStatus(), "expected STATUS_SUCCESS, got ERROR_FILE_NOT_FOUND (0xC0070002)"},
		{"the text", text, 1, "a\x00b\x00\x00\x00", 6, 0, ""},
		{"without its NUL", text, 1, "a\x00b\x00", 4, 0, ""},
		{"half a character", text, 1, "a\x00b\x00\x00", 5, 0, "expected REG_SZ \"ab\", got REG_SZ 6100620000"},
		{"another text", text, 1, "a\x00c\x00", 4, 0, `expected REG_SZ "ab", got REG_SZ "ac"`},
		{"another type of text", text, 2, "a\x00b\x00", 4, 0, `expected REG_SZ "ab", got REG_EXPAND_SZ "ab"`},
	} {
		found := test.c.Judge([]StepResult{{Runs: 1, Status: test.status, Values: []uint64{test.kind, test.total},
			Outputs: output.Outputs{Out: []byte(test.data), OutBytes: test.total}}})
		if test.want == "" && len(found) > 0 || test.want != "" && (len(found) != 1 || found[0].Message != test.want) {
			t.Errorf("%s: %v", test.name, found)
		}
	}
}
