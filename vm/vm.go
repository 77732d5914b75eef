// Package vm is where tests run: providers that start, revert and stop machines.
//
// A Provider turns a configured target into a Machine; what a machine can do beyond the four methods
// that each has (tell its console, stay up) is found by type assertion:
//
//	machine, err := provider.Acquire(ctx, vm.Target{Name: "wine"})
//	if err != nil {
//		return err
//	}
//	defer machine.Release(context.WithoutCancel(ctx))
//	client, err := remote.New(machine.Endpoint(), remote.Options{})
//	…
//	if console, ok := machine.(vm.Console); ok {
//		tail, err := console.Console()
//	}
//
// Providers are packages below this one that know nothing of each other. What each must keep to is
// checked by vmtest.
package vm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"wskharness/remote"
	"wskharness/winerr"
)

// Target is what a provider has to know of a configured machine.
type Target struct {
	Name string
	Run  string // the run that it is for; empty: none, such as a machine that is brought up by hand
	// Guest is the one machine that Reuse is to take, by the name that Keep has given it; empty: any of this target's.
	Guest string
}

// Provider gives machines. It may be used from several goroutines.
type Provider interface {
	// Acquire gets the machine in its clean state, as far as the provider can bring that about, and
	// ready to answer WinRM. When it fails, or ctx ends first, nothing is left running.
	Acquire(ctx context.Context, t Target) (Machine, error)
}

// Machine is an acquired machine. Its methods may be called from several goroutines, but Revert and
// Release exclude each other.
type Machine interface {
	// Endpoint is where WinRM answers, and how to authenticate. It may be another after Revert.
	Endpoint() remote.Endpoint
	// Revert brings the machine back to its clean state; ErrCannotRevert where it can't.
	Revert(ctx context.Context) error
	// Events tells what becomes of the machine. It is the same channel for the machine's life, and
	// closed by Release, or before that where nobody can tell of any more. An event that
	// nobody takes is kept, up to a bound.
	Events() <-chan Event
	// Release lets the machine go. What was started for it is gone when it returns nil. Calling it
	// again does nothing.
	Release(ctx context.Context) error
}

// Adopter is a provider whose machines outlive a controller that is killed.
type Adopter interface {
	// Adopt claims the machine that an earlier controller of the target's run had acquired: it is as that
	// left it, nothing is reverted. Its events since it was last clean are told again. ErrNoMachine where
	// there is none.
	Adopt(ctx context.Context, t Target) (Machine, error)
}

// ErrNoMachine is what Adopt returns where the earlier controller's machine is not there any more, and Reuse where
// none was left up.
var ErrNoMachine = errors.New("no such machine is up")

// Reuser is a provider whose machines may have been left up: see Keeper.
type Reuser interface {
	// Reuse claims a machine of this target that was left up and that nobody else has claimed, for the target's
	// run, and as it is; one that a run had left in disorder is reverted first. ErrNoMachine where there is none; where
	// t.Guest names the one to take, why that can't be taken.
	Reuse(ctx context.Context, t Target) (Machine, error)
}

// Console is a machine whose console is recorded.
type Console interface {
	// Console returns the tail of what the machine printed, bounded.
	Console() ([]byte, error)
}

// ConsoleFollower is a machine whose console can be followed.
type ConsoleFollower interface {
	// FollowConsole writes what the console has said, as far as that is kept, and goes on with what it says, until ctx or the
	// machine ends. What it writes is hostile.
	FollowConsole(ctx context.Context, w io.Writer) error
}

// MemoryDumper is a machine whose memory can be written down from outside.
type MemoryDumper interface {
	// DumpMemory writes the machine's memory to a file of this machine that is not there yet, and names its format: "win-dmp",
	// "elf", "kdump-zlib". The machine stands still meanwhile, and goes on as it was. One whose target wants a dump of each
	// crash was dumped when it crashed, and that dump is what it gives. When it fails, there is no file.
	DumpMemory(ctx context.Context, path string) (format string, err error)
}

// Switch is a machine that can be turned on and off from outside, and asked which it is.
type Switch interface {
	TurnOn(ctx context.Context) error
	TurnOff(ctx context.Context) error
	Power(ctx context.Context) (Power, error)
}

// Power is whether a machine is on.
type Power string

// What a machine may be. Unknown is one of which nobody can tell.
const (
	On      Power = "on"
	Off     Power = "off"
	Unknown Power = "unknown"
)

// Checkpointer is a machine that can be given another clean state.
type Checkpointer interface {
	// Checkpoint makes what the machine is now that to which Revert goes back, and with which every later Acquire begins.
	Checkpoint(ctx context.Context) error
}

// Witness is a machine that may tell of every crash of its guest, and of any before that guest answers again.
type Witness interface {
	// Witnesses reports whether it does: a guest that is up after its driver was unloaded, and of which no crash was told,
	// has not crashed. Where it does not, the guest's boot id is asked.
	Witnesses() bool
}

