package wine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// recipe is the version of how templates are made: another one makes all of them anew.
const recipe = 3

const templateLimit = 3 * time.Minute

// registry is put into each template: no dialogues, no debugger that would delay a fault by seconds, and
// none of the services that a guest without a desktop and without devices only waits for.
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

[HKEY_LOCAL_MACHINE\System\CurrentControlSet\Services\winebus]
"Start"=dword:00000004

[HKEY_LOCAL_MACHINE\System\CurrentControlSet\Services\wineusb]
"Start"=dword:00000004

[HKEY_LOCAL_MACHINE\System\CurrentControlSet\Services\winehid]
"Start"=dword:00000004
`

// template returns the prefix that guests are cloned from, and makes it first where it is not there.
// Several processes may ask for it at once: one makes it, the others wait.
func template(ctx context.Context, root string, s *Software) (string, error) {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d\n%s\n%s\n%s", recipe, s.Version, s.Loader, registry))
	room := filepath.Join(root, "wine", "templates")
	final := filepath.Join(room, hex.EncodeToString(sum[:8]))
	if _, err := os.Stat(final); err == nil {
		return final, nil
	}
	if err := os.MkdirAll(room, 0o755); err != nil {
		return "", fmt.Errorf("make a Wine template: %w", err)
	}
	unlock, err := lockFile(ctx, filepath.Join(room, ".lock"))
	if err != nil {
		return "", fmt.Errorf("make a Wine template: %w", err)
	}
	defer unlock()
	if _, err := os.Stat(final); err == nil {
		return final, nil // somebody else made it while we waited
	}
	building, err := os.MkdirTemp(room, ".new-")
	if err != nil {
		return "", fmt.Errorf("make a Wine template: %w", err)
	}
	defer os.RemoveAll(building) // gone already when all went well
	if err := makeTemplate(ctx, s, building); err != nil {
		return "", fmt.Errorf("make a Wine template with %s: %w", s.Loader, err)
	}
	if err := os.Rename(building, final); err != nil {
		return "", fmt.Errorf("make a Wine template: %w", err)
	}
	return final, nil
}

// makeTemplate makes a prefix in an empty folder.
func makeTemplate(ctx context.Context, s *Software, prefix string) error {
	ctx, cancel := context.WithTimeout(ctx, templateLimit)
	defer cancel()
	tmp, err := os.MkdirTemp(shortTemp(), "wsk-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	defer killAll(prefix)
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
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		cmd.Env = append(s.environment(prefix, tmp, "-all"),
			"WINEDLLOVERRIDES=mscoree,mshtml=;winemenubuilder.exe=d")
		// A file, not a pipe: services that outlive the command would hold a pipe open.
		log, err := os.Create(filepath.Join(tmp, "log"))
		if err != nil {
			return err
		}
		cmd.Stdout, cmd.Stderr = log, log
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		cmd.WaitDelay = 5 * time.Second
		err = cmd.Run()
		if err := errors.Join(err, log.Close()); err != nil {
			said, _ := os.ReadFile(log.Name())
			return fmt.Errorf("%s %s: %w: %s", filepath.Base(args[0]), args[1], err, bytes.TrimSpace(said[max(0, len(said)-500):]))
		}
	}
	if _, err := os.Stat(filepath.Join(prefix, "system.reg")); err != nil {
		return fmt.Errorf("the prefix has no registry: %w", err)
	}
	return nil
}

// lockFile takes an exclusive lock that ends with the process at the latest.
func lockFile(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			f.Close()
			return nil, ctx.Err()
		}
	}
}

// shortTemp is a folder whose name is short: the path of a socket has at most 107 bytes, and Wine makes
// one some way below.
func shortTemp() string {
	if info, err := os.Stat("/tmp"); err == nil && info.IsDir() {
		return "/tmp"
	}
	return os.TempDir()
}
