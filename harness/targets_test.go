package harness

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"wskharness/guest"
	"wskharness/harness/harnesstest"
	"wskharness/suites"
	"wskharness/vm"
)

// TestReferencesAreToldWhereTheyStand: what only the catalogue shows to be wrong has its line all the same, and all at once.
func TestReferencesAreToldWhereTheyStand(t *testing.T) {
	harnesstest.NeedsWineGuests(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "m.YAML"), []byte("suite: mine\ndoc: d\ncases: [{id: c, doc: d, steps: [{sleep: 1s}]}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := harnesstest.ParseConfig([]byte("targets: {wine: {provider: wine}}\nsuites: [.]\nrun:\n  suites:\n    - mine\n    - registraton\n    - device/nope\n    - 'a.b.['\n"), "c.yaml", dir)
	if err != nil {
		t.Fatal(err)
	}
	catalog, err := c.Catalog()
	if err != nil {
		t.Fatal(err) // m.YAML, typed on Windows, is a suite
	}
	err = Check(c, catalog)
	for _, want := range []string{
		`c.yaml:6:7: run: suites: there is no suite or case "registraton"; did you mean "registration"?`,
		`c.yaml:7:7: run: suites: there is no suite or case "device/nope"`,
		`c.yaml:8:7: run: suites: pattern "a.b.[" is not SUITE or SUITE/CASE with globs`,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if _, err := NewPlan(Request{Config: c}); err == nil || !strings.Contains(err.Error(), "c.yaml:6:7: ") {
		t.Errorf("run: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "mine.sys"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err = harnesstest.ParseConfig([]byte("targets: {wine: {provider: wine}}\ndriver: {sys: mine.sys}\nrun: {suites: [device]}\n"), "c.yaml", dir); err != nil {
		t.Fatal(err)
	}
	if catalog, err = c.Catalog(); err != nil {
		t.Fatal(err)
	}
	if err = Check(c, catalog); err == nil || !strings.Contains(err.Error(), `c.yaml:3:16: run: suites: there is no suite or case "device"; no suite was read (the built-in suites test the sample driver, and not yours)`) {
		t.Error(err)
	}
	c, err = harnesstest.ParseConfig([]byte("targets: {wine: {provider: wine}}\nsuites: [., gone, ./gone2]\n"), "c.yaml", dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = c.Catalog(); err == nil || !strings.Contains(err.Error(), "c.yaml:2:13: suites: ") || !strings.Contains(err.Error(), "c.yaml:2:19: suites: ") {
		t.Error(err)
	}
	if _, err = harnesstest.ParseConfig([]byte("targets: {wine: {provider: wine}}\nsuites: [gone, ./gone]\n"), "c.yaml", dir); err == nil || !strings.Contains(err.Error(), "c.yaml:2:16: suites has \"./gone\" twice") {
		t.Error(err)
	}
}

// TestCapabilitiesAreThoseOfGuests: suites may require what a guest can be found to have, and nothing else.
func TestCapabilitiesAreThoseOfGuests(t *testing.T) {
	known := suites.Capabilities()
	yes, windows, code := true, guest.Facts{}, uint32(3)
	windows.Arch, windows.Admin, windows.HVCI, windows.SecureBoot, windows.CodeIntegrity = "x64", &yes, &yes, &yes, &code
	one := "1"
	windows.Verifier = &one
	has := slices.Concat(capabilities(vm.Stack{Documented: true, Controllable: true}, windows), capabilities(vm.Stack{}, windows), guest.Facts{Wine: "8.0"}.Capabilities())
	for _, name := range has {
		if !slices.Contains(known, name) {
			t.Errorf("a guest has %s, which no suite can require", name)
		}
	}
}
