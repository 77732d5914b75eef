package controlcode

import (
	"fmt"
	"testing"
)

// TestControlCode: what the macro of the driver kit makes of the same arguments.
func TestControlCode(t *testing.T) {
	for text, want := range map[string]uint64{
		"CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)":                0x222000,
		"CTL_CODE(FILE_DEVICE_UNKNOWN,0x800,METHOD_NEITHER,FILE_ANY_ACCESS)":                    0x222003,
		"CTL_CODE( 0x22 , 2048 , 0 , 0 )":                                                       0x222000,
		"CTL_CODE(0x8000, 0x801, METHOD_IN_DIRECT, FILE_READ_DATA | FILE_WRITE_DATA)":           0x8000e005,
		"CTL_CODE (40000U, (0x802), METHOD_OUT_DIRECT, (FILE_READ_ACCESS | FILE_WRITE_ACCESS))": 0x9c40e00a,
		"CTL_CODE(FILE_DEVICE_DISK, 0, METHOD_BUFFERED, FILE_SPECIAL_ACCESS)":                   0x70000,
		"CTL_CODE(FILE_DEVICE_NETWORK, 0xFFF, 3, FILE_WRITE_ACCESS)":                            0x12bfff,
		"CTL_CODE(0xFFFF, 0xFFF, METHOD_NEITHER, 3)":                                            0xFFFFFFFF,
	} {
		if got, err := Parse(text); err != nil || got != want {
			t.Errorf("%s is %#x, %v; want %#x", text, got, err, want)
		}
	}
	for _, text := range []string{
		"CTL_CODE", "CTL_CODE(", "CTL_CODE()", "CTL_CODE(1,2,3,4,5)", "CTL_CODE(1,2,4,0)", "CTL_CODE(1,2,0,4)", "CTL_CODE(0x10000,2,0,0)",
		"CTL_CODE(1,,0,0)", "CTL_CODE(1,-2,0,0)", "CTL_CODE(1,0x,0,0)", "CTL_CODE(01,2,0,0)", "CTL_CODE(1,2,0,FILE_READ_DATA|)", "CTL_CODE(1,2,METHOD_BUFFERED|METHOD_NEITHER,0)",
		"CTL_CODE(1,2,0,0) + 4", "CTL_CODEX(1,2,0,0)", "CTL_CODE(1,2,0,0",
	} {
		if got, err := Parse(text); err == nil {
			t.Errorf("%s is %#x", text, got)
		}
	}
}

// FuzzControlCode: what is taken has fields that make the same code again.
func FuzzControlCode(f *testing.F) {
	f.Add("CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)")
	f.Add("CTL_CODE(1,2,3,FILE_READ_DATA|2)")
	f.Fuzz(func(t *testing.T, text string) {
		code, err := Parse(text)
		if err != nil {
			return
		}
		plain := fmt.Sprintf("CTL_CODE(%#x, %#x, %d, %d)", code>>16, code>>2&0xFFF, code&3, code>>14&3)
		if again, err := Parse(plain); err != nil || again != code || code > 0xFFFFFFFF {
			t.Errorf("%q is %#x, and %s is %#x, %v", text, code, plain, again, err)
		}
	})
}
