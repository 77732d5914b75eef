// Package crashdump reads what a Windows kernel leaves when it crashes, and says in words what
// happened: the stop code with its parameters, the module and offset that faulted, and a signature
// by which the same crash is known again on another machine.
//
//	d, err := crashdump.Open("MEMORY.DMP")
//	…
//	fmt.Print(d.Describe())      // facts, explanation, module
//	fmt.Println(d.Signature())   // 0xD1 wsksample.sys+0x1a2c
//
// # What is read
//
// The 64-bit header (DUMP_HEADER64) of every type; the driver list, unloaded drivers, stack and data
// blocks of a minidump; and the loaded modules of full, kernel, active and live dumps, by translating
// addresses through the page tables that are in the dump, of x64 and arm64. A dump is
// never held in memory: what is needed is read where it is, each piece bounded.
//
// # Damage
//
// A dump comes from a machine that has just crashed, and perhaps from one that lies. A header that
// can't be read is an error ([NotDumpError], [UnsupportedError], [TruncatedError], [CorruptError]).
// Anything broken beyond the header costs only what it was to tell: the facts of the header stand,
// and [Dump.Problems] says what is missing and why. What is not known is called unknown; nothing is
// guessed.
//
// # Sources
//
// The layouts are those of the public debugger headers (DUMP_HEADER64, TRIAGE_DUMP64,
// SUMMARY_DUMP64, EXCEPTION_RECORD64, CONTEXT, ARM64_NT_CONTEXT, KLDR_DATA_TABLE_ENTRY) and, for the bitmaps and page
// ranges that no header documents, of open readers of dumps. Stop codes are those of the "Bug Check
// Code Reference". Where a comment says unproven, the project has not yet seen that field in a dump
// that a real Windows wrote.
package crashdump
