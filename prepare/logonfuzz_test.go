package prepare

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"testing"
)

// FuzzPrincipalName: whatever a certificate has for alternative names is read to the end, and gives a name that is in it, or none.
func FuzzPrincipalName(f *testing.F) {
	f.Add([]byte("\x30\x22\xa0\x20\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x14\x02\x03\xa0\x12\x0c\x10tester@localhost"))
	f.Add([]byte("\x30\x80\xa0\x00"))
	f.Fuzz(func(t *testing.T, names []byte) {
		c := &x509.Certificate{Extensions: []pkix.Extension{{Id: alternativeNames, Value: names}}}
		if name := principalName(c); len(name) > len(names) {
			t.Errorf("got %q of %q", name, names)
		}
	})
}

// The first seed is what openssl makes of otherName:1.3.6.1.4.1.311.20.2.3;UTF8:tester@localhost.
func TestPrincipalName(t *testing.T) {
	names := []byte("\x30\x22\xa0\x20\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x14\x02\x03\xa0\x12\x0c\x10tester@localhost")
	if got := principalName(&x509.Certificate{Extensions: []pkix.Extension{{Id: alternativeNames, Value: names}}}); got != "tester@localhost" {
		t.Errorf("got %q, want tester@localhost", got)
	}
}
