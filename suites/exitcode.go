package suites

import (
	"fmt"

	"wskharness/winerr"
)

// exitCode puts a program's exit code into words. One that died of an exception has its NTSTATUS as that, a large number that
// says nothing to anybody, or a negative one.
func exitCode(code uint64) string {
	const failed = 0x80000000 // of an NTSTATUS or an HRESULT: a warning or an error
	switch name := exception(uint32(code)); {
	case code > 0xFFFFFFFF || code < failed:
		return fmt.Sprint(code)
	case name != "":
		return fmt.Sprintf("%s (0x%08X)", name, code)
	case uint32(code)>>16 == 0xFFFF:
		return fmt.Sprintf("%d (0x%08X)", int32(uint32(code)), code) // -1, as a program returns it
	}
	return winerr.NTStatus(code).String()
}

// exception names what no table of statuses has: the codes that runtimes raise exceptions with. Sources: "A visual C++
// exception's code" in the Visual C++ reference (EH_EXCEPTION_NUMBER) and .NET's EXCEPTION_COMPLUS.
func exception(code uint32) string {
	switch code {
	case 0xE06D7363:
		return "an exception of C++"
	case 0xE0434352, 0xE0434F4D:
		return "an exception of .NET"
	}
	if status := winerr.NTStatus(code); status.Known() {
		return status.Name()
	}
	return ""
}
