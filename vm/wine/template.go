//go:build linux

package wine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"wskharness/disk"
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

// EndPrefix ends every process of a prefix, those as well that its wineserver has left behind, or that are known by the folder
// of its sockets; an empty temp: it has none of its own.
func EndPrefix(prefix, temp string) error { return kin{prefix: prefix, temp: temp}.kill() }

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
	lock, err := disk.AwaitLock(ctx, filepath.Join(room, lockName))
	if err != nil {
		return nil, fmt.Errorf("make a Wine template: %w", err)
	}
	sweepRoom(room)
	return func() { disk.Unlock(lock) }, nil
}

// sweepTemplates clears away what a process that was killed had not finished, unless somebody is making a template.
func sweepTemplates(root string) {
	room := templatesDir(root)
	if lock, err := disk.OpenLocked(filepath.Join(room, lockName)); err == nil {
		defer disk.Unlock(lock)
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
