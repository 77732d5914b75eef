package lease_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"wskharness/vm/lease"
)

// Who makes a lease's folder is never swept while he holds its lock, and never fails because others sweep or look.
func TestFoldersAreMadeWhileOthersSweep(t *testing.T) {
	t.Parallel()
	const makers, sweepers = 4, 3
	rounds := 500
	if runtime.GOOS == "windows" {
		rounds = 50 // on Wine each call of the system goes through another process
	}
	room := t.TempDir()
	var made, swept atomic.Int64
	var making, sweeping sync.WaitGroup
	done := make(chan struct{})
	for range sweepers {
		sweeping.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				found, err := lease.Sweep(room, (*lease.Lease).Discard)
				if err != nil {
					t.Error(err)
					return
				}
				swept.Add(int64(len(found)))
			}
		})
	}
	for maker := range makers {
		making.Go(func() {
			for round := range rounds {
				if err := folder(filepath.Join(room, fmt.Sprintf("guest-%d-%d", maker, round)), round%2 == 0); err != nil {
					t.Error(err)
					return
				}
				made.Add(1)
			}
		})
	}
	making.Wait()
	close(done)
	sweeping.Wait()
	if _, err := lease.Sweep(room, (*lease.Lease).Discard); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(room); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	t.Logf("%d made, %d of them left to the sweepers, which swept %d", made.Load(), makers*rounds/2, swept.Load())
	if swept.Load() == 0 {
		t.Error("nothing was swept: the test proves nothing")
	}
}

// folder is the life of a lease's folder: it is made, used, looked at, and removed or left.
func folder(dir string, leave bool) error {
	l, err := lease.Make(filepath.Split(dir))
	if err != nil {
		return err
	}
	defer l.LetGo()
	for i := range 3 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), nil, 0o600); err != nil {
			return fmt.Errorf("swept while its lock was held: %w", err)
		}
		if !lease.Held(dir) {
			return fmt.Errorf("%s does not count as served", dir)
		}
	}
	if leave {
		return nil
	}
	return l.Discard()
}

// A folder is never made in the place of another.
func TestAFolderThatIsThere(t *testing.T) {
	t.Parallel()
	room := t.TempDir()
	if err := os.MkdirAll(filepath.Join(room, "guest", "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := lease.Make(room, "guest")
	if !errors.Is(err, fs.ErrExist) {
		t.Errorf("%+v, %v; want an error that says that it is there", l, err)
	}
	if all, err := lease.Folders(room); err != nil || len(all) != 1 {
		t.Errorf("folders %v, %v; want the one that was there", all, err)
	}
	if left, err := os.ReadDir(room); err != nil || len(left) != 1 {
		t.Errorf("left: %v, %v; want the one that was there", left, err)
	}
}

func Example() {
	room, err := os.MkdirTemp("", "leases-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(room)
	l, err := lease.Make(room, "lab1-abcdefgh")
	if err != nil {
		panic(err)
	}
	var read struct{ Domain string }
	err = errors.Join(lease.Write(l.Dir, "state.json", map[string]string{"domain": "win11"}), lease.Read(l.Dir, "state.json", &read))
	fmt.Println(read.Domain, lease.Held(l.Dir), err)
	l.LetGo() // as a controller that ends does, however it ends
	swept, err := lease.Sweep(room, (*lease.Lease).Discard)
	fmt.Println(len(swept), err)
	// Output:
	// win11 true <nil>
	// 1 <nil>
}
