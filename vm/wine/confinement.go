//go:build linux

package wine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/landlock-lsm/go-landlock/landlock"
	landlocksys "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"

	"wskharness/child"
)

// A driver on a Wine guest is a program of the user's, with the user's rights: any code in it can make system calls of
// Linux. Two things confine it, each as far as this machine has it, and each holds by itself:
//
//   - namespaces, made by bubblewrap: a network that has nothing but a loopback of its own, none of the user's files and
//     sockets, and none of his processes;
//   - Landlock, by the kernel: no file but the guest's own and what Wine is installed as, no process but the guest's.

// enclosure is what this machine confines Wine guests by.
type enclosure struct {
	Bubblewrap string // the program that makes the namespaces; empty where there are none …
	NoSpaces   string // … and why
	Processes  bool   // the namespaces have one of processes
	Landlock   int    // the version of the kernel's interface; 0 where there is none that is of use …
	NoLandlock string // … and why
}

// leastLandlock is the first version that lets a file be moved from one of the guest's folders to another (Linux 5.19).
// With signalsLandlock, no signal leaves the guest, and nothing in it reaches abstract sockets (Linux 6.12).
const (
	leastLandlock   = 2
	signalsLandlock = 6
)

// lookForConfinement finds out what there is by trying it.
func lookForConfinement(ctx context.Context) enclosure {
	var c enclosure
	version, err := landlocksys.LandlockGetABIVersion()
	switch {
	case errors.Is(err, unix.EOPNOTSUPP):
		c.NoLandlock = "it is turned off when this machine boots (lsm=)"
	case err != nil:
		c.NoLandlock = "the kernel has none (Linux 5.19 and later do)"
	case version < leastLandlock:
		c.NoLandlock = "the kernel's is too old (Linux 5.19 and later are not)"
	default:
		c.Landlock = version
	}
	program, err := exec.LookPath("bwrap")
	if err != nil {
		c.NoSpaces = "bubblewrap is not installed"
		return c
	}
	for _, processes := range []bool{true, false} {
		tried := enclosure{Bubblewrap: program, Processes: processes}
		if err = tried.try(ctx); err == nil {
			c.Bubblewrap, c.Processes, c.NoSpaces = program, processes, ""
			return c
		}
		c.NoSpaces = err.Error()
	}
	return c
}

