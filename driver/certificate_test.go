package driver

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"debug/pe"
	"encoding/binary"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	encodingasn1 "encoding/asn1"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/sassoftware/relic/v7/lib/certloader"
	"github.com/sassoftware/relic/v7/lib/pkcs7"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// form is a certificate field by field, so that each can be what crypto/x509 would never write. All are DER.
type form struct {
	version, serial, algorithm, issuer, notBefore, notAfter, subject, key, extensions []byte
	signer                                                                            crypto.Signer
}

var rsaKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// plain is a form that nobody objects to: self-signed, for code signing.
func plain(t testing.TB) form {
	t.Helper()
	key, err := rsaKey()
	if err != nil {
		t.Fatal(err)
	}
	return form{
		version: element(contextTag(0), integer(2)), serial: integer(7), algorithm: algorithm(1, 2, 840, 113549, 1, 1, 11),
		issuer: name(asn1.UTF8String, "form"), subject: name(asn1.UTF8String, "form"),
		notBefore: utc(time.Now().Add(-time.Hour)), notAfter: utc(time.Now().Add(time.Hour)),
		key: keyInfo(t, key.Public()), extensions: extensions(usages(oidCodeSigning)), signer: key,
	}
}

// element is a tag with what is in it.
func element(tag asn1.Tag, parts ...[]byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes(bytes.Join(parts, nil)) })
	return b.BytesOrPanic()
}

func integer(n int64) []byte {
	var b cryptobyte.Builder
	b.AddASN1Int64(n)
	return b.BytesOrPanic()
}

func oid(o encodingasn1.ObjectIdentifier) []byte {
	var b cryptobyte.Builder
	b.AddASN1ObjectIdentifier(o)
	return b.BytesOrPanic()
}

func algorithm(o ...int) []byte {
	return element(asn1.SEQUENCE, oid(o), element(asn1.NULL))
}

func name(kind asn1.Tag, text string) []byte {
	return element(asn1.SEQUENCE, element(asn1.SET, element(asn1.SEQUENCE, oid(encodingasn1.ObjectIdentifier{2, 5, 4, 3}), element(kind, []byte(text)))))
}

func utc(t time.Time) []byte { return element(asn1.UTCTime, []byte(t.UTC().Format("060102150405Z"))) }

func generalized(text string) []byte { return element(asn1.GeneralizedTime, []byte(text)) }

func extension(o encodingasn1.ObjectIdentifier, critical bool, value []byte) []byte {
	parts := [][]byte{oid(o)}
	if critical {
		parts = append(parts, element(asn1.BOOLEAN, []byte{0xff}))
	}
	return element(asn1.SEQUENCE, append(parts, element(asn1.OCTET_STRING, value))...)
}

func usages(list ...encodingasn1.ObjectIdentifier) []byte {
	var all [][]byte
	for _, one := range list {
		all = append(all, oid(one))
	}
	return extension(oidExtendedKeyUsage, false, element(asn1.SEQUENCE, all...))
}

func extensions(list ...[]byte) []byte {
	return element(contextTag(3), element(asn1.SEQUENCE, list...))
}

func keyInfo(t testing.TB, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// rsaInfo is an RSA key of any numbers.
func rsaInfo(n, e *big.Int) []byte {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1BigInt(n)
		b.AddASN1BigInt(e)
	})
	return element(asn1.SEQUENCE, algorithm(oidRSA...), element(asn1.BIT_STRING, []byte{0}, b.BytesOrPanic()))
}

// der is the certificate, with its own signature, as far as one is needed.
func (f form) der(t testing.TB) []byte {
	t.Helper()
	body := element(asn1.SEQUENCE, f.version, f.serial, f.algorithm, f.issuer, element(asn1.SEQUENCE, f.notBefore, f.notAfter), f.subject, f.key, f.extensions)
	digest := sha256.Sum256(body)
	signature, err := f.signer.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return element(asn1.SEQUENCE, body, f.algorithm, element(asn1.BIT_STRING, []byte{0}, signature))
}

