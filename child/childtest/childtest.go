// Package childtest writes programs for tests to start.
package childtest

import (
	"os"
	"syscall"
	"testing"
)

// Program writes a program, which can be started at once. A process that this one makes meanwhile, for another test, would
// have the file open for writing as well, until it becomes the program that it was made for; and for as long as anybody
// has, the kernel starts nothing of it (ETXTBSY). So none is made meanwhile.
func Program(t *testing.T, path, text string) {
	t.Helper()
	syscall.ForkLock.RLock()
	err := os.WriteFile(path, []byte(text), 0o700)
	syscall.ForkLock.RUnlock()
	if err != nil {
		t.Fatal(err)
	}
}
