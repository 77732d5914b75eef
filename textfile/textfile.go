// Package textfile reads the small text files that people bring by name: passwords, certificates, keys. They were typed in
// some editor or written by some shell, on Windows as often as not, and so come with a byte order mark, as UTF-16, with
// carriage returns; or are something else altogether, at the end of a mistaken path.
//
//	data, info, err := textfile.Read(path, 4096)
//	text, err := textfile.Decode(data)
package textfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
)

// Read reads a regular file of at most limit bytes, and says what was read. Its errors name the path.
func Read(path string, limit int64) ([]byte, fs.FileInfo, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a named pipe may have no writer
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	info, err := file.Stat() // of what was opened, and not of a link to it
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", path)
	}
	if err != nil {
		return nil, nil, err
	}
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	switch {
	case err != nil:
		return nil, nil, err
	case int64(len(data)) > limit:
		return nil, nil, fmt.Errorf("%s is larger than %d bytes: is it the right file?", path, limit)
	}
	return data, info, nil
}

// Decode is the text as UTF-8: from UTF-8, or from UTF-16 where a byte order mark says so, and without that mark. Its errors
// tell nothing of what is in the text, which may be a secret, and go on behind "it".
func Decode(data []byte) (string, error) {
	switch {
	case bytes.HasPrefix(data, []byte{0xff, 0xfe, 0, 0}), bytes.HasPrefix(data, []byte{0, 0, 0xfe, 0xff}):
		return "", errors.New("is UTF-32: save it as UTF-8")
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}), bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		return decode16(data)
	case bytes.IndexByte(data, 0) >= 0:
		return "", errors.New("has NUL characters: if it is UTF-16 without a byte order mark, save it as UTF-8")
	case !utf8.Valid(data):
		return "", fmt.Errorf("is not UTF-8, from its byte %d on: save it as UTF-8", validUntil(data)+1)
	}
	return string(bytes.TrimPrefix(data, []byte("\ufeff"))), nil
}

func decode16(data []byte) (string, error) {
	text, err := unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder().Bytes(data)
	// The library writes U+FFFD where there is half a character.
	if err != nil || len(data)%2 != 0 || bytes.ContainsRune(text, utf8.RuneError) {
		return "", errors.New("is UTF-16 that is cut or damaged: save it as UTF-8")
	}
	return string(text), nil
}

// validUntil is how many bytes of a text are UTF-8.
func validUntil(data []byte) int {
	n := 0
	for n < len(data) {
		r, size := utf8.DecodeRune(data[n:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		n += size
	}
	return n
}
