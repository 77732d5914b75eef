//go:build linux

package wine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// kin is what the processes of one guest have in common, and are found by. No single one of these is enough: a program
// may have another environment, be between two programs and have none, or have left for another folder.
type kin struct {
	prefix string // in their environment, and what they work in
	temp   string // their sockets' folder; may be unknown
	guard  int    // the process that all of them descend from; 0 where it is not there any more
}

// killLimit is how long processes that were killed may linger: only the kernel's uninterruptible sleep keeps them.
const killLimit = 30 * time.Second

// kill ends every process of a guest, and returns when none is left.
func (k kin) kill() error { return killUntilNone(k.processes) }

// killUntilNone ends what is found until nothing is: what is killed may have started another in the meantime. Looking
// through all processes of a machine costs more than all else here, so those killed are waited for before it is done again.
func killUntilNone(find func() []native) error {
	var left []native
	for deadline := time.Now().Add(killLimit); time.Now().Before(deadline); {
		if left = find(); len(left) == 0 {
			return nil
		}
		killAll(left)
	}
	var stay []int
	for _, n := range left {
		stay = append(stay, n.pid)
	}
	return fmt.Errorf("processes %v of the guest were killed and are still there after %s", stay, killLimit)
}

// dyingRound is how long those that were killed together are waited for before it is looked for others.
const dyingRound = 200 * time.Millisecond

// killAll kills processes, and waits until all have ended, but no longer than a round.
func killAll(all []native) {
	ctx, cancel := context.WithTimeout(context.Background(), dyingRound)
	defer cancel()
	var dying []held
	for _, n := range all {
		if p, err := n.kill(); err == nil {
			dying = append(dying, p)
		}
	}
	if len(dying) == 0 { // the kernel has no way to wait for them, or all were gone
		time.Sleep(5 * time.Millisecond)
	}
	for _, p := range dying {
		_ = p.wait(ctx)
		p.close()
	}
}

// processes lists those of the guest.
func (k kin) processes() []native {
	all := natives()
	below := descendants(all, k.guard)
	var found []native
	for _, n := range all {
		if below[n.pid] || n.prefix() == k.prefix || n.worksIn(k.prefix, k.guard == 0) || n.worksIn(k.temp, k.guard == 0) {
			found = append(found, n)
		}
	}
	return found
}

// orphans lists processes whose guest, or unfinished template, is not there any more, wherever it was: whatever should
// have ended them did not live to do so. Whether the folder is there is seen as they see it, who may be in a container, and
// as those do who have started them: what confines a guest sees nothing of the guest's own while it is being put together.
func orphans() []native {
	var found []native
	all := natives()
	parents := map[int]int{}
	for _, n := range all {
		parents[n.pid] = n.parent
	}
	for _, n := range all {
		prefix := n.prefix()
		if !isGuests(prefix) {
			continue
		}
		_, err := os.Stat(filepath.Join(n.proc, "root", prefix))
		if errors.Is(err, fs.ErrNotExist) && !seenAbove(parents, n.parent, prefix) && n.prefix() == prefix {
			found = append(found, n) // and it is there still: one that is gone has no root to look into
		}
	}
	return found
}

// seenAbove reports whether a process, or one of those that it descends from, sees a folder.
func seenAbove(parents map[int]int, pid int, folder string) bool {
	for range len(parents) + 1 { // not for ever, should numbers have been used again while they were listed
		if pid == 0 {
			break
		}
		if _, err := os.Stat(filepath.Join("/proc", strconv.Itoa(pid), "root", folder)); err == nil {
			return true
		}
		pid = parents[pid]
	}
	return false
}

// isGuests reports whether a prefix is called as a guest's is, or as that of a template that is being made.
func isGuests(prefix string) bool {
	room, name := filepath.Split(prefix)
	if strings.HasPrefix(name, building) {
		return strings.HasSuffix(room, "/wine/templates/")
	}
	return name == filepath.Base(prefixOf("")) && strings.HasSuffix(filepath.Dir(filepath.Clean(room)), guestsDir("/"))
}

// native is a process of this machine, other than this one, that runs.
type native struct {
	pid, parent int
	started     string // by the kernel's clock: with the number it is the process's own for ever
	terminal    bool
	proc        string // a thread's folder in /proc
}

// natives lists the processes that run. Without /proc nothing is found, and nothing else works either.
func natives() []native {
	var all []native
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		if n, ok := look(pid); ok {
			all = append(all, n)
		}
	}
	return all
}

// look finds a thread of a process that runs. Wine ends threads one by one: a process whose first thread is over lives
// on in the others, and only they still tell anything of it.
func look(pid int) (native, bool) {
	n := native{pid: pid, proc: filepath.Join("/proc", strconv.Itoa(pid))}
	running, ok := n.read()
	if !ok || running {
		return n, ok
	}
	tasks := filepath.Join(n.proc, "task")
	threads, _ := os.ReadDir(tasks)
	for _, thread := range threads {
		n.proc = filepath.Join(tasks, thread.Name())
		if running, ok := n.read(); ok && running {
			return n, true
		}
	}
	return n, false
}

