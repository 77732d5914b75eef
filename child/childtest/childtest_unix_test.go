//go:build unix

package childtest

import (
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
)

// TestProgram starts programs as soon as they are written, while others are started beside them.
func TestProgram(t *testing.T) {
	dir := t.TempDir()
	over := make(chan struct{})
	var others sync.WaitGroup
	for range 4 {
		others.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
					_ = exec.Command("true").Run() // all that counts is that it is started
				}
			}
		})
	}
	for i := range 300 {
		path := filepath.Join(dir, strconv.Itoa(i))
		Program(t, path, "#!/bin/sh\nexit 0\n")
		if out, err := exec.Command("/bin/sh", "-c", path).CombinedOutput(); err != nil {
			t.Errorf("got %v: %s, want it to run", err, out)
		}
	}
	close(over)
	others.Wait()
}
