package host

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestLockMachine(t *testing.T) {
	cache := t.TempDir()
	first, err := LockMachine(cache, "lab1:5986", "run-1")
	if err != nil {
		t.Fatal(err)
	}
	_, err = LockMachine(cache, "lab1:5986", "run-2")
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("run run-1 (process %d)", os.Getpid())) {
		t.Errorf("the second run: %v; want the holder's run and process", err)
	}
	if other, err := LockMachine(cache, "lab2:5986", "run-2"); err != nil {
		t.Errorf("another machine: %v", err)
	} else {
		other.Close()
	}
	first.Close() // what the kernel does for a process that is killed
	again, err := LockMachine(cache, "lab1:5986", "run-3")
	if err != nil {
		t.Fatalf("after the holder's end: %v", err)
	}
	UnlockMachine(again)
}