// sign signs an image with the certificate. The library that signs would not have most of them: they are put in its place.
func (f form) sign(t testing.TB, image []byte) []byte {
	t.Helper()
	agreeable := f.agreeable(t)
	signed := reseal(t, image, crypto.SHA256, &certloader.Certificate{Leaf: agreeable, Certificates: []*x509.Certificate{agreeable}, PrivateKey: f.signer})
	directory := locate(t, signed).directory(pe.IMAGE_DIRECTORY_ENTRY_SECURITY)
	table := binary.LittleEndian.Uint32(signed[directory:])
	psd, err := pkcs7.Unmarshal(signed[table+8:])
	if err != nil {
		t.Fatal(err)
	}
	number := new(big.Int)
	content := cryptobyte.String(f.serial)
	if !readInteger(&content, number) {
		t.Fatal("the serial is no number")
	}
	psd.Content.Certificates = pkcs7.RawCertificates{{FullBytes: f.der(t)}}
	signer := &psd.Content.SignerInfos[0]
	signer.RawContent = nil
	signer.IssuerAndSerialNumber = pkcs7.IssuerAndSerial{IssuerName: encodingasn1.RawValue{FullBytes: f.issuer}, SerialNumber: number}
	der, err := psd.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return fixChecksum(t, withSignature(signed[:table], directory, der))
}

// withSignature is an image without a certificate table, and then one.
func withSignature(image []byte, directory int, der []byte) []byte {
	padding := (8 - len(der)%8) % 8
	entry := binary.LittleEndian.AppendUint32(nil, uint32(8+len(der)+padding))
	entry = binary.LittleEndian.AppendUint16(entry, 0x200)
	entry = binary.LittleEndian.AppendUint16(entry, 2)
	entry = append(append(entry, der...), make([]byte, padding)...)
	image = append(bytes.Clone(image), entry...)
	put32(image, directory+4, uint32(len(entry)))
	return image
}

