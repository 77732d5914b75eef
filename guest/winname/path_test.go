package winname

import (
	"fmt"
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

func ExampleCheckPath() {
	fmt.Println(CheckPath(`C:\wskharness\store\x\wsksample.sys`))
	fmt.Println(CheckPath(`C:\wskharness\..\windows\win.ini`))
	// Output:
	// <nil>
	// ".." ends in a dot or a space, which Windows drops (or is a relative name)
}
