package harness

import (
	"fmt"
	"os"
	"strings"
	"testing"
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
	again.Close()
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
