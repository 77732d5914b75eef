package harness

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"wskharness/config"
	"wskharness/disk"
	"wskharness/guest"
	"wskharness/harness/driverrun"
	"wskharness/results"
	"wskharness/vm"
)

// littleSpace is how much room on a volume counts as none: a few lines of a journal take as much.
const littleSpace = 64 << 10

// collectors are what gathers the evidence that the state of a driver run asks for, each within a limit of its own. They
// tell what could not be had, and never fail.
func (l *driverRun) collectors() map[driverrun.Evidence]func(context.Context, driverrun.Collect) driverrun.Told {
	return map[driverrun.Evidence]func(context.Context, driverrun.Collect) driverrun.Told{
		driverrun.HangReport: l.hangReport,
		driverrun.CrashFault: l.crashFault,
		driverrun.CrashDumps: l.crashDumps,
		driverrun.EventLog:   l.eventLog,
		driverrun.FullDisk:   l.fullDisk,
	}
}

// collectLimit is how long the evidence of one thing may take.
func (s *session) collectLimit() time.Duration {
	if limit := s.run.plan.Request.Config.Limits.Collect; limit > 0 {
		return limit
	}
	return config.DefaultCollect
}

// crashFault is what the machine tells of its crash, with the console kept as a file.
func (l *driverRun) crashFault(ctx context.Context, _ driverrun.Collect) driverrun.Told {
	crash := l.state.Crash()
	all := []results.Evidence{{Kind: "fault", Text: crash.Text, Module: crash.Module, Offset: crash.ModuleOffset,
		Source: l.source(crash.Module, crash.ModuleOffset), Signature: signature(&crash)}}
	all = append(all, l.memory(ctx)...)
	console, ok := l.session.machine.(vm.Console)
	if !ok {
		return driverrun.Told{Evidence: all}
	}
	text, err := console.Console()
	path := filepath.Join(l.session.folder(), fmt.Sprintf("console-%d.log", l.n))
	if err == nil {
		err = disk.Replace(l.run.env.disk(), path, text, private)
	}
	var file string
	if err == nil {
		file, err = filepath.Rel(l.run.dir, path)
	}
	if err != nil {
		l.run.notice(l.session.target.Name, results.Warning, "the console's output after the crash could not be kept: %v", err)
		return driverrun.Told{Evidence: all}
	}
	return driverrun.Told{Evidence: append(all, results.Evidence{Kind: "console", File: filepath.ToSlash(file), Size: int64(len(text))})}
}

// memory is what is in the memory of a machine that crashed or hangs, as a file of the run, where its target wants that. What
// the machine was dumped by when it crashed is moved; else it stands still meanwhile.
func (l *driverRun) memory(ctx context.Context) []results.Evidence {
	dumper, ok := l.session.machine.(vm.MemoryDumper)
	if !ok || !l.session.target.Machine.MemoryDump {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, l.session.collectLimit())
	defer cancel()
	name := fmt.Sprintf("memory-%d.dmp", l.n)
	format, err := dumper.DumpMemory(ctx, filepath.Join(l.session.folder(), name))
	var info os.FileInfo
	if err == nil {
		info, err = os.Stat(filepath.Join(l.session.folder(), name))
	}
	if err != nil {
		l.run.notice(l.session.target.Name, results.Warning, "the machine's memory could not be dumped: %v", err)
		return nil
	}
	return []results.Evidence{{Kind: "memory", File: "targets/" + l.session.target.Name + "/" + name, Size: info.Size(), Text: format}}
}

// signature names a crash by what it is and where: the same crash has the same one, in whichever case, target
// or run. A page fault that the guest told of without a stop code goes by its kind of access.
func signature(e *vm.Event) string {
	code := fmt.Sprintf("0x%X", e.Code)
	if e.Code == 0 && e.Access != "" {
		code = "fault-" + e.Access
	}
	if e.Module == "" {
		return code
	}
	return fmt.Sprintf("%s %s+0x%x", code, strings.ToLower(e.Module), e.ModuleOffset)
}

// fullDisk says that the disk of the guest is full; nothing where it is not, or where that can't be found out.
func (l *driverRun) fullDisk(ctx context.Context, _ driverrun.Collect) driverrun.Told {
	if l.session.guest == nil {
		return driverrun.Told{} // a resumed run whose guest is gone
	}
	ctx, cancel := context.WithTimeout(ctx, l.session.allow(tellLimit))
	defer cancel()
	state, err := l.session.guest.State(ctx, l.run.plan.Request.Config.DriverService().Name, l.id)
	if err != nil || state.FreeBytes == nil || *state.FreeBytes >= littleSpace {
		return driverrun.Told{}
	}
	return driverrun.Told{Says: fmt.Sprintf("the disk of %s is full: %d bytes are free on the volume of %s; make room there, or give the guest a larger disk",
		l.session.target.Name, *state.FreeBytes, guest.Home)}
}
