//go:build linux

package wine

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"wskharness/vm"
	"wskharness/winerr"
)

const (
	bootLimit = 3 * time.Minute
	// hostProgram is where the WinRM service's side is in a guest.
	hostProgram = `C:\windows\winrshost.exe`
	maxConsole  = 1 << 20 // bytes of console that are kept, per boot
	maxLine     = 8 << 10
	socketLimit = time.Minute
	flushLimit  = 30 * time.Second
	quietLimit  = 30 * time.Second
)

// boot is a running guest: its wineserver, its winrshost.exe, and all that they have started.
type boot struct {
	kin    kin
	begun  time.Time
	ready  time.Time // when drivers could be loaded
	host   *hostConn
	crash  chan vm.Event // one, when a driver's process has crashed
	inside *sandbox      // nil before there is one

	mu      sync.Mutex
	console console
	log     []byte
	dropped int64         // bytes of the console that were before those
	hearing sync.Mutex    // held by who waits for a mark
	mark    string        // a line of our own that is on its way through the console …
	marked  chan struct{} // … and has arrived when this is closed
	ear     *os.File      // our end of the console
	quiet   chan struct{} // closed when nothing more can come from the console
	echo    io.Writer     // nil, or gets the console, too
}

// start boots a prefix. It returns when drivers can be loaded. What it started is killed with the thread
// that started it, and so with this process, however that ends.
func start(ctx context.Context, o *guestConfig, k kin, c enclosure) (*boot, error) {
	ctx, cancel := context.WithTimeout(ctx, bootLimit)
	defer cancel()
	b := &boot{kin: k, begun: time.Now(), crash: make(chan vm.Event, 1),
		quiet: make(chan struct{}), echo: o.echo}
	env := o.Software.Environment(k.prefix, k.temp, debugChannels)
	if o.Netio != "" {
		env = append(env, "WINEDLLOVERRIDES=netio.sys=n,b")
	}
	consoleRead, consoleWrite, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("boot the guest: %w", err)
	}
	b.ear = consoleRead
	if err = PlaceServer(k.prefix, k.temp); err == nil {
		b.inside, err = enter(ctx, order{Software: o.Software, Prefix: k.prefix, Temp: k.temp, Env: env, Landlock: c.Landlock > 0}, c, consoleWrite)
	}
	consoleWrite.Close()
	if err == nil {
		b.host = newHostConn(b.inside.in, b.inside.out)
		go b.watch()
	}
	go b.follow()
	if err == nil {
		err = b.host.awaitReady(ctx)
	}
	if err == nil {
		b.ready = time.Now()
		return b, nil
	}
	var crash *vm.Event
	select {
	case e := <-b.crash: // now: what ends when it is stopped does not count
		crash = &e
	default:
	}
	b.stop()
	return nil, &bootError{err: err, console: tail(b.tail(), 2000), crash: crash}
}

// bootError is a guest that did not get up.
type bootError struct {
	err     error
	console []byte    // the end of it
	crash   *vm.Event // of a driver, meanwhile; nil where there was none
}

func (e *bootError) Error() string {
	return fmt.Sprintf("boot the guest: %v; its console: %s", e.err, e.console)
}

func (e *bootError) Unwrap() error { return e.err }

// longLife is how long a guest has to be up so that it has not crashed "again". Where a boot takes long, so does what is done
// in it: it is so many boots of its own, too.
const (
	longLife  = 20 * time.Second
	longBoots = 20
)

// livedLong reports whether a boot that is over was up for long. How long it had taken to get up does not count.
func (b *boot) livedLong() bool {
	return time.Since(b.ready) > max(longLife, longBoots*b.ready.Sub(b.begun))
}

// endedInOrder reports whether a guest whose winrshost.exe has ended did so by itself, and is not one whose kernel was killed.
func (b *boot) endedInOrder() bool {
	select {
	case <-b.inside.told:
		return b.inside.inOrder
	case <-time.After(flushLimit):
		return false
	}
}

// halt ends everything of the guest, but lets its registry reach the disk first: Windows, too, has flushed by
// then what was written seconds before a crash, while wineserver does so twice a minute. A wineserver that
// does not follow is killed.
func (b *boot) halt() {
	if b.inside != nil {
		b.inside.shutDown()
		select {
		case <-b.inside.gone:
		case <-time.After(flushLimit):
		}
	}
	b.stop()
}

