//go:build linux

package guest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"wskharness/guest/agent"
	"wskharness/guest/transfer"
	"wskharness/remote"
	"wskharness/remote/winrmd"
	"wskharness/testtime"
)

var stormSeed = flag.Uint64("storm-seed", 0, "seed of the fault storm; 0 draws one")

// storm is what goes on in a fault storm: transfers and commands, while things go wrong at random.
type storm struct {
	t    *testing.T
	g    *fakeGuest
	seed uint64
	dir  string

	timeout time.Duration // that clients have beyond what the server may take

	mu       sync.Mutex
	random   *rand.Rand
	calm     bool
	injected map[winrmd.FaultKind]int
	right    int
	wrong    int
	streams  int // pushes that went through several streams
}

// TestFaultStorm pushes and pulls files, through one stream and several, and runs commands while things go
// wrong at random. Every file is bit-exact or absent, every result right or an error in time, and nothing is
// left: no shell, goroutine or file descriptor.
func TestFaultStorm(t *testing.T) {
	seed := *stormSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	defer func() {
		if t.Failed() {
			t.Logf("to repeat: -storm-seed=%d", seed)
		}
	}()
	g := newLoneGuest(t)
	s := &storm{t: t, g: g, seed: seed, dir: t.TempDir(), random: rand.New(rand.NewPCG(seed, 1)), injected: map[winrmd.FaultKind]int{}}
	g.inject = s.inject
	g.special = sortOf
	g.client.Close() // the storm's clients are less patient
	total, clients := 500, 12
	if testtime.Race {
		total = 40
	}
	s.measure(clients)
	jobs := make(chan int)
	var workers sync.WaitGroup
	for range clients {
		workers.Go(func() { s.work(jobs) })
	}
	// As many as it takes for a quarter of them to be right, and some not.
	enough := func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.right >= total/4 && s.wrong > 0 && s.streams > 0
	}
	for i := 0; i < total || !enough() && testtime.Context(t).Err() == nil; i++ {
		jobs <- i
	}
	close(jobs)
	workers.Wait()
	t.Logf("%d right, %d of them pushed through several streams, %d with an error; injected faults: %v", s.right, s.streams, s.wrong, s.injected)
	if !enough() {
		t.Error("the storm was none, or too little survived it")
	}
	s.calmDown()
	s.nothingLeft()
}

// measure finds how patient a client has to be on this machine: ten times as long as a request takes when all of them
// have one out.
func (s *storm) measure(clients int) {
	s.calm, s.timeout = true, time.Hour
	agent := s.g.seed()
	var all sync.WaitGroup
	begun := time.Now()
	for range clients {
		all.Go(func() {
			client, err := s.client()
			if err != nil {
				s.t.Error(err)
				return
			}
			defer client.Close()
			g, err := Connect(s.t.Context(), client, Options{Agent: agent})
			if err != nil {
				s.t.Error(err)
				return
			}
			if err := g.Close(s.t.Context()); err != nil {
				s.t.Error(err)
			}
		})
	}
	all.Wait()
	const requests = 5 // of which each waits for the one before
	s.calm, s.timeout = false, max(700*time.Millisecond, 10*time.Since(begun)/requests)
	s.t.Logf("clients wait for %s", s.timeout)
}

// inject has one request in fifty go wrong.
func (s *storm) inject(winrmd.Request) winrmd.InjectedFault {
	kinds := []winrmd.FaultKind{winrmd.Drop, winrmd.LoseAnswer, winrmd.HalfClose, winrmd.Unauthorized, winrmd.ServerError,
		winrmd.TooLarge, winrmd.QuotaUsedUp, winrmd.ShellVanishes, winrmd.BlackHole}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calm || s.random.IntN(50) != 0 {
		return winrmd.InjectedFault{}
	}
	m := winrmd.InjectedFault{Kind: kinds[s.random.IntN(len(kinds))], Delay: time.Duration(s.random.IntN(10)) * time.Millisecond}
	s.injected[m.Kind]++
	return m
}

func (s *storm) calmDown() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calm = true
}

