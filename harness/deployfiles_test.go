package harness

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wskharness/config"
	"wskharness/driver"
	"wskharness/guest"
	"wskharness/suites"
)

// TestUnsignedDriver: Windows starts no driver that nobody vouches for, and is not asked to.
func TestUnsignedDriver(t *testing.T) {
	dir := t.TempDir()
	tool := filepath.Join(dir, "tool.exe")
	if err := os.WriteFile(tool, []byte("tool"), 0o644); err != nil {
		t.Fatal(err)
	}
	catalog, err := suites.Load(suites.Source{Name: filepath.Join(dir, "s.yaml"), Data: []byte(
		"suite: s\ndoc: d\ncases: [{id: c, doc: d, steps: [upload: tool.exe, upload: {file: tool.exe, to: b.exe}]}]\n")})
	if err != nil {
		t.Fatal(err)
	}
	file := func(name string) driver.ManifestFile {
		return driver.ManifestFile{File: name, SHA256: strings.Repeat("ab", 32)}
	}
	on := func(facts guest.Facts) *driverRun {
		s := &session{target: &config.Target{Name: "lab"}, facts: facts}
		return &driverRun{session: s, n: 2, attempts: []*attempt{{test: catalog.All()[0]}}}
	}
	windows, wine := guest.Facts{}, guest.Facts{Wine: "8.0"}
	if windows.Kind() != guest.KindWindows || wine.Kind() != guest.KindWine {
		t.Fatalf("kinds %s, %s", windows.Kind(), wine.Kind())
	}
	bare := &driver.Package{Driver: "/d/x.sys", Image: &driver.Image{}, Manifest: driver.Manifest{Driver: file("x.sys")}}
	if _, err := on(windows).files(bare, `C:\x.sys`); err == nil || !strings.Contains(err.Error(), "deploy to lab: x.sys has no signature, and Windows starts no such driver: say sign: true") {
		t.Errorf("unsigned on Windows: %v", err)
	}
	vouched := *bare
	vouched.INF, vouched.Catalog = "/d/x.inf", "/d/x.cat"
	vouched.Manifest.INF, vouched.Manifest.Catalog = file("x.inf"), file("x.cat")
	signed := *bare
	signed.Image = &driver.Image{Signature: &driver.Signature{}}
	for name, test := range map[string]struct {
		pkg   *driver.Package
		facts guest.Facts
		files int
		inf   string
	}{
		"Wine": {bare, wine, 2, ""}, "signed": {&signed, windows, 2, ""},
		"by its catalogue": {&vouched, windows, 4, `C:\wskharness\store\abababababababab\x.inf`},
	} {
		files, err := on(test.facts).files(test.pkg, `C:\x.sys`)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(files.all) != test.files || files.inf != test.inf || !strings.HasSuffix(files.uploads[tool].place, `\tool.exe`) {
			t.Errorf("%s: %+v", name, files)
		}
	}
	if err := os.Remove(tool); err != nil {
		t.Fatal(err)
	}
	if err := checkUploads(catalog.All()); err == nil || strings.Count(err.Error(), "s.yaml:3: upload: there is no file ") != 2 {
		t.Errorf("an upload that is not there: %v", err)
	}
}

// TestFilesOfRequests: what a request to a device takes from a file is looked at before anything starts.
func TestFilesOfRequests(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "long.bin"), make([]byte, 64<<10+1), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "full.bin"), make([]byte, 64<<10), 0o644); err != nil {
		t.Fatal(err)
	}
	catalog, err := suites.Load(suites.Source{Name: filepath.Join(dir, "s.yaml"), Data: []byte(`suite: s
doc: d
cases:
  - id: c
    doc: d
    steps:
      - ioctl: {device: D, code: 1, in: {file: long.bin}, buffer: {file: full.bin}}
      - write: {device: D, in: {file: gone.bin}}
`)})
	if err != nil {
		t.Fatal(err)
	}
	err = checkUploads(catalog.All())
	if err == nil {
		t.Fatal("nothing is said of them")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], "s.yaml:7: ") || !strings.HasSuffix(lines[0], "long.bin has 65537 bytes; a request to a device takes at most 65536") ||
		!strings.Contains(lines[1], "s.yaml:8: write: there is no file ") {
		t.Error(err)
	}
}
