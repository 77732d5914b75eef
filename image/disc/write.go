package disc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/filesystem/iso9660"
)

// maxImage bounds what Write makes, in memory: it is for answers and scripts.
const maxImage = 64 << 20

// Write makes the image of a disc with these files, by their names with / between folders: ISO 9660 with Joliet, whose names are
// those that Windows sees. scratch is a folder that is not there yet; while Write runs it has the files, for this user alone.
func Write(scratch, label string, files map[string][]byte) (image []byte, err error) {
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	if err := os.Mkdir(scratch, 0o700); err != nil {
		return nil, err
	}
	for name, data := range files {
		if !fs.ValidPath(name) || len(path.Base(name)) > 64 {
			return nil, fmt.Errorf("%q can't be a name on the disc", name)
		}
		at := filepath.Join(scratch, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o700), os.WriteFile(at, data, 0o600)); err != nil {
			return nil, err
		}
	}
	m := &memory{}
	made, err := iso9660.Create(file.New(m, false), 0, 0, sector, scratch)
	if err == nil {
		err = made.Finalize(iso9660.FinalizeOptions{Joliet: true, VolumeIdentifier: label})
	}
	if err == nil {
		err = mend(m.data)
	}
	if err != nil {
		return nil, fmt.Errorf("make the image of a disc: %w", err)
	}
	return m.data, nil
}

// mend puts right what go-diskfs 1.9.4 gets wrong: in the Joliet tree the records of folders have the extents of the same
// folders in the ISO 9660 tree, so that Windows finds garbage in them. The Joliet path table has the right ones: one entry for
// each folder, with its block and the number of the folder above (ECMA-119, 9.4).
func mend(image []byte) error {
	d := &Disc{file: &memory{data: image}, size: int64(len(image))}
	descriptor, err := jolietDescriptor(d)
	if err != nil {
		return err
	}
	table, err := d.bytes(u32(descriptor, 140)*sector, u32(descriptor, 132))
	if err != nil {
		return err
	}
	type folder struct{ block, size uint32 }
	var folders []folder
	for off := 0; off+8 <= len(table) && table[off] > 0; {
		nameSize := int(table[off])
		block, above := binary.LittleEndian.Uint32(table[off+2:]), int(binary.LittleEndian.Uint16(table[off+6:]))
		end := off + 8 + nameSize
		if end > len(table) || above > len(folders) && len(folders) > 0 {
			return errors.New("its path table is damaged")
		}
		self, err := d.bytes(int64(block)*sector, sector)
		if err != nil {
			return err
		}
		folders = append(folders, folder{block, binary.LittleEndian.Uint32(self[10:])}) // a folder begins with the record of itself
		if len(folders) > 1 {
			over, name := folders[above-1], table[off+8:end]
			if !patch(image[int64(over.block)*sector:][:over.size], name, block, folders[len(folders)-1].size) {
				return fmt.Errorf("its path table has the folder %q, and its tree has not", text(name, true))
			}
		}
		off = end + nameSize%2
	}
	return nil
}

// patch gives the record of a name its extent: block and size, each in both orders of bytes.
func patch(records, name []byte, block, size uint32) bool {
	for off := 0; off < len(records); {
		length := int(records[off])
		if length == 0 {
			off = (off/sector + 1) * sector
			continue
		}
		if r := records[off:]; len(r) >= minimumRecord && 33+int(r[32]) <= len(r) && string(r[33:33+int(r[32])]) == string(name) {
			binary.LittleEndian.PutUint32(r[2:], block)
			binary.BigEndian.PutUint32(r[6:], block)
			binary.LittleEndian.PutUint32(r[10:], size)
			binary.BigEndian.PutUint32(r[14:], size)
			return true
		}
		off += length
	}
	return false
}

func jolietDescriptor(d *Disc) ([]byte, error) {
	for n := int64(firstDescriptor); n < firstDescriptor+maxDescriptors; n++ {
		v, err := d.bytes(n*sector, sector)
		if err != nil {
			return nil, err
		}
		if v[0] == supplementary && isUCS2(v) {
			return v, nil
		}
	}
	return nil, errors.New("it has no Joliet")
}

// memory is a file in memory: of writes to one on a disk go-diskfs does not look at the errors.
type memory struct {
	data []byte
	at   int64
}

func (m *memory) ReadAt(b []byte, off int64) (int, error) {
	if off < 0 || off >= int64(len(m.data)) {
		return 0, io.EOF
	}
	n := copy(b, m.data[off:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (m *memory) WriteAt(b []byte, off int64) (int, error) {
	end := off + int64(len(b))
	if off < 0 || end > maxImage {
		return 0, fmt.Errorf("the disc is larger than %d bytes", maxImage)
	}
	if end > int64(len(m.data)) {
		m.data = append(m.data, make([]byte, end-int64(len(m.data)))...)
	}
	return copy(m.data[off:], b), nil
}

func (m *memory) Read(b []byte) (int, error) {
	n, err := m.ReadAt(b, m.at)
	m.at += int64(n)
	return n, err
}

func (m *memory) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += m.at
	case io.SeekEnd:
		offset += int64(len(m.data))
	}
	if offset < 0 {
		return 0, fs.ErrInvalid
	}
	m.at = offset
	return offset, nil
}

func (m *memory) Close() error               { return nil }
func (m *memory) Stat() (fs.FileInfo, error) { return memoryInfo(len(m.data)), nil }

// memoryInfo is the size of a file in memory.
type memoryInfo int

func (i memoryInfo) Name() string     { return "image" }
func (i memoryInfo) Size() int64      { return int64(i) }
func (memoryInfo) Mode() fs.FileMode  { return 0o600 }
func (memoryInfo) ModTime() time.Time { return time.Time{} }
func (memoryInfo) IsDir() bool        { return false }
func (memoryInfo) Sys() any           { return nil }
