//go:build linux

// Command packages runs the packages' own tests on Windows, which is a Wine prefix that is made for it, and tells for each package how
// many of its tests passed, failed, or were skipped, and why those were. What has passed is not run again until it changes, as
// `go test` has it.
//
//	go build -o bin/windows-packages ./windowstest/packages
//	bin/windows-packages ./disk ./child        # all of them: ./...
//
// It is `go test -exec`, for which it is the program that starts a test, too. Wine lacks what removing a tree on Windows begins with
// (FileDispositionInformationEx), and says so with a status that Go's library does not go by: that file of the library is replaced by
// one that does.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) > 2 && os.Args[1] == startWord {
		os.Exit(start(os.Args[2], os.Args[3:]))
	}
	switch err := test(ctx, os.Args[1:]); {
	case errors.Is(err, errFailed):
		stop()
		os.Exit(1)
	case err != nil:
		fmt.Fprintf(os.Stderr, "run the tests on Windows: %v\n", err)
		stop()
		os.Exit(2)
	}
}
