package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wskharness/results"
	"wskharness/testtime"
)

// TestNobodyReads runs as `run | head -1` does when head is gone: the run goes on to its end, its reports are there, its
// guest is not, and the exit code says that not all of it could be told.
func TestNobodyReads(t *testing.T) {
	t.Parallel()
	l := newLife(t)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	read.Close()
	defer write.Close()
	cmd, _ := l.command(testtime.Context(t), "unread", "run", "life.quick")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = write, &said
	err = cmd.Run()
	if code := cmd.ProcessState.ExitCode(); code != results.ExitInfrastructure || !strings.Contains(said.String(), "broken pipe") {
		t.Errorf("exit code %d (%v): %s", code, err, &said)
	}
	if !strings.Contains(l.journal("unread"), string(results.KindRunFinished)) {
		t.Errorf("the run did not come to its end: %s", l.journal("unread"))
	}
	for _, report := range []string{"junit.xml", "summary.md"} {
		if _, err := os.Stat(filepath.Join(l.dir, "unread", "latest", report)); err != nil {
			t.Error(err)
		}
	}
	l.nothingLeft(t)
}
