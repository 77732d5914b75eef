package crashdump

import (
	"fmt"
	"math/bits"
)

// chunk is how much of a bitmap is looked at at once, in bytes.
const chunk = 4 << 10

// mostBits bounds a bitmap: 16 TiB of memory.
const mostBits = 1 << 32

// bitmap is memory by a bit for each page frame; the pages whose bit is set are in the file, in
// order. The bitmap stays in the file: a sum for every chunk tells how many pages come before it.
type bitmap struct {
	f      *file
	at     uint64 // of the bitmap in the file
	frames uint64 // its length in bits
	first  uint64 // offset of the first page
	before []uint64
	total  uint64 // bits that are set

	held  uint64 // the chunk in cache, if it is not nil
	cache []byte
}

const bitmapPart = "page bitmap"

// index checks the numbers and counts the bits.
func (b *bitmap) index() error {
	if b.frames == 0 || b.frames > mostBits {
		return &CorruptError{bitmapPart, fmt.Sprintf("a bitmap of 0x%x pages is impossible", b.frames)}
	}
	size := (b.frames + 7) / 8
	switch {
	case !b.f.holds(b.at, size):
		return &TruncatedError{bitmapPart, b.at, size, b.f.size}
	case b.first < b.at+size:
		return &CorruptError{bitmapPart, fmt.Sprintf("the first page, at 0x%x, would be within the bitmap", b.first)}
	case !b.f.holds(b.first, 0):
		return &TruncatedError{"first page", b.first, pageSize, b.f.size}
	}
	b.before = make([]uint64, 0, size/chunk+1)
	for n := uint64(0); n*chunk < size; n++ {
		data, err := b.chunk(n)
		if err != nil {
			return err
		}
		b.before = append(b.before, b.total)
		for i := range data {
			b.total += uint64(bits.OnesCount8(data[i]))
		}
	}
	return nil
}

// chunk reads the n-th piece; bits beyond the end are cleared.
func (b *bitmap) chunk(n uint64) ([]byte, error) {
	if b.cache != nil && b.held == n {
		return b.cache, nil
	}
	size := (b.frames + 7) / 8
	data, err := b.f.read(bitmapPart, b.at+n*chunk, min(chunk, size-n*chunk))
	if err != nil {
		return nil, err
	}
	if rest := b.frames % 8; rest != 0 && (n+1)*chunk >= size {
		data[len(data)-1] &= 1<<rest - 1
	}
	b.cache, b.held = data, n
	return data, nil
}

func (b *bitmap) locate(frame uint64) (uint64, bool, error) {
	if frame >= b.frames {
		return 0, false, nil
	}
	n := frame / 8 / chunk
	data, err := b.chunk(n)
	if err != nil {
		return 0, false, err
	}
	byteAt, bit := frame/8%chunk, frame%8
	if data[byteAt]>>bit&1 == 0 {
		return 0, false, nil
	}
	rank := b.before[n] + uint64(bits.OnesCount8(data[byteAt]&(1<<bit-1)))
	for _, v := range data[:byteAt] {
		rank += uint64(bits.OnesCount8(v))
	}
	return b.first + rank*pageSize, true, nil
}

// readBitmap reads the header that follows the first in dumps with a bitmap. There are two layouts
// with the same signature. That of Windows 8 and newer is known from open readers: 64-bit offset of
// the first page, number of pages present and length of the bitmap at 0x20, and the bitmap. That of
// SUMMARY_DUMP64 (unproven) has 32-bit numbers from 0x0c on. Of a kernel summary, which may have either,
// the right one is the one whose number of pages is that of the bits. Where there is no such choice a
// wrong number is an error that comes with the bitmap.
func readBitmap(f *file, t Type) (*bitmap, error) {
	head, err := f.read(bitmapPart, headerSize, 0x38)
	if err != nil {
		return nil, err
	}
	if s := string(head[:8]); s != "SDMPDUMP" && s != "FDMPDUMP" {
		return nil, &CorruptError{bitmapPart, fmt.Sprintf("its signature is %q instead of SDMPDUMP or FDMPDUMP", printable(s))}
	}
	b := &bitmap{f: f, at: headerSize + 0x38, frames: order.Uint64(head[0x30:]), first: order.Uint64(head[0x20:])}
	err = b.index()
	matches := b.total == order.Uint64(head[0x28:])
	if t == KernelSummary && (err != nil || !matches) {
		old := &bitmap{f: f, at: headerSize + 0x28, frames: uint64(order.Uint32(head[0x10:])), first: uint64(order.Uint32(head[0x0c:]))}
		if old.index() == nil && old.total == uint64(order.Uint32(head[0x14:])) {
			return old, nil
		}
	}
	switch {
	case err != nil:
		return nil, err
	case !matches && t == KernelSummary:
		return nil, &CorruptError{bitmapPart, "the number of pages fits neither of the layouts that it can have"}
	case !matches:
		err = &CorruptError{bitmapPart, fmt.Sprintf("%d bits are set, where the header counts %d pages", b.total, order.Uint64(head[0x28:]))}
	}
	return b, err
}
