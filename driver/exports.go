package driver

import (
	"debug/pe"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
)

// Export is what an image exports under a name.
type Export struct {
	Code   bool   // it is where code is
	Known  bool   // Number is in the file: data that has a value before anything runs
	Number uint32 // its first four bytes
}

// ExportOf reads what the image at path exports under a name. The file may be hostile.
func ExportOf(path, name string) (Export, error) {
	f, err := openRegular(path)
	if err != nil {
		return Export{}, fmt.Errorf("inspect: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxImageFile))
	if err != nil {
		return Export{}, fmt.Errorf("inspect %s: %w", path, err)
	}
	e, err := exportOf(data, name)
	if err != nil {
		return Export{}, fmt.Errorf("inspect %s: %w", path, err)
	}
	return e, nil
}

func exportOf(data []byte, name string) (Export, error) {
	p, err := newImageReader(data)
	if err != nil {
		return Export{}, err
	}
	address, ok := p.exported(name)
	if !ok {
		return Export{}, &FormatError{fmt.Sprintf("it exports no %s", printable(name))}
	}
	dir := p.directory(pe.IMAGE_DIRECTORY_ENTRY_EXPORT)
	section := p.sectionAt(address, 1)
	if section == nil || address-dir.VirtualAddress < dir.Size { // in the table itself: the name of another image's export
		return Export{}, nil
	}
	e := Export{Code: section.Characteristics&pe.IMAGE_SCN_MEM_EXECUTE != 0}
	if bytes := p.at(address, 4); len(bytes) == 4 {
		e.Known, e.Number = true, binary.LittleEndian.Uint32(bytes)
	}
	return e, nil
}

// exported finds the address of an exported name; ok is false where there is none, or its table does not hold together.
func (p *imageReader) exported(name string) (address uint32, ok bool) {
	const directory = 40
	table := p.at(p.directory(pe.IMAGE_DIRECTORY_ENTRY_EXPORT).VirtualAddress, directory)
	at := slices.Index(p.exports(), name)
	if at < 0 || len(table) < directory {
		return 0, false
	}
	functions, ordinals := binary.LittleEndian.Uint32(table[28:]), binary.LittleEndian.Uint32(table[36:])
	number := p.at(ordinals+2*uint32(at), 2)
	if len(number) < 2 {
		return 0, false
	}
	entry := p.at(functions+4*uint32(binary.LittleEndian.Uint16(number)), 4)
	if len(entry) < 4 {
		return 0, false
	}
	return binary.LittleEndian.Uint32(entry), true
}
