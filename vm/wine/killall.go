package wine

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// processesOf lists the processes that run in a prefix, by what the kernel keeps of their environment.
func processesOf(prefix string) []int {
	var found []int
	entries, _ := os.ReadDir("/proc") // without /proc nothing is found, and nothing else works either
	want := []byte("WINEPREFIX=" + prefix)
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		for _, variable := range bytes.Split(environOf(filepath.Join("/proc", entry.Name())), []byte{0}) {
			if bytes.Equal(variable, want) {
				found = append(found, pid)
				break
			}
		}
	}
	return found
}

// environOf reads the environment of a process, nil of one that is gone or somebody else's. Wine ends threads one by
// one: a process whose first thread is over lives on in the others, and only they still have it.
func environOf(proc string) []byte {
	if environ, _ := os.ReadFile(filepath.Join(proc, "environ")); len(environ) > 0 {
		return environ
	}
	threads, _ := os.ReadDir(filepath.Join(proc, "task"))
	for _, thread := range threads {
		if environ, _ := os.ReadFile(filepath.Join(proc, "task", thread.Name(), "environ")); len(environ) > 0 {
			return environ
		}
	}
	return nil
}

// killAll ends every process of a prefix, and returns when none is left. A process that was killed can't
// linger for long, except in the kernel's uninterruptible sleep; that is waited for within bounds.
func killAll(prefix string) {
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		left := processesOf(prefix)
		if len(left) == 0 {
			return
		}
		for _, pid := range left {
			_ = syscall.Kill(pid, syscall.SIGKILL) // gone already, in the meantime
		}
	}
}
