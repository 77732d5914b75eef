package wine

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
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

// recipe is the version of how templates are made: another one makes all of them anew.
const recipe = 7

const templateLimit = 20 * time.Minute

// registry is put into each template: no dialogues, no debugger that would delay a fault by seconds, and
// none of the services that a guest without a desktop and without devices only waits for. Wine starts those of its
// input devices at each boot for their devices' sake, whatever their start type says: so the devices go, too.
const registry = `REGEDIT4

[HKEY_LOCAL_MACHINE\Software\Microsoft\Windows NT\CurrentVersion\AeDebug]
"Auto"="0"
"Debugger"="false"

[HKEY_CURRENT_USER\Software\Wine\WineDbg]
"ShowCrashDialog"=dword:00000000

[HKEY_CURRENT_USER\Software\Wine\Drivers]
"Graphics"="null"
"Audio"=""

[-HKEY_LOCAL_MACHINE\Software\Microsoft\Windows\CurrentVersion\RunServices]

[HKEY_LOCAL_MACHINE\System\CurrentControlSet\Services\Eventlog]
"Start"=dword:00000004

[HKEY_LOCAL_MACHINE\System\CurrentControlSet\Services\PlugPlay]
"Start"=dword:00000003

[HKEY_LOCAL_MACHINE\System\CurrentControlSet\Services\NDIS]
"Start"=dword:00000003

[-HKEY_LOCAL_MACHINE\System\CurrentControlSet\Enum\ROOT\WINE]

[HKEY_LOCAL_MACHINE\System\CurrentControlSet\Services\winebus]
"Start"=dword:00000004

[HKEY_LOCAL_MACHINE\System\CurrentControlSet\Services\wineusb]
"Start"=dword:00000004

[HKEY_LOCAL_MACHINE\System\CurrentControlSet\Services\winehid]
"Start"=dword:00000004
`

// template returns the prefix that guests are cloned from, and makes it first where it is not there.
// Several processes may ask for it at once: one makes it, the others wait; tell, which may be nil, is told before either.
func template(ctx context.Context, root string, s *Software, tell func(text string)) (string, error) {
	final := templateOf(root, s)
	room := filepath.Dir(final)
	if _, err := os.Stat(final); err == nil {
		return final, nil
	}
	if tell != nil {
		tell("making the Wine prefix that all guests are cloned from")
	}
	if err := os.MkdirAll(room, 0o755); err != nil {
		return "", fmt.Errorf("make a Wine template: %w", err)
	}
	unlock, err := lockRoom(ctx, room)
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(final); err == nil {
		return final, nil // somebody else made it while we waited
	}
	return final, buildTemplate(ctx, s, final)
}

// templateOf is where the template is that guests of this Wine are cloned from, on this machine: it goes by all that it is made
// of.
func templateOf(root string, s *Software) string {
	spaces := confinement().Bubblewrap != "" // by which it is told what may be shared with the installation
	sum := sha256.Sum256(fmt.Appendf(nil, "%d\n%s\n%s\n%t\n%s", recipe, s.Version, s.Loader, spaces, registry))
	return filepath.Join(templatesDir(root), hex.EncodeToString(sum[:8]))
}

// Prefix makes a Wine prefix as a guest has it, in a folder that is not there yet. The template that it is a clone of is below
// root, and made where it is not there: beside it a clone takes no space. Nothing confines what runs in it, and its programs may
// be links to those of Wine's installation: whoever is root runs nothing in it that writes to its Windows folder.
func Prefix(ctx context.Context, root, dir string, s *Software) error {
	from, err := template(ctx, root, s, nil)
	if err == nil {
		err = clone(from, dir)
	}
	return err
}

// EndPrefix ends every process of a prefix, those as well that its wineserver has left behind.
func EndPrefix(prefix string) error { return kin{prefix: prefix}.kill() }

// renewTemplate makes a template anew that a guest has spoiled. Clones of it that are in use keep their
// files.
func renewTemplate(ctx context.Context, final string, s *Software) error {
	unlock, err := lockRoom(ctx, filepath.Dir(final))
	if err != nil {
		return err
	}
	defer unlock()
	if err := checkSeal(final); !errors.Is(err, errSpoiled) {
		return err // somebody else has renewed it while we waited, or it can't be read
	}
	old, err := os.MkdirTemp(filepath.Dir(final), replaced)
	if err != nil {
		return fmt.Errorf("renew the Wine template: %w", err)
	}
	defer os.RemoveAll(old)
	if err := os.Rename(final, filepath.Join(old, "template")); err != nil {
		return fmt.Errorf("renew the Wine template: %w", err)
	}
	return buildTemplate(ctx, s, final)
}

// checkSeal looks for images in a template that were changed since it was made.
func checkSeal(template string) error {
	seal, err := os.Stat(filepath.Join(template, sealed))
	if err != nil {
		return fmt.Errorf("check the Wine template: %w", err)
	}
	return filepath.WalkDir(template, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || !isImage(path) {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			err = unspoiled(info, seal)
		}
		if err != nil {
			err = fmt.Errorf("%w: %s", err, path)
		}
		return err
	})
}

// lockRoom takes the lock under which templates are made, and clears away what a process that was killed
// had not finished.
func lockRoom(ctx context.Context, room string) (unlock func(), err error) {
	unlock, err = lockFile(ctx, filepath.Join(room, lockName))
	if err != nil {
		return nil, fmt.Errorf("make a Wine template: %w", err)
	}
	sweepRoom(room)
	return unlock, nil
}

// sweepTemplates clears away what a process that was killed had not finished, unless somebody is making a template.
func sweepTemplates(root string) {
	room := templatesDir(root)
	if unlock, err := tryLock(filepath.Join(room, lockName)); err == nil {
		defer unlock()
		sweepRoom(room)
	}
}

// sweepRoom does so under the lock: the processes of each unfinished template, its folder of sockets, itself.
func sweepRoom(room string) {
	for _, pattern := range []string{building + "*", replaced + "*"} {
		unfinished, _ := fs.Glob(os.DirFS(room), pattern) // the pattern is sound
		for _, name := range unfinished {
			dir := filepath.Join(room, name)
			clearAway(dir)
			_ = os.RemoveAll(dir) // it is in nobody's way
		}
	}
}

// Templates that are not whole yet, and those that are not any more.
const (
	building = ".new-"
	replaced = ".old-"
)

// tempOf is the folder of sockets of a template that is being made: it goes by the template's, so that it is found
// whoever was killed.
func tempOf(dir string) string {
	return filepath.Join(shortTemp(), "wsk-"+strings.TrimPrefix(filepath.Base(dir), building))
}

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
	k := kin{prefix: prefix}
	if strings.HasPrefix(filepath.Base(prefix), building) {
		k.temp = tempOf(prefix)
	}
	_ = k.kill()                 // what can't be ended is found by every later sweep
	_ = ForgetServer(prefix, "") // what is left of it is in nobody's way
	if k.temp != "" {
		_ = os.RemoveAll(k.temp)
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
