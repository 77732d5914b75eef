package driver

import (
	"os"
	"path/filepath"
	"testing"
)

// TestPrebuilt takes an image out of a program that it was put into: the same image, of the same Spec alone, and whole.
func TestPrebuilt(t *testing.T) {
	tc := toolchain(t)
	spec := pairSpec("pair.sys", nil)
	want := build(t, tc, spec, Cache{Dir: t.TempDir()})
	program := t.TempDir()
	name, err := Prebuild(want, spec, filepath.Join(program, prebuiltDir))
	if err != nil {
		t.Fatal(err)
	}
	take := func(spec Spec) (*Artifact, bool, error) {
		files, err := spec.readSources()
		if err != nil {
			t.Fatal(err)
		}
		return prebuiltIn(os.DirFS(program), spec, files, Cache{Dir: t.TempDir()})
	}
	got, ok, err := take(spec)
	if err != nil || !ok || got.SHA256 != want.SHA256 || !got.Cached {
		t.Fatalf("got %+v, %t, %v; want the image with SHA-256 %s", got, ok, err, want.SHA256)
	}
	if hash, err := hashFile(got.Path); err != nil || hash != want.SHA256 {
		t.Errorf("the cache has %s, %v; want %s", hash, err, want.SHA256)
	}
	other := pairSpec("pair.sys", map[string]string{"OTHER": "1"})
	if got, ok, err := take(other); ok || err != nil {
		t.Errorf("of another Spec: got %+v, %t, %v; want none", got, ok, err)
	}
	if Prebuilt(spec) {
		t.Error("a program that go test has built says that it has images in it")
	}
	if err := os.Truncate(filepath.Join(program, prebuiltDir, name, spec.Name), 100); err != nil {
		t.Fatal(err)
	}
	if got, ok, err := take(spec); ok || err == nil {
		t.Errorf("cut: got %+v, %t, %v; want an error", got, ok, err)
	}
}
