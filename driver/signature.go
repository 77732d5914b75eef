package driver

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"debug/pe"
	"encoding/asn1"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sassoftware/relic/v7/lib/authenticode"
	"github.com/sassoftware/relic/v7/lib/pkcs7"
	"github.com/sassoftware/relic/v7/lib/x509tools"
)

const (
	maxCertificateTable = 1 << 20
	maxKeyBits          = 8192 // arithmetic with longer ones would take a hostile file's time, not ours
)

// OIDs of attributes that a signature may carry unsigned, from Microsoft's Authenticode.
var (
	oidNestedSignature = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 2, 4, 1}
	oidCounterSignRFC  = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 3, 3, 1}
	oidCounterSign     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 6}
)

// signature reads the embedded signature; nil if there is none. It is verified against the
// certificate that comes with it: who trusts that one is not known here.
func (p *imageReader) signature() *Signature {
	dir := p.directory(pe.IMAGE_DIRECTORY_ENTRY_SECURITY)
	if dir.VirtualAddress == 0 && dir.Size == 0 {
		return nil
	}
	s := &Signature{}
	// Of all directories only this one holds a file offset.
	der, err := p.signedData(dir)
	if err == nil {
		err = s.read(der)
	}
	var unread unreadError
	switch {
	case errors.As(err, &unread):
		s.Unread = printable(unread.why)
	case err != nil:
		s.Problem = printable(err.Error())
		return s
	}
	hash := digestByName(s.Digest)
	if !hash.Available() {
		s.Problem = "unknown digest algorithm"
		return s
	}
	s.Computed = hex.EncodeToString(p.authenticodeDigest(hash, dir))
	return s
}

// signedData finds the PKCS #7 structure in the certificate table.
func (p *imageReader) signedData(dir pe.DataDirectory) ([]byte, error) {
	const header, pkcs7Type = 8, 2
	start, end := uint64(dir.VirtualAddress), uint64(dir.VirtualAddress)+uint64(dir.Size)
	switch {
	case dir.Size > maxCertificateTable:
		return nil, fmt.Errorf("a certificate table of %d bytes", dir.Size)
	case end > uint64(len(p.data)) || dir.Size < header || start < uint64(p.optional):
		return nil, fmt.Errorf("the certificate table is outside of the file")
	case end != uint64(len(p.data)):
		return nil, fmt.Errorf("%d bytes follow the certificate table, and no signature covers them", uint64(len(p.data))-end)
	case start%8 != 0:
		return nil, fmt.Errorf("the certificate table is at %#x, not a multiple of 8", start)
	}
	table := p.data[start:end]
	length, kind := binary.LittleEndian.Uint32(table), binary.LittleEndian.Uint16(table[6:])
	if length < header || uint64(length) > uint64(len(table)) {
		return nil, fmt.Errorf("a certificate of %d bytes in a table of %d", length, len(table))
	}
	if kind != pkcs7Type {
		return nil, fmt.Errorf("a certificate of type %d, not PKCS #7", kind)
	}
	return table[header:length], nil
}

// authenticodeDigest is over the whole file but for what changes by signing: the checksum, the
// directory entry of the certificate table, and that table.
func (p *imageReader) authenticodeDigest(hash crypto.Hash, dir pe.DataDirectory) []byte {
	checksum := int(p.optional) + 64
	directories := int(p.optional) + 112 // in a 64-bit image
	if p.opt.Magic == 0x10b {
		directories = int(p.optional) + 96
	}
	entry := directories + 8*pe.IMAGE_DIRECTORY_ENTRY_SECURITY
	h := hash.New()
	h.Write(p.data[:checksum])
	h.Write(p.data[checksum+4 : entry])
	h.Write(p.data[entry+8 : max(int(dir.VirtualAddress), entry+8)])
	return h.Sum(nil)
}

