package driver

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"time"

	encodingasn1 "encoding/asn1"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// certificate is what the inspection needs to know of a signer's X.509 certificate.
//
// It is not read with crypto/x509, which refuses certificates for much that has nothing to do with signing code and that
// Windows takes: a serial number that is negative, an extension twice, a version that does not go with the extensions, a text
// with a character that its type has not. Who hears from us that a certificate is broken has to be able to rely on it.
type certificate struct {
	raw, issuer, subject  []byte // DER
	serial                *big.Int
	notBefore, notAfter   time.Time
	key                   any    // *rsa.PublicKey, *ecdsa.PublicKey, or nil: one that nothing can be verified with here
	keyName               string // RSA 3072
	keyBits               int    // 0 where they are not known
	isRSA                 bool   // of keyBits, whether or not anything can be verified with it
	usages                []encodingasn1.ObjectIdentifier
	usagesStated, usageOK bool // there is an extended key usage; it could be read
}

// What a certificate may state that it is for (RFC 5280, 4.2.1.12).
var (
	oidExtendedKeyUsage = encodingasn1.ObjectIdentifier{2, 5, 29, 37}
	oidAnyUsage         = encodingasn1.ObjectIdentifier{2, 5, 29, 37, 0}
	oidCodeSigning      = encodingasn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 3}
)

// Kinds of keys (RFC 3279, 4055, 5480, 8410).
var (
	oidRSA    = encodingasn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidRSAPSS = encodingasn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}
	oidECDSA  = encodingasn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}
)

// namesOfKeys are those of kinds that nothing can be verified with here.
func namesOfKeys(oid encodingasn1.ObjectIdentifier) string {
	switch oid.String() {
	case "1.2.840.10040.4.1":
		return "DSA"
	case "1.3.101.112":
		return "Ed25519"
	case "1.3.101.113":
		return "Ed448"
	case oidECDSA.String():
		return "ECDSA, on a curve without a name that is known here"
	}
	return "algorithm " + oid.String()
}

// readCertificate reads a certificate's DER (RFC 5280, 4.1). What is not needed is passed over, right or wrong.
func readCertificate(der []byte) (*certificate, error) {
	input := cryptobyte.String(der)
	var whole, body, validity, spki cryptobyte.String
	c := &certificate{raw: der, serial: new(big.Int)}
	var issuer, subject cryptobyte.String
	switch {
	case !input.ReadASN1(&whole, asn1.SEQUENCE), !whole.ReadASN1(&body, asn1.SEQUENCE):
		return nil, errors.New("it is no sequence of fields")
	case !body.SkipOptionalASN1(contextTag(0)): // its version
		return nil, errors.New("its version can't be read")
	case !readInteger(&body, c.serial):
		return nil, errors.New("its serial number can't be read")
	case !body.SkipASN1(asn1.SEQUENCE): // the algorithm of its issuer's signature
		return nil, errors.New("its signature algorithm can't be read")
	case !body.ReadASN1Element(&issuer, asn1.SEQUENCE):
		return nil, errors.New("its issuer can't be read")
	case !body.ReadASN1(&validity, asn1.SEQUENCE):
		return nil, errors.New("its validity can't be read")
	case !body.ReadASN1Element(&subject, asn1.SEQUENCE):
		return nil, errors.New("its subject can't be read")
	case !body.ReadASN1Element(&spki, asn1.SEQUENCE):
		return nil, errors.New("its key can't be read")
	}
	c.issuer, c.subject = issuer, subject
	var err error
	if c.notBefore, err = readTime(&validity); err != nil {
		return nil, fmt.Errorf("when it begins can't be read: %w", err)
	}
	if c.notAfter, err = readTime(&validity); err != nil {
		return nil, fmt.Errorf("when it ends can't be read: %w", err)
	}
	c.readKey(spki)
	c.readUsages(body)
	return c, nil
}

func contextTag(n uint8) asn1.Tag { return asn1.Tag(n).ContextSpecific().Constructed() }

// readInteger reads a number of any sign, also one that is written with more bytes than it needs.
func readInteger(from *cryptobyte.String, to *big.Int) bool {
	var content cryptobyte.String
	if !from.ReadASN1(&content, asn1.INTEGER) || len(content) == 0 {
		return false
	}
	to.SetBytes(content)
	if content[0]&0x80 != 0 {
		to.Sub(to, new(big.Int).Lsh(big.NewInt(1), uint(8*len(content))))
	}
	return true
}

// readTime reads a time of either kind, also where it is of the kind that is not for its year, or has no seconds.
func readTime(from *cryptobyte.String) (time.Time, error) {
	var text cryptobyte.String
	var tag asn1.Tag
	if !from.ReadAnyASN1(&text, &tag) {
		return time.Time{}, errors.New("there is none")
	}
	var layouts []string
	switch tag {
	case asn1.UTCTime:
		layouts = []string{"060102150405Z0700", "0601021504Z0700"}
	case asn1.GeneralizedTime:
		layouts = []string{"20060102150405Z0700", "200601021504Z0700"}
	default:
		return time.Time{}, fmt.Errorf("it is of type %#x", uint8(tag))
	}
	for _, layout := range layouts {
		t, err := time.Parse(layout, string(text))
		if err != nil {
			continue
		}
		if tag == asn1.UTCTime && t.Year() >= 2050 { // RFC 5280, 4.1.2.5.1
			t = t.AddDate(-100, 0, 0)
		}
		return t.UTC(), nil
	}
	return time.Time{}, fmt.Errorf("%q", printable(string(text)))
}

