package driver

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Severity says what a finding means for a driver.
type Severity string

const (
	Refuse Severity = "refuse" // Windows, or a common setting of it, does not load such a driver, or crashes with it
	Warn   Severity = "warn"   // it loads, but somebody should look at this
	Note   Severity = "note"   // good to know before deploying it
)

// Finding is one thing about a driver image that Windows objects to, or may.
type Finding struct {
	Rule     string   `json:"rule"` // stable, for programs: wx-section
	Severity Severity `json:"severity"`
	By       string   `json:"by"`     // who objects: loader, code integrity, memory integrity, …
	Detail   string   `json:"detail"` // what is so in this image, and why it matters
	Advice   string   `json:"advice"` // what to do
}

// Who objects.
const (
	byLoader    = "loader"           // the kernel's image loader
	byCI        = "code integrity"   // signature checks at load
	byHVCI      = "memory integrity" // HVCI, on by default on new machines
	byHLK       = "hardware lab kit" // Microsoft's certification tests
	byExecution = "execution"        // it loads, and then goes wrong
	byEyes      = "review"
)

// RefusedError says that an image was built which Windows would not load.
type RefusedError struct {
	Path     string
	Findings []Finding // the refusals
}

func (e *RefusedError) Error() string {
	var lines []string
	for _, f := range e.Findings {
		lines = append(lines, fmt.Sprintf("%s: %s (%s); %s", f.Rule, f.Detail, f.By, f.Advice))
	}
	return fmt.Sprintf("Windows would refuse %s:\n%s", e.Path, strings.Join(lines, "\n"))
}

// Refusals returns the findings for which Windows does not load a driver.
func Refusals(findings []Finding) []Finding {
	return slices.DeleteFunc(slices.Clone(findings), func(f Finding) bool { return f.Severity != Refuse })
}

// Findings judges the image as a driver for 64-bit Windows, at a time for which certificates have to be
// valid: refusals first, then warnings, then notes; within each, in the order in which Windows looks.
func (i *Image) Findings(now time.Time) []Finding {
	found := []Finding{}
	add := func(rule string, severity Severity, by, detail, advice string) {
		found = append(found, Finding{Rule: rule, Severity: severity, By: by, Detail: detail, Advice: advice})
	}
	i.judgeHeader(add)
	i.judgeSections(add)
	i.judgeImports(add)
	i.judgeExtras(add)
	i.judgeSignature(now, add)
	rank := func(s Severity) int { return slices.Index([]Severity{Refuse, Warn, Note}, s) }
	slices.SortStableFunc(found, func(a, b Finding) int { return rank(a.Severity) - rank(b.Severity) })
	return found
}

type addFinding func(rule string, severity Severity, by, detail, advice string)

func (i *Image) judgeHeader(add addFinding) {
	for _, problem := range i.problems {
		add("malformed", Refuse, byLoader, problem, "build the driver anew; the file is damaged or made by a broken tool")
	}
	if i.Machine != "x86-64" || i.Format != "PE32+" {
		add("machine", Refuse, byLoader, fmt.Sprintf("the image is %s for %s; the kernel loads code of its own machine only", i.Format, i.Machine),
			"compile with "+target+"-gcc, or x64 in Visual Studio")
	}
	if !i.has("EXECUTABLE_IMAGE") {
		add("not-executable", Refuse, byLoader, "EXECUTABLE_IMAGE is not set: the linker left errors in it",
			"link without --noinhibit-exec and correct what the linker reports")
	}
	if i.Subsystem != "native" {
		add("subsystem", Refuse, byLoader, fmt.Sprintf("the subsystem is %s; a driver's is native", i.Subsystem), "link with -Wl,--subsystem,native")
	}
	if i.EntryPoint == 0 {
		add("entry-point", Refuse, byLoader, "there is no entry point", "link with -Wl,--entry,DriverEntry")
	} else if s := i.sectionOf(i.EntryPoint); s == nil || !strings.Contains(s.Permissions, "x") {
		add("entry-point", Refuse, byExecution, fmt.Sprintf("the entry point %v is in no executable section", i.EntryPoint), "link with -Wl,--entry,DriverEntry")
	}
	if i.Checksum.Stored != i.Checksum.Computed {
		add("checksum", Refuse, byLoader, fmt.Sprintf("the header says %v, the file gives %v: Windows checks it for every driver, and it covers the signature",
			i.Checksum.Stored, i.Checksum.Computed), "correct it after the last change to the file, signing included; wskharness build does")
	}
	if i.has("RELOCS_STRIPPED") {
		add("relocations-stripped", Refuse, byLoader, fmt.Sprintf("RELOCS_STRIPPED: it can be loaded at %v only, where the kernel puts no driver", i.Base),
			"link with -Wl,--dynamicbase and without -Wl,--disable-reloc-section")
	}
	if !i.hasDLL("NX_COMPAT") {
		add("nx", Refuse, byHVCI, "NX_COMPAT is not set: it may expect to execute data", "link with -Wl,--nxcompat")
	}
	if !i.hasDLL("DYNAMIC_BASE") {
		add("aslr", Refuse, byHLK, "DYNAMIC_BASE is not set: it does not declare that it can be moved", "link with -Wl,--dynamicbase")
	}
	if i.has("DLL") {
		add("dll", Warn, byEyes, "the DLL bit is set: Windows takes it for a library of other drivers, whose DriverEntry is not always called",
			"link without -shared")
	}
}

