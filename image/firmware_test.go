package image

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const ovmf = "/usr/share/OVMF/"

// Debian's firmware is what is checked: pairs that belong together, and some that do not.
func TestFirmware(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text.fd")
	if err := os.WriteFile(text, []byte(strings.Repeat("x", 540672)), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ code, vars, want string }{
		"4 MiB":            {ovmf + "OVMF_CODE_4M.fd", ovmf + "OVMF_VARS_4M.fd", ""},
		"2 MiB":            {ovmf + "OVMF_CODE.fd", ovmf + "OVMF_VARS.fd", ""},
		"not one pair":     {ovmf + "OVMF_CODE_4M.fd", ovmf + "OVMF_VARS.fd", "do not go together"},
		"the other way":    {ovmf + "OVMF_CODE.fd", ovmf + "OVMF_VARS_4M.fd", "do not go together"},
		"Microsoft's keys": {ovmf + "OVMF_CODE_4M.fd", ovmf + "OVMF_VARS_4M.ms.fd", "Secure Boot's keys"},
		"a test's keys":    {ovmf + "OVMF_CODE_4M.fd", ovmf + "OVMF_VARS_4M.snakeoil.fd", "Secure Boot's keys"},
		"no firmware":      {ovmf + "OVMF_CODE_4M.fd", text, "no UEFI firmware volume"},
		"nothing":          {ovmf + "OVMF_CODE_4M.fd", text + "x", "text.fdx"},
		"a folder":         {ovmf, ovmf + "OVMF_VARS_4M.fd", "no image of a flash"},
		"one":              {"", ovmf + "OVMF_VARS_4M.fd", "two files"},
		"none":             {"", "", ""},
	} {
		f, err := findFirmware(test.code, test.vars)
		switch {
		case test.want == "" && (err != nil || f.code == ""):
			t.Errorf("%s: got %v, %v", name, f, err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
}

func FuzzVariable(f *testing.F) {
	for _, name := range []string{"OVMF_VARS_4M.fd", "OVMF_VARS_4M.ms.fd"} {
		if data, err := os.ReadFile(ovmf + name); err == nil {
			f.Add(data[:min(len(data), 4096)])
		}
	}
	f.Fuzz(func(t *testing.T, store []byte) { variable(store, "PK") })
}
