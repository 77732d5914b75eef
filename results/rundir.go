package results

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"wskharness/disk"
)

// latestName is the pointer to the newest run, beside the run folders.
const latestName = "latest"

// RunID names a run: the time in UTC, so that names sort as the runs began, and four characters of
// chance, so that runs of the same second keep apart.
func RunID(now time.Time) string {
	const letters = "abcdefghjkmnpqrstuvwxyz23456789" // without i, l, o, 0 and 1, which look alike
	var chance [4]byte
	rand.Read(chance[:])
	for i, b := range chance {
		chance[i] = letters[int(b)%len(letters)]
	}
	return now.UTC().Format("20060102-150405") + "-" + string(chance[:])
}

// NewRunDir makes the folder of a new run under base, which is made where it is missing.
func NewRunDir(on disk.FS, base, id string) (string, error) {
	if id == "" || id == latestName || strings.ContainsAny(id, `/\`) || strings.HasPrefix(id, ".") {
		return "", fmt.Errorf("make run folder under %s: %q cannot be the name of a run", base, id)
	}
	if err := on.MkdirAll(base, 0o755); err != nil {
		return "", fmt.Errorf("make run folder: %w", err)
	}
	dir := filepath.Join(base, id)
	if err := on.Mkdir(dir, 0o755); err != nil {
		return "", fmt.Errorf("make run folder: %w", err)
	}
	return dir, nil
}

// PointLatest points base/latest at the run, in one step: somebody who follows it at any time finds the
// old run or the new one. Where the file system has no symbolic links, or somebody else's file has
// that name, there is no such pointer, and that is all. So it is on Windows, where few may make links, and a link to a folder can't be
// replaced: it would go on pointing at the first run.
func PointLatest(base, id string) {
	if runtime.GOOS == "windows" {
		return
	}
	temporary := filepath.Join(base, "."+latestName+"-"+id)
	if os.Symlink(id, temporary) != nil {
		return
	}
	if os.Rename(temporary, filepath.Join(base, latestName)) != nil {
		os.Remove(temporary)
	}
}
