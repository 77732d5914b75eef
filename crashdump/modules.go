package crashdump

import (
	"fmt"
	"strings"
)

// Module is an image in the kernel's address space.
type Module struct {
	Name string `json:"name"` // base name, in lower case
	Base Hex    `json:"base"`
	Size Hex    `json:"size"` // in bytes
	// Unloaded says that the driver had gone by the time of the crash.
	Unloaded bool `json:"unloaded,omitempty"`
}

func (m Module) contains(address uint64) bool {
	return address >= uint64(m.Base) && address-uint64(m.Base) < uint64(m.Size)
}

const (
	mostModules  = 2048    // a system has some 200
	largestImage = 1 << 30 // bytes
)

// KLDR_DATA_TABLE_ENTRY, as far as it has been the same since the first 64-bit Windows.
const (
	entrySize       = 0x68
	atEntryBase     = 0x30
	atEntrySize     = 0x40
	atEntryBaseName = 0x58 // UNICODE_STRING: length in bytes, maximum, address at +8
)

// plausible checks what a list says of a module before anybody believes it.
func (m Module) plausible(part string) error {
	switch {
	case uint64(m.Base)>>47 != 1<<17-1 || m.Base%pageSize != 0:
		return &CorruptError{part, fmt.Sprintf("%s is no address where a kernel image can be", m.Base)}
	case m.Size == 0 || m.Size > largestImage:
		return &CorruptError{part, fmt.Sprintf("%s bytes are not the size of an image", m.Size)}
	case m.Name == "":
		return &CorruptError{part, "it has no name"}
	}
	return nil
}

// walkModules follows PsLoadedModuleList. The modules before a broken link are given with the error.
func walkModules(mem memory, head uint64) ([]Module, error) {
	const part = "loaded modules"
	link, err := mem.readVirtual(part+": head", head, 8)
	if err != nil {
		return nil, err
	}
	var found []Module
	seen := map[uint64]bool{head: true}
	for at := order.Uint64(link); at != head; {
		name := fmt.Sprintf("%s: entry %d", part, len(found)+1)
		if seen[at] || len(found) == mostModules {
			return found, &CorruptError{name, "the list runs in a circle, or has no end"}
		}
		seen[at] = true
		entry, err := mem.readVirtual(name, at, entrySize)
		if err != nil {
			return found, err
		}
		m := Module{Base: Hex(order.Uint64(entry[atEntryBase:])), Size: Hex(order.Uint32(entry[atEntrySize:]))}
		if m.Name, err = unicodeString(mem, name, entry[atEntryBaseName:]); err != nil {
			return found, err
		}
		if err := m.plausible(name); err != nil {
			return found, err
		}
		found = append(found, m)
		at = order.Uint64(entry)
	}
	return found, nil
}

// unicodeString reads what a UNICODE_STRING of the crashed system points at.
func unicodeString(mem memory, part string, raw []byte) (string, error) {
	length := int(order.Uint16(raw))
	if length == 0 || length%2 != 0 || length > 2*longestName {
		return "", &CorruptError{part, fmt.Sprintf("%d bytes are no length of a name", length)}
	}
	text, err := mem.readVirtual(part+": name", order.Uint64(raw[8:]), length)
	if err != nil {
		return "", err
	}
	return baseName(fromUTF16(text)), nil
}

// Place is an address as people look for it.
type Place struct {
	Address Hex `json:"address"`
	// Module is the name of the module that contains the address, "" if none that is known does.
	Module   string `json:"module,omitempty"`
	Offset   Hex    `json:"offset"` // from the module's base, if there is a module
	Unloaded bool   `json:"unloaded,omitempty"`
}

func (p Place) String() string {
	if p.Module == "" {
		return p.Address.String()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s+%s", p.Module, p.Offset)
	if p.Unloaded {
		b.WriteString(" (unloaded)")
	}
	return b.String()
}

// locate finds the module that an address is in. A loaded module comes before one that has been
// unloaded from the same place; of the unloaded ones the latest counts, which is the first.
func locate(address Hex, loaded, unloaded []Module) Place {
	for _, list := range [][]Module{loaded, unloaded} {
		for _, m := range list {
			if m.contains(uint64(address)) {
				return Place{Address: address, Module: m.Name, Offset: address - m.Base, Unloaded: m.Unloaded}
			}
		}
	}
	return Place{Address: address}
}
