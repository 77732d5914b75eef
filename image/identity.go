package image

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"wskharness/remote"
)

// identity is by what a machine of the image is known, and its administrator: made anew for each image.
type identity struct {
	password    remote.Secret
	authority   []byte // certificate, DER
	certificate []byte // WinRM's, DER
	pfx         []byte // that with its key
	pfxPassword remote.Secret
}

// Certificates begin before the image is made, since the clocks of machines differ, and go on for as long as anybody may have
// the image: nothing renews them.
const (
	validBefore = 48 * time.Hour
	validFor    = 20 * 365 * 24 * time.Hour
)

// newIdentity makes one. The authority's key signs this one certificate and is then forgotten, so that whoever trusts the
// authority trusts nothing else.
func newIdentity(now time.Time, computer string) (*identity, error) {
	id := &identity{password: newPassword(), pfxPassword: newPassword()}
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	authority := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "wskharness image " + now.UTC().Format("2006-01-02 15:04")},
		NotBefore: now.Add(-validBefore), NotAfter: now.Add(validFor),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
	}
	if id.authority, err = x509.CreateCertificate(rand.Reader, authority, authority, authorityKey.Public(), authorityKey); err != nil {
		return nil, fmt.Errorf("make a certificate authority: %w", err)
	}
	// An RSA key, since Schannel has taken those with every version of Windows and every provider of keys.
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	leaf := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: computer}, // which WinRM holds to the listener's host name
		NotBefore: authority.NotBefore, NotAfter: authority.NotAfter,
		DNSNames: []string{computer, "localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	if id.certificate, err = x509.CreateCertificate(rand.Reader, leaf, authority, key.Public(), authorityKey); err != nil {
		return nil, fmt.Errorf("make WinRM's certificate: %w", err)
	}
	parsed, err := x509.ParseCertificate(id.certificate)
	if err != nil {
		return nil, err
	}
	// Every Windows reads the older ciphers, and the newer ones not before some update; what protects the file is that nobody
	// else gets it, and its password lies beside it.
	if id.pfx, err = pkcs12.LegacyDES.Encode(key, parsed, nil, id.pfxPassword.Reveal()); err != nil {
		return nil, fmt.Errorf("pack WinRM's certificate: %w", err)
	}
	return id, nil
}

// authorityPEM is what a target's ca_file has.
func (id *identity) authorityPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: id.authority})
}

// newPassword has 26 letters and digits of chance, about 130 bits, and of each kind at least one, as Windows' policy wants it.
func newPassword() remote.Secret { return remote.Secret("A" + rand.Text() + "a-7") }

func serial() *big.Int {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // it never fails
	b[0] &= 0x7f
	return new(big.Int).SetBytes(b)
}
