// Command wskharness builds and test-signs a Winsock Kernel driver, deploys it over WinRM to a
// guest, runs suites against it there, and judges what happened.
//
//	wskharness run                                  # the embedded default: one Wine guest, every built-in suite for it
//	wskharness run capture.no_wait --target lab1    # one case, on a machine of your own
//
// Each command is one file here: its options, newX, which declares its flags, and run, which has the work done by package harness
// and the rooms below it, and prints.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	os.Exit(mainWithSignals(os.Args[1:], stdio()))
}

// mainWithSignals turns the first interrupt into the end of the context, so that the run tidies
// up behind itself; a second one ends the process at once, as a person who presses it twice wants.
// When all is done the exit code stands: an interrupt comes too late to change what was written.
func mainWithSignals(args []string, io streams) int {
	interrupts := []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}
	ctx, endAtOnce := signal.NotifyContext(context.Background(), interrupts...)
	context.AfterFunc(ctx, endAtOnce)
	outliveReaders()
	code := execute(ctx, args, io)
	signal.Notify(make(chan os.Signal, 1), interrupts...) // whoever interrupts an exit need not be heard
	return code
}

// outliveReaders makes a write to a pipe that nobody reads any more (`run | head -1`) an error like any other, where Go
// would end the process without a word, its guests up and its reports unwritten. The signal is taken and not ignored,
// since to ignore it is what children inherit. Nobody needs to read the channel.
func outliveReaders() {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
}
