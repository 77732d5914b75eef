package dumptest

// mini appends TRIAGE_DUMP64 and what it points at.
func (s Spec) mini(d []byte) []byte {
	const head = headerSize
	d = append(d, make([]byte, 0x80)...)
	put := func(at int, v int) { le.PutUint32(d[head+at:], uint32(v)) }
	align := func() {
		for len(d)%8 != 0 {
			d = append(d, 0)
		}
	}
	put(0x0c, 0x348)
	put(0x10, 0xf00)

	names := make([]int, len(s.Modules))
	put(0x38, len(d)) // string pool
	for i, m := range s.Modules {
		align()
		names[i] = len(d)
		text := wide(m.Name)
		d = le.AppendUint32(d, uint32(len(text)/2))
		d = append(append(d, text...), 0, 0)
	}
	align()
	put(0x30, len(d))
	put(0x34, len(s.Modules))
	for i, m := range s.Modules {
		entry := make([]byte, 0x90)
		le.PutUint32(entry, uint32(names[i]))
		loaderEntry(entry[8:], m)
		d = append(d, entry...)
	}
	put(0x18, len(d))
	d = le.AppendUint64(d, uint64(len(s.Unloaded)))
	for _, m := range s.Unloaded {
		entry := make([]byte, 0x38)
		name := wide(m.Name)
		n := copy(entry[0x10:0x28], name)
		le.PutUint16(entry, uint16(n))
		le.PutUint16(entry[2:], uint16(n))
		le.PutUint64(entry[0x28:], m.Base)
		le.PutUint64(entry[0x30:], m.Base+uint64(m.Size))
		d = append(d, entry...)
	}
	var blocks []byte
	for i, m := range s.Memory {
		align()
		if i == 0 {
			put(0x28, len(d))
			put(0x2c, len(m.Data))
			le.PutUint64(d[head+0x48:], m.Address)
		} else {
			blocks = le.AppendUint64(blocks, m.Address)
			blocks = le.AppendUint32(blocks, uint32(len(d)))
			blocks = le.AppendUint32(blocks, uint32(len(m.Data)))
		}
		d = append(d, m.Data...)
	}
	align()
	put(0x78, len(d))
	put(0x7c, len(blocks)/16)
	d = append(d, blocks...)
	put(0x08, len(d))
	d = append(d, "TRGD"...)
	put(0x04, len(d))
	return d
}
