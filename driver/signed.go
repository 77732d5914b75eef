package driver

import (
	"fmt"
	"time"
)

func (i *Image) judgeSignature(now time.Time, add addFinding) {
	s := i.Signature
	resign := "sign it again after the last change: wskharness build does"
	if s == nil {
		add("unsigned", Refuse, byCI, "there is no embedded signature: starting it fails with error 577, unless a catalogue on the target vouches for it", "sign it: wskharness build does")
		return
	}
	switch {
	case s.Problem != "":
		add("signature-invalid", Refuse, byCI, "the signature can't be verified: "+s.Problem, resign)
	case !s.Matches():
		add("digest-mismatch", Refuse, byCI, fmt.Sprintf("the file is not the one that was signed: its %s is %s, and %s was signed; starting it fails with error 577",
			s.Digest, s.Computed, s.Stated), resign)
	}
	if s.Unread != "" {
		add("signature-unread", Warn, byCI, "whether the signature is valid is not known here: "+s.Unread, "have it verified where it is to run: signtool verify /v /pa FILE")
	}
	switch {
	case s.Digest == "" || s.Digest == "sha256":
	case s.Digest == "sha1" && s.Nested:
		add("digest-algorithm", Warn, byCI, "the outer signature is over SHA-1; the one inside it is not judged here", "check the inner one with signtool verify /all")
	case s.Digest == "sha1" || s.Digest == "md5":
		add("digest-algorithm", Refuse, byCI, fmt.Sprintf("the signature is over %s, which is no longer trusted", s.Digest), "sign with SHA-256")
	default:
		add("digest-algorithm", Warn, byCI, fmt.Sprintf("the signature is over %s; older systems know SHA-256 only", s.Digest), "sign with SHA-256")
	}
	if s.cert != nil {
		s.judgeTimes(now, add)
		s.judgeCertificate(add)
	}
}

// judgeTimes is about when the certificate is valid.
func (s *Signature) judgeTimes(now time.Time, add addFinding) {
	switch {
	case now.After(s.NotAfter) && s.Timestamped:
		add("certificate-expired", Warn, byCI, fmt.Sprintf("the certificate ended on %s; it counts only if the time stamp, which is not judged here, was before that",
			s.NotAfter.Format(time.DateOnly)), "sign it again with a certificate that is valid")
	case now.After(s.NotAfter):
		add("certificate-expired", Refuse, byCI, fmt.Sprintf("the certificate ended on %s, and no time stamp says that it was signed before", s.NotAfter.Format(time.DateOnly)),
			"sign it again: wskharness build renews its certificate")
	case now.Before(s.NotBefore):
		add("certificate-not-yet-valid", Refuse, byCI, fmt.Sprintf("the certificate begins on %s", s.NotBefore.Format(time.DateOnly)), "check the clock of this machine and of the target")
	}
}

// judgeCertificate is about what the certificate is. What RFC 5280 asks of those who issue certificates, and Windows does not
// look at, is at most noted: a serial number that is no good one, a version that does not go with the rest.
func (s *Signature) judgeCertificate(add addFinding) {
	c := s.cert
	switch {
	case c.usagesStated && !c.usageOK:
		add("certificate-usage", Warn, byCI, "what the certificate states that it is for (its extended key usage) can't be read here", "use a certificate that states code signing")
	case !s.CodeSigning:
		// RFC 5280, 4.2.1.12: what states uses is for these alone, and what states none is for all; CertGetEnhancedKeyUsage says the same.
		add("certificate-usage", Refuse, byCI, "the certificate states what it is for, and code signing (1.3.6.1.5.5.7.3.3) is not among that", "use a code signing certificate")
	case c.usagesStated && !c.states(oidCodeSigning):
		// RFC 5280, 4.2.1.12 leaves it to whoever verifies whether that is enough.
		add("certificate-usage", Warn, byCI, "the certificate states that it is for any use, and not code signing by its name; not all take that", "use a code signing certificate")
	}
	switch {
	case s.tooShort():
		add("weak-key", Refuse, byCI, fmt.Sprintf("the certificate's key is %s; Windows blocks RSA with less than 1024 bits (Microsoft Security Advisory 2661254)", s.Key),
			"use RSA with at least 2048 bits")
	case c.isRSA && c.keyBits < 2048:
		add("weak-key", Warn, byCI, fmt.Sprintf("the certificate's key is %s: Windows takes it where the certificate is trusted, and no public authority signs one", s.Key),
			"use RSA with at least 2048 bits")
	case !c.isRSA:
		// "ECDSA isn't supported" is what Microsoft says of App Control's policies, and nothing of drivers.
		add("key-algorithm", Warn, byCI, fmt.Sprintf("the certificate's key is %s; that Windows loads drivers signed with it is documented for RSA alone", s.Key),
			"use RSA with at least 2048 bits")
	}
	if odd := c.oddSerial(); odd != "" {
		// RFC 5280, 4.1.2.2 asks those who read certificates to bear it.
		add("certificate-serial", Note, byEyes, "the certificate's serial number is "+odd+": Windows takes that, and some other programs don't",
			"have the next one issued with a positive serial number of at most 20 bytes")
	}
	if s.SelfSigned {
		add("test-signature", Note, byCI, "the certificate vouches for itself: it is accepted only with test signing on, Secure Boot off, and the certificate trusted on the target",
			"for other machines have it signed through Microsoft's Hardware Dev Center")
	}
}
