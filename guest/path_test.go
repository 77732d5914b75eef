package guest

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestCheckPath(t *testing.T) {
	for path, want := range map[string]string{
		`C:\wskharness\store\x.sys`:         "",
		`d:\a b\ü.txt`:                      "",
		`C:\Windows\MEMORY.DMP`:             "",
		`C:\commodore\com10.txt`:            "",
		`C:\` + strings.Repeat("a", 256):    "more than 255",
		`C:\` + strings.Repeat(`abc\`, 300): "characters long",
		``:                                  "not absolute",
		`x`:                                 "not absolute",
		`C:x`:                               "not absolute",
		`C:\`:                               "not absolute",
		`\\server\share\x`:                  "not absolute",
		`\\?\C:\x`:                          "not absolute",
		`1:\x`:                              "not absolute",
		`C:/x`:                              "not absolute",
		`C:\a/b`:                            "can't have",
		`C:\a\..\b`:                         "dot",
		`C:\a\.\b`:                          "dot",
		`C:\a.`:                             "dot",
		`C:\a `:                             "space",
		`C:\a\\b`:                           "empty name",
		`C:\a\`:                             "empty name",
		`C:\a:stream`:                       "can't have",
		`C:\a\nul`:                          "device",
		`C:\a\NUL.txt`:                      "device",
		`C:\com1`:                           "device",
		`C:\lpt¹`:                           "device",
		`C:\con .x`:                         "device",
		`C:\a*`:                             "can't have",
		"C:\\a\x01":                         "can't have",
		"C:\\a\xff":                         "UTF-8",
		"C:\\a\xed\xa0\x80":                 "UTF-8", // half a pair of surrogates
		"C:\\a\x7fb":                        "",
		`C:\conın$`:                         "", // ı is no I
		`C:\clock$`:                         "",
		`C:\CoM1.txt`:                       "device",
		`C:\` + strings.Repeat("a", 255):    "",
		`C:\` + strings.Repeat("世", 255):    "",
		`C:\` + strings.Repeat("😀", 127):    "",
		`C:\` + strings.Repeat("😀", 128):    "more than 255",
	} {
		err := CheckPath(path)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, expected %q", path, err, want)
		}
	}
}

// The temporary name of whatever can be transferred can be had wherever that can, is nobody else's, and is none that is
// transferred itself.
func TestPartNames(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 255))
	alphabet := []rune("aZ.- 世ı\u0301😀\x7f")
	seen := map[string]string{}
	for range 5000 {
		var name []rune
		for range 1 + random.IntN(255) {
			name = append(name, alphabet[random.IntN(len(alphabet))])
		}
		if checkName(string(name)) != nil {
			continue
		}
		part := partName(string(name))
		if checkName(part) != nil || len(part) > 64 || !parts.MatchString(part) || !parts.MatchString(part+".map") {
			t.Fatalf("the part of %q is %q", string(name), part)
		}
		if other, taken := seen[part]; taken && other != string(name) {
			t.Fatalf("%q and %q have the same part", other, string(name))
		}
		seen[part] = string(name)
	}
	if len(seen) < 100 {
		t.Errorf("only %d names were tried", len(seen))
	}
	for path, want := range map[string]string{`C:\a\b`: `C:\a\` + partName("b"), `C:\b`: `C:\` + partName("b")} {
		if got := partPath(path); got != want {
			t.Errorf("the part of %s is %s, want %s", path, got, want)
		}
	}
	if got := partName("big.bin"); got != ".wskharness-"+got[12:44]+".part" || got == partName("Big.bin") {
		t.Errorf("the part of big.bin is %s", got)
	}
}

func TestCheckRunID(t *testing.T) {
	for _, id := range []string{"a", "20260801-101112-ab_c.1", strings.Repeat("x", 64)} {
		if err := CheckRunID(id); err != nil {
			t.Error(err)
		}
	}
	for _, id := range []string{"", ".", "..", "-a", "a b", `a\b`, "a/b", "ä", "nul", "a.", `a"b`, "a%b", strings.Repeat("x", 65)} {
		if CheckRunID(id) == nil {
			t.Errorf("the run id %q was taken", id)
		}
	}
}

func FuzzCheckPath(f *testing.F) {
	f.Add(`C:\a\b.txt`)
	f.Add(`C:\a\..\b`)
	f.Fuzz(func(t *testing.T, path string) {
		if CheckPath(path) != nil {
			return
		}
		if strings.Contains(path, "..\\") || strings.HasSuffix(path, `\..`) || strings.Contains(path[2:], ":") || path[1] != ':' {
			t.Fatalf("%q was taken", path)
		}
	})
}
