package access

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"wskharness/settings"
)

// someAuthority is a certificate in DER, and its key in PKCS #8.
func someAuthority(t testing.TB, extra ...pkix.Extension) (der, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true,
		NotAfter: time.Now().Add(time.Hour), ExtraExtensions: extra}
	if der, err = x509.CreateCertificate(rand.Reader, template, template, private.Public(), private); err != nil {
		t.Fatal(err)
	}
	if key, err = x509.MarshalPKCS8PrivateKey(private); err != nil {
		t.Fatal(err)
	}
	return der, key
}

func inPEM(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// negativeAuthority has openssl make the certificate of the kind that Go refuses by itself.
func negativeAuthority(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil && runtime.GOOS == "windows" {
		t.Skip(err)
	}
	cert := filepath.Join(t.TempDir(), "cert.pem")
	out, err := exec.CommandContext(t.Context(), "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=lab",
		"-set_serial", "-81985529216486895", "-keyout", os.DevNull, "-out", cert).CombinedOutput()
	if err != nil {
		t.Fatalf("openssl: %v\n%s", err, out)
	}
	text, err := os.ReadFile(cert)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func utf16le(text string) string {
	b := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(text)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}

// Whatever people have as a ca_file is read, or is called what it is.
func TestAuthorities(t *testing.T) {
	der, key := someAuthority(t)
	cert := inPEM("CERTIFICATE", der)
	extension := pkix.Extension{Id: []int{1, 3, 6, 1, 4, 1, 99999, 1}, Value: []byte{5, 0}}
	odd, _ := someAuthority(t, extension, extension)
	private := inPEM("PRIVATE KEY", key)
	bag := "Bag Attributes\n    friendlyName: lab\nsubject=CN = authority\n"
	pkcs7, err := asn1.Marshal(struct {
		Kind    asn1.ObjectIdentifier
		Content asn1.RawValue
	}{[]int{1, 2, 840, 113549, 1, 7, 2}, asn1.RawValue{Class: asn1.ClassContextSpecific, IsCompound: true, Bytes: []byte{0x30, 0}}})
	if err != nil {
		t.Fatal(err)
	}
	indented := "    " + strings.ReplaceAll(cert, "\n", "\n    ")
	for name, test := range map[string]struct {
		content string
		count   int
		unread  string // of those that can't be used
		fails   string
	}{
		"PEM":                      {cert, 1, "", ""},
		"two":                      {cert + cert, 2, "", ""},
		"with words between":       {bag + cert + bag + cert, 2, "", ""},
		"with carriage returns":    {strings.ReplaceAll(cert, "\n", "\r\n"), 1, "", ""},
		"without the last newline": {strings.TrimSpace(cert), 1, "", ""},
		"indented":                 {indented, 1, "", ""},
		"called X509":              {inPEM("X509 CERTIFICATE", der), 1, "", ""},
		"trusted, by openssl":      {inPEM("TRUSTED CERTIFICATE", append(bytes.Clone(der), 0x30, 0)), 1, "", ""},
		"with a mark":              {"\ufeff" + cert, 1, "", ""},
		"UTF-16":                   {utf16le(strings.ReplaceAll(cert, "\n", "\r\n")), 1, "", ""},
		"with a private key":       {private + cert, 1, "", ""},
		"DER":                      {string(der), 1, "", ""},
		"a negative serial":        {negativeAuthority(t), 1, "", ""},
		"one of two is odd":        {inPEM("CERTIFICATE", odd) + cert, 1, "the one in line 1 can't be used here: certificate contains duplicate extension", ""},
		"odd":                      {"\n\n" + inPEM("CERTIFICATE", odd), 0, "", "has no certificate that can be used: the one in line 3 can't be used here: certificate contains duplicate extension"},
		"odd, in DER":              {string(odd), 0, "", "is binary (DER), and it can't be used here: certificate contains duplicate extension"},
		"empty":                    {"", 0, "", "is empty"},
		"blank":                    {" \r\n", 0, "", "is empty"},
		"a private key":            {private, 0, "", "has no certificate, but a private key: export the certificate"},
		"a private key, in DER":    {string(key), 0, "", "a key, or PKCS #12"},
		"PKCS #7":                  {string(pkcs7), 0, "", "is PKCS #7 (.p7b): turn it into PEM with openssl pkcs7 -inform DER -print_certs"},
		"PKCS #7, in PEM":          {inPEM("PKCS7", pkcs7), 0, "", "has no certificate, but a pkcs7"},
		"UTF-16 without a mark":    {utf16le(cert)[2:], 0, "", "has NUL characters: if it is UTF-16 without a byte order mark"},
		"cut":                      {cert + cert[:100], 0, "", "has a certificate in line 10 that is cut or damaged"},
		"cut, and another":         {cert[:100] + "\n" + cert, 0, "", "has a certificate in line 1 that is cut or damaged"},
		"damaged":                  {strings.Replace(cert, "MII", "M*I", 1), 0, "", "cut or damaged"},
		"DER, cut":                 {string(der[:100]), 0, "", "is binary (DER), and can't be read: it is cut"},
		"text":                     {"authority\n", 0, "", "has no certificate in PEM: a block between"},
		"too large":                {strings.Repeat("x", maxAuthorities+1), 0, "", "is larger than"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "ca")
			if err := os.WriteFile(path, []byte(test.content), 0o600); err != nil {
				t.Fatal(err)
			}
			target := &Access{URL: "https://h/wsman", Login: Login{User: "u", Auth: "ntlm", PasswordEnv: "P", CAFile: path}}
			e, err := target.Endpoint(func(string) string { return "p" })
			if test.fails != "" {
				if _, usage := errors.AsType[*settings.UsageError](err); !usage || !strings.Contains(err.Error(), "read the certificate authority: "+path+" ") ||
					!strings.Contains(err.Error(), test.fails) {
					t.Errorf("got %v, want %s", err, test.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			a, err := readAuthorities(path)
			if err != nil || a.count != test.count || !a.pool.Equal(e.RootCAs) {
				t.Errorf("%d certificates, %v", a.count, err)
			}
			if unread := errors.Join(e.RootsUnread...); (unread == nil) != (test.unread == "") || unread != nil && !strings.HasPrefix(unread.Error(), test.unread) {
				t.Errorf("not read: %v, want %q", unread, test.unread)
			}
		})
	}
}

// Whatever the file is, there are certificates or a reason; and all that Go finds in it are found.
func FuzzAuthorities(f *testing.F) {
	der, key := someAuthority(f)
	cert := inPEM("CERTIFICATE", der)
	for _, seed := range []string{cert, cert + "x\n" + cert, inPEM("PRIVATE KEY", key), string(der), "-----BEGIN CERTIFICATE-----", "-----END x-----\n-----BEGIN x-----\n-----BEGIN", utf16le(cert)} {
		f.Add([]byte(seed))
	}
	path := filepath.Join(f.TempDir(), "ca")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		a, err := readAuthorities(path)
		if (a == nil) == (err == nil) || a != nil && a.count == 0 {
			t.Fatalf("%+v, %v", a, err)
		}
		if err == nil || strings.Contains(err.Error(), "cut or damaged") || strings.Contains(err.Error(), "save it as UTF-8") {
			return
		}
		if x509.NewCertPool().AppendCertsFromPEM(data) {
			t.Errorf("Go finds certificates in %q, and not %v", data, err)
		}
	})
}
