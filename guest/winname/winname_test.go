package winname

import (
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	for name, want := range map[string]string{
		"a": "", "ü.txt": "", "a b": "", " a": "", ".a": "", "a.b.c": "", "commodore": "", "com10": "", "com": "", "lptx": "", "console": "", "xcon": "", "a.con": "",
		"conın$": "", "con1": "", "nul-": "", strings.Repeat("a", 255): "", strings.Repeat("𝄞", 127): "", "com²x": "", "com٣": "",
		"": "empty name", ".": "dot", "..": "dot", "a.": "dot", "a ": "space", "a. ": "space", "a/b": "can't have", `a\b`: "can't have", "a:b": "can't have", "a*": "can't have", "a?": "can't have",
		"a|": "can't have", `a"`: "can't have", "<a>": "can't have", "a\x1f": "can't have", "a\xff": "UTF-8", strings.Repeat("a", 256): "more than 255", strings.Repeat("𝄞", 128): "more than 255",
		"con": "device", "CON": "device", "Con.txt": "device", "con.tar.gz": "device", "con .txt": "device", "con  .": "dot", "prn": "device", "aux.h": "device", "nul": "device",
		"conin$": "device", "CONOUT$.x": "device", "com1": "device", "COM9.log": "device", "com0": "device", "lpt1": "device", "com¹": "device", "lpt².x": "device", "COM³": "device",
	} {
		err := Check(name)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", name, err, want)
		}
	}
}

func FuzzCheck(f *testing.F) {
	f.Add("con .txt")
	f.Add("a")
	f.Fuzz(func(t *testing.T, name string) {
		if Check(name) != nil {
			return
		}
		if strings.ContainsAny(name, `\/:`) || strings.Trim(name, ". ") == "" || isDevice(strings.ToUpper(name)) != isDevice(strings.ToLower(name)) && isASCII(name) {
			t.Fatalf("%q was taken", name)
		}
	})
}

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r > 127 })
}
