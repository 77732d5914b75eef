//go:build linux

package wine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Programs of a prefix meet their wineserver in a folder that goes by the prefix's device and inode. What that
// folder is in differs:
//
//   - Debian's Wine takes /run/user/UID/wine where that user is logged in;
//   - else what the prefix's file "wineserver" names, below $TMPDIR or /tmp, and makes both where there is no
//     such file, or not one that only its owner may read;
//   - others take /tmp/.wine-UID.
//
// A guest is to leave nothing behind, so the file names a folder that goes with the guest. TMPDIR would do the same
// with Debian 12, but every program of Debian 13's Wine 10.0 frees what the variable holds, and aborts.
const (
	serverFile  = "wineserver" // in the prefix
	serverTemp  = "/tmp"       // what it counts from
	serverInner = "wine"       // what is in the guest's own short folder
)

// ownRoom is the part of a guest's short folder that is the guest's own: its home, and where its wineserver's folder is.
// Beside it is the socket by which it is controlled.
func ownRoom(tmp string) string { return filepath.Join(tmp, serverInner) }

// commonRoom is where a wineserver has its folder that takes no other.
func commonRoom() string { return fmt.Sprintf("%s/.wine-%d", serverTemp, os.Getuid()) }

// serverFolders is where the wineserver of a prefix may have its socket: in the guest's folder tmp, which may be
// empty, or in one of those that it shares with the user's other prefixes.
func serverFolders(prefix, tmp string) []string {
	var st unix.Stat_t
	if unix.Stat(prefix, &st) != nil {
		return nil // without its prefix it has none
	}
	rooms := []string{fmt.Sprintf("/run/user/%d/wine", os.Getuid()), commonRoom()}
	if tmp != "" {
		rooms = append(rooms, ownRoom(tmp))
	}
	for i, room := range rooms {
		rooms[i] = filepath.Join(room, fmt.Sprintf("server-%x-%x", st.Dev, st.Ino))
	}
	return rooms
}

// PlaceServer makes ready for the wineserver that is about to be started in a prefix: what one before has left is
// removed, since a socket that is there must be one that is listened to, and the new one has its folder in tmp
// wherever this Wine can be told so. The name of tmp has to be short: it becomes part of a socket's path.
func PlaceServer(prefix, tmp string) error {
	if err := ForgetServer(prefix, tmp); err != nil {
		return err
	}
	room := ownRoom(tmp)
	name, err := filepath.Rel(serverTemp, room)
	if err == nil {
		err = os.MkdirAll(room, 0o700)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(prefix, serverFile), []byte(name), 0o400)
	}
	if err != nil {
		return fmt.Errorf("name the folder of the prefix's wineserver: %w", err)
	}
	return nil
}

// ForgetServer removes what the wineserver of a prefix has left outside of it. The prefix has to be there still, and
// its processes have to be gone.
func ForgetServer(prefix, tmp string) error {
	var errs []error
	for _, folder := range serverFolders(prefix, tmp) {
		errs = append(errs, os.RemoveAll(folder))
		_ = os.Remove(filepath.Dir(folder)) // it stays where another prefix has its folder there
	}
	errs = append(errs, os.RemoveAll(filepath.Join(prefix, serverFile)))
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("remove what the prefix's wineserver left: %w", err)
	}
	return nil
}