// client is a client of its own for each worker: patient enough for the errors, not for more.
func (s *storm) client() (*remote.WinRM, error) {
	return remote.New(s.g.client.Endpoint(), remote.Options{Owner: "storm", OperationTimeout: 300 * time.Millisecond,
		HTTPMargin: s.timeout, CleanupTimeout: time.Hour, QuotaWait: -1})
}

func (s *storm) work(jobs <-chan int) {
	client, err := s.client()
	if err != nil {
		s.t.Error(err)
		return
	}
	defer client.Close()
	agent := s.g.seed()
	for i := range jobs {
		begun := time.Now()
		err := s.job(client, agent, i)
		if took := time.Since(begun); took > 5*time.Minute {
			s.t.Errorf("job %d took %s", i, took)
		}
		if err != nil && !expected(err) {
			s.t.Errorf("job %d: %v is not an error that says what kind it is", i, err)
		}
		s.mu.Lock()
		if err == nil {
			s.right++
		} else {
			s.wrong++
		}
		s.mu.Unlock()
	}
}

// expected are the errors that a caller can tell from each other.
func expected(err error) bool {
	_, fault := errors.AsType[*remote.Fault](err)
	lost, _ := remote.IsUnanswered(err)
	_, refused := errors.AsType[*agent.Error](err)
	_, moved := errors.AsType[*transfer.Error](err)
	return fault || lost || refused || moved || errors.Is(err, remote.ErrShellClosed) || errors.Is(err, agent.ErrDamaged)
}

// job is one transfer or command of the storm.
func (s *storm) job(client *remote.WinRM, agent Agent, i int) error {
	ctx := testtime.Context(s.t)
	g, err := Connect(ctx, client, Options{Agent: agent, retries: 4, retryPause: 5 * time.Millisecond})
	if err != nil {
		return err
	}
	defer g.Close(context.WithoutCancel(ctx))
	g.slow = time.Hour
	random := rand.New(rand.NewPCG(s.seed, uint64(i)+2))
	data := make([]byte, random.IntN(1<<20))
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], s.seed+uint64(i))
	rand.NewChaCha8(key).Read(data)
	switch i % 4 {
	case 0:
		return s.push(ctx, g, i, data)
	case 1:
		g.slow = 1
		if err := s.push(ctx, g, i, append(data, make([]byte, 5<<19)...)); err != nil {
			return err
		}
		s.mu.Lock()
		s.streams++
		s.mu.Unlock()
		return nil
	case 2:
		return s.pull(ctx, g, i, data)
	}
	return s.run(ctx, g, i, data)
}

// push brings a file there: all of it, or nothing under its name.
func (s *storm) push(ctx context.Context, g *Guest, i int, data []byte) error {
	path := fmt.Sprintf(`C:\storm\%d.bin`, i)
	begun := time.Now()
	stats, err := g.Push(ctx, []transfer.File{transfer.Contents(path, data)}, nil)
	if took := time.Since(begun); took > time.Minute {
		s.t.Logf("push %d of %d bytes took %s: %+v, %v", i, len(data), took, stats, err)
	}
	got, there := s.g.read(path)
	switch {
	case there && !bytes.Equal(got, data):
		s.t.Errorf("push %d: %d bytes are there under its name, and not those that were sent", i, len(got))
	case err == nil && !there:
		s.t.Errorf("push %d: it succeeded, and nothing is there", i)
	}
	return err
}

// pull fetches a file: all of it, or nothing under its name.
func (s *storm) pull(ctx context.Context, g *Guest, i int, data []byte) error {
	path, local := fmt.Sprintf(`C:\storm\%d.bin`, i), filepath.Join(s.dir, fmt.Sprint(i))
	s.g.write(path, data)
	_, err := g.PullFile(ctx, path, local, transfer.PullOptions{RangeBytes: 1 << 20})
	got, readErr := os.ReadFile(local)
	switch {
	case readErr == nil && !bytes.Equal(got, data):
		s.t.Errorf("pull %d: %d bytes are there under its name, and not those that were asked for", i, len(got))
	case err == nil && readErr != nil:
		s.t.Errorf("pull %d: it succeeded, and %v", i, readErr)
	}
	return err
}

