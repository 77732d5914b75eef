package strictyaml_test

import (
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"wskharness/strictyaml"
)

func utf16Bytes(text string, order binary.AppendByteOrder) string {
	var data []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		data = order.AppendUint16(data, unit)
	}
	return string(data)
}

// TestFilesOfWindows: what PowerShell and Notepad write is read as what it says, and mistakes in it have their places.
func TestFilesOfWindows(t *testing.T) {
	const text = "grün: 1\r\nb: '𝄞'\r\n"
	for name, file := range map[string]string{
		"UTF-8":                text,
		"with a mark":          "\uFEFF" + text,
		"little-endian":        utf16Bytes("\uFEFF"+text, binary.LittleEndian),
		"big-endian":           utf16Bytes("\uFEFF"+text, binary.BigEndian),
		"little, without mark": utf16Bytes(text, binary.LittleEndian),
		"big, without mark":    utf16Bytes(text, binary.BigEndian),
	} {
		r := strictyaml.NewReporter("f")
		root := strictyaml.Parse([]byte(file), r)
		if err := r.Err(); err != nil {
			t.Errorf("%s: got %v, want no mistake", name, err)
			continue
		}
		if one, two := root.Get("grün"), root.Get("b"); one == nil || one.Text != "1" || two == nil || two.Text != "𝄞" || two.Line != 2 || two.Column != 4 {
			t.Errorf("%s: %+v, %+v", name, one, two)
		}
	}
	if got := mistakes(utf16Bytes("\uFEFFgrün: 1\nb: *x\n", binary.LittleEndian)); !strings.HasPrefix(got, "f:2:4: an alias to no anchor") {
		t.Errorf("got %q, want an alias to no anchor in 2:4", got)
	}
}

func TestCharactersThatAreNone(t *testing.T) {
	const saved = " is not UTF-8 (expected UTF-8 text: an editor of Windows may have saved it as ANSI)"
	for text, want := range map[string]string{
		"a: 1\nb: 2\n\nc: a\x01b\n":           `f:4:5: a control character, U+0001 (expected text, or \u0001 in double quotes)`,
		"a: 1\nb: \x00\n":                     `f:2:4: a control character, U+0000 (expected text, or \u0000 in double quotes)`,
		"a: 1\rb: \x7f\r":                     `f:2:4: a control character, U+007F (expected text, or \u007f in double quotes)`,
		"a: \xfc\r\nb: \xfc\xfc\r\nc: \x1b\n": "f:1:4: the byte 0xFC" + saved + "\nf:2:4: the byte 0xFC" + saved + "\n" + `f:3:4: a control character, U+001B (expected text, or \u001b in double quotes)`,
		"ü: \xc3":                             "f:1:4: the byte 0xC3" + saved,
		"a: 1\u2028b: 2\n":                    `f:1:5: the character U+2028, which is the end of a line to YAML 1.1 and text to YAML 1.2 (expected an ordinary end of line, or \u2028 in double quotes)`,
		"a: 1\u0085b: 2\n":                    `f:1:5: the character U+0085, which is the end of a line to YAML 1.1 and text to YAML 1.2 (expected an ordinary end of line, or \u0085 in double quotes)`,
		"a: b\uFEFF\n":                        `f:1:5: a byte order mark, U+FEFF, which can't be seen, in the midst of the file (expected none, or \ufeff in double quotes)`,
		"\xff\xfea\x00:\x00 \x00\x00\xd8":     "f:1:1: the file begins as UTF-16, little-endian, but is not: half a character is missing in it (expected UTF-8 text)",
		"\xfe\xff\x00a\x00":                   "f:1:1: the file begins as UTF-16, big-endian, but is not: half a character is missing in it (expected UTF-8 text)",
		"\xff\xfe\x00\x00a\x00\x00\x00":       "f:1:1: the file is in UTF-32 (expected UTF-8 text)",
		"a: \"\\u2028\\u0001\\ufeff\"\n":      "", // said in so many words
	} {
		if got := mistakes(text); got != want {
			t.Errorf("%q:\ngot  %s\nwant %s", text, got, want)
		}
	}
}

// FuzzEncodings: in whatever encoding it comes, a file is the same tree, and has the same mistakes in the same places.
func FuzzEncodings(f *testing.F) {
	for _, seed := range []string{"a: 1\nb: *x\n", "grün: '𝄞\n", "%YAML 1.2\n---\na: [\n", "a: 1\u2028\n\tb: 010\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if text = strings.ToValidUTF8(text, ""); strings.HasPrefix(text, "\uFEFF") || len(text) > strictyaml.MaxFileBytes/2 {
			return
		}
		read := func(data string) (*strictyaml.Node, strictyaml.Mistakes) {
			r := strictyaml.NewReporter("f")
			return strictyaml.Parse([]byte(data), r), r.Mistakes()
		}
		want, wantMistakes := read("\uFEFF" + text)
		for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
			data := utf16Bytes("\uFEFF"+text, order)
			if strings.HasPrefix(data, "\xff\xfe\x00\x00") {
				return // as UTF-32 begins: a NUL is no character of a file
			}
			got, gotMistakes := read(data)
			if diff := cmp.Diff(wantMistakes, gotMistakes) + cmp.Diff(want, got); diff != "" {
				t.Fatalf("%q in UTF-16: %s", text, diff)
			}
		}
	})
}
