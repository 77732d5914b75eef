package harness

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestLockMachine(t *testing.T) {
	cache := t.TempDir()
	first, err := lockMachine(cache, "lab1:5986", "run-1")
	if err != nil {
		t.Fatal(err)
	}
	_, err = lockMachine(cache, "lab1:5986", "run-2")
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("run run-1 (process %d)", os.Getpid())) {
		t.Errorf("the second run: %v; want the holder's run and process", err)
	}
	if other, err := lockMachine(cache, "lab2:5986", "run-2"); err != nil {
		t.Errorf("another machine: %v", err)
	} else {
		other.Close()
	}
	first.Close() // what the kernel does for a process that is killed
	again, err := lockMachine(cache, "lab1:5986", "run-3")
	if err != nil {
		t.Fatalf("after the holder's end: %v", err)
	}
	heir, err := unix.FcntlInt(again.Fd(), unix.F_DUPFD_CLOEXEC, 0) // what a program has that is just being started
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(heir)
	unlockMachine(again)
	if again, err = lockMachine(cache, "lab1:5986", "run-4"); err != nil {
		t.Fatalf("after it was given up: %v", err)
	}
	unlockMachine(again)
}

func TestSharedMachine(t *testing.T) {
	for _, test := range []struct {
		target Target
		want   string
	}{
		{Target{Name: "a", Wine: &WineTarget{}}, ""},
		{Target{Name: "a", Static: &StaticTarget{URL: "https://LAB1:5986/wsman"}}, "lab1:5986"},
		{Target{Name: "b", Static: &StaticTarget{URL: "https://lab1:5986/other"}}, "lab1:5986"},
	} {
		if got := test.target.shared(); got != test.want {
			t.Errorf("%+v: %q, want %q", test.target, got, test.want)
		}
	}
}
