//go:build linux

package wine

import (
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"

	"wskharness/vm"
	"wskharness/winerr"
)

// The guest's console is what its processes print on standard error, with process and thread in front
// (WINEDEBUG=+pid). Three kinds of lines matter: where a module was loaded, a fault, and a bugcheck. All of
// it is the guest's word, and hostile: a program in the guest can print the same, and then it crashes its
// own guest, no more.
//
// A fault names its thread only:
//
//	wine: Unhandled page fault on write access to 0000000000000010 at address 00000000021A10A0 (thread 00c4), starting debugger...
//
// but the debugger of the template does not exist, and the complaint that follows names both:
//
//	00b0:00c4:err:seh:start_debugger Couldn't start debugger L"false" (2)
//
// The length of what is matched is bounded by that of a line alone: counted repetitions of hundreds would cost every
// start of this program milliseconds, in which they are compiled.
var (
	prefixLine = regexp.MustCompile(`^([0-9a-f]{4,8}):([0-9a-f]{4,8}):`)
	loadedLine = regexp.MustCompile(`^[0-9a-f:]{10,18}trace:loaddll:\w+ Loaded L"([^"]+)" at ([0-9A-Fa-f]{1,16}): (native|builtin)`)
	goneLine   = regexp.MustCompile(`^[0-9a-f:]{10,18}trace:loaddll:\w+ Unloaded module L"([^"]+)"`)
	faultLine  = regexp.MustCompile(`^wine: (.+?)(?: on (read|write|execute) access to (?:0x)?([0-9A-Fa-f]{1,16}))?(?: in thread [0-9a-f]{1,8})?(?: called)? at address (?:0x)?([0-9A-Fa-f]{1,16}) \(thread ([0-9a-f]{1,8})\)`)
	checkLine  = regexp.MustCompile(`^[0-9a-f:]{10,18}err:ntoskrnl:KeBugCheckEx ([0-9a-f]{1,8}) ([0-9a-f]{1,16}) ([0-9a-f]{1,16}) ([0-9a-f]{1,16}) ([0-9a-f]{1,16})\s*$`)
)

const (
	maxModules    = 4096
	maxModulePath = 512 // bytes
	maxFaults     = 64
	// A driver of ours has a few pages; more than this from its base is in no module that is known.
	maxModuleSize = 64 << 20
)

// console follows what a boot prints.
type console struct {
	drivers map[uint32][]module  // by the process that loaded a driver: winedevice.exe
	count   int                  // of all modules
	faults  map[uint32]*vm.Event // by thread: of which process it is is not known yet
	crashes map[uint32]*vm.Event // by process: the first one counts, the rest may follow from it
}

type module struct {
	name string
	base uint64
}

// line takes in one line. driver is the process that has just loaded a native driver, or 0.
func (c *console) line(text string) (driver uint32) {
	text = strings.TrimRight(text, "\r\n")
	if m := faultLine.FindStringSubmatch(text); m != nil {
		c.fault(text, m)
		return 0
	}
	who := prefixLine.FindStringSubmatch(text)
	if who == nil {
		return 0
	}
	process, thread := uint32(number(who[1])), uint32(number(who[2]))
	if e := c.faults[thread]; e != nil {
		delete(c.faults, thread)
		c.crashed(process, e)
	}
	if m := loadedLine.FindStringSubmatch(text); m != nil {
		return c.loaded(process, m)
	}
	if m := goneLine.FindStringSubmatch(text); m != nil {
		c.unloaded(process, m[1])
	}
	if m := checkLine.FindStringSubmatch(text); m != nil {
		e := &vm.Event{Kind: vm.Panicked, Text: text, Code: uint32(number(m[1]))}
		for i := range e.Args {
			e.Args[i] = number(m[2+i])
		}
		c.crashed(process, e)
	}
	return 0
}

func (c *console) loaded(process uint32, m []string) uint32 {
	name := moduleName(m[1])
	_, known := c.drivers[process]
	isDriver := strings.HasSuffix(strings.ToLower(name), ".sys")
	if c.count >= maxModules || len(m[1]) > maxModulePath || !known && !isDriver {
		return 0
	}
	if c.drivers == nil {
		c.drivers = map[uint32][]module{}
	}
	c.count++
	c.drivers[process] = append(c.drivers[process], module{name, number(m[2])})
	if isDriver && m[3] == "native" {
		return process
	}
	return 0
}

// unloaded forgets a module, or the next one at its address would be taken for it.
func (c *console) unloaded(process uint32, file string) {
	name, modules := moduleName(file), c.drivers[process]
	for i := len(modules) - 1; i >= 0; i-- {
		if modules[i].name == name {
			c.drivers[process] = append(modules[:i:i], modules[i+1:]...)
			c.count--
			return
		}
	}
}

// host is the process that has a driver loaded, by the driver's file; 0 where none has.
func (c *console) host(driver string) uint32 {
	for process, modules := range c.drivers {
		if c.explained(process) {
			continue // it is gone, or about to
		}
		for _, mod := range modules {
			if strings.EqualFold(mod.name, driver) {
				return process
			}
		}
	}
	return 0
}

func moduleName(file string) string { return path.Base(strings.ReplaceAll(file, `\\`, "/")) }

// fault remembers an unhandled exception until its process is known.
func (c *console) fault(text string, m []string) {
	if c.faults == nil {
		c.faults = map[uint32]*vm.Event{}
	}
	if len(c.faults) >= maxFaults {
		return
	}
	e := &vm.Event{Kind: vm.Panicked, Text: text, Access: m[2], Target: number(m[3]), Address: number(m[4])}
	// On Windows the parameters of this stop code are the exception's code, its address, and its own first two parameters.
	e.Code, e.Args[1] = uint32(winerr.StopKmodeExceptionNotHandled), e.Address
	if e.Access != "" {
		e.Args[0], e.Args[3] = uint64(winerr.StatusAccessViolation), e.Target
		e.Args[2] = map[string]uint64{"read": 0, "write": 1, "execute": 8}[e.Access]
	} else if _, code, ok := strings.Cut(m[1], "exception 0x"); ok {
		e.Args[0] = number(code)
	}
	c.faults[uint32(number(m[5]))] = e
}

// crashed gives a fault to its process, with the module of that process in which it was.
func (c *console) crashed(process uint32, e *vm.Event) {
	if c.crashes == nil {
		c.crashes = map[uint32]*vm.Event{}
	}
	if c.crashes[process] != nil || len(c.crashes) >= maxFaults {
		return
	}
	for _, mod := range c.drivers[process] {
		near := e.Module == "" || e.Address-mod.base < e.ModuleOffset
		if e.Address >= mod.base && e.Address-mod.base < maxModuleSize && near {
			e.Module, e.ModuleOffset = mod.name, e.Address-mod.base
		}
	}
	c.crashes[process] = e
}

// explained reports whether the process's last word is known.
func (c *console) explained(process uint32) bool { return c.crashes[process] != nil }

// crash is the event for a driver's process that ended with this exit code.
func (c *console) crash(process, exit uint32) vm.Event {
	if e := c.crashes[process]; e != nil {
		return *e
	}
	return vm.Event{Kind: vm.Panicked, Code: exit,
		Text: fmt.Sprintf("the process that hosts the drivers ended with exit code 0x%08X and no last word", exit)}
}

// number reads a hexadecimal number that a pattern has matched; at most 16 digits always fit.
func number(digits string) uint64 {
	n, err := strconv.ParseUint(digits, 16, 64)
	if err != nil {
		return 0
	}
	return n
}
