package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"wskharness/remote/winrmd"
	"wskharness/vm/wine"
)

// stallFile names the environment variable with the file in which a script says when its guests stall: the action of
// WinRM that is not answered any more, and the file and the bytes of it that have to have arrived by then. So a transfer
// is interrupted in its middle, however fast it is, or whoever interrupts it.
const stallFile = "WSKHARNESS_TEST_STALL"

// stall orders that requests of an action are not answered any more when so much of a file has arrived.
func stall(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 || neg {
		ts.Fatalf("usage: stall ACTION PATTERN BYTES")
	}
	text := fmt.Sprintln(args[0], ts.MkAbs(args[1]), args[2])
	ts.Check(os.WriteFile(ts.Getenv(stallFile), []byte(text), 0o644))
}

// stallOrder is that file, for the process that serves a guest in a folder of the script's cache; empty where there is
// no script. It inherits no variable that would tell.
func stallOrder(guest string) string {
	work, found := strings.CutSuffix(filepath.Dir(guest), filepath.FromSlash("/cache/wskharness/wine/guests"))
	if _, err := os.Stat(filepath.Join(work, scriptMark)); !found || err != nil {
		return ""
	}
	return filepath.Join(work, "stall")
}

// scriptMark is a file in the folder of a script whose guests can be made to stall.
const scriptMark = ".script"

// serveStalling serves a guest as the product does, but for the requests that stall.
func serveStalling(dir, order string) (code int) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	options := wine.ServeOptions{Inject: (&stalling{order: order, sends: map[string]int{}}).inject}
	if err := wine.Serve(ctx, dir, os.NewFile(3, "ready"), options); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// mostAhead is how many requests of a shell are let through before the beginning of the file has arrived. A file that goes
// through eight streams would be there but for a piece of its beginning when just that is late.
const mostAhead = 8

// stalling keeps requests waiting as a file orders it.
type stalling struct {
	order string

	mu    sync.Mutex
	sends map[string]int // since there is an order, by shell
}

// inject keeps a request waiting where the order says so. One whose sender gives up is not carried out.
func (s *stalling) inject(r winrmd.Request) winrmd.InjectedFault {
	for ahead := s.ahead(r); ; time.Sleep(5 * time.Millisecond) {
		switch pattern, bytes, ordered := s.ordered(r.Action); {
		case ordered && hasArrived(pattern, bytes):
			return winrmd.InjectedFault{Delay: time.Hour}
		case !ordered || !ahead:
			return winrmd.InjectedFault{}
		}
	}
}

// ahead counts what is sent, and says whether this shell has sent enough for the moment.
func (s *stalling) ahead(r winrmd.Request) bool {
	if _, _, ordered := s.ordered("Send"); !ordered || r.Action != "Send" {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sends[r.Shell]++
	return s.sends[r.Shell] > mostAhead
}

// ordered is what has to have arrived when requests of an action stall, if they are to.
func (s *stalling) ordered(action string) (pattern string, bytes int64, ordered bool) {
	text, err := os.ReadFile(s.order)
	words := strings.Fields(string(text))
	if err != nil || len(words) != 3 || words[0] != action {
		return "", 0, false
	}
	bytes, err = strconv.ParseInt(words[2], 10, 64)
	return words[1], bytes, err == nil
}

// hasArrived reports whether so many bytes of a file that matches a pattern have.
func hasArrived(pattern string, bytes int64) bool {
	found, _ := filepath.Glob(pattern) // a pattern that is none matches nothing
	return slices.ContainsFunc(found, func(path string) bool { return arrived(path) >= bytes })
}

// beforeHole is where the first hole of a file is, or its end: one that is fetched in ranges side by side has holes.
func beforeHole(path string) int64 {
	file, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer file.Close()
	hole, err := unix.Seek(int(file.Fd()), 0, unix.SEEK_HOLE)
	if err != nil {
		return 0
	}
	return hole
}

// arrived is how many bytes of a file are there from its beginning on. Where several streams fill one in the guest, the
// map beside it tells (driver/agent/transfer/part.h): how long the chunks are, from where on they are counted, and a 1 for each that is there.
func arrived(path string) int64 {
	marks, err := os.ReadFile(path + ".map")
	const layout = 56
	if err != nil {
		return beforeHole(path)
	}
	if len(marks) < layout {
		return 0
	}
	bytes := int64(binary.LittleEndian.Uint64(marks[16:]))
	for _, there := range marks[layout:] {
		if there != 1 {
			break
		}
		bytes += int64(binary.LittleEndian.Uint32(marks[4:]))
	}
	return bytes
}
