package remote

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// TLSError is a handshake that went wrong: why, and what to do about it. Nothing was sent.
type TLSError struct {
	Why    string
	Advice string
	Err    error // as crypto/tls says it

	distrusted bool // the server's certificate was read, and is not to be trusted
}

func (e *TLSError) Error() string {
	return fmt.Sprintf("TLS handshake: %s (%v); %s", e.Why, e.Err, e.Advice)
}

func (e *TLSError) Unwrap() error { return e.Err }

// explain finds the cause of a handshake's error. What it does not know stays as it is.
func (d dialer) explain(ctx context.Context, host, address string, err error) error {
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok && len(e.UnverifiedCertificates) > 0 {
		return d.untrusted(host, e)
	}
	if e, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return &TLSError{Why: "what answers there does not speak TLS", Advice: "https is port 5986 of WinRM by default, and 5985 is http", Err: e}
	}
	if strings.Contains(err.Error(), "failed to parse certificate") {
		return &TLSError{Why: "the server's certificate is one that can't be read here, though Windows may take it",
			Advice: "have another one issued for it (New-SelfSignedCertificate), and bind that to WinRM's listener", Err: err}
	}
	if !nothingInCommon(err) || ctx.Err() != nil {
		return err
	}
	found, probed := d.probe(ctx, host, address)
	return found.explain(err, probed)
}

// nothingInCommon reports whether an error may be for want of a version and a cipher suite that both sides take. Windows
// closes the connection without a word in that case.
func nothingInCommon(err error) bool {
	if errors.Is(err, io.EOF) || errors.Is(err, errReset) {
		return true
	}
	// crypto/tls has no type for the alerts of the other side: these are its words for numbers 40, 70 and 71, and for a
	// server's choice of another version.
	return slices.ContainsFunc([]string{"handshake failure", "protocol version not supported", "insufficient security level", "unsupported protocol version"},
		func(words string) bool { return strings.Contains(err.Error(), words) })
}

// untrusted words what is wrong with a certificate that was understood.
func (d dialer) untrusted(host string, e *tls.CertificateVerificationError) error {
	leaf := e.UnverifiedCertificates[0]
	told := &TLSError{Err: e.Err, distrusted: true}
	pin := "if it is the machine's own, pin it: certificate_sha256: " + PinOf(leaf)
	told.Advice = pin
	_, otherName := errors.AsType[x509.HostnameError](e.Err)
	invalid, isInvalid := errors.AsType[x509.CertificateInvalidError](e.Err)
	_, unknown := errors.AsType[x509.UnknownAuthorityError](e.Err)
	_, critical := errors.AsType[x509.UnhandledCriticalExtension](e.Err)
	switch {
	case otherName:
		told.Why = fmt.Sprintf("the server's certificate is not for %s, but for %s", host, namesOf(leaf))
		told.Advice = "use one of its names in the url, or have one issued with this name; " + pin
	case isInvalid && invalid.Reason == x509.Expired:
		told.Why = fmt.Sprintf("a certificate of the server's (%s) is valid from %s to %s only, and the clock of this machine says %s",
			subject(invalid.Cert), day(invalid.Cert.NotBefore), day(invalid.Cert.NotAfter), time.Now().UTC().Format(time.RFC3339))
		told.Advice = "have another one issued, or set the clock right; " + pin
	case isInvalid:
		told.Why = "a certificate of the server's is not for this: " + subject(invalid.Cert)
	case critical:
		told.Why = "a certificate of the server's has a critical extension that is not known here"
	case unknown && string(leaf.RawIssuer) == string(leaf.RawSubject):
		told.Why = fmt.Sprintf("the server's certificate (%s) vouches for itself, and is not trusted here", subject(leaf))
		told.Advice = "put it into a ca_file, or " + pin
	case unknown:
		told.Why = fmt.Sprintf("the server's certificate (%s) was issued by %q, which is not trusted here", subject(leaf), leaf.Issuer.String())
		told.Advice = "name that authority's certificate as ca_file, or " + pin
	default:
		told.Why = fmt.Sprintf("the server's certificate (%s) is not trusted", subject(leaf))
	}
	if unread := errors.Join(d.rootsUnread...); unread != nil {
		told.Why += "; of those in ca_file some can't be used, and it may be one of these: " + strings.ReplaceAll(unread.Error(), "\n", "; ")
	}
	return told
}

func subject(cert *x509.Certificate) string { return fmt.Sprintf("%q", cert.Subject.String()) }

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// namesOf are the machines that a certificate is for.
func namesOf(cert *x509.Certificate) string {
	const shown = 5
	var names []string
	for _, name := range cert.DNSNames {
		names = append(names, fmt.Sprintf("%q", name))
	}
	for _, ip := range cert.IPAddresses {
		names = append(names, ip.String())
	}
	switch {
	case len(names) == 0:
		return "no machine by name: it has no subject alternative name, and its subject " + subject(cert) + " does not count"
	case len(names) > shown:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), len(names)-shown)
	}
	return strings.Join(names, ", ")
}
