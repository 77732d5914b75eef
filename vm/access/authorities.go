package access

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"wskharness/textfile"
)

// maxAuthorities bounds a ca_file: that of a whole distribution has some 250 KiB.
const maxAuthorities = 8 << 20

// authorities are the certificates of a ca_file.
type authorities struct {
	pool  *x509.CertPool
	count int
	// unread are certificates that Go can't read, and so can't be used for TLS here; others may well take them.
	unread []error
}

// readAuthorities reads a file with certificates: PEM as anything writes it, or one in DER, which is what Windows exports
// unless it is told otherwise. Where it has none that can be used, the error says what it has.
func readAuthorities(path string) (*authorities, error) {
	data, _, err := textfile.Read(path, maxAuthorities)
	if err != nil {
		return nil, err
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, fmt.Errorf("%s is empty", path)
	}
	a := &authorities{pool: x509.NewCertPool()}
	const sequence = 0x30
	if data[0] == sequence {
		if err := a.takeDER(data); err != nil {
			return nil, fmt.Errorf("%s %w", path, err)
		}
		return a, nil
	}
	text, err := textfile.Decode(data)
	if err != nil {
		return nil, fmt.Errorf("%s %w", path, err)
	}
	if err := a.takePEM(text); err != nil {
		return nil, fmt.Errorf("%s %w", path, err)
	}
	return a, nil
}

func (a *authorities) add(cert *x509.Certificate) {
	a.pool.AddCert(cert)
	a.count++
}

// takeDER takes the only certificate of a binary file.
func (a *authorities) takeDER(data []byte) error {
	cert, err := x509.ParseCertificate(data)
	if err != nil {
		return fmt.Errorf("is binary (DER), and %w", describeDER(data, err))
	}
	a.add(cert)
	return nil
}

// describeDER says what binary data is that is no certificate that can be used.
func describeDER(data []byte, unreadable error) error {
	var outer struct {
		First asn1.RawValue
		Rest  asn1.RawValue `asn1:"optional"`
	}
	signedData := asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	if rest, err := asn1.Unmarshal(data, &outer); err != nil || len(rest) > 0 {
		return fmt.Errorf("can't be read: it is cut, or something else is in it: %w", unreadable)
	}
	var kind asn1.ObjectIdentifier
	switch _, err := asn1.Unmarshal(outer.First.FullBytes, &kind); {
	case err == nil && kind.Equal(signedData):
		return errors.New("is PKCS #7 (.p7b): turn it into PEM with openssl pkcs7 -inform DER -print_certs")
	case outer.First.Class == asn1.ClassUniversal && outer.First.Tag == asn1.TagInteger:
		return errors.New("holds no certificate that can be read (a key, or PKCS #12): export the certificate alone, or turn a .pfx into PEM with openssl pkcs12 -nokeys")
	}
	return unusable("it", unreadable)
}

// unusable says that a certificate is one that Go does not read.
func unusable(which string, why error) error {
	return fmt.Errorf("%s can't be used here: %s; Windows may take it all the same: pin the machine's certificate instead (certificate_sha256), or have another issued",
		which, strings.TrimPrefix(why.Error(), "x509: "))
}

// takePEM takes all certificates of a text. Lines may be indented, as in what was copied from YAML.
func (a *authorities) takePEM(text string) error {
	var others []string
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for at := 0; at < len(lines); at++ {
		kind, ok := pemLine(lines[at], "BEGIN")
		if !ok {
			continue
		}
		end := at + 1
		for end < len(lines) && !strings.Contains(lines[end], "-----") {
			end++
		}
		der, err := decodePEM(lines[at:min(end+1, len(lines))])
		switch {
		case !isCertificate(kind):
			others = append(others, kind)
		case err != nil:
			return fmt.Errorf("has a certificate in line %d that is cut or damaged", at+1)
		default:
			a.take(der, at+1)
		}
		if _, closed := pemLine(lines[min(end, len(lines)-1)], "END"); closed {
			at = end
		} else {
			at = end - 1
		}
	}
	switch {
	case a.count > 0:
		return nil
	case len(a.unread) > 0:
		return fmt.Errorf("has no certificate that can be used: %w", errors.Join(a.unread...))
	case len(others) > 0:
		return fmt.Errorf("has no certificate, but a %s: export the certificate, which is public", strings.ToLower(others[0]))
	}
	return errors.New("has no certificate in PEM: a block between -----BEGIN CERTIFICATE----- and -----END CERTIFICATE-----")
}

// take takes a certificate from PEM; behind one that openssl calls trusted there is more.
func (a *authorities) take(der []byte, line int) {
	var first asn1.RawValue
	if _, err := asn1.Unmarshal(der, &first); err == nil {
		der = first.FullBytes
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.unread = append(a.unread, unusable(fmt.Sprintf("the one in line %d", line), err))
		return
	}
	a.add(cert)
}

// pemLine is the kind in a line such as -----BEGIN CERTIFICATE-----.
func pemLine(line, word string) (kind string, ok bool) {
	kind, begun := strings.CutPrefix(strings.TrimSpace(line), "-----"+word+" ")
	kind, ended := strings.CutSuffix(kind, "-----")
	return kind, begun && ended
}

func decodePEM(lines []string) ([]byte, error) {
	var plain []string
	for _, line := range lines {
		plain = append(plain, strings.TrimSpace(line))
	}
	block, rest := pem.Decode([]byte(strings.Join(plain, "\n") + "\n"))
	if block == nil || len(rest) > 0 {
		return nil, errors.New("no PEM")
	}
	return block.Bytes, nil
}

// isCertificate knows the words that tools have for a certificate.
func isCertificate(kind string) bool {
	return kind == "CERTIFICATE" || kind == "X509 CERTIFICATE" || kind == "TRUSTED CERTIFICATE"
}
