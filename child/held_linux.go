package child

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

const maxProcesses = 100_000 // that are looked at

// holdersIn looks for the processes that have the other ends open in /proc/PID/fd, which is readable for processes of the
// same user: some more than are named.
func (open outputs) holdersIn(g *group) (by []Holder) {
	pipes := map[string]bool{}
	for _, o := range open {
		if link, ok := o.link(); ok {
			pipes[link] = true
		}
	}
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil || len(processes) > maxProcesses {
		return nil
	}
	for _, dir := range processes {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil || pid == os.Getpid() || !hasOpen(dir, pipes) {
			continue
		}
		its, err := syscall.Getpgid(pid)
		by = append(by, Holder{PID: pid, Name: nameOf(dir), Group: err == nil && its == g.number()})
		if len(by) > maxHolders {
			break
		}
	}
	return by
}

// link is what the kernel calls this pipe in /proc: both of its ends have that name.
func (o *output) link() (string, bool) {
	info, err := o.read.Stat()
	if err != nil {
		return "", false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "", false
	}
	return fmt.Sprintf("pipe:[%d]", stat.Ino), true
}

func hasOpen(process string, pipes map[string]bool) bool {
	open, err := os.ReadDir(filepath.Join(process, "fd"))
	if err != nil {
		return false // gone, or another user's
	}
	for _, fd := range open {
		if link, err := os.Readlink(filepath.Join(process, "fd", fd.Name())); err == nil && pipes[link] {
			return true
		}
	}
	return false
}

// nameOf is the name of a process. One that is gone has none.
func nameOf(process string) string {
	name, _ := os.ReadFile(filepath.Join(process, "comm"))
	return printable(strings.TrimSuffix(string(name), "\n"))
}
