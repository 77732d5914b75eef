//go:build linux

package wine

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"wskharness/child"
)

// buildTemplate makes a template whole or not at all.
func buildTemplate(ctx context.Context, s *Software, final string) error {
	for try := 1; ; try++ {
		err := tryTemplate(ctx, s, final)
		if err == nil {
			return nil
		}
		if !errors.Is(err, errUnmapped) || try == bootTries {
			return fmt.Errorf("make a Wine template with %s: %w", s.Loader, err)
		}
	}
}

// tryTemplate makes a template once.
func tryTemplate(ctx context.Context, s *Software, final string) error {
	dir := filepath.Join(filepath.Dir(final), building+unused())
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	defer os.RemoveAll(dir) // gone already when all went well
	err := makeTemplate(ctx, s, dir, tempOf(dir))
	clearAway(dir)
	if err != nil {
		return err
	}
	return os.Rename(dir, final)
}

// errUnmapped is a program that did not start, by chance: see Start. Whoever started it may not have noticed, and what
// it should have done is then missing from the prefix.
var errUnmapped = errors.New("one of Wine's programs did not start: " + unmapped)

// clearAway ends what was started to make a prefix, whether that went well or not.
func clearAway(prefix string) {
	temp := ""
	if strings.HasPrefix(filepath.Base(prefix), building) {
		temp = tempOf(prefix)
	}
	_ = EndPrefix(prefix, temp)  // what can't be ended is found by every later sweep
	_ = ForgetServer(prefix, "") // what is left of it is in nobody's way
	if temp != "" {
		_ = os.RemoveAll(temp)
	}
}

// makeTemplate makes a prefix in an empty folder, with its sockets in tmp, which it makes. Whoever calls it clears away
// the rest.
func makeTemplate(ctx context.Context, s *Software, prefix, tmp string) error {
	ctx, cancel := context.WithTimeout(ctx, templateLimit)
	defer cancel()
	if err := os.Mkdir(tmp, 0o700); err != nil {
		return err
	}
	if err := PlaceServer(prefix, tmp); err != nil {
		return err
	}
	settings := filepath.Join(tmp, "settings.reg")
	if err := os.WriteFile(settings, []byte(registry), 0o600); err != nil {
		return err
	}
	for _, args := range [][]string{
		{s.Loader, "wineboot", "-i"},
		{s.Loader, "regedit", "/S", `Z:` + settings},
		{s.Loader, "winecfg", "-v", "win10"},
		{s.Server, "-w"},
	} {
		env := append(s.Environment(prefix, tmp, "-all,err+virtual"), "WINEDLLOVERRIDES=mscoree,mshtml=;winemenubuilder.exe=d")
		cmd := child.Command(ctx, env, args[0], args[1:]...)
		// A file, not a pipe: services that outlive the command would hold a pipe open.
		log, err := os.Create(filepath.Join(tmp, "log"))
		if err != nil {
			return err
		}
		cmd.Stdout, cmd.Stderr = log, log
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		cmd.WaitDelay = 5 * time.Second
		if err = Start(cmd); err == nil {
			err = cmd.Wait()
		}
		said, unread := os.ReadFile(log.Name())
		if bytes.Contains(said, []byte(unmapped)) {
			err = errUnmapped
		}
		if err := errors.Join(err, unread, log.Close()); err != nil {
			return fmt.Errorf("%s %s: %w: %s", filepath.Base(args[0]), args[1], err, bytes.TrimSpace(said[max(0, len(said)-500):]))
		}
	}
	if _, err := os.Stat(filepath.Join(prefix, "system.reg")); err != nil {
		return fmt.Errorf("the prefix has no registry: %w", err)
	}
	if err := detach(prefix); err != nil {
		return fmt.Errorf("detach the prefix from this machine: %w", err)
	}
	if err := strip(prefix); err != nil {
		return fmt.Errorf("strip the prefix: %w", err)
	}
	if err := share(prefix, originals(s.Loader, confinement())); err != nil {
		return fmt.Errorf("share the prefix's programs with Wine's installation: %w", err)
	}
	return os.WriteFile(filepath.Join(prefix, sealed), nil, 0o444)
}

// detach takes away what a prefix shares with the machine it is on: Wine makes drive Z: of the root folder,
// and the user's Desktop, Documents and so on of those in his home.
func detach(prefix string) error {
	if err := os.Remove(filepath.Join(prefix, "dosdevices", "z:")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return filepath.WalkDir(filepath.Join(prefix, "drive_c", "users"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Type()&fs.ModeSymlink == 0 {
			return err
		}
		if err := os.Remove(path); err != nil {
			return err
		}
		return os.Mkdir(path, 0o755)
	})
}

// desktop is what only somebody at a screen, a printer or a scanner would miss. Links to files cost a clone next to
// nothing, but each folder and each copied file is an inode, made with every guest and removed with it; and 7 MB of
// the 10 that were copied were one theme. Programs that want one of their user's folders make it.
var desktop = []string{
	"Program Files/*", "Program Files (x86)/*",
	"ProgramData/Microsoft/Windows/*",
	"users/Public/*",
	"users/*/AppData/*/Microsoft/Windows/*",
	"users/*/Contacts", "users/*/Favorites", "users/*/Links", "users/*/Music", "users/*/Pictures",
	"users/*/Saved Games", "users/*/Searches", "users/*/Videos",
	"windows/help", "windows/performance", "windows/resources", "windows/twain_*",
	"windows/system32/Speech", "windows/system32/gecko", "windows/system32/mui", "windows/system32/spool",
	"windows/syswow64/Speech", "windows/syswow64/gecko", "windows/syswow64/mui",
}

// strip takes the desktop out of a prefix.
func strip(prefix string) error {
	drive, err := os.OpenRoot(filepath.Join(prefix, "drive_c"))
	if err != nil {
		return err
	}
	defer drive.Close()
	for _, pattern := range desktop {
		found, err := fs.Glob(drive.FS(), pattern) // below the drive: the prefix's own path may hold a [
		for _, path := range found {
			err = errors.Join(err, drive.RemoveAll(path))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// unused is the end of a name that nothing has yet.
func unused() string { return strings.ToLower(rand.Text()[:10]) }

// shortTemp is a folder whose name is short: the path of a socket has at most 107 bytes, and Wine makes
// one some way below.
func shortTemp() string {
	if info, err := os.Stat("/tmp"); err == nil && info.IsDir() {
		return "/tmp"
	}
	return os.TempDir()
}