// sectionOf returns the section that an address relative to the base is in.
func (i *Image) sectionOf(address Hex) *Section {
	for n := range i.Sections {
		s := &i.Sections[n]
		if address >= s.Address && address < s.Address+max(s.Size, s.FileSize) {
			return s
		}
	}
	return nil
}

func (i *Image) judgeSections(add addFinding) {
	const page = 0x1000
	if i.SectionAlignment == 0 || i.SectionAlignment%page != 0 {
		add("section-alignment", Refuse, byHVCI, fmt.Sprintf("sections are aligned to %v: two of them can share a page, which then needs the permissions of both",
			i.SectionAlignment), "link with -Wl,--section-alignment,0x1000")
	}
	for _, s := range i.Sections {
		if strings.HasSuffix(s.Permissions, "wx") {
			add("wx-section", Refuse, byHVCI, fmt.Sprintf("section %s (%s) can be written and executed", s.Name, s.Permissions),
				"keep code and data apart; look for section attributes and linker scripts")
		}
	}
}

func (i *Image) judgeImports(add addFinding) {
	for _, m := range i.Imports {
		// The table is written when the driver is loaded and read at each call, so long as it runs. (What
		// may go are the names beside it: Microsoft's linker puts those into INIT.)
		if s := i.sectionOf(m.Table); s != nil && s.Discardable {
			add("discardable-imports", Refuse, byExecution, fmt.Sprintf("the addresses of the functions of %s are in section %s, which is discarded after DriverEntry: the next call crashes",
				m.Module, s.Name), "don't mark "+s.Name+" discardable")
		}
		switch kernelModule(m.Module) {
		case moduleKernel:
		case moduleUser:
			add("user-mode-import", Refuse, byLoader, fmt.Sprintf("it imports %s from %s, which exists in user mode only", someOf(m.Functions), m.Module),
				"link with -nostdlib and without -l"+strings.TrimSuffix(strings.ToLower(m.Module), ".dll")+"; use what ntoskrnl.exe has")
		case moduleUnknown:
			add("unknown-import", Warn, byLoader, fmt.Sprintf("it imports %s from %s: it loads only where that driver is loaded already or can be", someOf(m.Functions), m.Module),
				"make sure that each target has it, and starts it first")
		}
	}
	if i.DelayLoads {
		add("delay-imports", Warn, byExecution, "it has delay-loaded imports, which older kernels do not resolve", "link the import libraries directly")
	}
}

func someOf(names []string) string {
	const shown = 3
	if len(names) > shown {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), len(names)-shown)
	}
	return strings.Join(names, ", ")
}

type moduleKind int

const (
	moduleUnknown moduleKind = iota
	moduleKernel
	moduleUser
)

// kernelModule says where a module is at home: part of every Windows kernel, or user mode.
func kernelModule(name string) moduleKind {
	name = strings.ToLower(name)
	switch name {
	case "ntoskrnl.exe", "hal.dll", "netio.sys", "ndis.sys", "tdi.sys", "fwpkclnt.sys", "cng.sys", "ksecdd.sys",
		"fltmgr.sys", "wmilib.sys", "clfs.sys", "ext-ms-win-ntos-ksr-l1-1-0.dll", "bootvid.dll", "ci.dll", "kdcom.dll", "pshed.dll",
		"wdfldr.sys", "storport.sys", "usbd.sys", "hidparse.sys", "ks.sys", "portcls.sys", "scsiport.sys":
		return moduleKernel
	}
	if strings.HasPrefix(name, "ext-ms-win-ntos-") {
		return moduleKernel
	}
	if strings.HasSuffix(name, ".dll") {
		return moduleUser
	}
	return moduleUnknown
}

func (i *Image) judgeExtras(add addFinding) {
	if i.IsManaged {
		add("managed", Refuse, byExecution, "it has a .NET header, and the kernel has no .NET", "write the driver in C or C++")
	}
	if i.HasTLS {
		add("tls", Warn, byExecution, "it has thread-local storage, which the kernel sets up for nobody: a C runtime was linked in",
			"link with -nostdlib -nostartfiles, and do without thread-local variables")
	}
	for _, d := range i.Debug {
		if d.Path != "" {
			add("debug-path", Note, byEyes, fmt.Sprintf("it names its symbol file as %s: that tells about the machine that built it", d.Path),
				"link with /PDBALTPATH:%_PDB% if it is to leave the house")
		}
	}
}
