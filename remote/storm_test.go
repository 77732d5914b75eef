//go:build linux

package remote_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"wskharness/remote"
	"wskharness/remote/winrmd"
	"wskharness/testtime"
)

var stormSeed = flag.Uint64("storm-seed", 0, "seed of the fault storm; 0 draws one")

// TestFaultStorm runs commands with input, output and exit codes while things go wrong at random.
// Each command's result is right, or a typed error in time; afterwards nothing is left anywhere.
func TestFaultStorm(t *testing.T) {
	noLeaks(t)
	seed := *stormSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	defer func() {
		if t.Failed() {
			t.Logf("to repeat: -storm-seed=%d", seed)
		}
	}()
	kinds := []winrmd.FaultKind{winrmd.Drop, winrmd.LoseAnswer, winrmd.HalfClose, winrmd.Unauthorized, winrmd.ServerError,
		winrmd.TooLarge, winrmd.QuotaUsedUp, winrmd.ShellVanishes, winrmd.BlackHole, winrmd.Reboot}
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(seed, 1))
	calm := true // until it is known how patient a client has to be
	injected := map[winrmd.FaultKind]int{}
	m := serve(t, winrmd.Options{
		Limits: winrmd.Limits{MaxShellsPerUser: 600, MaxTimeoutms: 200},
		Inject: func(r winrmd.Request) winrmd.InjectedFault {
			mu.Lock()
			defer mu.Unlock()
			if calm || random.IntN(20) != 0 {
				return winrmd.InjectedFault{}
			}
			m := winrmd.InjectedFault{Kind: kinds[random.IntN(len(kinds))], Delay: time.Duration(random.IntN(10)) * time.Millisecond}
			injected[m.Kind]++
			return m
		},
	})
	total := 500
	if testtime.Race {
		total = 100
	}
	const workersAtATime = 16
	timeout := responseTimeoutHere(t, m.sealed, workersAtATime)
	t.Logf("clients wait for %s", timeout)
	mu.Lock()
	calm = false
	mu.Unlock()
	opts := remote.Options{Owner: "storm", OperationTimeout: 200 * time.Millisecond, HTTPMargin: timeout, CleanupTimeout: 2 * time.Second, QuotaWait: -1}
	clients := []*remote.WinRM{}
	for _, ep := range []remote.Endpoint{m.basic, m.sealed} {
		c, err := remote.New(ep, opts)
		if err != nil {
			t.Fatal(err)
		}
		clients = append(clients, c)
	}
	jobs := make(chan int)
	var workers sync.WaitGroup
	var right, wrong int
	for range workersAtATime {
		workers.Go(func() {
			for i := range jobs {
				err := stormy(t, clients[i%len(clients)], seed, i)
				mu.Lock()
				if err == nil {
					right++
				} else {
					wrong++
				}
				mu.Unlock()
			}
		})
	}
	// As many as it takes for some to be right and some not.
	enough := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return right > 0 && wrong > 0
	}
	for i := 0; i < total || !enough() && testtime.Context(t).Err() == nil; i++ {
		jobs <- i
	}
	close(jobs)
	workers.Wait()
	mu.Lock()
	calm = true
	t.Logf("%d right, %d with a typed error; injected faults: %v", right, wrong, injected)
	if right == 0 || wrong == 0 {
		t.Error("the storm was none, or nothing survived it")
	}
	mu.Unlock()
	for _, c := range clients {
		c.Close() // what could not be deleted is reported; a lost answer may have left shells, too
	}
	// A new life of the same owner finds what is left, and nothing else is there.
	heir := dial(t, m.basic, quick())
	testtime.Await(t, "the machine to be up", func() bool { return answers(t, heir) })
	// The last reboot of the storm may still be to come: whoever ordered it has long given up on it.
	var infos []remote.ShellInfo
	testtime.Await(t, "the shells to be listed", func() bool {
		var err error
		infos, err = heir.Shells(t.Context())
		return err == nil
	})
	for _, i := range infos {
		if !strings.HasPrefix(i.Name, "storm") {
			t.Errorf("a shell without its owner's name: %+v", i)
		}
	}
}

// responseTimeoutHere is how patient a client has to be on this machine: ten times as long as a request takes when many have
// one out.
func responseTimeoutHere(t *testing.T, at remote.Endpoint, many int) time.Duration {
	client, err := remote.New(at, remote.Options{Owner: "calm"})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var all sync.WaitGroup
	begun := time.Now()
	for i := range many {
		all.Go(func() {
			if err := stormy(t, client, 0, i); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	const requests = 6 // of which each waits for the one before
	return max(300*time.Millisecond, 10*time.Since(begun)/requests)
}

// stormy runs one command, and reports anything but a right result or a typed error in time.
func stormy(t *testing.T, client *remote.WinRM, seed uint64, i int) error {
	random := rand.New(rand.NewPCG(seed, uint64(i)+2))
	data := make([]byte, random.IntN(100<<10))
	for j := range data {
		data[j] = byte(random.Uint32())
	}
	sum := sha256.Sum256(data)
	start := time.Now()
	err := func() error {
		shell, err := client.Shell(t.Context(), remote.ShellOptions{})
		if err != nil {
			return err
		}
		defer shell.Close(t.Context())
		line := fmt.Sprintf("tee /dev/stderr | sha256sum; exit %d", i%200)
		got, err := shell.Run(t.Context(), remote.CommandLine{Line: line}, bytes.NewReader(data))
		if err != nil {
			return err
		}
		if hash := strings.Fields(string(got.Stdout) + " -")[0]; hash != hex.EncodeToString(sum[:]) || !bytes.Equal(got.Stderr, data) || got.ExitCode != uint32(i%200) {
			t.Errorf("command %d: a wrong result passed for a right one: %s of %d bytes, want %x of %d; exit code %d", i, hash, len(got.Stderr), sum, len(data), got.ExitCode)
		}
		return nil
	}()
	if d := time.Since(start); d > 2*time.Minute {
		t.Errorf("command %d took %s", i, d)
	}
	_, isFault := errors.AsType[*remote.Fault](err)
	lost, _ := remote.IsUnanswered(err)
	if err != nil && !isFault && !lost {
		t.Errorf("command %d: %v is neither a Fault nor a ConnError", i, err)
	}
	return err
}
