package winerr

import (
	_ "embed"
	"fmt"
	"sync"
)

// StopCode is what a crashed system stops with: a bug check code.
type StopCode uint32

// StopKmodeExceptionNotHandled is the stop code for an exception that a driver does not handle.
const StopKmodeExceptionNotHandled StopCode = 0x1E

//go:embed stopcodes.txt
var stopcodesText string

var stopCodes = sync.OnceValue(func() *table[StopCode] { return read[StopCode]("stopcodes.txt", stopcodesText, 16) })

// StopCodeNamed finds the stop code with that name.
func StopCodeNamed(name string) (code StopCode, ok bool) {
	code, ok = stopCodes().codes[name]
	return code, ok
}

// Known reports whether the table has a name for the stop code.
func (c StopCode) Known() bool { return stopCodes().names[c] != "" }

// String is the stop code's symbolic name, or its number: "0x4711".
func (c StopCode) String() string {
	if name := stopCodes().names[c]; name != "" {
		return name
	}
	return fmt.Sprintf("0x%X", uint32(c))
}
