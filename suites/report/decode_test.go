package report

import (
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

func encoded(e encoding.Encoding, text string) string {
	out, err := e.NewEncoder().String(text)
	if err != nil {
		panic(err)
	}
	return out
}

func utf16le(text string) string {
	return encoded(unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), text)
}

func utf16be(text string) string {
	return encoded(unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), text)
}

func TestText(t *testing.T) {
	for name, test := range map[string]struct {
		data string
		page CodePage
		want string
	}{
		"UTF-8":                      {"grün\r\nis\n", 850, "grün\nis\n"},
		"UTF-8 with a mark":          {"\xef\xbb\xbfgrün", 850, "grün"},
		"a mark alone":               {"\xef\xbb\xbf", 850, ""},
		"two marks":                  {"\xef\xbb\xbf\xef\xbb\xbfx", 0, "x"},
		"UTF-16LE with a mark":       {utf16le("\ufeffgrün 🙂\r\n"), 850, "grün 🙂\n"},
		"UTF-16BE with a mark":       {utf16be("\ufeffgrün 🙂"), 850, "grün 🙂"},
		"UTF-16LE without":           {utf16le("grün"), 850, "grün"},
		"UTF-16BE without":           {utf16be("grün"), 850, "grün"},
		"UTF-16 of the east":         {utf16le("\ufeff日本"), 932, "日本"},
		"UTF-16 that is cut":         {utf16le("\ufeffab") + "c", 0, "ab\ufffd"},
		"half a pair":                {utf16le("\ufeffa") + "\x3d\xd8", 0, "a\ufffd"},
		"UTF-32LE":                   {encoded(utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM), "\ufeffgrün"), 0, "grün"},
		"UTF-32BE":                   {encoded(utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM), "\ufeffgrün"), 0, "grün"},
		"850":                        {"gr\x81n", 850, "grün"},
		"437":                        {"gr\x81n", 437, "grün"},
		"858 has the euro":           {"\xd5", 858, "€"},
		"1252":                       {"gr\xfcn \x80", 1252, "grün €"},
		"1251":                       {"\xef\xf0\xe8\xe2\xe5\xf2", 1251, "привет"},
		"866":                        {"\xaf\xe0\xa8\xa2\xa5\xe2", 866, "привет"},
		"932":                        {"\x93\xfa\x96\x7b", 932, "日本"},
		"936":                        {"\xc8\xd5\xb1\xbe", 936, "日本"},
		"949":                        {"\xc0\xcf\xba\xbb", 949, "일본"},
		"950":                        {"\xa4\xe9\xa5\xbb", 950, "日本"},
		"874":                        {"\xa1", 874, "ก"},
		"ISO 8859-2":                 {"\xb9", 28592, "š"},
		"a page that is not known":   {"gr\x81n", 12345, "gr\ufffdn"},
		"a page's only character":    {"caf\xe9", 1252, "café"},
		"no page's only character":   {"caf\xe9", 0, "caf\ufffd"},
		"no page":                    {"gr\x81n", 0, "gr\ufffdn"},
		"the page of UTF-8":          {"gr\x81n", 65001, "gr\ufffdn"},
		"lines of two encodings":     {"grün\ngr\x81n\n", 850, "grün\ngrün\n"},
		"UTF-8 cut in a character":   {"grün gr\xc3", 850, "grün gr\ufffd"},
		"UTF-8 cut in an emoji":      {"grün \xf0\x9f\x99", 850, "grün \ufffd"},
		"a page with such an end":    {"gr\x81n gr\xc3", 850, "grün gr├"},
		"zeros that are no encoding": {"a\x00\x00\x00", 850, "a\x00\x00\x00"},
		"nothing":                    {"", 850, ""},
	} {
		if got := Text([]byte(test.data), test.page); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// TestCodePages: all pages that Windows has as ANSI or OEM page, as far as x/text has them.
func TestCodePages(t *testing.T) {
	for _, page := range []CodePage{437, 850, 852, 855, 858, 860, 862, 863, 865, 866, 874, 932, 936, 949, 950,
		1250, 1251, 1252, 1253, 1254, 1255, 1256, 1257, 1258, 20866, 21866, 28591, 28597, 28605, 54936} {
		if page.encoding() == nil {
			t.Errorf("%d is not known", page)
		}
	}
}
