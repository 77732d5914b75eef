package child

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

const (
	maxHolders   = 8       // that are named
	maxProcesses = 100_000 // that are looked at
)

// Held tells who had the output of a program open when that had ended. The zero one: nobody.
type Held struct {
	Still bool     // somebody had
	By    []Holder // who, as far as this user can see; at most 8 of them
	More  bool     // and others
}

// Holder is a process.
type Holder struct {
	PID   int
	Name  string // as the system has it: at most 15 bytes of the program's name
	Group bool   // it is in the process group of the program that has ended
}

// String is what is wrong, with who it is: "sleep (pid 12) and make (pid 14) still have its output open".
func (h Held) String() string {
	if !h.Still {
		return "nobody has its output open"
	}
	var who []string
	for _, by := range h.By {
		who = append(who, fmt.Sprintf("%s (pid %d)", by.Name, by.PID))
	}
	if h.More {
		who = append(who, "others")
	}
	switch last := len(who) - 1; last {
	case -1:
		return "a process that this user can't see still has its output open"
	case 0:
		return who[0] + " still has its output open"
	default:
		return strings.Join(who[:last], ", ") + " and " + who[last] + " still have its output open"
	}
}

// holders looks for the processes that have the other end of a pipe open that has not come to its end: /proc/PID/fd, which
// is readable for processes of the same user. group is the process group of the program that the pipes were for.
func (all outputs) holders(group int) Held {
	var held Held
	pipes := map[string]bool{}
	for _, o := range all {
		select {
		case <-o.copied:
		default:
			held.Still = true
			if link, ok := o.link(); ok {
				pipes[link] = true
			}
		}
	}
	if !held.Still {
		return held
	}
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil || len(processes) > maxProcesses {
		return held
	}
	for _, dir := range processes {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil || pid == os.Getpid() || !hasOpen(dir, pipes) {
			continue
		}
		if len(held.By) == maxHolders {
			held.More = true
			break
		}
		its, err := syscall.Getpgid(pid)
		held.By = append(held.By, Holder{PID: pid, Name: nameOf(dir), Group: err == nil && its == group})
	}
	return held
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

// nameOf is the name of a process, which it can choose itself, in characters that can be printed anywhere.
func nameOf(process string) string {
	name, _ := os.ReadFile(filepath.Join(process, "comm")) // one that is gone has none
	return cmp.Or(strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return '?'
		}
		return r
	}, strings.TrimSuffix(string(name), "\n")), "?")
}
