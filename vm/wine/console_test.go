//go:build linux

package wine

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"wskharness/vm"
	"wskharness/winerr"
)

const (
	loadedFaulty = `00b0:00c0:trace:loaddll:build_module Loaded L"c:\\faulty.sys" at 00000000021A0000: native`
	loadedOther  = `0070:0074:trace:loaddll:build_module Loaded L"c:\\other.sys" at 00000000021A0000: native`
	debugger     = `00b0:00c4:err:seh:start_debugger Couldn't start debugger L"false" (2)`
	pageFault    = `wine: Unhandled page fault on write access to 0000000000000010 at address 00000000021A10A0 (thread 00c4), starting debugger...`
)

func TestConsole(t *testing.T) {
	fault := vm.Event{
		Kind: vm.Panicked, Text: pageFault, Code: uint32(winerr.StopKmodeExceptionNotHandled), Access: "write", Target: 0x10, Address: 0x21A10A0,
		Args: [4]uint64{uint64(winerr.StatusAccessViolation), 0x21A10A0, 1, 0x10}, Module: "faulty.sys", ModuleOffset: 0x10A0,
	}
	outside := fault
	outside.Module, outside.ModuleOffset = "", 0
	const jump = `wine: Unhandled page fault on execute access to 0000000000001234 at address 0000000000001234 (thread 00c4), starting debugger...`
	const illegal = `wine: Unhandled illegal instruction at address 00000000021A1100 (thread 00c4), starting debugger...`
	const breakpoint = `wine: Unhandled exception 0x80000003 in thread c4 at address 00000000021A1068 (thread 00c4), starting debugger...`
	const missing = `wine: Unimplemented function ntoskrnl.exe.ExRaiseStatus called at address 000000007B013D7E (thread 00c4), starting debugger...`
	const check = `00b0:00c4:err:ntoskrnl:KeBugCheckEx d1 11 22 33 4444444444`
	for _, tt := range []struct {
		name  string
		lines []string
		want  vm.Event // of process 0xb0, which ends with exit code 5
	}{
		{"page fault in a driver", []string{loadedOther, loadedFaulty, pageFault, debugger}, fault},
		{"lines with carriage returns", []string{loadedFaulty + "\r\n", pageFault + "\r\n", debugger + "\r\n"}, fault},
		{"page fault outside", []string{loadedOther, pageFault, debugger}, outside},
		{"page fault after the driver was unloaded", []string{
			loadedFaulty, `00b0:00c0:trace:loaddll:free_modref Unloaded module L"c:\\faulty.sys" : native`, pageFault, debugger,
		}, outside},
		{"fault of another process", []string{loadedFaulty, pageFault, strings.Replace(debugger, "00b0", "0110", 1)}, vm.Event{
			Kind: vm.Panicked, Code: 5, Text: "the process that hosts the drivers ended with exit code 0x00000005 and no last word"}},
		{"the first fault counts", []string{loadedFaulty, pageFault, debugger, jump, debugger}, fault},
		{"jump into nowhere", []string{loadedFaulty, jump, debugger}, vm.Event{
			Kind: vm.Panicked, Text: jump, Code: uint32(winerr.StopKmodeExceptionNotHandled), Access: "execute", Target: 0x1234, Address: 0x1234,
			Args: [4]uint64{uint64(winerr.StatusAccessViolation), 0x1234, 8, 0x1234}}},
		{"illegal instruction", []string{loadedFaulty, illegal, debugger}, vm.Event{
			Kind: vm.Panicked, Text: illegal, Code: uint32(winerr.StopKmodeExceptionNotHandled), Address: 0x21A1100, Args: [4]uint64{0, 0x21A1100, 0, 0},
			Module: "faulty.sys", ModuleOffset: 0x1100}},
		{"breakpoint", []string{loadedFaulty, breakpoint, debugger}, vm.Event{
			Kind: vm.Panicked, Text: breakpoint, Code: uint32(winerr.StopKmodeExceptionNotHandled), Address: 0x21A1068, Args: [4]uint64{0x80000003, 0x21A1068, 0, 0},
			Module: "faulty.sys", ModuleOffset: 0x1068}},
		{"function that Wine lacks", []string{loadedFaulty, missing, debugger}, vm.Event{
			Kind: vm.Panicked, Text: missing, Code: uint32(winerr.StopKmodeExceptionNotHandled), Address: 0x7B013D7E, Args: [4]uint64{0, 0x7B013D7E, 0, 0}}},
		{"KeBugCheckEx", []string{loadedFaulty, check}, vm.Event{
			Kind: vm.Panicked, Text: check, Code: 0xD1, Args: [4]uint64{0x11, 0x22, 0x33, 0x4444444444}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var c console
			for _, line := range tt.lines {
				c.line(line)
			}
			if diff := cmp.Diff(tt.want, c.crash(0xb0, 5)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestConsoleNamesTheProcessesThatLoadDrivers(t *testing.T) {
	var c console
	if got := c.line(loadedFaulty); got != 0xb0 {
		t.Errorf("0x%x; want 0xb0", got)
	}
	if got := c.line(strings.Replace(loadedFaulty, "native", "builtin", 1)); got != 0 {
		t.Errorf("0x%x for a driver of Wine's own; want none", got)
	}
}

// Whatever a guest prints: bounded, and no module from thin air.
func FuzzConsole(f *testing.F) {
	f.Add(loadedFaulty + "\n" + pageFault + "\n" + debugger)
	f.Add("0000:0000:err:ntoskrnl:KeBugCheckEx ffffffff ffffffffffffffff 0 0 0")
	f.Add("wine: Unhandled exception 0xc0000005 at address ffffffffffffffff (thread ffffffff)")
	f.Fuzz(func(t *testing.T, text string) {
		var c console
		for line := range strings.Lines(text) {
			c.line(line)
		}
		if c.count > maxModules || len(c.faults) > maxFaults || len(c.crashes) > maxFaults {
			t.Errorf("%d modules, %d faults, %d crashes: not bounded", c.count, len(c.faults), len(c.crashes))
		}
		for _, e := range c.crashes {
			if e.Module != "" && (e.ModuleOffset >= maxModuleSize || !strings.Contains(text, e.Module)) {
				t.Errorf("got crash %+v, want a module of the console, and an offset in it", e)
			}
		}
	})
}

func FuzzReadFrame(f *testing.F) {
	f.Add(frame{kind: frameOutput, stream: 1, command: 7, payload: []byte("hello")}.append(nil))
	f.Add(frame{kind: frameExit, command: 7, value: 3000000000}.append(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := readFrame(strings.NewReader(string(data)))
		if err != nil {
			return
		}
		if len(got.payload) > maxFrameData {
			t.Errorf("%d bytes of payload", len(got.payload))
		}
		again, err := readFrame(strings.NewReader(string(got.append(nil))))
		if err != nil || !cmp.Equal(got, again, cmp.AllowUnexported(frame{})) {
			t.Errorf("%+v came back as %+v, %v", got, again, err)
		}
	})
}
