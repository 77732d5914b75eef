//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"wskharness/vm/vmtest/bootable/early"
)

// commands are what the guest can be told, by name: what a command prints, or why it ends with 1.
var commands = map[string]func(argument string, p *process) (string, error){
	"echo":     func(text string, _ *process) (string, error) { return text, nil },
	"write":    write,
	"read":     read,
	"exists":   exists,
	"absent":   absent,
	"boot-id":  func(string, *process) (string, error) { return early.BootID(), nil },
	"date":     func(string, *process) (string, error) { return strconv.FormatInt(time.Now().Unix(), 10), nil },
	"set-date": setDate,
	"console":  func(text string, _ *process) (string, error) { early.Say("%s", text); return "", nil },
	"crash":    func(_ string, p *process) (string, error) { return p.later("crash", early.Crash) },
	"hang":     func(_ string, p *process) (string, error) { return p.later("hang", early.Hang) },
	"reboot":   func(_ string, p *process) (string, error) { return p.later("reboot", early.Reboot) },
	"poweroff": func(_ string, p *process) (string, error) { return p.later("power off", early.PowerOff) },
}

// answered is how long an answer has until what ends the guest is done.
const answered = 300 * time.Millisecond

// later has something done when the command has been answered.
func (p *process) later(what string, do func() error) (string, error) {
	p.then = func() {
		time.Sleep(answered)
		early.Say("%s", what)
		if err := do(); err != nil {
			early.Say("%s: %v", what, err)
		}
	}
	return "", nil
}

// onDisk is a file of the disk. Where it is named by a path of Windows, the last part of that counts.
func onDisk(name string) (string, error) {
	name = name[strings.LastIndexAny(name, `\/`)+1:]
	if name == "" || name == "." || name == ".." {
		return "", errors.New("expected the name of a file")
	}
	return filepath.Join(disk, name), nil
}

// write makes a file that is on the disk when it returns.
func write(argument string, _ *process) (string, error) {
	name, text, _ := strings.Cut(argument, " ")
	path, err := onDisk(name)
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		return "", err
	}
	unix.Sync()
	return "", nil
}

func read(name string, _ *process) (string, error) {
	path, err := onDisk(name)
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(path)
	return string(text), err
}

func exists(name string, _ *process) (string, error) {
	path, err := onDisk(name)
	if err != nil {
		return "", err
	}
	_, err = os.Stat(path)
	return "", err
}

func absent(name string, p *process) (string, error) {
	if _, err := exists(name, p); err == nil {
		return "", fmt.Errorf("%s is there", name)
	} else if !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	return "", nil
}

func setDate(seconds string, _ *process) (string, error) {
	n, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return "", err
	}
	return "", unix.Settimeofday(&unix.Timeval{Sec: n})
}