// read takes in what the PKCS #7 structure says. It stops at the first thing that is wrong.
func (s *Signature) read(der []byte) error {
	psd, err := pkcs7.Unmarshal(der)
	if err != nil {
		return fmt.Errorf("read the signature: %w", err)
	}
	if !psd.Content.ContentInfo.ContentType.Equal(authenticode.OidSpcIndirectDataContent) {
		return fmt.Errorf("it is not an Authenticode signature")
	}
	if n := len(psd.Content.SignerInfos); n != 1 {
		return fmt.Errorf("%d signers; Authenticode has one", n)
	}
	indirect := &authenticode.SpcIndirectDataContentPe{}
	if err := psd.Content.ContentInfo.Unmarshal(indirect); err != nil {
		return fmt.Errorf("read the signed digest: %w", err)
	}
	hash, ok := x509tools.PkixDigestToHash(indirect.MessageDigest.DigestAlgorithm)
	if !ok {
		return fmt.Errorf("unknown digest algorithm %v", indirect.MessageDigest.DigestAlgorithm.Algorithm)
	}
	s.Digest = digestName(hash)
	s.Stated = hex.EncodeToString(indirect.MessageDigest.Digest)
	signer := &psd.Content.SignerInfos[0]
	s.Nested = hasAttribute(signer.UnauthenticatedAttributes, oidNestedSignature)
	s.Timestamped = hasAttribute(signer.UnauthenticatedAttributes, oidCounterSign) ||
		hasAttribute(signer.UnauthenticatedAttributes, oidCounterSignRFC)
	if s.cert, err = signerCertificate(psd.Content.Certificates, signer.IssuerAndSerialNumber); err != nil {
		return err
	}
	s.describe()
	return s.verify(psd)
}

// unreadError is about what this program can't read or verify, and Windows may.
type unreadError struct{ why string }

func (e unreadError) Error() string { return e.why }

// signerCertificate finds the certificate that a signature names. The others may be of any kind: they are not needed.
func signerCertificate(all pkcs7.RawCertificates, named pkcs7.IssuerAndSerial) (*certificate, error) {
	var unread error
	for _, one := range all {
		cert, err := readCertificate(one.FullBytes)
		switch {
		case err != nil:
			unread = unreadError{fmt.Sprintf("a certificate in the signature can't be read here: %v", err)}
		case named.SerialNumber != nil && bytes.Equal(cert.issuer, named.IssuerName.FullBytes) && cert.serial.Cmp(named.SerialNumber) == 0:
			return cert, nil
		}
	}
	if unread != nil {
		return nil, unread
	}
	return nil, errors.New("the signer's certificate is not in the signature")
}

// verify checks that the signature is the key's own, over the digest that it states.
func (s *Signature) verify(psd *pkcs7.ContentInfoSignedData) error {
	switch {
	case s.tooShort():
		return nil // which is told by itself; crypto/rsa does not compute with it
	case s.cert.key == nil:
		return unreadError{"its key is " + s.cert.keyName + ", which is not known here"}
	case s.cert.keyBits > maxKeyBits:
		return unreadError{fmt.Sprintf("its key has %d bits, and is too long to be computed with here", s.cert.keyBits)}
	}
	content, err := psd.Content.ContentInfo.Bytes()
	if err != nil {
		return fmt.Errorf("read the signed digest: %w", err)
	}
	signer := &psd.Content.SignerInfos[0]
	// What the library asks of a certificate is whose it is and its key.
	known := &x509.Certificate{RawIssuer: s.cert.issuer, SerialNumber: s.cert.serial, PublicKey: s.cert.key}
	_, err = signer.Verify(content, false, []*x509.Certificate{known})
	switch {
	case err == nil:
		s.Verified = true
		return nil
	case strings.Contains(err.Error(), "unsupported"): // as it says of algorithms that it does not know
		return unreadError{fmt.Sprintf("it is by algorithm %v, over %v, and one of these is not known here",
			signer.DigestEncryptionAlgorithm.Algorithm, signer.DigestAlgorithm.Algorithm)}
	}
	return fmt.Errorf("verify the signature: %w", err)
}

// tooShort is what Windows says of a key.
func (s *Signature) tooShort() bool {
	const shortest = 1024 // Microsoft Security Advisory 2661254
	return s.cert.isRSA && s.cert.keyBits < shortest
}

func (s *Signature) describe() {
	c := s.cert
	s.Subject, s.Issuer = nameText(c.subject), nameText(c.issuer)
	s.Serial = printable(c.serial.Text(16))
	s.Thumbprint = thumbprint(c.raw)
	s.NotBefore, s.NotAfter = c.notBefore, c.notAfter
	s.CodeSigning = c.forCodeSigning()
	s.SelfSigned = c.selfSigned()
	s.Key = c.keyName
}

func hasAttribute(list pkcs7.AttributeList, oid asn1.ObjectIdentifier) bool {
	return slices.ContainsFunc(list, func(a pkcs7.Attribute) bool { return a.Type.Equal(oid) })
}

// digestName turns SHA-256 into sha256, as tools spell it.
func digestName(hash crypto.Hash) string {
	return strings.ToLower(strings.ReplaceAll(hash.String(), "-", ""))
}

func digestByName(name string) crypto.Hash {
	for _, hash := range []crypto.Hash{crypto.SHA256, crypto.SHA1, crypto.SHA384, crypto.SHA512, crypto.MD5} {
		if digestName(hash) == name {
			return hash
		}
	}
	return 0
}
