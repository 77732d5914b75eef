package disc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"
)

// Volume descriptors of ISO 9660 (ECMA-119, 8): one a sector from the sixteenth on.
const (
	firstDescriptor = 16
	maxDescriptors  = 32
	primary         = 1
	supplementary   = 2 // with an escape sequence of UCS-2 it is Joliet's
	terminator      = 255
)

// rootRecord is where a volume descriptor has the record of its root; records begin with their length.
const (
	rootRecord    = 156
	labelAt       = 40
	labelSize     = 32
	minimumRecord = 34
	isFolder      = 2
	isContinued   = 0x80 // the file goes on in the next record: a larger one than 4 GiB
)

// readISO finds the tree: Joliet's, where there is one.
func (d *Disc) readISO() (bool, error) {
	found := false
	for n := int64(firstDescriptor); n < firstDescriptor+maxDescriptors; n++ {
		v, err := d.bytes(n*sector, sector)
		if err != nil || string(v[1:6]) != "CD001" || v[0] == terminator {
			break
		}
		joliet := v[0] == supplementary && isUCS2(v)
		if v[0] != primary && !joliet {
			continue
		}
		root, _, err := readRecord(v[rootRecord:], joliet)
		if err != nil {
			return false, fmt.Errorf("the record of the root is damaged: %w", err)
		}
		found = true
		d.Label = strings.TrimRight(text(v[labelAt:labelAt+labelSize], joliet), " \x00")
		d.root = root.at
		d.list = func(at place) ([]entry, error) { return d.records(at, joliet) }
		if joliet {
			break
		}
	}
	return found, nil
}

// isUCS2 reports whether a supplementary descriptor is Joliet's: the escape sequences are those of the three levels of UCS-2.
func isUCS2(v []byte) bool {
	switch string(v[88:91]) {
	case "%/@", "%/C", "%/E":
		return true
	}
	return false
}

// records lists a folder.
func (d *Disc) records(at place, joliet bool) ([]entry, error) {
	data, err := d.content(at)
	if err != nil {
		return nil, err
	}
	var list []entry
	var partial *entry
	for off := 0; off < len(data); {
		if data[off] == 0 { // no record crosses a sector
			off = (off/sector + 1) * sector
			continue
		}
		e, flags, err := readRecord(data[off:], joliet)
		if err != nil {
			return nil, err
		}
		off += int(data[off])
		if e.Name == "\x00" || e.Name == "\x01" { // the folder itself and the one above
			continue
		}
		if partial != nil {
			e.at.extents = append(partial.at.extents, e.at.extents...)
			e.Size += partial.Size
			partial = nil
		}
		if flags&isContinued != 0 {
			if partial = &e; len(e.at.extents) > maxExtents {
				return nil, errors.New("a file has too many pieces")
			}
			continue
		}
		if list = append(list, e); len(list) > maxEntries {
			return nil, fmt.Errorf("more than %d entries", maxEntries)
		}
	}
	return list, nil
}

// readRecord reads what a record says, and its flags. The names "\x00" and "\x01" are the folder itself and the one above.
func readRecord(b []byte, joliet bool) (entry, byte, error) {
	if len(b) < minimumRecord || int(b[0]) < minimumRecord || len(b) < int(b[0]) || 33+int(b[32]) > int(b[0]) {
		return entry{}, 0, errors.New("a record of a folder is damaged")
	}
	flags := b[25]
	size := int64(binary.LittleEndian.Uint32(b[10:]))
	e := entry{Entry{Folder: flags&isFolder != 0, Size: size},
		place{extents: []extent{{int64(binary.LittleEndian.Uint32(b[2:])) * sector, size}}, folder: flags&isFolder != 0}}
	switch name := b[33 : 33+int(b[32])]; {
	case len(name) == 1 && name[0] <= 1:
		e.Name = string(name)
	default:
		e.Name, _, _ = strings.Cut(text(name, joliet), ";")
		e.Name = strings.TrimSuffix(e.Name, ".")
	}
	return e, flags, nil
}

// text is a name as it is in a record: UCS-2, high byte first, or single bytes.
func text(b []byte, joliet bool) string {
	if !joliet {
		return strings.ToValidUTF8(string(b), "?")
	}
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = binary.BigEndian.Uint16(b[2*i:])
	}
	return string(utf16.Decode(units))
}
