// Package winerr has the errors of Windows by name: statuses of the kernel (NTSTATUS), Win32 errors, and stop codes.
//
//	winerr.StatusAccessViolation.String() // STATUS_ACCESS_VIOLATION (0xC0000005)
//	winerr.Win32(577).Name()              // ERROR_INVALID_IMAGE_HASH
//	status, ok := winerr.NTStatusNamed("STATUS_PENDING")
//
// It says what an error is called. What an error means where it was met, and what to do about it, is known where it was met.
//
// # Sources
//
// The tables are text: ntstatus.txt is section 2.3.1 of [MS-ERREF], win32.txt is of its section 2.2, and stopcodes.txt is the
// "Bug Check Code Reference" of Microsoft's documentation of the debugger. A code that this program speaks of itself is a
// constant as well; a test holds the constants to the tables, and the tables to the headers of mingw-w64.
package winerr
