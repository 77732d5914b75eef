package remote

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"net/url"
	"strings"
	"testing"
)

// TestDisguised looks for what is left of a secret in texts that have it in the forms in which programs pass it on.
func TestDisguised(t *testing.T) {
	const secret = `Pä&ss<w0rd>'"\ 4711`
	r := NewRedactor(secret).Disguised()
	escaped, _ := json.Marshal(secret)
	var inXML strings.Builder
	_ = xml.EscapeText(&inXML, []byte(secret))
	for name, text := range map[string]string{
		"plain": secret, "UTF-16LE": wide(secret, binary.LittleEndian), "UTF-16BE": wide(secret, binary.BigEndian), "JSON": string(escaped), "XML": inXML.String(),
		"hex": hex.EncodeToString([]byte(secret)), "HEX": strings.ToUpper(hex.EncodeToString([]byte(secret))), "query": url.QueryEscape(secret), "path": url.PathEscape(secret),
	} {
		got := r.Text("before " + text + " behind")
		if !strings.Contains(got, redacted) || strings.Contains(got, "4711") || strings.Contains(got, wide("4711", binary.LittleEndian)) {
			t.Errorf("%s: %q became %q", name, text, got)
		}
		if kept := r.KeepingLength().Text(text); len(kept) != len(text) || !strings.Contains(kept, "****") {
			t.Errorf("%s: %q became %q, want the same length", name, text, kept)
		}
	}
	for _, bytes := range []string{secret, wide(secret, binary.LittleEndian)} {
		for before := range 4 {
			for behind := range 4 {
				for _, alphabet := range []*base64.Encoding{base64.StdEncoding, base64.RawURLEncoding} {
					text := alphabet.EncodeToString([]byte(strings.Repeat("b", before) + bytes + strings.Repeat("a", behind)))
					got := r.Text(text)
					if !strings.Contains(got, redacted) || len(strings.Replace(got, redacted, "", 1)) > 13 {
						t.Errorf("%d bytes before and %d behind: %s became %s", before, behind, text, got)
					}
				}
			}
		}
	}
	var none *Redactor
	if got := none.Disguised().KeepingLength().Text(secret); got != secret {
		t.Errorf("nil: %q, want the text as it is", got)
	}
}
