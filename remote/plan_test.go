package remote_test

import (
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"wskharness/remote"
	"wskharness/remote/winrmd"
	"wskharness/testtime"
)

// noLeaks fails the test if it leaves goroutines of this module's behind, or open sockets and pipes.
func noLeaks(t *testing.T) {
	t.Helper()
	if l, err := net.Listen("tcp", "127.0.0.1:0"); err == nil { // so that the runtime's own files are open
		l.Close()
	}
	before := openFiles(t)
	t.Cleanup(func() {
		ctx := testtime.Context(t)
		for {
			left, files := leftover(), openFiles(t)
			if left == "" && files <= before {
				return
			}
			select {
			case <-ctx.Done():
				t.Errorf("left behind: %d files more, and\n%s", files-before, left)
				return
			case <-time.After(time.Millisecond):
			}
		}
	})
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no /proc/self/fd to count open files in")
	}
	return len(entries)
}

func leftover() string {
	buf := make([]byte, 1<<20)
	buf = buf[:runtime.Stack(buf, true)]
	var left []string
	for _, g := range strings.Split(string(buf), "\n\n")[1:] {
		if strings.Contains(g, "wskharness/remote") && !strings.Contains(g, "testing.tRunner") {
			left = append(left, g)
		}
	}
	return strings.Join(left, "\n\n")
}

// first gives the injected fault to the nth request of an action.
func at(action string, n int, m winrmd.InjectedFault) func(winrmd.Request) winrmd.InjectedFault {
	return func(r winrmd.Request) winrmd.InjectedFault {
		if r.Action == action && r.Count == n {
			return m
		}
		return winrmd.InjectedFault{}
	}
}

// counter counts requests by action on their way to a plan.
type counter struct {
	mu    sync.Mutex
	count map[string]int
	plan  func(winrmd.Request) winrmd.InjectedFault
}

func (c *counter) inject(r winrmd.Request) winrmd.InjectedFault {
	c.mu.Lock()
	if c.count == nil {
		c.count = make(map[string]int)
	}
	c.count[r.Action]++
	c.mu.Unlock()
	if c.plan == nil {
		return winrmd.InjectedFault{}
	}
	return c.plan(r)
}

func (c *counter) of(action string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.count[action]
}

// quick are options for servers that are slow on purpose.
func quick() remote.Options {
	return remote.Options{OperationTimeout: 300 * time.Millisecond, HTTPMargin: 30 * time.Second, CleanupTimeout: 20 * time.Second, QuotaWait: -1}
}
