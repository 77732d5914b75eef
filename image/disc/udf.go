package disc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// UDF as Windows' discs have it: revision 1.02 (ECMA-167, part 3 and 4), one partition, blocks of 2048 bytes. The numbers below
// are the tags of its descriptors.
const (
	anchorSector       = 256
	tagAnchor          = 2
	tagPartition       = 5
	tagLogicalVolume   = 6
	tagTerminator      = 8
	tagFileSet         = 256
	tagFileIdentifier  = 257
	tagAllocation      = 258
	tagFileEntry       = 261
	tagExtendedEntry   = 266
	maxVolumeSequence  = 64
	typeFolder         = 4
	entryDeleted       = 4
	entryParent        = 8
	shortDescriptors   = 0
	longDescriptors    = 1
	embedded           = 3
	recorded           = 0
	continuedElsewhere = 3
)

var errUDF = errors.New("its UDF is damaged, or of a kind that Windows' discs do not have")

// readUDF finds the root; false where the image has no UDF.
func (d *Disc) readUDF() (bool, error) {
	anchor, err := d.bytes(anchorSector*sector, sector)
	if err != nil || tag(anchor) != tagAnchor {
		return false, nil
	}
	length, first := u32(anchor, 16), u32(anchor, 20)
	var partition, fileSet int64 = -1, -1
	for n := int64(0); n < min(length/sector, maxVolumeSequence); n++ {
		v, err := d.bytes((first+n)*sector, sector)
		if err != nil {
			return false, err
		}
		switch tag(v) {
		case tagPartition:
			partition = u32(v, 188)
		case tagLogicalVolume:
			if u32(v, 212) != sector {
				return false, errUDF
			}
			fileSet, d.Label = u32(v, 252), dstring(v[84:84+128])
		case tagTerminator:
			n = maxVolumeSequence
		}
	}
	if partition < 0 || fileSet < 0 {
		return false, errUDF
	}
	block := func(n int64) int64 { return partition + n }
	set, err := d.bytes(block(fileSet)*sector, sector)
	if err != nil {
		return false, err
	}
	if tag(set) != tagFileSet {
		return false, errUDF
	}
	d.root = place{icb: block(u32(set, 404)), folder: true}
	d.list = func(at place) ([]entry, error) { return d.identifiers(at, partition) }
	_, err = d.udfFile(d.root.icb)
	return err == nil, err
}

// identifiers lists a folder.
func (d *Disc) identifiers(at place, partition int64) ([]entry, error) {
	folder, err := d.udfFile(at.icb)
	if err != nil {
		return nil, err
	}
	if !folder.folder {
		return nil, errUDF
	}
	data, err := d.content(folder)
	if err != nil {
		return nil, err
	}
	var list []entry
	for len(data) >= 38 && tag(data) == tagFileIdentifier {
		nameSize, use := int(data[19]), int(binary.LittleEndian.Uint16(data[36:]))
		end := (38 + use + nameSize + 3) &^ 3
		if len(data) < end {
			return nil, errUDF
		}
		if data[18]&(entryDeleted|entryParent) == 0 {
			e := entry{at: place{icb: partition + u32(data, 24)}}
			e.Name = compressed(data[38+use : 38+use+nameSize])
			e.Folder = data[18]&2 != 0
			e.at.folder = e.Folder
			if !e.Folder {
				file, err := d.udfFile(e.at.icb)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", e.Name, err)
				}
				for _, one := range file.extents {
					e.Size += one.size
				}
			}
			if list = append(list, e); len(list) > maxEntries {
				return nil, fmt.Errorf("more than %d entries", maxEntries)
			}
		}
		data = data[end:]
	}
	return list, nil
}

// udfFile reads a file entry: where the file is, and whether it is a folder.
func (d *Disc) udfFile(icb int64) (place, error) {
	v, err := d.bytes(icb*sector, sector)
	if err != nil {
		return place{}, err
	}
	header := int64(176)
	switch tag(v) {
	case tagFileEntry:
	case tagExtendedEntry:
		header = 216
	default:
		return place{}, errUDF
	}
	found := place{folder: v[27] == typeFolder}
	size := int64(binary.LittleEndian.Uint64(v[56:]))
	attributes, descriptors := u32(v, int(header)-8), u32(v, int(header)-4)
	from := header + attributes
	if size < 0 || from+descriptors > sector {
		return place{}, errUDF
	}
	kind := binary.LittleEndian.Uint16(v[34:]) & 7
	if kind == embedded {
		if size > descriptors {
			return place{}, errUDF
		}
		found.extents = []extent{{icb*sector + from, size}}
		return found, nil
	}
	found.extents, err = d.allocated(v[from:from+descriptors], kind, icb, size)
	return found, err
}

// allocated reads the descriptors of a file's extents, which may go on in other blocks. The partition's start is what lies
// between a file entry's own block and the number in its tag.
func (d *Disc) allocated(b []byte, kind uint16, icb, size int64) ([]extent, error) {
	step := map[uint16]int{shortDescriptors: 8, longDescriptors: 16}[kind]
	if step == 0 {
		return nil, errUDF
	}
	own, err := d.bytes(icb*sector, 16)
	if err != nil {
		return nil, err
	}
	partition := icb - u32(own, 12)
	var list []extent
	left := size
	for read := 0; len(b) >= step && left > 0; read++ {
		length, at := u32(b, 0), (partition+u32(b, 4))*sector
		b = b[step:]
		switch kind, length := length>>30, length&(1<<30-1); {
		case read > maxExtents:
			return nil, errors.New("a file has too many pieces")
		case length == 0:
			left, b = 0, nil
		case kind == continuedElsewhere:
			if b, err = d.bytes(at, min(length, sector)); err != nil {
				return nil, err
			}
			if tag(b) != tagAllocation || u32(b, 20) > int64(len(b)-24) {
				return nil, errUDF
			}
			b = b[24 : 24+u32(b, 20)]
		case kind != recorded:
			return nil, errors.New("a file has holes")
		default:
			length = min(length, left)
			list = append(list, extent{at, length})
			left -= length
		}
	}
	if left > 0 {
		return nil, errUDF
	}
	return list, nil
}

func tag(b []byte) uint16 { return binary.LittleEndian.Uint16(b) }

func u32(b []byte, at int) int64 { return int64(binary.LittleEndian.Uint32(b[at:])) }

// compressed is a name of UDF: its first byte says whether each character takes one byte or two.
func compressed(b []byte) string {
	switch {
	case len(b) == 0:
		return ""
	case b[0] == 16:
		return text(b[1:], true)
	}
	var s strings.Builder
	for _, c := range b[1:] {
		s.WriteRune(rune(c))
	}
	return s.String()
}

// dstring is a string in a field of its own, whose last byte is the length.
func dstring(b []byte) string {
	n := int(b[len(b)-1])
	if n == 0 || n >= len(b) {
		return ""
	}
	return compressed(b[:n])
}
