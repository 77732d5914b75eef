package driver

import (
	"debug/dwarf"
	"debug/pe"
	"fmt"
	"io"
	"os"
)

// Symbols resolves addresses in an image to lines of its sources. It is read from the twin of the
// image that a build keeps: Artifact.Symbols, Package.Symbols.
type Symbols struct {
	base  uint64
	units []unit
}

type unit struct {
	ranges    [][2]uint64
	functions []function
	lines     []dwarf.LineEntry
}

type function struct {
	name   string
	origin dwarf.Offset // of the declaration that has the name, where the compiler made a copy of the function
	ranges [][2]uint64
}

// Location is a place in the sources.
type Location struct {
	Function string
	File     string // relative to the root of the sources
	Line     int
}

func (l Location) String() string { return fmt.Sprintf("%s (%s:%d)", l.Function, l.File, l.Line) }

// OpenSymbols reads the debug information of a build.
func OpenSymbols(path string) (*Symbols, error) {
	if info, err := os.Stat(path); err == nil && info.Size() > maxImageFile {
		return nil, fmt.Errorf("read symbols: %s is longer than %d bytes", path, maxImageFile)
	}
	file, err := pe.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read symbols: %w", err)
	}
	defer file.Close()
	opt, ok := file.OptionalHeader.(*pe.OptionalHeader64)
	if !ok {
		return nil, fmt.Errorf("read symbols: %s is not a 64-bit image", path)
	}
	data, err := file.DWARF()
	if err != nil {
		return nil, fmt.Errorf("read symbols of %s: %w", path, err)
	}
	s := &Symbols{base: opt.ImageBase}
	if err := s.read(data); err != nil {
		return nil, fmt.Errorf("read symbols of %s: %w", path, err)
	}
	return s, nil
}

func (s *Symbols) read(data *dwarf.Data) error {
	names := map[dwarf.Offset]string{}
	defer s.nameCopies(names)
	for reader := data.Reader(); ; {
		entry, err := reader.Next()
		if entry == nil || err != nil {
			return err
		}
		switch entry.Tag {
		case dwarf.TagCompileUnit:
			u, err := readUnit(data, entry)
			if err != nil {
				return err
			}
			s.units = append(s.units, u)
		case dwarf.TagSubprogram:
			name, _ := entry.Val(dwarf.AttrName).(string)
			origin, _ := entry.Val(dwarf.AttrAbstractOrigin).(dwarf.Offset)
			names[entry.Offset] = name
			ranges, err := data.Ranges(entry)
			if err != nil {
				return err
			}
			if u := len(s.units) - 1; u >= 0 && len(ranges) > 0 {
				s.units[u].functions = append(s.units[u].functions, function{name, origin, ranges})
			}
			reader.SkipChildren()
		default:
			reader.SkipChildren()
		}
	}
}

func (s *Symbols) nameCopies(names map[dwarf.Offset]string) {
	for _, u := range s.units {
		for i := range u.functions {
			if f := &u.functions[i]; f.name == "" {
				f.name = names[f.origin]
			}
		}
	}
}

func readUnit(data *dwarf.Data, entry *dwarf.Entry) (unit, error) {
	ranges, err := data.Ranges(entry)
	if err != nil {
		return unit{}, err
	}
	u := unit{ranges: ranges}
	lines, err := data.LineReader(entry)
	if err != nil || lines == nil {
		return u, err
	}
	for {
		var line dwarf.LineEntry
		switch err := lines.Next(&line); err {
		case nil:
			u.lines = append(u.lines, line)
		case io.EOF:
			return u, nil
		default:
			return unit{}, err
		}
	}
}

// Lookup finds what is at an offset from the beginning of the image in memory, such as a fault's
// address less the address that the driver was loaded at.
func (s *Symbols) Lookup(offset uint64) (Location, bool) {
	address := s.base + offset
	for _, u := range s.units {
		if !within(u.ranges, address) {
			continue
		}
		var at Location
		for _, f := range u.functions {
			if within(f.ranges, address) {
				at.Function = f.name
			}
		}
		for i := 0; i+1 < len(u.lines); i++ {
			line := u.lines[i]
			if !line.EndSequence && line.Address <= address && address < u.lines[i+1].Address && line.File != nil {
				at.File, at.Line = line.File.Name, line.Line
			}
		}
		return at, at.Line != 0
	}
	return Location{}, false
}

func within(ranges [][2]uint64, address uint64) bool {
	for _, r := range ranges {
		if r[0] <= address && address < r[1] {
			return true
		}
	}
	return false
}
