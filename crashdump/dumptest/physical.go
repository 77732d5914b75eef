package dumptest

import (
	"maps"
	"slices"
)

// machine is physical memory in the making: pages by frame, with page tables.
type machine struct {
	pages map[uint64][]byte
	next  uint64 // the next frame to use
	top   uint64 // of the page tables
	large bool   // the last level is left out: pages of 2 MiB
	huge  uint64 // the next frame for such a page
	link  uint64 // what an entry has beside the address of a table or page
	block uint64 // and of a page of 2 MiB
}

// newMachine leaves gaps between frames, so that runs and bitmaps have some.
func newMachine(large bool, kind uint32) *machine {
	m := &machine{pages: map[uint64][]byte{}, next: 0x1a, large: large, huge: 0x200, link: 0x63, block: 1<<63 | 0xe3}
	if kind == ARM64 { // valid, table or page, accessed, shared, no execution; a block has bit 1 clear
		m.link, m.block = 0x0060_0000_0000_0703, 0x0060_0000_0000_0701
	}
	m.top = m.page()
	return m
}

func (m *machine) page() uint64 {
	frame := m.next
	m.pages[frame] = make([]byte, pageSize)
	m.next++
	if m.next%5 == 0 {
		m.next += 3
	}
	return frame
}

// store puts bytes at a virtual address, mapping pages as needed.
func (m *machine) store(address uint64, data []byte) {
	for len(data) > 0 {
		n := copy(m.pages[m.frame(address)][address%pageSize:], data)
		data, address = data[n:], address+uint64(n)
	}
}

func (m *machine) frame(address uint64) uint64 {
	table := m.top
	for _, shift := range []uint{39, 30, 21, 12} {
		slot := m.pages[table][address>>shift&0x1ff*8:]
		entry := le.Uint64(slot)
		if m.large && shift == 21 {
			return m.inLarge(slot, address)
		}
		if entry == 0 {
			table = m.page()
			le.PutUint64(slot, table<<12|m.link)
			continue
		}
		table = entry >> 12 & 0xf_ffff_ffff
	}
	return table
}

// inLarge maps an address by a page of 2 MiB, of which only what is used gets into the dump.
func (m *machine) inLarge(slot []byte, address uint64) uint64 {
	if le.Uint64(slot) == 0 {
		le.PutUint64(slot, m.huge<<12|m.block)
		m.huge += 0x200
	}
	frame := le.Uint64(slot)>>12&0xf_ffff_ffff + address>>12&0x1ff
	if m.pages[frame] == nil {
		m.pages[frame] = make([]byte, pageSize)
	}
	return frame
}

// physical builds memory with the list of modules, and appends it as the type has it.
func (s Spec) physical(d []byte) []byte {
	m := newMachine(s.LargePages, s.Machine)
	const entries, names = uint64(0xfffff800_00e00000), uint64(0xfffff800_00e40ff8)
	for i := 2 * len(s.Modules); i >= 0; i-- {
		m.frame(names + uint64(i)*pageSize) // downwards: every name crosses into a page that is elsewhere
	}
	entryAt := func(i int) uint64 {
		if i < 0 || i == len(s.Modules) {
			return ListHead
		}
		return entries + uint64(i)*0x1a0
	}
	links := func(i int) []byte {
		last := i - 1
		if i < 0 {
			last = len(s.Modules) - 1
		}
		return le.AppendUint64(le.AppendUint64(nil, entryAt(i+1)), entryAt(last))
	}
	m.store(ListHead, links(-1))
	at := names
	for i, module := range s.Modules {
		entry := append(links(i), make([]byte, 0x90)...)
		loaderEntry(entry, module)
		path := module.Path
		if path == "" {
			path = `\SystemRoot\System32\drivers\` + module.Name
		}
		for _, name := range []struct {
			text string
			at   int
		}{{path, 0x48}, {module.Name, 0x58}} {
			text := wide(name.text)
			le.PutUint16(entry[name.at:], uint16(len(text)))
			le.PutUint16(entry[name.at+2:], uint16(len(text)))
			le.PutUint64(entry[name.at+8:], at)
			m.store(at, text)
			at += pageSize
		}
		m.store(entryAt(i), entry)
	}
	for _, piece := range s.Memory {
		m.store(piece.Address, piece.Data)
	}
	le.PutUint64(d[0x10:], m.top<<12|s.asid())
	return s.layOut(d, m.pages)
}

// layOut appends the pages with what says where they are.
func (s Spec) layOut(d []byte, pages map[uint64][]byte) []byte {
	frames := slices.Sorted(maps.Keys(pages))
	switch s.Type {
	case Full:
		clear(d[0x88 : 0x88+700])
		ranges := ranges(frames)
		if len(ranges) > 700-16 {
			panic("dumptest: a full dump has room for 42 runs: give it fewer modules or less memory")
		}
		le.PutUint32(d[0x88:], uint32(len(ranges)/16))
		le.PutUint64(d[0x90:], uint64(len(frames)))
		copy(d[0x98:0x88+700], ranges)
	case Kernel, Active, Complete:
		list := append(ranges(frames), make([]byte, 16)...)
		head := make([]byte, 0x30)
		le.PutUint32(head, 0x40)
		copy(head[4:], "RDMPDUMP")
		le.PutUint64(head[0x10:], uint64(0x10+len(list)))
		le.PutUint64(head[0x18:], uint64(headerSize+0x30+len(list)))
		if s.Type == Complete {
			le.PutUint32(head[0x20:], uint32(len(list)/16-1))
			le.PutUint64(head[0x28:], uint64(len(frames)))
		}
		d = append(append(d, head...), list...)
	default:
		d = append(d, s.bitmap(frames)...)
	}
	for _, frame := range frames {
		d = append(d, pages[frame]...)
	}
	return d
}

// ranges are pairs of first frame and number of frames.
func ranges(frames []uint64) []byte {
	var raw []byte
	for i := 0; i < len(frames); {
		n := 1
		for i+n < len(frames) && frames[i+n] == frames[i]+uint64(n) {
			n++
		}
		raw = le.AppendUint64(le.AppendUint64(raw, frames[i]), uint64(n))
		i += n
	}
	return raw
}

func (s Spec) bitmap(frames []uint64) []byte {
	length := frames[len(frames)-1]&^7 + 13 // a few bits more, and no whole number of bytes
	bits := make([]byte, (length+7)/8)
	for _, f := range frames {
		bits[f/8] |= 1 << (f % 8)
	}
	bits[len(bits)-1] |= 0xff << (length % 8) // what is beyond the length counts for nothing
	if s.Type == KernelSummary && s.OldBitmap {
		head := make([]byte, 0x28)
		copy(head, "SDMPDUMP")
		le.PutUint32(head[0x0c:], uint32(headerSize+len(head)+len(bits)))
		le.PutUint32(head[0x10:], uint32(length))
		le.PutUint32(head[0x14:], uint32(len(frames)))
		le.PutUint32(head[0x18:], uint32(length))
		return append(head, bits...)
	}
	head := make([]byte, 0x38)
	copy(head, "SDMPDUMP")
	if s.Type == BitmapFull {
		copy(head, "FDMPDUMP")
	}
	le.PutUint64(head[0x20:], uint64(headerSize+len(head)+len(bits)))
	le.PutUint64(head[0x28:], uint64(len(frames)))
	le.PutUint64(head[0x30:], length)
	return append(head, bits...)
}

// asid is what the register of a top page table has above its address.
func (s Spec) asid() uint64 {
	if s.Machine == ARM64 {
		return 0x2a << 48
	}
	return 0
}
