//go:build linux

package wine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"wskharness/child"
)

// Software is Wine as it is installed here.
type Software struct {
	Loader  string `json:"loader"`  // wine64, or wine
	Server  string `json:"server"`  // wineserver
	Version string `json:"version"` // in its own words: wine-8.0 (Debian 8.0~repack-4)
}

// MissingError says that Wine is not installed, or not whole.
type MissingError struct {
	Why     string
	Install string // the exact command that installs it
}

func (e *MissingError) Error() string { return e.Why + "; install it with: " + e.Install }

// Debian keeps the programs of its package wine64 out of PATH.
func searched() []string { return []string{"/usr/lib/wine", "/usr/local/bin", "/opt/wine-stable/bin"} }

// Find looks for Wine in PATH and where distributions put it. A missing one is a *MissingError.
func Find(ctx context.Context) (*Software, error) {
	s := &Software{Loader: lookFor("wine64", "wine"), Server: lookFor("wineserver64", "wineserver")}
	if s.Loader == "" || s.Server == "" {
		install := "apt-get install --no-install-recommends wine64"
		if os.Geteuid() != 0 {
			install = "sudo " + install
		}
		return nil, &MissingError{Why: "Wine is not installed (wine64 and wineserver: the guest that needs no Windows)", Install: install}
	}
	// It starts nothing, and needs no prefix.
	cmd := child.Command(ctx, s.Environment("/", "/", "-all"), s.Loader, "--version")
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	_, err := child.Run(ctx, cmd)
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, strings.TrimSpace(said.String()))
		}
		return nil, fmt.Errorf("ask %s for its version: %w", s.Loader, err)
	}
	s.Version = strings.TrimSpace(out.String())
	return s, nil
}

func lookFor(names ...string) string {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			if path, err = filepath.Abs(path); err == nil {
				return path
			}
		}
		for _, dir := range searched() {
			if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
				return path
			}
		}
	}
	return ""
}

// debugChannels is what Wine prints of itself, with the process in front: errors, what drivers print
// (DbgPrint), and which module was loaded where, by which a fault's address becomes a module and an offset.
const debugChannels = "-all,+pid,err+all,trace+loaddll,warn+debugstr"

// Environment is the whole environment of every process of a guest, whose home is its room in tmp: nothing of the controller's
// own reaches it, its locale included, by which Wine reads and writes the names of files. TMPDIR is not in it: see
// PlaceServer.
func (s *Software) Environment(prefix, tmp, debug string) []string {
	return []string{
		"PATH=" + filepath.Dir(s.Loader) + ":" + filepath.Dir(s.Server) + ":/usr/local/bin:/usr/bin:/bin",
		"HOME=" + ownRoom(tmp), "LANG=C.UTF-8", "LC_ALL=C.UTF-8",
		"WINEPREFIX=" + prefix, "WINEARCH=win64", "WINESERVER=" + s.Server, "WINEDEBUG=" + debug,
	}
}