// run runs a command whose output and exit code say what input it got.
func (s *storm) run(ctx context.Context, g *Guest, i int, data []byte) error {
	data = data[:len(data)/8]
	var out, errs bytes.Buffer
	code, err := g.Exec(ctx, remote.CommandLine{Line: fmt.Sprint("hash ", i)}, bytes.NewReader(data), &out, &errs)
	sum := sha256.Sum256(data)
	if err == nil && (code != uint32(i) || out.String() != hex.EncodeToString(sum[:]) || !bytes.Equal(errs.Bytes(), data)) {
		s.t.Errorf("command %d: exit code %d, %q and %d bytes: a wrong result passed for a right one", i, code, out.String(), errs.Len())
	}
	return err
}

// sortOf is the storm's command: the hash of its input, its input once more, and its number.
func sortOf(spec winrmd.Spec, in io.Reader, out, errs io.Writer) (uint32, bool) {
	var code uint32
	if n, _ := fmt.Sscanf(spec.Command, "hash %d", &code); n != 1 {
		return 0, false
	}
	data, err := io.ReadAll(in)
	if err != nil {
		return 1 << 31, true
	}
	sum := sha256.Sum256(data)
	errs.Write(data)
	io.WriteString(out, hex.EncodeToString(sum[:]))
	return code, true
}

// nothingLeft waits until every shell of the storm is gone, or was one whose answer was lost: those bear the
// owner's name, and the next client of that owner may clear them away. Then nothing of this process is left.
func (s *storm) nothingLeft() {
	heir, err := remote.New(s.g.client.Endpoint(), remote.Options{Owner: "storm"})
	if err != nil {
		s.t.Fatal(err)
	}
	infos, err := heir.Shells(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	lost := s.injected[winrmd.LoseAnswer] + s.injected[winrmd.HalfClose] + s.injected[winrmd.BlackHole] + s.injected[winrmd.ServerError] + s.injected[winrmd.Drop] + s.injected[winrmd.TooLarge] + s.injected[winrmd.QuotaUsedUp]
	if len(infos) > lost {
		s.t.Errorf("%d shells are left after %d answers that were lost", len(infos), lost)
	}
	for _, i := range infos {
		if !strings.HasPrefix(i.Name, "storm") {
			s.t.Errorf("a shell without its owner's name: %+v", i)
		}
	}
	heir.Close()
	testtime.Await(s.t, "every goroutine of a client to end", func() bool { return clientsLeft() == "" })
	address := strings.TrimSuffix(strings.TrimPrefix(s.g.client.Endpoint().URL, "https://"), "/wsman")
	// The transport closes one that was still in use by itself, and a moment later.
	testtime.Await(s.t, "every connection to be closed", func() bool { return connectionsTo(s.t, address) == 0 })
}

// clientsLeft are the goroutines of clients and of this package's product code.
func clientsLeft() string {
	buf := make([]byte, 4<<20)
	var left []string
	for _, g := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if strings.Contains(g, "wskharness/remote.(*") || strings.Contains(g, "wskharness/guest/transfer.(*Conversation)") ||
			strings.Contains(g, "wskharness/guest/transfer.(*stripes)") || strings.Contains(g, "wskharness/guest/transfer.(*pull)") {
			left = append(left, g)
		}
	}
	return strings.Join(left, "\n\n")
}

// connectionsTo counts this machine's established connections to a listener.
func connectionsTo(t *testing.T, address string) int {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	var number int
	fmt.Sscan(port, &number)
	data, err := os.ReadFile("/proc/self/net/tcp")
	if err != nil {
		t.Skip("no /proc/self/net/tcp to count connections in")
	}
	n := 0
	for line := range strings.Lines(string(data)) {
		fields := strings.Fields(line)
		if len(fields) > 3 && strings.HasSuffix(fields[2], fmt.Sprintf(":%04X", number)) && fields[3] == "01" {
			n++
		}
	}
	return n
}
