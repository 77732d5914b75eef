package driver

import (
	"bytes"
	"debug/pe"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Bounds for what is read from a file: a driver is far below them, a hostile file is stopped by them.
const (
	maxSections  = 96 // what Windows itself loads
	maxModules   = 256
	maxFunctions = 1 << 14
	maxExports   = 1 << 12
	maxDebug     = 16
	maxName      = 256
)

// InspectFile reads the image at path.
func InspectFile(path string) (*Image, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, fmt.Errorf("inspect: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("inspect: %w", err)
	}
	image, err := readImage(f, info.Size())
	if err != nil {
		return nil, fmt.Errorf("inspect %s: %w", path, err)
	}
	return image, nil
}

// readImage reads a Windows image of size bytes, of at most 64 MiB. The file may be hostile. One that is
// no image at all is a *FormatError; what is wrong with an image is told by Findings.
func readImage(r io.ReaderAt, size int64) (*Image, error) {
	if size < 0 || size > maxImageFile {
		return nil, &FormatError{fmt.Sprintf("%d bytes; at most %d are read", size, maxImageFile)}
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(io.NewSectionReader(r, 0, size), data); err != nil {
		return nil, fmt.Errorf("read the image: %w", err)
	}
	p, err := newImageReader(data)
	if err != nil {
		return nil, err
	}
	image := p.header()
	image.Sections = p.sections()
	if s := p.sectionAt(uint32(image.EntryPoint), 1); s != nil {
		image.EntrySection = printable(s.Name)
	}
	image.Imports = p.imports()
	image.Exports = p.exports()
	image.Relocations = p.relocations()
	image.Debug = p.debugEntries()
	image.HasTLS = p.directory(pe.IMAGE_DIRECTORY_ENTRY_TLS).Size != 0
	image.DelayLoads = p.directory(pe.IMAGE_DIRECTORY_ENTRY_DELAY_IMPORT).Size != 0
	image.IsManaged = p.directory(pe.IMAGE_DIRECTORY_ENTRY_COM_DESCRIPTOR).Size != 0
	image.Checksum.Computed = Hex(p.checksum())
	image.Signature = p.signature()
	image.problems = p.problems
	return image, nil
}

// imageReader walks one image held in memory. Whatever does not hold together is noted in problems,
// and reading goes on with what does.
type imageReader struct {
	data     []byte
	file     *pe.File
	opt      pe.OptionalHeader64 // of a 32-bit image: the same fields, widened
	optional int64               // file offset of the optional header
	problems []string
}

func newImageReader(data []byte) (*imageReader, error) {
	const (
		dosHeader  = 64
		fileHeader = 24 // with its signature
		minimum    = 2
	)
	if len(data) < dosHeader || data[0] != 'M' || data[1] != 'Z' {
		return nil, &FormatError{"it does not begin with a DOS header (MZ)"}
	}
	start := int64(binary.LittleEndian.Uint32(data[0x3c:]))
	if start < dosHeader || start+fileHeader+minimum > int64(len(data)) {
		return nil, &FormatError{"the DOS header points outside of the file"}
	}
	// Before debug/pe reads it: each section may make it read as many relocations as it likes.
	if n := binary.LittleEndian.Uint16(data[start+6:]); n > maxSections {
		return nil, &FormatError{fmt.Sprintf("%d sections; Windows loads at most %d", n, maxSections)}
	}
	file, err := pe.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil, &FormatError{err.Error()}
	}
	p := &imageReader{data: data, file: file, optional: start + fileHeader}
	switch opt := file.OptionalHeader.(type) {
	case *pe.OptionalHeader64:
		p.opt = *opt
	case *pe.OptionalHeader32:
		p.opt = widen(opt)
	default:
		return nil, &FormatError{"no optional header: an object file, not an image"}
	}
	if p.opt.FileAlignment == 0 || p.opt.FileAlignment&(p.opt.FileAlignment-1) != 0 {
		return nil, &FormatError{fmt.Sprintf("file alignment %#x is no power of two", p.opt.FileAlignment)}
	}
	return p, nil
}

func widen(h *pe.OptionalHeader32) pe.OptionalHeader64 {
	return pe.OptionalHeader64{
		Magic: h.Magic, AddressOfEntryPoint: h.AddressOfEntryPoint, ImageBase: uint64(h.ImageBase),
		SectionAlignment: h.SectionAlignment, FileAlignment: h.FileAlignment,
		SizeOfImage: h.SizeOfImage, SizeOfHeaders: h.SizeOfHeaders, CheckSum: h.CheckSum,
		Subsystem: h.Subsystem, DllCharacteristics: h.DllCharacteristics,
		NumberOfRvaAndSizes: h.NumberOfRvaAndSizes, DataDirectory: h.DataDirectory,
	}
}

func (p *imageReader) problem(format string, args ...any) {
	if len(p.problems) < 16 {
		p.problems = append(p.problems, fmt.Sprintf(format, args...))
	}
}

func (p *imageReader) header() *Image {
	format := "PE32"
	if _, ok := p.file.OptionalHeader.(*pe.OptionalHeader64); ok {
		format = "PE32+"
	}
	return &Image{
		Size: int64(len(p.data)), SHA256: hashBytes(p.data),
		Machine:            nameOf(uint64(p.file.Machine), machineNames),
		Format:             format,
		Subsystem:          nameOf(uint64(p.opt.Subsystem), subsystemNames),
		Characteristics:    bitNames(p.file.Characteristics, characteristicNames),
		DLLCharacteristics: bitNames(p.opt.DllCharacteristics, dllCharacteristicNames),
		Timestamp:          p.file.TimeDateStamp,
		Base:               Hex(p.opt.ImageBase), ImageSize: Hex(p.opt.SizeOfImage), HeaderSize: Hex(p.opt.SizeOfHeaders),
		EntryPoint:       Hex(p.opt.AddressOfEntryPoint),
		SectionAlignment: Hex(p.opt.SectionAlignment), FileAlignment: Hex(p.opt.FileAlignment),
		Checksum: Checksum{Stored: Hex(p.opt.CheckSum)},
	}
}

func (p *imageReader) sections() []Section {
	var sections []Section
	end := uint64(0)
	for _, s := range p.file.Sections {
		name := printable(s.Name)
		if s.Size != 0 && uint64(s.Offset)+uint64(s.Size) > uint64(len(p.data)) {
			p.problem("section %s goes beyond the end of the file", name)
		}
		if uint64(s.VirtualAddress) < end {
			p.problem("section %s overlaps the one before it", name)
		}
		if p.opt.SectionAlignment != 0 && s.VirtualAddress%p.opt.SectionAlignment != 0 {
			p.problem("section %s is at %#x, not a multiple of the section alignment", name, s.VirtualAddress)
		}
		end = uint64(s.VirtualAddress) + uint64(s.VirtualSize)
		if end > uint64(p.opt.SizeOfImage) {
			p.problem("section %s goes beyond the size of the image", name)
		}
		sections = append(sections, Section{
			Name: name, Address: Hex(s.VirtualAddress), Size: Hex(s.VirtualSize),
			FileOffset: Hex(s.Offset), FileSize: Hex(s.Size),
			Permissions: permissions(s.Characteristics),
			Discardable: s.Characteristics&pe.IMAGE_SCN_MEM_DISCARDABLE != 0,
			// Of a section that is not marked NOT_PAGED only those called PAGE… are paged out.
			Pageable: strings.HasPrefix(s.Name, "PAGE"),
		})
	}
	return sections
}

func permissions(characteristics uint32) string {
	text := []byte("---")
	for i, bit := range []uint32{pe.IMAGE_SCN_MEM_READ, pe.IMAGE_SCN_MEM_WRITE, pe.IMAGE_SCN_MEM_EXECUTE} {
		if characteristics&bit != 0 {
			text[i] = "rwx"[i]
		}
	}
	return string(text)
}

func (p *imageReader) directory(index int) pe.DataDirectory {
	if uint32(index) >= p.opt.NumberOfRvaAndSizes {
		return pe.DataDirectory{}
	}
	return p.opt.DataDirectory[index]
}

// sectionAt returns the section that holds n bytes at a relative address.
func (p *imageReader) sectionAt(address, n uint32) *pe.Section {
	for _, s := range p.file.Sections {
		size := uint64(max(s.VirtualSize, s.Size))
		if address >= s.VirtualAddress && uint64(address)+uint64(n) <= uint64(s.VirtualAddress)+size {
			return s
		}
	}
	return nil
}

// at returns the bytes of the file from a relative address to the end of the section that it is in, at
// most n; nil if the file has none there.
func (p *imageReader) at(address, n uint32) []byte {
	s := p.sectionAt(address, 1)
	if s == nil {
		return nil
	}
	skip := uint64(address - s.VirtualAddress)
	if skip >= uint64(s.Size) {
		return nil
	}
	from := uint64(s.Offset) + skip
	to := min(from+uint64(n), uint64(s.Offset)+uint64(s.Size), uint64(len(p.data)))
	if from >= to {
		return nil
	}
	return p.data[from:to]
}

// name reads a string that ends with a zero.
func (p *imageReader) name(address uint32) string {
	text := p.at(address, maxName+1)
	if i := bytes.IndexByte(text, 0); i >= 0 {
		return printable(string(text[:i]))
	}
	return printable(string(text))
}

// checksumAt is where in the optional header the checksum is.
const checksumAt = 64

// withChecksum corrects the checksum that an image has in it.
func withChecksum(image []byte) ([]byte, error) {
	p, err := newImageReader(image)
	if err != nil {
		return nil, err
	}
	binary.LittleEndian.PutUint32(image[p.optional+checksumAt:], p.checksum())
	return image, nil
}

// checksum computes the image's checksum: the sum of its 16-bit words with end-around carry, without
// the stored checksum, plus the length.
func (p *imageReader) checksum() uint32 {
	stored := int(p.optional) + checksumAt
	var sum uint32
	for i := 0; i < len(p.data); i += 2 {
		if i == stored || i == stored+2 {
			continue
		}
		word := uint32(p.data[i])
		if i+1 < len(p.data) {
			word |= uint32(p.data[i+1]) << 8
		}
		sum += word
		sum = sum&0xffff + sum>>16
	}
	return sum + uint32(len(p.data))
}

// printable makes a name from a file fit for a terminal: at most 256 characters, all printable ASCII.
func printable(name string) string {
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, name[:min(len(name), maxName)])
	return strings.TrimSpace(clean)
}

func nameOf(value uint64, names map[uint64]string) string {
	if name, ok := names[value]; ok {
		return name
	}
	return fmt.Sprintf("%#x", value)
}

func bitNames(bits uint16, names map[uint16]string) []string {
	found := []string{}
	for i := range 16 {
		if bit := uint16(1) << i; bits&bit != 0 {
			name, ok := names[bit]
			if !ok {
				name = fmt.Sprintf("%#x", bit)
			}
			found = append(found, name)
		}
	}
	return found
}

func (i *Image) has(characteristic string) bool {
	return slices.Contains(i.Characteristics, characteristic)
}

func (i *Image) hasDLL(characteristic string) bool {
	return slices.Contains(i.DLLCharacteristics, characteristic)
}
