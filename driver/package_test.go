package driver

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestBuildPackage(t *testing.T) {
	tc, starts := observed(t)
	cache, signer, now := Cache{Dir: t.TempDir()}, newSigner(t), time.Now()
	pkg, err := BuildPackage(t.Context(), tc, tinySpec(tinySources()), cache, signer, now)
	if err != nil {
		t.Fatal(err)
	}
	if pkg.Cached || starts() == 0 {
		t.Error("the first package was not built")
	}
	var names []string
	entries, err := os.ReadDir(pkg.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		names = append(names, entry.Name())
		if info, err := entry.Info(); err != nil || info.Mode().Perm() != 0o644 {
			t.Errorf("%s: got mode %v, %v, want 0644", entry.Name(), info.Mode(), err)
		}
		if bytes.Contains(readFile(t, filepath.Join(pkg.Dir, entry.Name())), []byte("PRIVATE KEY")) {
			t.Errorf("%s holds the private key", entry.Name())
		}
	}
	if diff := cmp.Diff([]string{"manifest.json", "tiny.cer", "tiny.sys", "tiny.sys.dbg"}, names); diff != "" {
		t.Errorf("files: -want +got\n%s", diff)
	}
	m := pkg.Manifest
	if m.Driver.SHA256 != pkg.Image.SHA256 || m.Unsigned.SHA256 != m.Build.SHA256 || m.Driver.SHA256 == m.Unsigned.SHA256 {
		t.Errorf("hashes before and after signing: %+v, %+v; image %s", m.Unsigned, m.Driver, pkg.Image.SHA256)
	}
	if m.Certificate.Thumbprint != thumbprint(signer.Certificate.Raw) || m.Certificate.Thumbprint != pkg.Image.Signature.Thumbprint {
		t.Errorf("certificate %s in the manifest, %s in the image", m.Certificate.Thumbprint, pkg.Image.Signature.Thumbprint)
	}
	if !strings.Contains(m.Build.Versions.Compiler, "mingw32") || !strings.Contains(m.Build.Versions.Linker, "ld") {
		t.Errorf("got versions %+v, want those of mingw32 and ld", m.Build.Versions)
	}
	cert, err := x509.ParseCertificate(readFile(t, pkg.Certificate))
	if err != nil || !cert.Equal(signer.Certificate) {
		t.Errorf("the exported certificate: %v", err)
	}

	again, err := BuildPackage(t.Context(), tc, tinySpec(tinySources()), cache, signer, now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if n := starts(); n != 0 || !again.Cached {
		t.Errorf("an unchanged package started the compiler %d times (cached: %v)", n, again.Cached)
	}
	if diff := cmp.Diff(pkg.Manifest, again.Manifest, ignoreRun(), cmp.FilterPath(func(p cmp.Path) bool {
		return p.String() == "Build.Path" || p.String() == "Build.Symbols"
	}, cmp.Ignore())); diff != "" {
		t.Errorf("the cached package says something else:\n%s", diff)
	}
	renewed, err := BuildPackage(t.Context(), tc, tinySpec(tinySources()), cache, anotherSigner(t), now)
	if err != nil {
		t.Fatal(err)
	}
	if starts() != 0 || renewed.Manifest.Unsigned != m.Unsigned || renewed.Manifest.Driver == m.Driver {
		t.Error("another certificate has to mean the same image with another signature")
	}
	noTemporaries(t, cache)
}

func TestPackageNoticesDamage(t *testing.T) {
	tc, cache, signer := toolchain(t), Cache{Dir: t.TempDir()}, newSigner(t)
	make := func() *Package {
		t.Helper()
		pkg, err := BuildPackage(t.Context(), tc, quickSpec(), cache, signer, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return pkg
	}
	good := make()
	for name, damage := range map[string]func() error{
		"driver":      func() error { return os.Truncate(good.Driver, 1000) },
		"certificate": func() error { return os.Remove(good.Certificate) },
		"symbols":     func() error { return os.WriteFile(good.Symbols, nil, 0o644) },
		"manifest":    func() error { return os.WriteFile(filepath.Join(good.Dir, manifestName), []byte("{"), 0o644) },
	} {
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenPackage(good.Dir); err == nil || !strings.Contains(err.Error(), good.Dir) {
			t.Errorf("%s: got %v, want an error about %s", name, err, good.Dir)
		}
		mended := make()
		if mended.Cached || mended.Manifest.Driver != good.Manifest.Driver {
			t.Errorf("%s: not made again, or another driver: %+v", name, mended.Manifest.Driver)
		}
	}
}

func TestOpenPackageStaysInItsFolder(t *testing.T) {
	pkg, err := BuildPackage(t.Context(), toolchain(t), quickSpec(), Cache{Dir: t.TempDir()}, newSigner(t), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "copy")
	if _, err := pkg.CopyTo(dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"../quick.sys", "/etc/passwd", "", ".", "a/b"} {
		m := pkg.Manifest
		m.Driver.File = name
		if err := writeJSON(filepath.Join(dir, manifestName), m); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenPackage(dir); err == nil || !strings.Contains(err.Error(), "no file name") {
			t.Errorf("%q: got %v", name, err)
		}
	}
}

func TestCopyPackage(t *testing.T) {
	pkg, err := BuildPackage(t.Context(), toolchain(t), quickSpec(), Cache{Dir: t.TempDir()}, newSigner(t), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "run", "package")
	copied, err := pkg.CopyTo(dir)
	if err != nil {
		t.Fatal(err)
	}
	if copied.Driver != filepath.Join(dir, "quick.sys") || copied.Manifest.Driver != pkg.Manifest.Driver {
		t.Errorf("copied %s as %s", pkg.Driver, copied.Driver)
	}
	var manifest map[string]any
	if err := json.Unmarshal(readFile(t, filepath.Join(dir, manifestName)), &manifest); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"schema", "name", "builtAt", "driver", "unsigned", "symbols", "certificate", "build"} {
		if manifest[key] == nil {
			t.Errorf("no %q in the manifest", key)
		}
	}
}

func TestPackageOfWhatWindowsWouldRefuse(t *testing.T) {
	spec := quickSpec()
	spec.Options = []string{"-Wl,--disable-nxcompat", "-Wl,--section-alignment,0x200"}
	_, err := BuildPackage(t.Context(), toolchain(t), spec, Cache{Dir: t.TempDir()}, newSigner(t), time.Now())
	var refused *RefusedError
	if !errors.As(err, &refused) {
		t.Fatalf("got %v, want a *RefusedError", err)
	}
	if diff := cmp.Diff([]string{"refuse:nx", "refuse:section-alignment"}, rules(refused.Findings)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	for _, want := range []string{"quick.sys", "NX_COMPAT", "-Wl,--nxcompat"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the message lacks %q: %v", want, err)
		}
	}
}

func TestOnlyDriversArePackaged(t *testing.T) {
	if _, err := BuildPackage(t.Context(), &Toolchain{}, AgentSpec(), Cache{}, nil, time.Now()); err == nil {
		t.Error("a program was packaged")
	}
}

func TestSymbols(t *testing.T) {
	artifact := build(t, toolchain(t), tinySpec(tinySources()), Cache{Dir: t.TempDir()})
	symbols, err := OpenSymbols(artifact.Symbols)
	if err != nil {
		t.Fatal(err)
	}
	image, err := InspectFile(artifact.Path)
	if err != nil {
		t.Fatal(err)
	}
	// The entry point is the first instruction of DriverEntry.
	at, ok := symbols.Lookup(uint64(image.EntryPoint))
	want := Location{Function: "DriverEntry", File: "kernel/entry.c", Line: lineOf(t, "kernel/entry.c", "NTSTATUS NTAPI DriverEntry")}
	if at.Line == want.Line+1 {
		want.Line++ // where the compiler puts it: the line of the name or of the brace
	}
	at.File = strings.TrimPrefix(at.File, "./")
	if diff := cmp.Diff(want, at); diff != "" || !ok {
		t.Errorf("found %v: -want +got\n%s", ok, diff)
	}
	for _, offset := range []uint64{0, uint64(image.section(".data").Address), 1 << 40} {
		if at, ok := symbols.Lookup(offset); ok {
			t.Errorf("%#x is no code, but found %v", offset, at)
		}
	}
	if _, err := OpenSymbols(artifact.Path); err == nil {
		t.Error("symbols were found in an image that has none")
	}
}

func lineOf(t *testing.T, file, text string) int {
	t.Helper()
	data, err := fs.ReadFile(tinySources(), file)
	if err != nil {
		t.Fatal(err)
	}
	before, _, found := bytes.Cut(data, []byte("\n"+text))
	if !found {
		t.Fatalf("no line of %s begins with %q", file, text)
	}
	return bytes.Count(before, []byte("\n")) + 2
}

func (i *Image) section(name string) *Section {
	for n := range i.Sections {
		if i.Sections[n].Name == name {
			return &i.Sections[n]
		}
	}
	return &Section{}
}

// The sources as a caller sees them: what other packages that build from them rely on.
func TestSources(t *testing.T) {
	if err := fstest.TestFS(Sources(), "include/wskabi.h", "include/wskplan.h"); err != nil {
		t.Error(err)
	}
}

// What a second wskharness build costs: the target is 0.1 s for the whole process.
func BenchmarkBuildPackageUnchanged(b *testing.B) {
	tc, cache, signer := toolchain(b), Cache{Dir: b.TempDir()}, newSigner(b)
	for b.Loop() {
		if _, err := BuildPackage(b.Context(), tc, tinySpec(tinySources()), cache, signer, time.Now()); err != nil {
			b.Fatal(err)
		}
	}
}
