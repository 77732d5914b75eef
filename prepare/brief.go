package prepare

import (
	"crypto/x509"

	"wskharness/guest"
)

// Known is what whoever asks in brief knows beside the guest's facts.
type Known struct {
	TestSigned bool   // the driver bears a test signature: it is none of Microsoft's
	Thumbprint string // SHA-1, in hexadecimal, of the certificate that it is signed with; of use where it is test-signed
	NTLM       bool   // that is how the target is logged on to
}

// Brief is Look in short form: what is in the way of a driver as far as a guest's own facts tell, in the same words, by the same
// rows, and without asking it anything. Wine loads any driver: nothing is found there.
func Brief(f guest.Facts, k Known) (findings []Finding) {
	if f.Kind() != guest.KindWindows {
		return nil
	}
	for _, s := range settings(Options{Certificate: &x509.Certificate{}}) {
		if s.brief == nil {
			continue
		}
		if found := s.brief(f, k); found.Status != "" {
			findings = append(findings, s.named(found))
		}
	}
	return findings
}
