package wine

import (
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"

	"wskharness/vm"
)

// The guest's console is what its processes print on standard error. Two kinds of lines matter: where a
// module was loaded, and a fault. All of it is the guest's word, and hostile: a program in the guest can
// print the same, and then it crashes its own guest, no more.
var (
	loadedLine = regexp.MustCompile(`^([0-9a-f]{4,8}):[0-9a-f]{4,8}:trace:loaddll:\w+ Loaded L"([^"]{1,512})" at ([0-9A-Fa-f]{1,16}): (native|builtin)`)
	faultLine  = regexp.MustCompile(`^wine: Unhandled (.{1,100}?)(?: on (read|write|execute) access to (?:0x)?([0-9A-Fa-f]{1,16}))? at address (?:0x)?([0-9A-Fa-f]{1,16})(?: \(thread ([0-9a-f]{1,8})\))?`)
	checkLine  = regexp.MustCompile(`^([0-9a-f]{4,8}):[0-9a-f]{4,8}:err:ntoskrnl:KeBugCheckEx ([0-9a-f]{1,8}) ([0-9a-f]{1,16}) ([0-9a-f]{1,16}) ([0-9a-f]{1,16}) ([0-9a-f]{1,16})`)
)

const (
	maxModules = 4096
	// A driver of ours has a few pages; more than this from its base is in no module that is known.
	maxModuleSize = 64 << 20
)

// console follows what a boot prints.
type console struct {
	drivers map[uint32][]module // by the process that loaded a driver: winedevice.exe
	count   int
	last    *vm.Event // the last fault that may be a driver's
}

type module struct {
	name string
	base uint64
}

// line takes in one line. driver is the process that has just loaded a native driver, or 0.
func (c *console) line(text string) (driver uint32) {
	if m := loadedLine.FindStringSubmatch(text); m != nil {
		return c.loaded(m)
	}
	if m := checkLine.FindStringSubmatch(text); m != nil {
		e := &vm.Event{Kind: vm.Panicked, Text: text, Code: uint32(number(m[2]))}
		for i := range e.Args {
			e.Args[i] = number(m[3+i])
		}
		c.last = e
	} else if m := faultLine.FindStringSubmatch(text); m != nil {
		c.fault(text, m)
	}
	return 0
}

func (c *console) loaded(m []string) uint32 {
	name := path.Base(strings.ReplaceAll(m[2], `\\`, "/"))
	process := uint32(number(m[1]))
	isDriver := strings.HasSuffix(strings.ToLower(name), ".sys")
	if _, known := c.drivers[process]; c.count >= maxModules || !known && !isDriver {
		return 0
	}
	if c.drivers == nil {
		c.drivers = map[uint32][]module{}
	}
	c.count++
	c.drivers[process] = append(c.drivers[process], module{name, number(m[3])})
	if isDriver && m[4] == "native" {
		return process
	}
	return 0
}

// fault remembers an unhandled exception. Wine names its thread and not its process, so it may be one of
// an ordinary program: whether a driver crashed, the end of the driver's process tells. A fault whose
// address is in a driver is not replaced by one that is not.
func (c *console) fault(text string, m []string) {
	e := &vm.Event{Kind: vm.Panicked, Text: text, Access: m[2], Target: number(m[3]), Address: number(m[4])}
	for _, modules := range c.drivers {
		for _, mod := range modules {
			near := e.Module == "" || e.Address-mod.base < e.ModuleOffset
			if e.Address >= mod.base && e.Address-mod.base < maxModuleSize && near {
				e.Module, e.ModuleOffset = mod.name, e.Address-mod.base
			}
		}
	}
	if c.last == nil || c.last.Module == "" || e.Module != "" {
		c.last = e
	}
}

// crash is the event for a driver's process that ended with this exit code.
func (c *console) crash(exit uint32) vm.Event {
	if c.last != nil {
		return *c.last
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