// agreeable is a certificate of the same key that everybody takes.
func (f form) agreeable(t testing.TB) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(7), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, f.signer.Public(), f.signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// TestOddCertificates signs a driver with certificates that are unusual in one respect. Whatever Windows takes is not refused.
func TestOddCertificates(t *testing.T) {
	good := signedTiny(t, newSigner(t))
	verify := verifier(t)
	other := encodingasn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 99999, 1}
	serverAuth := encodingasn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 1}
	ecdsaKey := func(curve elliptic.Curve) crypto.Signer {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	const self = "note:test-signature"
	for name, test := range map[string]struct {
		change func(f *form)
		want   string // findings
	}{
		"as it is":                    {func(f *form) {}, self},
		"a negative serial":           {func(f *form) { f.serial = integer(-81985529216486895) }, "note:certificate-serial " + self},
		"serial -1":                   {func(f *form) { f.serial = integer(-1) }, "note:certificate-serial " + self},
		"serial 0":                    {func(f *form) { f.serial = integer(0) }, "note:certificate-serial " + self},
		"a serial of 20 bytes":        {func(f *form) { f.serial = element(asn1.INTEGER, []byte{0x7f}, make([]byte, 19)) }, self},
		"a serial of 21 bytes":        {func(f *form) { f.serial = element(asn1.INTEGER, []byte{0}, bytes.Repeat([]byte{0xff}, 20)) }, "note:certificate-serial " + self},
		"a serial of 40 bytes":        {func(f *form) { f.serial = element(asn1.INTEGER, bytes.Repeat([]byte{0x41}, 40)) }, "note:certificate-serial " + self},
		"no usage":                    {func(f *form) { f.extensions = extensions(extension(other, false, []byte{5, 0})) }, self},
		"no extensions":               {func(f *form) { f.extensions = nil }, self},
		"an empty list of extensions": {func(f *form) { f.extensions = extensions() }, self},
		"any usage":                   {func(f *form) { f.extensions = extensions(usages(oidAnyUsage)) }, "warn:certificate-usage " + self},
		"any usage and code signing":  {func(f *form) { f.extensions = extensions(usages(oidAnyUsage, oidCodeSigning)) }, self},
		"code signing among others":   {func(f *form) { f.extensions = extensions(usages(serverAuth, oidCodeSigning, other)) }, self},
		"for servers":                 {func(f *form) { f.extensions = extensions(usages(serverAuth)) }, "refuse:certificate-usage " + self},
		"for nothing":                 {func(f *form) { f.extensions = extensions(usages()) }, "refuse:certificate-usage " + self},
		"a usage that is none":        {func(f *form) { f.extensions = extensions(extension(oidExtendedKeyUsage, false, []byte("usage"))) }, "warn:certificate-usage " + self},
		"an extension twice": {func(f *form) {
			f.extensions = extensions(usages(oidCodeSigning), extension(other, false, []byte{5, 0}), extension(other, false, []byte{5, 0}))
		}, self},
		"an unknown critical extension": {func(f *form) { f.extensions = extensions(usages(oidCodeSigning), extension(other, true, []byte{5, 0})) }, self},
		"constraints that are none": {func(f *form) {
			f.extensions = extensions(usages(oidCodeSigning), extension(encodingasn1.ObjectIdentifier{2, 5, 29, 19}, true, []byte("x")))
		}, self},
		"version 1":                   {func(f *form) { f.version, f.extensions = nil, nil }, self},
		"version 1 with extensions":   {func(f *form) { f.version = nil }, self},
		"version 4":                   {func(f *form) { f.version = element(contextTag(0), integer(3)) }, self},
		"no name":                     {func(f *form) { f.issuer, f.subject = element(asn1.SEQUENCE), element(asn1.SEQUENCE) }, self},
		"a BMPString":                 {func(f *form) { f.issuer = name(bmpString, "\x00f\x00\xfc"); f.subject = f.issuer }, self},
		"half a BMPString":            {func(f *form) { f.issuer = name(bmpString, "\x00f\x00"); f.subject = f.issuer }, self},
		"a T61String":                 {func(f *form) { f.issuer = name(asn1.T61String, "f\xfcr"); f.subject = f.issuer }, self},
		"a UniversalString":           {func(f *form) { f.issuer = name(universalString, "\x00\x00\x00f"); f.subject = f.issuer }, self},
		"UTF-8 that is none":          {func(f *form) { f.issuer = name(asn1.UTF8String, "f\xfcr"); f.subject = f.issuer }, self},
		"a PrintableString with *":    {func(f *form) { f.issuer = name(asn1.PrintableString, "a*@_"); f.subject = f.issuer }, self},
		"an IA5String with umlauts":   {func(f *form) { f.issuer = name(asn1.IA5String, "f\xfcr"); f.subject = f.issuer }, self},
		"an issuer of its own":        {func(f *form) { f.issuer = name(asn1.UTF8String, "authority") }, ""},
		"GeneralizedTime before 2050": {func(f *form) { f.notAfter = generalized("20490101000000Z") }, self},
		"for ever":                    {func(f *form) { f.notAfter = generalized("99991231235959Z") }, self},
		"since 1950":                  {func(f *form) { f.notBefore = element(asn1.UTCTime, []byte("500101000000Z")) }, self},
		"without seconds":             {func(f *form) { f.notBefore = element(asn1.UTCTime, []byte("2001010000Z")) }, self},
		"until 1999": {func(f *form) {
			f.notBefore = element(asn1.UTCTime, []byte("980101000000Z"))
			f.notAfter = element(asn1.UTCTime, []byte("991231235959Z"))
		}, "refuse:certificate-expired " + self},
		"signed over MD5":   {func(f *form) { f.algorithm = algorithm(1, 2, 840, 113549, 1, 1, 4) }, self},
		"signed over SHA-1": {func(f *form) { f.algorithm = algorithm(1, 2, 840, 113549, 1, 1, 5) }, self},
		"an RSA key without parameters": {func(f *form) {
			key := f.signer.Public().(*rsa.PublicKey)
			f.key = element(asn1.SEQUENCE, element(asn1.SEQUENCE, oid(oidRSA)), element(asn1.BIT_STRING, []byte{0}, x509.MarshalPKCS1PublicKey(key)))
		}, self},
		"an RSA key for PSS": {func(f *form) {
			key := f.signer.Public().(*rsa.PublicKey)
			f.key = element(asn1.SEQUENCE, element(asn1.SEQUENCE, oid(oidRSAPSS)), element(asn1.BIT_STRING, []byte{0}, x509.MarshalPKCS1PublicKey(key)))
		}, self},
		"RSA 1024":               {func(f *form) { f.useRSA(t, 1024) }, "warn:weak-key " + self},
		"an exponent of 33 bits": {func(f *form) { f.key = rsaInfo(f.signer.Public().(*rsa.PublicKey).N, big.NewInt(1<<32+1)) }, "warn:signature-unread " + self},
		"an even exponent":       {func(f *form) { f.key = rsaInfo(f.signer.Public().(*rsa.PublicKey).N, big.NewInt(4)) }, "warn:signature-unread " + self},
		"a key of 512 bits":      {func(f *form) { f.key = rsaInfo(new(big.Int).Lsh(big.NewInt(3), 510), big.NewInt(65537)) }, "refuse:weak-key " + self},
		"a key of 16384 bits":    {func(f *form) { f.key = rsaInfo(new(big.Int).Lsh(big.NewInt(3), 16382), big.NewInt(65537)) }, "warn:signature-unread " + self},
		"another's key":          {func(f *form) { other := plain(t); other.useRSA(t, 2048); f.key = other.key }, "refuse:signature-invalid " + self},
		"a negative modulus":     {func(f *form) { f.key = rsaInfo(big.NewInt(-5), big.NewInt(65537)) }, "warn:signature-unread warn:key-algorithm " + self},
		"ECDSA P-256":            {func(f *form) { f.use(t, ecdsaKey(elliptic.P256())) }, "warn:key-algorithm " + self},
		"ECDSA P-521":            {func(f *form) { f.use(t, ecdsaKey(elliptic.P521())) }, "warn:key-algorithm " + self},
		"ECDSA, curve unknown": {func(f *form) {
			f.key = element(asn1.SEQUENCE, algorithm(oidECDSA...), element(asn1.BIT_STRING, []byte{0, 4}))
		}, "warn:signature-unread warn:key-algorithm " + self},
		"Ed25519": {func(f *form) { f.key = keyInfo(t, ed25519.PublicKey(make([]byte, 32))) }, "warn:signature-unread warn:key-algorithm " + self},
		"DSA": {func(f *form) {
			f.key = element(asn1.SEQUENCE, algorithm(1, 2, 840, 10040, 4, 1), element(asn1.BIT_STRING, []byte{0, 2, 1, 1}))
		}, "warn:signature-unread warn:key-algorithm " + self},
		"no key":              {func(f *form) { f.key = element(asn1.SEQUENCE) }, "warn:signature-unread warn:key-algorithm " + self},
		"no dates":            {func(f *form) { f.notBefore, f.notAfter = nil, nil }, "warn:signature-unread"},
		"a date that is none": {func(f *form) { f.notAfter = generalized("tomorrow") }, "warn:signature-unread"},
		"no serial":           {func(f *form) { f.version = f.serial }, "warn:signature-unread"},
	} {
		t.Run(name, func(t *testing.T) {
			f := plain(t)
			test.change(&f)
			image := f.sign(t, good)
			inspected := inspect(t, image)
			if diff := cmp.Diff(strings.Fields(test.want), rules(inspected.Findings(time.Now())), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("-want +got\n%s\n%+v", diff, inspected.Signature)
			}
			s := inspected.Signature
			if unread := strings.Contains(test.want, "unread"); s.Verified == (unread || strings.Contains(test.want, "invalid") || s.cert != nil && s.tooShort()) {
				t.Errorf("verified: %t, %+v", s.Verified, s)
			}
			// Nobody has to take what osslsigncode takes, or the other way round; but Windows is the looser one of the two.
			if taken, said := verify(image, f.der(t)); taken && len(Refusals(inspected.Findings(time.Now()))) > 0 {
				t.Errorf("osslsigncode takes it:\n%s", said)
			}
		})
	}
}

