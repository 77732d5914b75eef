//go:build linux

// Command inside stands for Windows: for its installation disc, and for what that puts on the disk. It is the only program of a
// Linux that starts from the disc. There it reads our answer disc, as Windows PE would, and copies itself to the disk; from the
// disk it starts once more, and then answers over WinRM with what it was given.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"wskharness/vm/vmtest/bootable/early"
)

func main() {
	err := run()
	if err != nil {
		say("failed inside: %v", err)
	}
	early.PowerOff()
}

// say writes a line as our scripts do.
func say(format string, args ...any) { fmt.Printf("wskharness: "+format+"\r\n", args...) }

// Its disks, in the order in which the machine has them.
const (
	systemDisk  = "/dev/vda"
	windowsDisc = "/dev/vdb"
	answerDisc  = "/dev/vdc"
)

func run() error {
	if _, err := early.Start(""); err != nil {
		return err
	}
	line, err := os.ReadFile("/proc/cmdline")
	if err != nil {
		return err
	}
	mode := ""
	for _, word := range strings.Fields(string(line)) {
		if value, ok := strings.CutPrefix(word, "standin="); ok {
			mode = value
		}
	}
	installed, err := readState()
	switch {
	case err != nil:
		return err
	case installed == nil:
		return install(mode)
	case !installed.Restarted:
		say("step specialize")
		installed.Restarted = true
		if err := installed.write(); err != nil {
			return err
		}
		return early.Reboot()
	}
	return serve(mode, installed)
}

// state is what an installation has left on the disk, behind the copy of the disc.
type state struct {
	Restarted bool
	Files     map[string][]byte // of the answer disc
}

const (
	stateAt   = 1 << 30
	stateSize = 1 << 20
)

func readState() (*state, error) {
	f, err := os.Open(systemDisk)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data := make([]byte, stateSize)
	if _, err := f.ReadAt(data, stateAt); err != nil {
		return nil, err
	}
	text := strings.TrimRight(string(data), "\x00")
	if text == "" {
		return nil, nil
	}
	s := &state{}
	return s, json.Unmarshal([]byte(text), s)
}

func (s *state) write() error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(systemDisk, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.WriteAt(append(text, make([]byte, stateSize-len(text))...), stateAt); err != nil {
		return err
	}
	return f.Sync()
}

// forever stands still.
func forever() {
	for {
		time.Sleep(time.Hour)
	}
}