// readKey takes in the signer's key. One of a kind that is not known here is not an error: Windows may know it.
func (c *certificate) readKey(spki cryptobyte.String) {
	whole := spki
	var info, algorithm, bits cryptobyte.String
	var oid encodingasn1.ObjectIdentifier
	var unused uint8
	if !spki.ReadASN1(&info, asn1.SEQUENCE) || !info.ReadASN1(&algorithm, asn1.SEQUENCE) || !algorithm.ReadASN1ObjectIdentifier(&oid) ||
		!info.ReadASN1(&bits, asn1.BIT_STRING) || !bits.ReadUint8(&unused) {
		c.keyName = "unreadable"
		return
	}
	c.keyName = namesOfKeys(oid)
	switch {
	case oid.Equal(oidRSA), oid.Equal(oidRSAPSS):
		c.readRSA(bits)
	case oid.Equal(oidECDSA):
		if key, err := x509.ParsePKIXPublicKey(whole); err == nil {
			c.setECDSA(key)
		}
	}
}

func (c *certificate) setECDSA(key any) {
	if key, ok := key.(*ecdsa.PublicKey); ok {
		c.key, c.keyBits, c.keyName = key, key.Curve.Params().BitSize, "ECDSA "+key.Curve.Params().Name
	}
}

// readRSA reads an RSA key (RFC 8017, A.1.1), of which no more is believed than that it is two numbers.
func (c *certificate) readRSA(bits cryptobyte.String) {
	c.keyName = "RSA, unreadable"
	var numbers cryptobyte.String
	modulus, exponent := new(big.Int), new(big.Int)
	if !bits.ReadASN1(&numbers, asn1.SEQUENCE) || !readInteger(&numbers, modulus) || !readInteger(&numbers, exponent) || modulus.Sign() <= 0 {
		return
	}
	c.isRSA, c.keyBits = true, modulus.BitLen()
	c.keyName = fmt.Sprintf("RSA %d", c.keyBits)
	const largest = 1<<31 - 1 // that crypto/rsa computes with
	switch {
	case !exponent.IsInt64():
		c.keyName += fmt.Sprintf(" with an exponent of %d bits", exponent.BitLen())
		return
	case exponent.Int64() < 3 || exponent.Int64() > largest || exponent.Bit(0) == 0:
		c.keyName += fmt.Sprintf(" with exponent %d", exponent.Int64())
		return
	}
	c.key = &rsa.PublicKey{N: modulus, E: int(exponent.Int64())}
}

// readUsages finds what the certificate states that it is for, in what follows its key.
func (c *certificate) readUsages(rest cryptobyte.String) {
	var extensions cryptobyte.String
	present := false
	if !rest.SkipOptionalASN1(asn1.Tag(1).ContextSpecific()) || !rest.SkipOptionalASN1(asn1.Tag(2).ContextSpecific()) ||
		!rest.ReadOptionalASN1(&extensions, &present, contextTag(3)) || !present {
		return
	}
	var list cryptobyte.String
	if !extensions.ReadASN1(&list, asn1.SEQUENCE) {
		return
	}
	for !list.Empty() {
		var one, value cryptobyte.String
		var oid encodingasn1.ObjectIdentifier
		if !list.ReadASN1(&one, asn1.SEQUENCE) || !one.ReadASN1ObjectIdentifier(&oid) {
			return
		}
		if !oid.Equal(oidExtendedKeyUsage) || c.usagesStated {
			continue
		}
		c.usagesStated = true
		c.usageOK = one.SkipOptionalASN1(asn1.BOOLEAN) && one.ReadASN1(&value, asn1.OCTET_STRING) && c.takeUsages(value)
	}
}

func (c *certificate) takeUsages(value cryptobyte.String) bool {
	var list cryptobyte.String
	if !value.ReadASN1(&list, asn1.SEQUENCE) {
		return false
	}
	for !list.Empty() {
		var oid encodingasn1.ObjectIdentifier
		if !list.ReadASN1ObjectIdentifier(&oid) {
			return false
		}
		c.usages = append(c.usages, oid)
	}
	return true
}

// states reports whether a use is among those that the certificate states.
func (c *certificate) states(use encodingasn1.ObjectIdentifier) bool {
	for _, oid := range c.usages {
		if oid.Equal(use) {
			return true
		}
	}
	return false
}

// forCodeSigning reports whether what it states allows that; what states nothing is for everything.
func (c *certificate) forCodeSigning() bool {
	return !c.usagesStated || c.states(oidCodeSigning) || c.states(oidAnyUsage)
}

func (c *certificate) selfSigned() bool { return bytes.Equal(c.issuer, c.subject) }

// oddSerial says what is unusual about the serial number; empty where nothing is.
func (c *certificate) oddSerial() string {
	const longest = 20 // bytes (RFC 5280, 4.1.2.2)
	switch {
	case c.serial.Sign() < 0:
		return "negative"
	case c.serial.Sign() == 0:
		return "0"
	case c.serial.BitLen() >= 8*longest:
		return strconv.Itoa(c.serial.BitLen()/8+1) + " bytes long"
	}
	return ""
}