func (f *form) use(t testing.TB, key crypto.Signer) {
	t.Helper()
	f.signer, f.key = key, keyInfo(t, key.Public())
	if _, ok := key.(*ecdsa.PrivateKey); ok {
		f.algorithm = element(asn1.SEQUENCE, oid(encodingasn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}))
	}
}

func (f *form) useRSA(t testing.TB, bits int) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	f.use(t, key)
}

// verifier has osslsigncode verify an image with one certificate that is trusted.
func verifier(t *testing.T) func(image, root []byte) (taken bool, said string) {
	t.Helper()
	verify := osslsigncode(t)
	return func(image, root []byte) (bool, string) {
		said, err := verify(image, &Signer{Certificate: &x509.Certificate{Raw: root}})
		return err == nil, said
	}
}

// TestCertificatesOfOthers has a driver signed by the programs that people have, with certificates that they make.
func TestCertificatesOfOthers(t *testing.T) {
	verify := verifier(t)
	unsigned, err := unsignedTiny()
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		args []string // of openssl req
		want string
	}{
		"a negative serial": {[]string{"-set_serial", "-81985529216486895", "-addext", "extendedKeyUsage=codeSigning"}, "note:certificate-serial note:test-signature"},
		"no usage":          {nil, "note:test-signature"},
		"both":              {[]string{"-set_serial", "-1"}, "note:certificate-serial note:test-signature"},
		"for servers":       {[]string{"-addext", "extendedKeyUsage=serverAuth"}, "refuse:certificate-usage note:test-signature"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file := func(name string) string { return filepath.Join(dir, name) }
			if err := os.WriteFile(file("in.sys"), unsigned, 0o600); err != nil {
				t.Fatal(err)
			}
			run := func(name string, args ...string) {
				if out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput(); err != nil {
					t.Fatalf("%s %v: %v\n%s", name, args, err, out)
				}
			}
			run("openssl", append([]string{"req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=mine",
				"-keyout", file("key.pem"), "-out", file("cert.pem")}, test.args...)...)
			run("osslsigncode", "sign", "-h", "sha256", "-certs", file("cert.pem"), "-key", file("key.pem"), "-in", file("in.sys"), "-out", file("out.sys"))
			block, _ := pem.Decode(readFile(t, file("cert.pem")))
			image := readFile(t, file("out.sys"))
			got := inspect(t, image)
			if diff := cmp.Diff(strings.Fields(test.want), rules(got.Findings(time.Now()))); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if !got.Signature.Verified || got.Signature.Subject != "CN=mine" || got.Signature.Thumbprint != thumbprint(block.Bytes) {
				t.Errorf("got signature %+v, want CN=mine, verified", got.Signature)
			}
			if taken, said := verify(image, block.Bytes); taken != (len(Refusals(got.Findings(time.Now()))) == 0) {
				t.Errorf("osslsigncode takes it: %t\n%s", taken, said)
			}
		})
	}
}

