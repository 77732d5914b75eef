package driver

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// prebuiltImages are images that were built before this program: see driver/prebuilt/README. A program that was built by
// `go build` alone has none.
//
//go:embed prebuilt
var prebuiltImages embed.FS

const prebuiltDir = "prebuilt"

// Prebuilt reports whether this program has the image of a Spec in it, so that it need not be compiled.
func Prebuilt(spec Spec) bool {
	files, err := spec.readSources()
	if err != nil {
		return false
	}
	_, err = prebuiltImages.Open(path.Join(prebuiltDir, spec.hash(files), entryFile))
	return err == nil
}

// Prebuild takes what was built of a Spec, and leaves it in a folder below dir as a program is to have it in itself: the name of
// that folder is returned, and the files in it are all that belongs to it.
func Prebuild(artifact *Artifact, spec Spec, dir string) (name string, err error) {
	files, err := spec.readSources()
	if err != nil {
		return "", err
	}
	name = spec.hash(files)
	to := filepath.Join(dir, name)
	if err := os.RemoveAll(to); err != nil {
		return "", err
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return "", err
	}
	if err := copyEntry(os.DirFS(filepath.Dir(artifact.Path)), to); err != nil {
		return "", fmt.Errorf("keep %s for programs: %w", spec.Name, err)
	}
	return name, nil
}

// hash is a Spec's by which its image is found that was built before.
func (s Spec) hash(files []sourceFile) string {
	h := sha256.New()
	s.writeTo(h, files)
	return hex.EncodeToString(h.Sum(nil))
}

// fromProgram is an image that this program has in it, put into the cache; ok is false where it has none.
func fromProgram(spec Spec, files []sourceFile, cache Cache) (artifact *Artifact, ok bool, err error) {
	return prebuiltIn(prebuiltImages, spec, files, cache)
}

func prebuiltIn(images fs.FS, spec Spec, files []sourceFile, cache Cache) (artifact *Artifact, ok bool, err error) {
	name := spec.hash(files)
	from, err := fs.Sub(images, path.Join(prebuiltDir, name))
	if err != nil {
		return nil, false, err
	}
	data, err := fs.ReadFile(from, entryFile)
	if err != nil {
		return nil, false, nil
	}
	var entry buildEntry
	if err := json.Unmarshal(data, &entry); err != nil {
		return nil, false, fmt.Errorf("read what this program has of %s: %w", spec.Name, err)
	}
	artifact, err = inCache(cache, func(cache Cache) (*Artifact, error) {
		dir := cache.path(buildRoom, entry.Key)
		good := func(dir string) bool {
			_, ok := readBuild(dir, entry.Key, spec.Name)
			return ok
		}
		if !good(dir) {
			built, err := cache.temporary(buildRoom)
			if err != nil {
				return nil, err
			}
			defer os.RemoveAll(built)
			if err := copyEntry(from, built); err != nil {
				return nil, &CacheError{Dir: built, Err: err}
			}
			if err := cache.publish(buildRoom, entry.Key, built, good); err != nil {
				return nil, err
			}
		}
		kept, ok := readBuild(dir, entry.Key, spec.Name)
		if !ok {
			return nil, &CacheError{Dir: dir, Err: fmt.Errorf("what this program has of %s is not there when it was just written", spec.Name)}
		}
		cache.touch(buildRoom, entry.Key)
		kept.Cached = true
		return &kept.Artifact, nil
	})
	return artifact, err == nil, err
}

// copyEntry copies the files of a build.
func copyEntry(from fs.FS, to string) error {
	entries, err := fs.ReadDir(from, ".")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		data, err := fs.ReadFile(from, entry.Name())
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, entry.Name()), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