// EntryTeller is a machine that tells what a driver's DriverEntry returned, of which a service manager passes on no more
// than a Win32 error.
type EntryTeller interface {
	// EntryMark is where the machine has got to in what it tells: all before that is of earlier starts.
	EntryMark() (string, error)
	// EntryStatus is the NTSTATUS with which the service's DriverEntry failed last since the mark, in this boot; ok is false
	// where the machine does not tell.
	EntryStatus(service, since string) (status winerr.NTStatus, ok bool)
}

// Mortal is a machine that may end for good while somebody has it, as one does that a process of this machine serves.
type Mortal interface {
	// Ended is closed when the machine is gone and does not come back: nothing that is asked of its guest is answered any
	// more, and Revert fails. All that the machine had to tell is in Events by then. Release closes it, too.
	Ended() <-chan struct{}
}

// ErrEnded is why a guest does not answer whose machine is gone for good.
var ErrEnded = errors.New("the machine is gone for good: what served it has ended")

// Resetter is a machine that can be turned off and on again without reverting it.
type Resetter interface {
	Reset(ctx context.Context) error
}

// Unplugger is a machine whose WinRM can be taken away while the machine goes on.
type Unplugger interface {
	// Unplug ends WinRM with its shells, and brings it back after a while. It returns at once.
	Unplug(ctx context.Context, away time.Duration) error
}

// HostKiller is a machine whose drivers have a process, which can be killed: Wine's is one, Windows is none.
type HostKiller interface {
	// KillHost ends the process that has loaded a driver, which is named by its file. The machine tells of that as of a crash.
	KillHost(ctx context.Context, driver string) error
}

// NMIInjector is a machine whose kernel can be made to crash from outside, so that it leaves a dump: what is left
// to do with one that hangs.
type NMIInjector interface {
	// InjectNMI sends the interrupt. A kernel that is set up for it tells of the crash as an event.
	InjectNMI(ctx context.Context) error
}

// Keeper is a machine that can be left up.
type Keeper interface {
	// Keep lets go of the machine without ending it: like Release, but it stays up until it is taken
	// down by name, which it returns.
	Keep(ctx context.Context) (name string, err error)
}

// Lasting is a machine that nobody reverts: what is done in its guest stays there, and whoever has it takes out again what he
// has brought.
type Lasting interface {
	Lasts() bool
}

// RevertedByUser is a machine that a program of the user's reverts, of which it is to be looked at in the guest whether it did.
type RevertedByUser interface {
	RevertedByUser() bool
}

// Starter is a machine that was started or reverted by its provider.
type Starter interface {
	// ReadyAfter is how long that took: from nothing to ready for a driver.
	ReadyAfter() time.Duration
}

// Versioned is a machine that knows by which versions of what it is run.
type Versioned interface {
	// Versions names them, for people and on one line: "QEMU 7.2.22 with KVM", "libvirt 9.0.0, QEMU 7.2.22". It asks nobody, and is
	// empty where they are not known.
	Versions() string
}

// ErrCannotRevert is what Revert returns for a machine that the harness can't bring back to a clean
// state.
var ErrCannotRevert = errors.New("this machine can't be reverted by the harness: bring it back to a clean state by hand")

// EventKind says what happened to a machine.
type EventKind string

// The kinds of events.
const (
	Panicked EventKind = "panicked" // its kernel crashed: a bugcheck
	Stopped  EventKind = "stopped"  // it is off
	Reset    EventKind = "reset"    // it started anew
)

// Event is something that a machine tells of itself, not through its guest.
type Event struct {
	Kind EventKind
	Time time.Time
	Text string // the console's line, or whatever the machine said; hostile

	// Of Panicked, as far as known:
	Code   uint32    // stop code
	Args   [4]uint64 // its parameters
	Access string    // read, write or execute, of a page fault
	Target uint64    // the address that was accessed

	Module       string // where it happened …
	ModuleOffset uint64 // … in bytes from the module's start
	Address      uint64 // the same, absolute
}

// Describe tells of a crash in one line.
func (e Event) Describe() string {
	var text string
	switch {
	case e.Access != "":
		text = fmt.Sprintf("page fault on %s access to 0x%x", e.Access, e.Target)
	case e.Code != 0:
		text = fmt.Sprintf("bugcheck 0x%08X (0x%x, 0x%x, 0x%x, 0x%x)", e.Code, e.Args[0], e.Args[1], e.Args[2], e.Args[3])
	default:
		text = "the machine crashed"
	}
	switch {
	case e.Module != "":
		text += fmt.Sprintf(" at %s+0x%x", e.Module, e.ModuleOffset)
	case e.Address != 0:
		text += fmt.Sprintf(" at address 0x%x", e.Address)
	}
	return text
}
