package prepare

import (
	"fmt"
	"strconv"
	"strings"

	"wskharness/guest"
	"wskharness/prepare/windows"
)

const crashKey = currentSystem + `Control\CrashControl`

const setCrashControl = `in HKLM\` + crashKey + ": CrashDumpEnabled 2, AlwaysKeepMemoryDump, AutoReboot and NMICrashDump 1, and reboot"

// crashSettings are what a crash leaves evidence by.
func crashSettings() []setting {
	return []setting{{
		name:   "crash-dump",
		why:    "a bug check is explained by its dump: of the kernel, kept, with the machine up again by itself; a hang by the dump that an NMI forces",
		source: "Microsoft, “Memory dump file options”; “Forcing a system crash with an NMI”",
		look: func(v *view) Finding {
			wants := []wanted{{registry(crashKey, "AlwaysKeepMemoryDump"), dword(1), false}, {registry(crashKey, "AutoReboot"), dword(1), true}, {registry(crashKey, "NMICrashDump"), dword(1), true}}
			if kind, _ := v.number(crashKey, "CrashDumpEnabled"); kind != 1 { // a complete one has all that a kernel's has
				wants = append(wants, wanted{registry(crashKey, "CrashDumpEnabled"), dword(2), true})
			}
			return differs(v.differing(wants...), "of the kernel, kept, with a reboot behind it, by an NMI, too",
				setCrashControl)
		},
		brief: func(f guest.Facts, _ Known) Finding {
			problems := f.Traces.Control.Problems(f.FreeBytes)
			if problems == nil {
				return Finding{}
			}
			return Finding{Status: Change, Detail: strings.Join(problems, "; "), Fix: setCrashControl}
		},
	}, {
		name:   "page-file",
		why:    "Windows writes a dump into the page file of the system drive, and none where that is too small",
		source: "Microsoft, “Introduction to page files”; “Overview of memory dump file options”",
		look:   lookPageFile,
	}}
}

const (
	mebibyte = 1 << 20
	// mostPageFile is what a dump of the kernel's memory needs at most on a machine for tests, in MiB.
	mostPageFile = 8 << 10
	// pageFileMargin is what a dump has beside the memory, in MiB ("Introduction to page files").
	pageFileMargin = 257
)

func lookPageFile(v *view) Finding {
	place := registry(memoryKey, "PagingFiles")
	now := v.item(place)
	if file := v.text(crashKey, "DedicatedDumpFile"); file != "" {
		return Finding{Status: OK, Detail: "dumps have a file of their own: " + file}
	}
	memory, _ := strconv.ParseUint(v.object(computer())["TotalPhysicalMemory"], 10, 64)
	disk := v.object(windows.Objects(`root\cimv2`, "SELECT FreeSpace FROM Win32_LogicalDisk WHERE DeviceID = '"+systemDrive+"'", "FreeSpace"))
	free, _ := strconv.ParseUint(disk["FreeSpace"], 10, 64)
	need := min(memory/mebibyte+pageFileMargin, mostPageFile)
	size, managed := pageFile(now)
	switch {
	case memory == 0:
		return Finding{Status: Unknown, Detail: "WMI does not say how much memory the machine has", Fix: "look at `Get-CimInstance Win32_ComputerSystem` on the machine"}
	case managed:
		return Finding{Status: OK, Detail: "Windows manages its size"}
	case size >= need:
		return Finding{Status: OK, Detail: fmt.Sprintf("up to %d MiB on %s", size, systemDrive)}
	case free/mebibyte+size < 2*need: // the page file, and the dump that is made of it
		return Finding{Status: Blocked, Detail: fmt.Sprintf("%d MiB on %s, where %d are needed, and a dump as large; %d MiB are free", size, systemDrive, need, free/mebibyte),
			Fix: "enlarge the system drive, or name a file on another one as DedicatedDumpFile in HKLM\\" + crashKey}
	}
	wantedSize := state{Type: windows.List, Data: fmt.Sprintf(`%s\pagefile.sys %d %d`, systemDrive, need, need)}
	return differs(v.differing(wanted{place, wantedSize, true}), "", fmt.Sprintf("give %s a page file of %d MiB (System Properties, Advanced, Performance), and reboot", systemDrive, need))
}

// pageFile is how large the page file of the system drive may become, in MiB, or that Windows decides it. In PagingFiles it is a
// line of its path, its first and its largest size; "?:" and sizes of 0 are Windows' to choose.
func pageFile(s state) (size uint64, managed bool) {
	for line := range strings.SplitSeq(s.Data, "\x00") {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		path := strings.ToLower(words[0])
		switch {
		case strings.HasPrefix(path, "?:"):
			return 0, true
		case !strings.HasPrefix(path, strings.ToLower(systemDrive)):
			continue
		case len(words) == 1 || len(words) == 3 && words[1] == "0" && words[2] == "0":
			return 0, true
		}
		most, err := strconv.ParseUint(words[len(words)-1], 10, 32)
		if err == nil {
			size = max(size, most)
		}
	}
	return size, false
}
