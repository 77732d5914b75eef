package guest

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"wskharness/guest/winname"
)

// Home is where the harness keeps its things in a guest (docs/protocol.md, "Conventions").
const Home = `C:\wskharness`

// maxPath is the longest path that the agent takes, in UTF-16 code units (driver/agent/base/path.h).
const maxPath = 1000

// AgentPath is where the agent whose image has this SHA-256 (hex) lives in a guest.
func AgentPath(sha256 string) string { return Home + `\agent\` + sha256[:16] + `\wskagent.exe` }

// StorePath is where a pushed package belongs: a folder named by the package's hash, so that
// another package never overwrites one that a driver may still be loaded from.
func StorePath(packageHash, name string) string {
	return Home + `\store\` + packageHash + `\` + name
}

// PlanPath and JournalPath name the files of a run.
func PlanPath(runID string) string    { return Home + `\runs\` + runID + `\plan.bin` }
func JournalPath(runID string) string { return Home + `\runs\` + runID + `\journal.ndjson` }

// CollectedPath is the folder with what the cases of a run have collected: a folder for each, named by its number.
func CollectedPath(runID string) string { return Home + `\runs\` + runID + `\files` }

// CheckPath says whether the agent would take path as that of a file: absolute, on a drive, without
// "..", alternate streams or device names.
func CheckPath(path string) error {
	if err := checkPath(path); err != nil {
		return fmt.Errorf("guest path %q: %w", path, err)
	}
	return nil
}

func checkPath(path string) error {
	if !utf8.ValidString(path) {
		return errors.New("not UTF-8")
	}
	if n := len(utf16.Encode([]rune(path))); n > maxPath {
		return fmt.Errorf("%d characters long, the most is %d", n, maxPath)
	}
	drive := len(path) > 3 && (path[0]|0x20 >= 'a' && path[0]|0x20 <= 'z') && path[1:3] == `:\`
	if !drive {
		return errors.New(`not absolute; write it as C:\folder\file`)
	}
	for _, part := range strings.Split(path[3:], `\`) {
		if err := checkName(part); err != nil {
			return err
		}
	}
	return nil
}

func checkName(name string) error { return winname.Check(name) }

// CheckRunID says whether id can name a run: it becomes a folder in the guest and part of command
// lines, so it is kept to what needs no quoting anywhere.
func CheckRunID(id string) error {
	fits := len(id) >= 1 && len(id) <= 64 && id[0] != '.' && id[0] != '-' &&
		!strings.ContainsFunc(id, func(r rune) bool {
			return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune("._-", r)
		})
	if !fits || checkName(id) != nil {
		return fmt.Errorf("run id %q: want 1 to 64 of A-Z a-z 0-9 . _ -, not starting with . or - and no device name", id)
	}
	return nil
}

func checkSHA256(s string) error {
	if b, err := hex.DecodeString(s); err != nil || len(b) != 32 || strings.ToLower(s) != s {
		return fmt.Errorf("%q is no SHA-256 in lower-case hex", clip(s, 80))
	}
	return nil
}

// clip shortens text from a guest for a message.
func clip(s string, n int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
