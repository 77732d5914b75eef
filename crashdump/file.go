package crashdump

import (
	"encoding/binary"
	"errors"
	"io"
	"math"
)

// largestRead bounds every single piece that is read of a dump.
const largestRead = 64 << 10

var order = binary.LittleEndian

// file is a dump of known size.
type file struct {
	r    io.ReaderAt
	size int64
}

// read gives n bytes at an offset; part says what they are.
func (f *file) read(part string, offset, n uint64) ([]byte, error) {
	if n > largestRead {
		return nil, &CorruptError{part, "larger than anything of its kind"}
	}
	if offset > math.MaxInt64-n || int64(offset+n) > f.size {
		return nil, &TruncatedError{part, offset, n, f.size}
	}
	data := make([]byte, n)
	if got, err := f.r.ReadAt(data, int64(offset)); got < len(data) {
		if errors.Is(err, io.EOF) || err == nil {
			return nil, &TruncatedError{part, offset, n, int64(offset) + int64(got)}
		}
		return nil, &ReadError{part, offset, err}
	}
	return data, nil
}

// holds tells whether a range is wholly in the file.
func (f *file) holds(offset, n uint64) bool {
	return offset <= math.MaxInt64 && n <= math.MaxInt64 && offset+n <= uint64(f.size)
}
