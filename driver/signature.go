package driver

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"debug/pe"
	"encoding/asn1"
	"encoding/binary"
	"encoding/hex"
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
	if err != nil {
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
	certs, err := psd.Content.Certificates.Parse()
	if err != nil {
		return fmt.Errorf("read the certificates: %w", err)
	}
	cert, err := signer.FindCertificate(certs)
	if err != nil {
		return fmt.Errorf("the signer's certificate is not in the signature")
	}
	s.describe(cert)
	if s.keyBits > maxKeyBits {
		return fmt.Errorf("a key of %d bits", s.keyBits)
	}
	if _, err := psd.Content.Verify(nil, false); err != nil {
		return fmt.Errorf("verify the signature: %w", err)
	}
	s.Verified = true
	return nil
}

func (s *Signature) describe(cert *x509.Certificate) {
	s.Subject = printable(cert.Subject.String())
	s.Issuer = printable(cert.Issuer.String())
	s.Serial = printable(cert.SerialNumber.Text(16))
	s.Thumbprint = thumbprint(cert)
	s.NotBefore, s.NotAfter = cert.NotBefore.UTC(), cert.NotAfter.UTC()
	s.CodeSigning = slices.Contains(cert.ExtKeyUsage, x509.ExtKeyUsageCodeSigning)
	s.SelfSigned = string(cert.RawSubject) == string(cert.RawIssuer)
	switch key := cert.PublicKey.(type) {
	case *rsa.PublicKey:
		s.isRSA, s.keyBits = true, key.N.BitLen()
		s.Key = fmt.Sprintf("RSA %d", s.keyBits)
	case *ecdsa.PublicKey:
		s.keyBits = key.Curve.Params().BitSize
		s.Key = "ECDSA " + key.Curve.Params().Name
	default:
		s.Key = cert.PublicKeyAlgorithm.String()
	}
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
