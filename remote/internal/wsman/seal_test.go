package wsman

import (
	"bytes"
	"strings"
	"testing"
)

func TestSealed(t *testing.T) {
	signature := []byte("0123456789abcdef")
	for _, sealed := range [][]byte{nil, []byte("x"), []byte("--Encrypted Boundary--\r\n"), bytes.Repeat([]byte{0, 255, '\r', '\n'}, 1000)} {
		body := WrapSealed(len(sealed), signature, sealed)
		if got := len(body) - len(sealed); got != SealOverhead(len(sealed)) {
			t.Errorf("sealing %d bytes adds %d, SealOverhead says %d", len(sealed), got, SealOverhead(len(sealed)))
		}
		gotSignature, gotSealed, err := UnwrapSealed(body)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(gotSignature, signature) || !bytes.Equal(gotSealed, sealed) {
			t.Errorf("%q came back as %q, %q", sealed, gotSignature, gotSealed)
		}
		// Windows writes without tabs.
		if _, got, err := UnwrapSealed(bytes.ReplaceAll(body, []byte("\r\n\t"), []byte("\r\n"))); err != nil || !bytes.Equal(got, sealed) {
			t.Errorf("without tabs: %q, %v", got, err)
		}
	}
}

func TestSealedRefuses(t *testing.T) {
	good := string(WrapSealed(5, []byte("0123456789abcdef"), []byte("hello")))
	for name, body := range map[string]string{
		"nothing":           "",
		"cut in the header": good[:60],
		"cut in the data":   good[:len(good)-len(sealedEnd)-1],
		"without end":       good[:len(good)-len(sealedEnd)],
		"wrong length":      strings.Replace(good, "Length=5", "Length=6", 1),
		"huge length":       strings.Replace(good, "Length=5", "Length=99999999999", 1),
		"no length":         strings.Replace(good, "Length=5", "", 1),
		"other protocol":    strings.Replace(good, "SPNEGO", "CredSSP", 1),
		"huge signature":    strings.Replace(good, "\x10\x00\x00\x00", "\xff\xff\xff\xff", 1),
		"trailing bytes":    good + "x",
		"other header":      strings.Replace(good, "OriginalContent", "X-Content", 1),
	} {
		if _, sealed, err := UnwrapSealed([]byte(body)); err == nil {
			t.Errorf("%s: accepted, with %q", name, sealed)
		}
	}
}

func FuzzUnwrapSealed(f *testing.F) {
	f.Add(WrapSealed(5, []byte("0123456789abcdef"), []byte("hello")))
	f.Add([]byte(sealedPart + sealedPart))
	f.Fuzz(func(t *testing.T, body []byte) {
		signature, sealed, err := UnwrapSealed(body)
		if err != nil {
			return
		}
		again := WrapSealed(len(sealed), signature, sealed)
		s2, d2, err := UnwrapSealed(again)
		if err != nil || !bytes.Equal(s2, signature) || !bytes.Equal(d2, sealed) {
			t.Fatalf("does not survive a second time: %v", err)
		}
	})
}