// try makes the namespaces, and starts a program in them that does nothing. It is done only when the loopback is up.
func (c enclosure) try(ctx context.Context) error {
	args := c.arguments(reach{see: readable("")})
	cmd := child.Command(ctx, nil, args[0], append(args[1:], "/bin/true")...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if _, err := child.Run(ctx, cmd); err != nil {
		return fmt.Errorf("%s: %w: %s", filepath.Base(c.Bubblewrap), err, bytes.TrimSpace(said.Bytes()))
	}
	return nil
}

// whole reports whether a guest reaches nothing of its user's.
func (c enclosure) whole() bool {
	return c.Bubblewrap != "" && (c.Processes || c.Landlock >= signalsLandlock)
}

// String is what holds, and what does not, for people.
func (c enclosure) String() string {
	var holds, lacks []string
	say := func(is bool, what string) {
		if is {
			holds = append(holds, what)
		} else {
			lacks = append(lacks, what)
		}
	}
	spaces := c.Bubblewrap != ""
	say(spaces, "network")
	say(spaces || c.Landlock > 0, "files")
	say(spaces, "their permissions and times") // Landlock knows none
	say(spaces, "sockets of this machine's programs")
	say(c.Processes || c.Landlock > 0, "memory of the user's processes")
	say(c.Processes || c.Landlock >= signalsLandlock, "signals to the user's processes")
	var by []string
	if spaces {
		by = append(by, "namespaces")
	}
	if c.Landlock > 0 {
		by = append(by, "Landlock "+strconv.Itoa(c.Landlock))
	}
	var text []string
	if len(holds) > 0 {
		text = append(text, fmt.Sprintf("out of a guest's reach (%s): %s", strings.Join(by, ", "), strings.Join(holds, ", ")))
	}
	if len(lacks) > 0 {
		text = append(text, "within its reach, as within its user's: "+strings.Join(lacks, ", "))
	}
	for _, why := range []struct{ what, why string }{{"no namespaces", c.NoSpaces}, {"no Landlock", c.NoLandlock}} {
		if why.why != "" {
			text = append(text, why.what+": "+why.why)
		}
	}
	return strings.Join(text, "; ")
}

// reach is what a guest may reach of this machine.
type reach struct {
	prefix string   // its own; empty: nobody's …
	temp   string   // … and its short folder
	see    []string // what it may read, and run programs from; what is not there is left out
}

// readable is what Wine reads. Of /etc it is no more than the C library and fontconfig ask for: the rest may have secrets.
func readable(loader string) []string {
	see := []string{
		"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store",
		"/sys/devices/system",
	}
	for _, name := range []string{
		"alternatives", "fonts", "gai.conf", "group", "host.conf", "hostname", "hosts", "ld.so.cache", "ld.so.conf",
		"ld.so.conf.d", "localtime", "networks", "nsswitch.conf", "passwd", "protocols", "resolv.conf", "services", "timezone",
	} {
		see = append(see, filepath.Join("/etc", name))
	}
	return append(see, installed(loader)...)
}

// installed is where a Wine of the user's own has what belongs to it. Beside it may be all that the user has.
func installed(loader string) []string {
	real, err := filepath.EvalSymlinks(loader)
	if err != nil || !filepath.IsAbs(real) {
		return nil
	}
	home := filepath.Dir(real)
	if filepath.Base(home) != "bin" {
		return []string{home} // as it was built, and not installed
	}
	var see []string
	for _, name := range []string{"bin", "lib", "lib32", "lib64", "share/wine"} {
		see = append(see, filepath.Join(filepath.Dir(home), name))
	}
	return see
}

// devices are those of /dev that hold nothing.
func devices() []string {
	return []string{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"}
}

// arguments are the command that starts another one in the namespaces: bubblewrap with its options. What the guest does not
// see is not there: its root is an empty folder with these in it. There is no test of its options but what comes of them.
func (c enclosure) arguments(r reach) []string {
	args := []string{
		c.Bubblewrap, "--unshare-user", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try",
		"--die-with-parent", "--cap-drop", "ALL",
	}
	for _, path := range r.see {
		args = append(args, "--ro-bind-try", path, path)
	}
	args = append(args, "--dev", "/dev")
	if c.Processes {
		args = append(args, "--unshare-pid", "--as-pid-1", "--proc", "/proc")
	} else {
		args = append(args, "--ro-bind", "/proc", "/proc")
	}
	if r.prefix != "" {
		own := ownRoom(r.temp)
		args = append(args, "--bind", r.prefix, r.prefix, "--bind", own, own, "--bind", own, commonRoom())
	}
	return append(args, "--remount-ro", "/", "--")
}

// enforce confines this thread, and what it starts from now on, by Landlock: the thread can never be given back. Folders in
// which a wineserver may have its socket are made first, since it may not make them.
func (r reach) enforce() error {
	own := []string{r.prefix, ownRoom(r.temp)}
	for _, folder := range serverFolders(r.prefix, r.temp) {
		if _, err := os.Stat(filepath.Dir(filepath.Dir(folder))); err != nil {
			continue // nobody is logged in
		}
		err := fs.ErrNotExist
		for try := 0; errors.Is(err, fs.ErrNotExist) && try < 10; try++ { // another guest may just tidy up above it
			err = os.MkdirAll(folder, 0o700)
		}
		if err != nil {
			return fmt.Errorf("confine the guest: %w", err)
		}
		own = append(own, folder)
	}
	config := landlock.V9
	config.HandledAccessNet = 0 // it knows ports, and no addresses: the loopback would go, too
	folders, files := sorted(append([]string{"/proc"}, r.see...))
	fd, flags, err := config.BestEffort().NewRulesetFD(
		landlock.RODirs(folders...), landlock.ROFiles(files...),
		landlock.RWFiles(devices()...).IgnoreIfMissing(), landlock.RWDirs(own...).WithRefer(),
	)
	if err != nil {
		return fmt.Errorf("confine the guest by Landlock: %w", err)
	}
	if fd < 0 {
		return errors.New("confine the guest by Landlock: the kernel has none any more")
	}
	defer unix.Close(fd)
	if err := renounce(); err != nil {
		return fmt.Errorf("confine the guest: %w", err)
	}
	if err := landlocksys.LandlockRestrictSelf(fd, flags); err != nil {
		return fmt.Errorf("confine the guest by Landlock: %w", err)
	}
	return nil
}

// renounce takes from this thread, and from what it starts, the capabilities that root has, and every way to new ones:
// with some of them the kernel does not ask Landlock.
func renounce() error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("give up new privileges: %w", err)
	}
	for capability := uintptr(0); unix.Prctl(unix.PR_CAPBSET_READ, capability, 0, 0, 0) == nil; capability++ {
		err := unix.Prctl(unix.PR_CAPBSET_DROP, capability, 0, 0, 0)
		if errors.Is(err, unix.EPERM) {
			break // an ordinary user has none
		}
		if err != nil {
			return fmt.Errorf("give up capability %d: %w", capability, err)
		}
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	if err := unix.Capset(&header, &none[0]); err != nil {
		return fmt.Errorf("give up all capabilities: %w", err)
	}
	return nil
}

// sorted are those of some paths that are there: Landlock wants to know what is a folder.
func sorted(paths []string) (folders, files []string) {
	for _, path := range paths {
		info, err := os.Stat(path)
		switch {
		case err != nil:
		case info.IsDir():
			folders = append(folders, path)
		default:
			files = append(files, path)
		}
	}
	return folders, files
}

// confinement is this machine's, which does not change while a process lives.
var confinement = sync.OnceValue(func() enclosure { return lookForConfinement(context.Background()) })