// kernelThread is a flag of the kernel's own threads (PF_KTHREAD of sched.h): more than half of what a machine has, and never
// a guest's.
const kernelThread = 0x00200000

// read takes from a thread's stat what is of use, and tells whether it runs. What is before the last parenthesis is a
// name of the process's own choice.
func (n *native) read() (running, ok bool) {
	stat, err := os.ReadFile(filepath.Join(n.proc, "stat"))
	if err != nil {
		return false, false
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 20 {
		return false, false
	}
	if flags, err := strconv.ParseUint(fields[6], 10, 32); err != nil || flags&kernelThread != 0 {
		return false, false
	}
	n.parent, _ = strconv.Atoi(fields[1])
	n.terminal = fields[4] != "0"
	if n.started == "" {
		n.started = fields[19] // a process's first thread keeps its number, and tells when that was
	}
	return fields[0] != "Z" && fields[0] != "X", true
}

// descendants are the processes below another one: all that were ever started there, where that adopts orphans.
func descendants(all []native, ancestor int) map[int]bool {
	below := map[int]bool{}
	if ancestor == 0 {
		return below
	}
	for grown := true; grown; {
		grown = false
		for _, n := range all {
			if !below[n.pid] && (n.parent == ancestor || n.parent == os.Getpid() || below[n.parent]) {
				below[n.pid], grown = true, true
			}
		}
	}
	return below
}

// offspring lists the processes below one.
func offspring(ancestor int) []native {
	all := natives()
	below := descendants(all, ancestor)
	return slices.DeleteFunc(all, func(n native) bool { return !below[n.pid] })
}

// prefix is the Wine prefix that a process was started with; empty for one that is gone or somebody else's, and for one
// that is just between two programs.
func (n native) prefix() string {
	environ, _ := os.ReadFile(filepath.Join(n.proc, "environ"))
	for variable := range bytes.SplitSeq(environ, []byte{0}) {
		if value, ok := bytes.CutPrefix(variable, []byte("WINEPREFIX=")); ok {
			return string(value)
		}
	}
	return ""
}

// worksIn reports whether a process has its place in a folder: it is its own, its program is from there, or it writes
// there; and, looked at closely, whether it has mapped a file of it. Who only reads there, or sits at a terminal, is
// somebody who has a look.
func (n native) worksIn(dir string, closely bool) bool {
	if dir == "" || n.terminal {
		return false
	}
	for _, link := range []string{"cwd", "exe", "root"} {
		if to, err := os.Readlink(filepath.Join(n.proc, link)); err == nil && isBelow(to, dir) {
			return true
		}
	}
	return n.writesIn(dir) || closely && n.mapsFrom(dir)
}

func (n native) writesIn(dir string) bool {
	fds, _ := os.ReadDir(filepath.Join(n.proc, "fd"))
	for _, fd := range fds {
		to, err := os.Readlink(filepath.Join(n.proc, "fd", fd.Name()))
		if err == nil && isBelow(to, dir) && writable(filepath.Join(n.proc, "fdinfo", fd.Name())) {
			return true
		}
	}
	return false
}

// writable reads the flags that a file was opened with.
func writable(fdinfo string) bool {
	text, _ := os.ReadFile(fdinfo)
	for line := range strings.Lines(string(text)) {
		if octal, ok := strings.CutPrefix(line, "flags:"); ok {
			flags, err := strconv.ParseInt(strings.TrimSpace(octal), 8, 64)
			return err == nil && flags&syscall.O_ACCMODE != syscall.O_RDONLY
		}
	}
	return false
}

func (n native) mapsFrom(dir string) bool {
	maps, _ := os.ReadFile(filepath.Join(n.proc, "maps"))
	return bytes.Contains(maps, []byte(" "+strings.ReplaceAll(dir, "\n", `\012`)+"/"))
}

func isBelow(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }

// kill ends the process, unless it has gone by itself and another has its number by now: that is looked at once more
// when the number can't be used again. It is the caller's to wait for, and to close; an error is that there is nothing to
// wait for.
func (n native) kill() (held, error) {
	p, err := hold(n.pid)
	if errors.Is(err, unix.ENOSYS) {
		_ = syscall.Kill(n.pid, syscall.SIGKILL) // the best that there is, before Linux 5.3
	}
	if err != nil {
		return held{}, err
	}
	now, ok := look(n.pid)
	if ok && now.started == n.started {
		err = unix.PidfdSendSignal(p.fd, unix.SIGKILL, nil, 0)
	} else {
		err = unix.ESRCH
	}
	if err != nil {
		p.close()
		return held{}, err
	}
	return p, nil
}
