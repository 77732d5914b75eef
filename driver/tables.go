package driver

import (
	"bytes"
	"debug/pe"
	"encoding/binary"
	"fmt"
)

// The names are those of the PE format's documentation, without its prefixes.
var (
	machineNames = map[uint64]string{
		pe.IMAGE_FILE_MACHINE_AMD64: "x86-64",
		pe.IMAGE_FILE_MACHINE_I386:  "x86",
		pe.IMAGE_FILE_MACHINE_ARM64: "arm64",
		pe.IMAGE_FILE_MACHINE_ARMNT: "arm",
	}
	subsystemNames = map[uint64]string{
		pe.IMAGE_SUBSYSTEM_NATIVE:          "native",
		pe.IMAGE_SUBSYSTEM_WINDOWS_GUI:     "windows gui",
		pe.IMAGE_SUBSYSTEM_WINDOWS_CUI:     "windows console",
		pe.IMAGE_SUBSYSTEM_EFI_APPLICATION: "efi application",
	}
	characteristicNames = map[uint16]string{
		pe.IMAGE_FILE_RELOCS_STRIPPED:         "RELOCS_STRIPPED",
		pe.IMAGE_FILE_EXECUTABLE_IMAGE:        "EXECUTABLE_IMAGE",
		pe.IMAGE_FILE_LINE_NUMS_STRIPPED:      "LINE_NUMS_STRIPPED",
		pe.IMAGE_FILE_LOCAL_SYMS_STRIPPED:     "LOCAL_SYMS_STRIPPED",
		pe.IMAGE_FILE_LARGE_ADDRESS_AWARE:     "LARGE_ADDRESS_AWARE",
		pe.IMAGE_FILE_32BIT_MACHINE:           "32BIT_MACHINE",
		pe.IMAGE_FILE_DEBUG_STRIPPED:          "DEBUG_STRIPPED",
		pe.IMAGE_FILE_REMOVABLE_RUN_FROM_SWAP: "REMOVABLE_RUN_FROM_SWAP",
		pe.IMAGE_FILE_NET_RUN_FROM_SWAP:       "NET_RUN_FROM_SWAP",
		pe.IMAGE_FILE_SYSTEM:                  "SYSTEM",
		pe.IMAGE_FILE_DLL:                     "DLL",
		pe.IMAGE_FILE_UP_SYSTEM_ONLY:          "UP_SYSTEM_ONLY",
	}
	dllCharacteristicNames = map[uint16]string{
		pe.IMAGE_DLLCHARACTERISTICS_HIGH_ENTROPY_VA:       "HIGH_ENTROPY_VA",
		pe.IMAGE_DLLCHARACTERISTICS_DYNAMIC_BASE:          "DYNAMIC_BASE",
		pe.IMAGE_DLLCHARACTERISTICS_FORCE_INTEGRITY:       "FORCE_INTEGRITY",
		pe.IMAGE_DLLCHARACTERISTICS_NX_COMPAT:             "NX_COMPAT",
		pe.IMAGE_DLLCHARACTERISTICS_NO_ISOLATION:          "NO_ISOLATION",
		pe.IMAGE_DLLCHARACTERISTICS_NO_SEH:                "NO_SEH",
		pe.IMAGE_DLLCHARACTERISTICS_NO_BIND:               "NO_BIND",
		pe.IMAGE_DLLCHARACTERISTICS_APPCONTAINER:          "APPCONTAINER",
		pe.IMAGE_DLLCHARACTERISTICS_WDM_DRIVER:            "WDM_DRIVER",
		pe.IMAGE_DLLCHARACTERISTICS_GUARD_CF:              "GUARD_CF",
		pe.IMAGE_DLLCHARACTERISTICS_TERMINAL_SERVER_AWARE: "TERMINAL_SERVER_AWARE",
	}
	debugNames = map[uint64]string{
		1: "COFF", 2: "CODEVIEW", 3: "FPO", 4: "MISC", 12: "VC_FEATURE", 13: "POGO", 16: "REPRO", 20: "EX_DLLCHARACTERISTICS",
	}
)