// stop ends everything of the guest, at once: like pulling the plug.
func (b *boot) stop() {
	if b.inside != nil {
		b.inside.kill()
	}
	// Whoever still has the console open is a process of the guest, and is found the next time.
	for deadline := time.Now().Add(quietLimit); time.Now().Before(deadline); {
		_ = b.kin.kill() // the guest's end tells of those that stay
		select {
		case <-b.quiet:
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
	b.ear.Close() // somebody outside the guest has the console, and may keep it
	<-b.quiet
}

// follow reads the console: what is kept of it is bounded, and so is each line.
func (b *boot) follow() {
	defer close(b.quiet)
	defer b.ear.Close()
	lines := bufio.NewReaderSize(b.ear, maxLine)
	for {
		line, err := lines.ReadSlice('\n')
		b.line(line)
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}

func (b *boot) line(line []byte) {
	b.mu.Lock()
	if b.mark != "" && bytes.Contains(line, []byte(b.mark)) {
		line = bytes.Replace(line, []byte(b.mark+"\n"), nil, 1)
		b.mark = ""
		close(b.marked)
	}
	if len(b.log)+len(line) > maxConsole {
		half := len(b.log) / 2
		b.log = append(b.log[:0], b.log[half:]...)
		b.dropped += int64(half)
	}
	b.log = append(b.log, line...)
	driver := b.console.line(string(line))
	b.mu.Unlock()
	b.repeat(line)
	if driver != 0 && b.host != nil {
		_ = b.host.watch(driver) // a host that is gone ends the boot anyway
	}
}

// watch turns the end of a driver's process into a crash, and that of wineserver into the guest's.
func (b *boot) watch() {
	for {
		select {
		case e := <-b.host.watched:
			if e.exit == 0 {
				continue // unloaded
			}
			event, known := b.lastWord(e)
			if e.exit == uint32(winerr.ErrorInvalidParameter) && !known {
				// This is no exit code: winrshost.exe could not open a process that was gone already, and nobody has heard it crash.
				continue
			}
			event.Time = time.Now()
			select {
			case b.crash <- event:
			default: // one is enough
			}
		case <-b.inside.gone:
			return
		case <-b.host.over:
			return
		}
	}
}

// killHost ends the process that hosts a driver, as if somebody in the guest did.
func (b *boot) killHost(driver string) error {
	b.hearAll() // that it was loaded may still be on its way
	b.mu.Lock()
	process := b.console.host(driver)
	b.mu.Unlock()
	if process == 0 {
		return fmt.Errorf("no process of the guest has loaded %s", driver)
	}
	return b.host.kill(process, uint32(winerr.ErrorProcessAborted))
}

// lastWord is what the console told of the end of a driver's process, and whether it did.
func (b *boot) lastWord(e watchedEvent) (event vm.Event, known bool) {
	b.hearAll()
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.console.crash(e.process, e.exit), b.console.explained(e.process)
}

// hearAll returns when all is read that was printed until now. That a process has ended is told on another way than
// what it printed, and may be known first; but what it printed is in the console by then, and a line of our own comes
// behind it. So nothing depends on how long that takes.
func (b *boot) hearAll() {
	b.hearing.Lock()
	defer b.hearing.Unlock()
	marked := make(chan struct{})
	mark := "marked " + rand.Text()
	b.mu.Lock()
	b.mark, b.marked = mark, marked
	b.mu.Unlock()
	if err := b.print(mark + "\n"); err != nil {
		return // nobody reads the console any more
	}
	select {
	case <-marked:
	case <-b.quiet:
	}
}

// print adds a line to the console. Our end of it is opened for that alone: the console is quiet when nobody has it.
func (b *boot) print(line string) error {
	raw, err := b.ear.SyscallConn()
	if err != nil {
		return err
	}
	var console *os.File
	var openErr error
	err = raw.Control(func(fd uintptr) {
		console, openErr = os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", fd), os.O_WRONLY, 0)
	})
	if err = errors.Join(err, openErr); err != nil {
		return err
	}
	_, err = console.WriteString(line)
	return errors.Join(err, console.Close())
}

// tail is what the console has kept.
func (b *boot) tail() []byte {
	text, _ := b.printed()
	return text
}

// printed is what the console has kept, and how many bytes were before that.
func (b *boot) printed() (text []byte, dropped int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]byte(nil), b.log...), b.dropped
}

func tail(b []byte, n int) []byte { return b[max(0, len(b)-n):] }
