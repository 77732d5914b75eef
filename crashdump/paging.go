package crashdump

// paging is how a machine translates addresses: four levels of tables of 512 entries, pages of 4 KiB, and what an entry means.
type paging struct {
	name string
	bits uint   // of an address; those above are all as the highest of them, or on arm64 as each other
	mask uint64 // the bits of an entry that are a physical address
	// leaf reports whether a valid entry that was found with this shift of the address is a page, and ok whether it is anything.
	leaf func(entry uint64, shift int) (page, ok bool)
}

// pagingOf is that of a machine whose page tables are read here.
func pagingOf(m Machine) (paging, bool) {
	switch m {
	case AMD64:
		return paging{"x64", 47, 0x000f_ffff_ffff_f000, leafAMD64}, true
	case ARM64:
		return paging{"arm64", 48, 0x0000_ffff_ffff_f000, leafARM64}, true
	}
	return paging{}, false
}

// canonical reports whether an address is one.
func (p paging) canonical(address uint64) bool {
	top := int64(address) >> p.bits
	return top == 0 || top == -1
}

// leafAMD64: bit 7 of the two middle levels makes a page of 1 GiB or 2 MiB.
func leafAMD64(entry uint64, shift int) (page, ok bool) {
	const large = 1 << 7
	return shift == 12 || entry&large != 0 && shift < 39, true
}

// leafARM64: bit 1 is set in a table, and in a page of the last level; without it the two middle levels have a block of 1 GiB or
// 2 MiB, and the others nothing (Arm Architecture Reference Manual, VMSAv8-64 with a granule of 4 KiB).
func leafARM64(entry uint64, shift int) (page, ok bool) {
	if entry&2 != 0 {
		return shift == 12, true
	}
	return true, shift == 30 || shift == 21
}
