package crashdump

import "fmt"

// memory is the crashed system's, as far as it is in the dump, by virtual address.
type memory interface {
	readVirtual(part string, address uint64, n int) ([]byte, error)
}

// noMemory is what a header alone has.
type noMemory struct{}

func (noMemory) readVirtual(part string, address uint64, _ int) ([]byte, error) {
	return nil, &AbsentError{part, address, "a dump of this type has no memory"}
}

const (
	pageSize = 0x1000
	present  = 1 << 0 // of a page table entry, on all machines
)

// pages is physical memory that is in the dump: where a page frame is in the file.
type pages interface {
	locate(frame uint64) (offset uint64, ok bool, err error)
}

// paged is memory behind page tables of four levels (unproven: an x64 system with five levels, which
// Windows uses on servers with more than 64 TiB only, gives AbsentErrors; that the table of an arm64 is one for both
// halves of its addresses, as the header has room for one only).
type paged struct {
	f     *file
	pages pages
	how   paging
	table uint64 // physical address of the top page table
}

func (p *paged) readVirtual(part string, address uint64, n int) ([]byte, error) {
	data := make([]byte, 0, n)
	for len(data) < n {
		at := address + uint64(len(data))
		if at < address {
			return nil, &CorruptError{part, "wraps around the end of memory"}
		}
		physical, err := p.translate(part, at)
		if err != nil {
			return nil, err
		}
		more := min(n-len(data), int(pageSize-at%pageSize))
		piece, err := p.readPhysical(part, physical, more)
		if err != nil {
			return nil, err
		}
		data = append(data, piece...)
	}
	return data, nil
}

// translate walks the page tables: nine bits of the address choose the entry at each level.
func (p *paged) translate(part string, address uint64) (uint64, error) {
	if !p.how.canonical(address) {
		return 0, &AbsentError{part, address, "not an address of " + p.how.name}
	}
	table := p.table & p.how.mask
	for shift := 39; shift >= 12; shift -= 9 {
		raw, err := p.readPhysical(part+": page table", table+(address>>shift&0x1ff)*8, 8)
		if err != nil {
			return 0, err
		}
		entry := order.Uint64(raw)
		page, ok := p.how.leaf(entry, shift)
		if entry&present == 0 || !ok {
			return 0, &AbsentError{part, address, "the page was not in memory"}
		}
		if page {
			inPage := uint64(1)<<shift - 1
			return entry&p.how.mask&^inPage | address&inPage, nil
		}
		table = entry & p.how.mask
	}
	panic("unreachable: the last level returns")
}

// readPhysical reads within one page.
func (p *paged) readPhysical(part string, address uint64, n int) ([]byte, error) {
	offset, ok, err := p.pages.locate(address / pageSize)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, &AbsentError{part, address, fmt.Sprintf("physical page 0x%x is not in the dump", address/pageSize)}
	}
	return p.f.read(part, offset+address%pageSize, uint64(n))
}
