package crashdump

import (
	"fmt"
	"sort"
)

// run is a row of page frames that are one after the other in memory and in the file.
type run struct {
	frame, count uint64
	offset       uint64
}

// runs is memory by runs, in the order of their frames.
type runs []run

// mostRanges bounds the runs of a dump with ranges: machines have dozens, active dumps a lot more.
const mostRanges = 1 << 20

// mostFrames is as many pages as an x64 can address.
const mostFrames = 1 << 40

func (r runs) locate(frame uint64) (uint64, bool, error) {
	i := sort.Search(len(r), func(i int) bool { return r[i].frame+r[i].count > frame })
	if i == len(r) || frame < r[i].frame {
		return 0, false, nil
	}
	return r[i].offset + (frame-r[i].frame)*pageSize, true, nil
}

// add appends a run whose pages come after those before it in the file.
func (r runs) add(part string, frame, count, first uint64) (runs, error) {
	if frame >= mostFrames || count == 0 || count > mostFrames {
		return r, &CorruptError{part, fmt.Sprintf("a run of 0x%x pages at page 0x%x is impossible", count, frame)}
	}
	next := run{frame, count, first}
	if n := len(r); n > 0 {
		last := r[n-1]
		next.offset = last.offset + last.count*pageSize
		if frame < last.frame+last.count {
			return r, &CorruptError{part, fmt.Sprintf("the run at page 0x%x is not after the one at page 0x%x", frame, last.frame)}
		}
	}
	return append(r, next), nil
}

// readRuns reads the physical memory descriptor in the header of a full dump: number of runs, and
// from 16 on 16 bytes each, first page and number of pages. The pages follow the header.
func readRuns(raw []byte) (runs, error) {
	const part = "physical memory descriptor"
	block := raw[atPhysicalMemory:][:physicalMemorySize]
	n := u32(block, 0)
	if n == 0 {
		return nil, &CorruptError{part, "it has no runs: the pages can't be found"}
	}
	if most := uint32((len(block) - 16) / 16); n > most {
		return nil, &CorruptError{part, fmt.Sprintf("it counts %d runs, and has room for %d", n, most)}
	}
	var found runs
	var err error
	for at := 16; at < 16+16*int(n); at += 16 {
		found, err = found.add(part, order.Uint64(block[at:]), order.Uint64(block[at+8:]), headerSize)
		if err != nil {
			return found, err // what came before the bad run still holds
		}
	}
	return found, nil
}

// The header of a dump with ranges, which follows the first. All of it is known from open readers
// only (unproven).
const (
	rangesHeaderSize = 0x30
	rangesMarker     = 0x40
	atRangesMetadata = 0x10
	atRangesFirst    = 0x18
)

// readRanges reads the ranges of the newest dumps: pairs of first page and number of pages, up to
// the first page in the file, or to a pair that is zero.
func readRanges(f *file) (runs, error) {
	const part = "page ranges (RDMP)"
	head, err := f.read(part, headerSize, rangesHeaderSize)
	if err != nil {
		return nil, err
	}
	if order.Uint32(head) != rangesMarker || string(head[4:12]) != "RDMPDUMP" {
		return nil, &CorruptError{part, "it has another signature"}
	}
	first, metadata := order.Uint64(head[atRangesFirst:]), order.Uint64(head[atRangesMetadata:])
	if first < headerSize+rangesHeaderSize || metadata != first-headerSize-0x20 {
		return nil, &CorruptError{part, fmt.Sprintf("its size 0x%x and first page 0x%x contradict each other", metadata, first)}
	}
	length := (first - headerSize - rangesHeaderSize) / 16
	if length > mostRanges {
		return nil, &CorruptError{part, fmt.Sprintf("%d ranges are more than any system has", length)}
	}
	var found runs
	for done := uint64(0); done < length; {
		n := min(length-done, largestRead/16)
		piece, err := f.read(part, headerSize+rangesHeaderSize+done*16, n*16)
		if err != nil {
			return found, err
		}
		for at := 0; at < len(piece); at += 16 {
			frame, count := order.Uint64(piece[at:]), order.Uint64(piece[at+8:])
			if frame == 0 && count == 0 {
				return found, nil
			}
			if found, err = found.add(part, frame, count, first); err != nil {
				return found, err
			}
		}
		done += n
	}
	return found, nil
}
