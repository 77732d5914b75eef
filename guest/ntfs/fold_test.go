package ntfs

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// The lines are the whole table, and no other: its bytes have the hash that the source's have.
func TestTableIsThatOfItsSource(t *testing.T) {
	var raw []byte
	changed := 0
	for unit, as := range upcase() {
		raw = binary.LittleEndian.AppendUint16(raw, as)
		if int(as) != unit {
			changed++
		}
	}
	if got := fmt.Sprintf("%x", sha256.Sum256(raw)); got != "41c26bc7a12bdaeb26025c93118697c7e3ef81ee048b00fe5cce2a472e0e0742" || changed != 973 {
		t.Errorf("the table has the SHA-256 %s, and changes %d units; want got == \"41c26bc7a12bdaeb26025c93118697c7e3ef81ee048b00fe5cce2a472e0e0742\" and changed == 973", got, changed)
	}
	if !strings.Contains(runs, "41c26bc7a12bdaeb26025c93118697c7e3ef81ee048b00fe5cce2a472e0e0742") {
		t.Error("the data do not name the hash of their source")
	}
}

func TestFold(t *testing.T) {
	for _, test := range []struct {
		a, b string
		same bool
	}{
		{"readme.txt", "README.TXT", true},
		{"ü.txt", "Ü.txt", true},
		{"ÿ", "Ÿ", true},
		{"σ", "Σ", true},
		{"ς", "Σ", false}, // the one at a word's end stays
		{"я", "Я", true},
		{"ı.txt", "I.txt", false},
		{"ı.txt", "i.txt", false},
		{"i", "İ", false},
		{"ſ", "S", false},
		{"k", "\u212a", false}, // the Kelvin sign
		{"straße", "STRASSE", false},
		{"ß", "ẞ", false},
		{"ﬁ", "FI", false},
		{"µ", "μ", false},
		{"ⅷ", "Ⅷ", true},
		{"ａ", "Ａ", true},             // of full width
		{"\u00e9", "e\u0301", false}, // NFC and NFD
		{"\u00e9", "\u00c9", true},
		{"𐐨", "𐐀", false}, // Deseret: pairs of surrogates
		{"😀", "😁", false},
		{"\xff", "\xfe", false}, // no UTF-8
		{"\xff", "\ufffd", false},
		{"", "", true},
	} {
		if got := Fold(test.a) == Fold(test.b); got != test.same {
			t.Errorf("%q and %q are the same: %v, want %v", test.a, test.b, got, test.same)
		}
	}
}

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"# nothing\n\n":     "",
		"0061 007A 1 -20":   "",
		"0061 007A 1":       "line 1",
		"\n0061 x 1 -20":    "line 2",
		"0061 007A 0 -20":   "no end",
		"007A 0061 1 -20":   "no end",
		"10000 10001 1 +1":  "line 1",
		"FFF0 FFFF FFFF +1": "",
	} {
		if _, err := parse(text); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// FuzzFold: folding once is enough, unit by unit: it neither joins nor parts what is beside each other, and no length in UTF-16
// units changes.
func FuzzFold(f *testing.F) {
	f.Add("Straße", "ı")
	f.Add("𐐨\xff", "é")
	f.Fuzz(func(t *testing.T, a, b string) {
		if folded := Fold(a); Fold(folded) != folded {
			t.Errorf("%q folds to %q, and that to %q; want Fold(folded) == folded", a, folded, Fold(folded))
		}
		if utf8.ValidString(a) && utf8.ValidString(b) && Fold(a+b) != Fold(a)+Fold(b) {
			t.Errorf("%q and %q, together and apart", a, b)
		}
		if utf8.RuneCountInString(Fold(a)) != utf8.RuneCountInString(a) {
			t.Errorf("%q has another length than %q; want utf8.RuneCountInString(Fold(a)) == utf8.RuneCountInString(a)", Fold(a), a)
		}
	})
}
