package driver

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"wskharness/disk"
)

// Cache is a folder of finished builds and packages, each under a key made of all that went into it.
// Any number of processes may use it at the same time. Entries are never changed: builds and packages appear and
// disappear whole, and other entries show when they are not. UserCache says where it is.
type Cache struct {
	Dir string // absolute; made on first use
}

// Rooms of the cache: folders below it.
const (
	buildRoom     = "build"     // images, each with what it was made of
	packageRoom   = "package"   // what is deployed
	objectRoom    = "object"    // see loadObject
	unitRoom      = "unit"      // see unchanged
	toolchainRoom = "toolchain" // see survey
	lockRoom      = "lock"      // see Cache.lock
)

// Rooms lists the folders of a cache.
func Rooms() []string {
	return []string{buildRoom, packageRoom, objectRoom, unitRoom, toolchainRoom, lockRoom}
}

const (
	maxJSONFile  = 4 << 20
	maxImageFile = 64 << 20

	unusedFor    = 30 * 24 * time.Hour // an entry that nobody used this long is dropped
	abandonedFor = 24 * time.Hour      // a temporary folder this old belongs to a builder that was killed
	touchEvery   = 24 * time.Hour
)

func (c Cache) path(room, key string) string { return filepath.Join(c.Dir, room, key) }

// temporary makes a folder beside the entries of a room, so that it can become one by a rename.
func (c Cache) temporary(room string) (string, error) {
	parent := filepath.Join(c.Dir, room)
	err := os.MkdirAll(parent, 0o755)
	if err == nil {
		var dir string
		if dir, err = os.MkdirTemp(parent, ".tmp-"); err == nil {
			return dir, nil
		}
	}
	return "", &CacheError{Dir: c.Dir, Err: err}
}

// publish makes the folder built an entry. If somebody else was faster and theirs is good, theirs
// stays and nothing is changed under its users.
func (c Cache) publish(room, key, built string, good func(dir string) bool) error {
	final := c.path(room, key)
	for range 10 {
		err := os.Rename(built, final)
		if err == nil {
			return nil
		}
		if !disk.Here(err) {
			return &CacheError{Dir: c.Dir, Err: err}
		}
		if good(final) {
			return nil
		}
		old, err := c.temporary(room)
		if err != nil {
			return err
		}
		// The bad entry goes out of the way first: a folder can only be renamed onto an empty one.
		if err := os.Rename(final, filepath.Join(old, "bad")); err != nil && !errors.Is(err, fs.ErrNotExist) {
			_ = os.RemoveAll(old)
			return &CacheError{Dir: c.Dir, Err: err}
		}
		if err := os.RemoveAll(old); err != nil {
			return &CacheError{Dir: c.Dir, Err: err}
		}
	}
	return &CacheError{Dir: c.Dir, Err: fmt.Errorf("%s: other builders keep putting bad entries there", final)}
}

// keep makes a file the entry key of a room, if it can. It is for what can be made again: what is missing, cut, changed, of
// another entry or can't be kept is. The seal says so of one that is half written, so it is not brought to the disk.
func (c Cache) keep(room, key string, content []byte) {
	path := c.path(room, key)
	if os.MkdirAll(filepath.Dir(path), 0o755) == nil {
		_ = disk.Swap(path, append([]byte(seal(room, key, content)+"\n"), content...), 0o644)
	}
}

// kept is what was kept as an entry, if it is there and all of it is.
func (c Cache) kept(room, key string, limit int64) ([]byte, bool) {
	data, err := readBounded(c.path(room, key), limit)
	if err != nil {
		return nil, false
	}
	sealed, content, _ := bytes.Cut(data, []byte("\n"))
	return content, string(sealed) == seal(room, key, content)
}

// seal is the first line of an entry: it belongs to the content and to the place that it was kept at.
func seal(room, key string, content []byte) string {
	return hashBytes(append([]byte(room+"/"+key+"\n"), content...))
}

// touch notes that an entry is in use, now and then.
func (c Cache) touch(room, key string) {
	dir := c.path(room, key)
	if info, err := os.Stat(dir); err == nil && time.Since(info.ModTime()) > touchEvery {
		now := time.Now()
		_ = os.Chtimes(dir, now, now) // only makes pruning less exact
	}
}

// prune drops what nobody has used for long. It runs after a build has added something, so the cache
// does not grow for ever; whatever it can't remove stays for the next time.
func (c Cache) prune(room string) {
	entries, err := os.ReadDir(filepath.Join(c.Dir, room))
	if err != nil {
		return
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			continue
		}
		limit := unusedFor
		if strings.HasPrefix(entry.Name(), ".") {
			limit = abandonedFor
		}
		if time.Since(info.ModTime()) > limit {
			_ = os.RemoveAll(c.path(room, entry.Name()))
		}
	}
}

func readJSON(path string, v any) error {
	data, err := readBounded(path, maxJSONFile)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}

func writeJSON(path string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o644)
}

// openRegular opens a file to read it, or a link to one, and nothing else: a named pipe may have no writer, and a device
// no end. A named pipe is opened without waiting for its writer.
func openRegular(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ENXIO) {
		return nil, irregularError(path, fs.ModeSocket)
	}
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = irregularError(path, info.Mode())
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func irregularError(path string, mode fs.FileMode) error {
	kind := "special file"
	switch {
	case mode.IsDir():
		kind = "folder"
	case mode&fs.ModeNamedPipe != 0:
		kind = "named pipe"
	case mode&fs.ModeSocket != 0:
		kind = "socket"
	case mode&fs.ModeDevice != 0:
		kind = "device"
	}
	return fmt.Errorf("%s is a %s; want a regular file", path, kind)
}

// readBounded reads a whole file that is not longer than limit bytes.
func readBounded(path string, limit int64) ([]byte, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s is longer than %d bytes", path, limit)
	}
	return data, nil
}

// hashFile returns the SHA-256 of a file, in lower-case hexadecimal digits.
func hashFile(path string) (string, error) {
	f, err := openRegular(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func hashBytes(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
