package untrusted

import (
	"strings"
	"testing"
	"time"
)

func TestClip(t *testing.T) {
	for _, tc := range []struct {
		text string
		n    int
		want string
	}{{"short", 5, "short"}, {"longer", 4, "long…"}, {"aü", 2, "a…"}, {"a\xffb", 9, "a\uFFFDb"}} {
		if got := Clip(tc.text, tc.n); got != tc.want {
			t.Errorf("Clip(%q, %d): got %q, want %q", tc.text, tc.n, got, tc.want)
		}
	}
}

func TestPrintable(t *testing.T) {
	if got, want := Printable([]byte(" a\r\n\tb\x1b[2J\x7f\u0085\u202e\u2066\u2028ü\xff ")), "a b[2Jü\uFFFD"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDecodeOne(t *testing.T) {
	for said, refused := range map[string]bool{`{"n":"0x1f"}`: false, "{\"n\":31}\n": false, `{"n":-1}`: true, `{"n":"31"}`: true,
		`{"n":31}{}`: true, `{"n":31} x`: true, `[`: true, ``: true} {
		var into struct {
			N Number `json:"n"`
		}
		if err := DecodeOne([]byte(said), &into); (err != nil) != refused || !refused && into.N != 31 {
			t.Errorf("%s: got %d, %v; want refused %v", said, into.N, err, refused)
		}
	}
}

// Each field that is wrong is told, and what it is read as is zero.
func TestFields(t *testing.T) {
	text, guid, hash := "word", "{11111111-2222-3333-4444-55555555555F}", strings.Repeat("0a", 32)
	number, negative, code := Number(7), -1, uint32(9)
	var f Fields
	if f.Text("a", &text) != text || f.Word("a", &text, "another", text) != text || f.GUID("a", &guid) != guid || f.SHA256("a", &hash) != hash ||
		f.Count("a", &number, 7) != 7 || Code(&f, "a", &code) != 9 || f.Duration("a", &number, time.Second) != 7*time.Second || f.Err() != nil {
		t.Errorf("got %v for what is right, want no error", f.Err())
	}
	for name, read := range map[string]func(f *Fields) bool{
		"no text":   func(f *Fields) bool { return f.Text("it", nil) == "" },
		"no word":   func(f *Fields) bool { return f.Word("it", &text, "another") == "" },
		"no GUID":   func(f *Fields) bool { return f.GUID("it", &text) == "" },
		"no hash":   func(f *Fields) bool { return f.SHA256("it", &text) == "" },
		"too much":  func(f *Fields) bool { return f.Count("it", &number, 6) == 0 },
		"negative":  func(f *Fields) bool { return f.Index("it", &negative) == 0 },
		"no code":   func(f *Fields) bool { return Code[uint32](f, "it", nil) == 0 },
		"no flag":   func(f *Fields) bool { return !f.Flag("it", &number) },
		"for ever":  func(f *Fields) bool { n := Number(1 << 63); return f.Duration("it", &n, time.Millisecond) == 0 },
		"no number": func(f *Fields) bool { return f.Count("it", nil, 6) == 0 },
	} {
		var f Fields
		zero := read(&f)
		if err := f.Err(); !zero || err == nil || !strings.HasPrefix(err.Error(), "it") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v, zero %v; want one mistake of it", name, err, zero)
		}
	}
}
