package textfile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"wskharness/textfile"
)

func TestDecode(t *testing.T) {
	for name, test := range map[string]struct {
		data, want, fails string
	}{
		"ASCII":                         {"geheim\r\n", "geheim\r\n", ""},
		"empty":                         {"", "", ""},
		"UTF-8":                         {"grün €😀", "grün €😀", ""},
		"UTF-8 with a mark":             {"\xef\xbb\xbfgrün", "grün", ""},
		"a mark alone":                  {"\xef\xbb\xbf", "", ""},
		"a second mark":                 {"\xef\xbb\xbf\xef\xbb\xbfx", "\ufeffx", ""},
		"a mark in mid-text":            {"a\ufeffb", "a\ufeffb", ""},
		"a replacement character":       {"a\ufffdb", "a\ufffdb", ""},
		"UTF-16, little-endian":         {"\xff\xfeg\x00\xfc\x00", "gü", ""},
		"UTF-16, big-endian":            {"\xfe\xff\x00g\x00\xfc", "gü", ""},
		"UTF-16 beyond the BMP":         {"\xff\xfe\x3d\xd8\x00\xde", "😀", ""},
		"UTF-16 with a NUL":             {"\xff\xfea\x00\x00\x00b\x00", "a\x00b", ""},
		"UTF-16, cut":                   {"\xff\xfeg\x00\xfc", "", "is UTF-16 that is cut"},
		"UTF-16, half a pair":           {"\xff\xfe\x3d\xd8g\x00", "", "is UTF-16 that is cut or damaged"},
		"UTF-16 without a mark":         {"g\x00\xfc\x00", "", "has NUL characters"},
		"UTF-32, little-endian":         {"\xff\xfe\x00\x00g\x00\x00\x00", "", "is UTF-32"},
		"UTF-32, big-endian":            {"\x00\x00\xfe\xff\x00\x00\x00g", "", "is UTF-32"},
		"Latin-1":                       {"gr\xfcn", "", "is not UTF-8, from its byte 3 on"},
		"Latin-1 behind a mark":         {"\xef\xbb\xbfgr\xfcn", "", "is not UTF-8, from its byte 6 on"},
		"half a character at the end":   {"gr\xc3", "", "is not UTF-8, from its byte 3 on"},
		"half a mark":                   {"\xef\xbbx", "", "is not UTF-8, from its byte 1 on"},
		"a surrogate that is not UTF-8": {"a\xed\xa0\x80", "", "is not UTF-8, from its byte 2 on"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := textfile.Decode([]byte(test.data))
			if got != test.want || (err == nil) != (test.fails == "") || err != nil && !strings.Contains(err.Error(), test.fails) {
				t.Errorf("got %q, %v; want %q, %q", got, err, test.want, test.fails)
			}
		})
	}
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	if err := os.WriteFile(file("ten"), []byte("0123456789"), 0o640); err != nil {
		t.Fatal(err)
	}
	data, info, err := textfile.Read(file("ten"), 10)
	mode := fs.FileMode(0o640)
	if runtime.GOOS == "windows" {
		mode = 0o666 // that it can be written is all that there is of one
	}
	if string(data) != "0123456789" || err != nil || info.Mode().Perm() != mode {
		t.Errorf("%q, %v, %v", data, info, err)
	}
	for path, want := range map[string]string{dir: "is not a regular file", file("none"): ""} {
		if _, _, err := textfile.Read(path, 10); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v, want %q and the path", path, err, want)
		}
	}
	if _, _, err := textfile.Read(file("none"), 10); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want fs.ErrNotExist", err)
	}
	if _, _, err := textfile.Read(file("ten"), 9); err == nil || !strings.Contains(err.Error(), file("ten")+" is larger than 9 bytes") {
		t.Error(err)
	}
}

// Every text comes back from UTF-8 and UTF-16, with and without a mark; and whatever comes is UTF-8 or refused.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{"", "geheim\r\n", "gr\xfcn", "\xff\xfea\x00", "😀", "\ufeff"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := textfile.Decode(data)
		if err == nil && !utf8.ValidString(got) {
			t.Errorf("%q from %q", got, data)
		}
		text := string(data)
		if !utf8.ValidString(text) || strings.ContainsRune(text, 0) || strings.ContainsRune(text, utf8.RuneError) {
			return
		}
		little, big := []byte{0xff, 0xfe}, []byte{0xfe, 0xff}
		for _, unit := range utf16.Encode([]rune(text)) {
			little, big = append(little, byte(unit), byte(unit>>8)), append(big, byte(unit>>8), byte(unit))
		}
		for name, in := range map[string][]byte{"marked": append([]byte{0xef, 0xbb, 0xbf}, text...), "little-endian": little, "big-endian": big} {
			if got, err := textfile.Decode(in); got != text || err != nil {
				t.Errorf("%s: got %q, %v; want %q", name, got, err, text)
			}
		}
	})
}
