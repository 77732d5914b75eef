//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"wskharness/child"
	"wskharness/vm/wine"
	"wskharness/windowstest"
)

const (
	startWord     = "start"                 // with it, this program starts a test
	placeVariable = "WSKHARNESS_TEST_PLACE" // what has the place, for it
	logArgument   = "-test.testlogfile="    // by which a test is told where to note what it has read
)

// place is how programs are started on a computer.
type place struct {
	Loader string
	Env    []string
}

// start runs a test's program on the computer, in this folder, and gives its exit code.
func start(program string, args []string) (code int) {
	var on place
	if err := json.Unmarshal([]byte(os.Getenv(placeVariable)), &on); err != nil {
		fmt.Fprintf(os.Stderr, "start %s: %v\n", program, err)
		return 2
	}
	cmd := child.Command(context.Background(), on.Env, on.Loader, append([]string{program}, args...)...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	err := wine.Start(cmd)
	if err == nil {
		err = cmd.Wait()
	}
	for _, arg := range args {
		if path, is := strings.CutPrefix(arg, logArgument); is {
			err = errors.Join(err, translate(path))
		}
	}
	if exit, is := errors.AsType[*exec.ExitError](err); is && exit.Exited() {
		return exit.ExitCode()
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "run %s: %v\n", program, err)
		return 2
	}
	return 0
}

// translate gives the names in what a test has noted as `go` has them, which looks by them whether anything has changed that the test has
// read, before it believes that it would pass again.
func translate(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var ours bytes.Buffer
	for line := range bytes.Lines(text) {
		if name, elsewhere := native(string(line)); !elsewhere {
			ours.WriteString(name)
		}
	}
	return os.WriteFile(path, ours.Bytes(), 0o600)
}

// native is a line of such notes, "open Z:\a\b", with the file's name as it is here. What is on the computer's own drive is not here.
func native(line string) (ours string, elsewhere bool) {
	word, name, _ := strings.Cut(line, " ")
	if word != "open" && word != "stat" && word != "chdir" {
		return line, false
	}
	name = strings.ReplaceAll(name, `\`, "/")
	if len(name) > 2 && name[1] == ':' {
		if name[0] != 'Z' && name[0] != 'z' {
			return "", true
		}
		name = name[2:]
	}
	return word + " " + name, false
}

// warmUp starts what Wine runs beside programs, which else would have the first test's output open as long as it lives.
func warmUp(ctx context.Context, computer *windowstest.Computer) (stop func(), err error) {
	cmd := computer.Command(context.WithoutCancel(ctx), "/", "cmd.exe", "/c", "pause")
	wait, err := cmd.StdinPipe() // it ends when this closes
	if err == nil {
		err = wine.Start(cmd)
	}
	if err != nil {
		return nil, fmt.Errorf("start Wine's services: %w", err)
	}
	return func() {
		_, _ = io.WriteString(wait, "\r\n")
		_ = wait.Close()
		_ = cmd.Wait()
	}, nil
}