// imports reads the import directory: descriptors of 20 bytes up to one that is all zero, each with a
// list of 8-byte (in a 32-bit image 4-byte) references up to zero.
func (p *imageReader) imports() []Import {
	const descriptor = 20
	imports := []Import{}
	dir := p.directory(pe.IMAGE_DIRECTORY_ENTRY_IMPORT)
	if dir.Size == 0 {
		return imports
	}
	table := p.at(dir.VirtualAddress, (maxModules+1)*descriptor)
	if len(table) < descriptor {
		p.problem("the import directory is outside of the file")
	}
	functions := 0
	for ; len(table) >= descriptor; table = table[descriptor:] {
		d := table[:descriptor]
		lookup, name, addresses := binary.LittleEndian.Uint32(d), binary.LittleEndian.Uint32(d[12:]), binary.LittleEndian.Uint32(d[16:])
		if name == 0 && addresses == 0 {
			return imports
		}
		if len(imports) == maxModules {
			p.problem("more than %d imported modules", maxModules)
			return imports
		}
		if lookup == 0 {
			lookup = addresses
		}
		names := p.importedNames(lookup, maxFunctions-functions)
		functions += len(names)
		imports = append(imports, Import{Module: p.name(name), Functions: names, Table: Hex(addresses)})
	}
	p.problem("the import directory has no end")
	return imports
}

func (p *imageReader) importedNames(lookup uint32, limit int) []string {
	width := uint32(8)
	if p.opt.Magic == 0x10b {
		width = 4
	}
	ordinal := uint64(1) << (8*width - 1)
	names := []string{}
	for list := p.at(lookup, uint32(limit+1)*width); uint32(len(list)) >= width; list = list[width:] {
		var ref uint64
		if width == 8 {
			ref = binary.LittleEndian.Uint64(list)
		} else {
			ref = uint64(binary.LittleEndian.Uint32(list))
		}
		switch {
		case ref == 0:
			return names
		case len(names) >= limit:
			p.problem("more than %d imported functions", maxFunctions)
			return names
		case ref&ordinal != 0:
			names = append(names, fmt.Sprintf("#%d", uint16(ref)))
		default:
			const hint = 2
			names = append(names, p.name(uint32(ref)+hint))
		}
	}
	p.problem("a list of imported functions is outside of the file")
	return names
}

func (p *imageReader) exports() []string {
	const directory = 40
	dir := p.directory(pe.IMAGE_DIRECTORY_ENTRY_EXPORT)
	if dir.Size == 0 {
		return nil
	}
	table := p.at(dir.VirtualAddress, directory)
	if len(table) < directory {
		p.problem("the export directory is outside of the file")
		return nil
	}
	count, list := binary.LittleEndian.Uint32(table[24:]), binary.LittleEndian.Uint32(table[32:])
	if count > maxExports {
		p.problem("%d exported names; %d are read", count, maxExports)
		count = maxExports
	}
	var names []string
	for refs := p.at(list, 4*count); len(refs) >= 4; refs = refs[4:] {
		names = append(names, p.name(binary.LittleEndian.Uint32(refs)))
	}
	return names
}

// relocations counts the entries of the relocation blocks that are not padding.
func (p *imageReader) relocations() int {
	const header, entry = 8, 2
	dir := p.directory(pe.IMAGE_DIRECTORY_ENTRY_BASERELOC)
	if dir.Size == 0 {
		return 0
	}
	blocks := p.at(dir.VirtualAddress, dir.Size)
	if uint32(len(blocks)) < dir.Size {
		p.problem("the relocation directory is outside of the file")
	}
	count := 0
	for len(blocks) >= header {
		size := binary.LittleEndian.Uint32(blocks[4:])
		if size < header || size > uint32(len(blocks)) {
			p.problem("a relocation block of %d bytes", size)
			break
		}
		for entries := blocks[header:size]; len(entries) >= entry; entries = entries[entry:] {
			if kind := entries[1] >> 4; kind != 0 {
				count++
			}
		}
		blocks = blocks[size:]
	}
	return count
}

func (p *imageReader) debugEntries() []DebugEntry {
	const entry = 28
	dir := p.directory(pe.IMAGE_DIRECTORY_ENTRY_DEBUG)
	if dir.Size == 0 {
		return nil
	}
	var entries []DebugEntry
	for table := p.at(dir.VirtualAddress, min(dir.Size, maxDebug*entry)); len(table) >= entry; table = table[entry:] {
		kind := binary.LittleEndian.Uint32(table[12:])
		size, offset := binary.LittleEndian.Uint32(table[16:]), binary.LittleEndian.Uint32(table[24:])
		e := DebugEntry{Type: nameOf(uint64(kind), debugNames)}
		const codeView = 2
		if kind == codeView && uint64(offset)+uint64(size) <= uint64(len(p.data)) {
			e.Path = symbolPath(p.data[offset : offset+size])
		}
		entries = append(entries, e)
	}
	return entries
}

// symbolPath reads a CodeView record: RSDS, a GUID, an age, the path of the .pdb file.
func symbolPath(record []byte) string {
	const path = 24
	if len(record) <= path || !bytes.HasPrefix(record, []byte("RSDS")) {
		return ""
	}
	name, _, _ := bytes.Cut(record[path:], []byte{0})
	return printable(string(name))
}
