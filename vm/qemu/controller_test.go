//go:build linux

package qemu

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/hashicorp/go-hclog"

	"wskharness/testtime"
	"wskharness/vm"
	"wskharness/vm/lease"
)

// controllerRole is what this program is when it is to have a guest until it is killed.
const controllerRole = "controller"

// order is what such a controller is to do.
type order struct {
	Text, Dir, Cache string
	Early            bool // it is killed before it has the guest
}

func playController(ctx context.Context, args []string, _ hclog.Logger) error {
	var o order
	if err := json.Unmarshal([]byte(args[0]), &o); err != nil {
		return err
	}
	d, err := defineIn(o.Dir, o.Text)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	p, err := d.Provider(vm.Host{Cache: o.Cache, Program: []string{self}, Getenv: os.Getenv})
	if err != nil {
		return err
	}
	if o.Early {
		fmt.Println("begun")
	}
	m, err := p.Acquire(ctx, vm.Target{Name: "killed"})
	if err != nil {
		return err
	}
	fmt.Println(m.(*machine).dir)
	select {}
}

// qemusOf are the processes that have a word in their arguments.
func qemusOf(t *testing.T, word string) (found []int) {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		if text, err := os.ReadFile(line); err == nil && strings.Contains(string(text), word) {
			if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(line))); err == nil && pid != os.Getpid() {
				found = append(found, pid)
			}
		}
	}
	return found
}

// A controller that is killed, at whatever moment, leaves neither a QEMU nor a folder.
func TestControllerIsKilled(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	cache := t.TempDir()
	for name, early := range map[string]bool{"while it gets a guest": true, "with a guest": false} {
		t.Run(name, func(t *testing.T) {
			o := order{Text: l.text(""), Dir: t.TempDir(), Cache: cache, Early: early}
			self, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(self, controllerRole, string(encode(o)))
			cmd.Stderr = os.Stderr
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			line, err := bufio.NewReader(out).ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			room := leasesDir(cache)
			if early {
				testtime.Await(t, "QEMU to be started", func() bool { return len(qemusOf(t, "guest=killed-")) > 0 })
			} else if _, err := os.Stat(strings.TrimSpace(line)); err != nil {
				t.Error(err)
			}
			if len(qemusOf(t, room)) == 0 {
				t.Error("there is no QEMU: the test proves nothing")
			}
			if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			testtime.Await(t, "QEMU and what serves it to end", func() bool { return len(qemusOf(t, room)) == 0 })
			testtime.Await(t, "the folder to be gone", func() bool { left, err := lease.Folders(room); return err == nil && len(left) == 0 })
		})
	}
}