// What a name is written in does not matter: it is shown as far as it can be.
func TestNameText(t *testing.T) {
	two := element(asn1.SEQUENCE,
		element(asn1.SET, element(asn1.SEQUENCE, oid(encodingasn1.ObjectIdentifier{2, 5, 4, 6}), element(asn1.PrintableString, []byte("DE")))),
		element(asn1.SET, element(asn1.SEQUENCE, oid(encodingasn1.ObjectIdentifier{2, 5, 4, 3}), element(asn1.UTF8String, []byte("a"))),
			element(asn1.SEQUENCE, oid(encodingasn1.ObjectIdentifier{1, 2, 3}), element(asn1.UTF8String, []byte("b")))))
	for want, der := range map[string][]byte{
		"CN=form": name(asn1.UTF8String, "form"), "CN=BMP": name(bmpString, "\x00B\x00M\x00P"), "CN=U": name(universalString, "\x00\x00\x00U"),
		"CN=f?r": name(asn1.T61String, "f\xfcr"), "CN=a?[31m": name(asn1.UTF8String, "a\x1b[31m"), "CN=a+1.2.3=b,C=DE": two, "": element(asn1.SEQUENCE),
	} {
		if got := nameText(der); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := nameText([]byte("none")); got != "" {
		t.Errorf("of what is no name: %q", got)
	}
}

// A certificate may be hostile. What crypto/x509 reads is read here, too, and as the same.
func FuzzReadCertificate(f *testing.F) {
	one := plain(f)
	f.Add(one.der(f))
	one.serial, one.notAfter, one.extensions = integer(-1), generalized("99991231235959Z"), nil
	f.Add(one.der(f))
	f.Add([]byte{0x30, 0x80})
	f.Fuzz(func(t *testing.T, der []byte) {
		got, err := readCertificate(der)
		theirs, refused := x509.ParseCertificate(der)
		if refused != nil {
			if err == nil {
				nameText(got.subject)
				got.oddSerial()
			}
			return
		}
		if err != nil {
			t.Fatalf("crypto/x509 reads it: %v", err)
		}
		if got.serial.Cmp(theirs.SerialNumber) != 0 || !got.notBefore.Equal(theirs.NotBefore) || !got.notAfter.Equal(theirs.NotAfter) ||
			!bytes.Equal(got.issuer, theirs.RawIssuer) || !bytes.Equal(got.subject, theirs.RawSubject) {
			t.Errorf("got %+v, want %+v", got, theirs)
		}
		if n := len(theirs.ExtKeyUsage) + len(theirs.UnknownExtKeyUsage); n != len(got.usages) {
			t.Errorf("%d uses, want %d", len(got.usages), n)
		}
		if key, ok := theirs.PublicKey.(*rsa.PublicKey); ok && got.key != nil && !key.Equal(got.key) {
			t.Error("another key")
		}
	})
}
