package crashdump

import (
	"fmt"
	"slices"

	"wskharness/winerr"
)

// Fault is where a crash happened.
type Fault struct {
	Place
	// Source says how the address is known, "" if it isn't: "parameter 4", "exception record", …
	Source string `json:"source,omitempty"`
}

// Known tells whether the module is known.
func (f Fault) Known() bool { return f.Module != "" }

func (f Fault) String() string {
	switch {
	case f.Source == "":
		return "unknown"
	case !f.Known():
		return fmt.Sprintf("unknown: %s is in no known module (from %s)", f.Address, f.Source)
	}
	return fmt.Sprintf("%s (from %s)", f.Place, f.Source)
}

// findFault takes the first address that there is: the parameter that the stop code documents as the
// address of the instruction; the exception record that a parameter points at; the exception in the
// header; and the processor's instruction pointer. The last two only count when they are not where
// KeBugCheckEx has stopped the kernel, which is no fault. An address that is in no known module stays
// so: no other source is tried for a nicer answer.
func (d *Dump) findFault(mem memory) Fault {
	at := func(address Hex, source string) Fault { return Fault{d.locate(address), source} }
	code, _ := lookUp(uint32(d.Code))
	if n := code.faultParameter(d.Parameters); n != 0 && d.Parameters[n-1] != 0 {
		return at(d.Parameters[n-1], fmt.Sprintf("parameter %d", n))
	}
	if n := code.record; n != 0 && d.Parameters[n-1] != 0 {
		raw, err := mem.readVirtual("exception record", uint64(d.Parameters[n-1]), exceptionSize)
		if err == nil {
			if e := exception(raw); e.Address != 0 {
				return at(e.Address, fmt.Sprintf("the exception record of parameter %d", n))
			}
		}
	}
	if e := d.Exception; e.Address != 0 && e.Code != 0 && e.Code != Hex(winerr.StatusBreakpoint) { // which it is when a bugcheck was asked for
		return at(e.Address, "exception record")
	}
	if ip := d.Context.IP; ip != 0 {
		if f := at(ip, "instruction pointer"); f.Known() && !slices.Contains([]string{"ntoskrnl.exe", "hal.dll"}, f.Module) {
			return f
		}
	}
	return Fault{}
}
