//go:build unix

package main

import (
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
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wskharness/prepare/windowstest"
)

// clientFiles are a client's certificate for tester@localhost, and its key.
func clientFiles(t *testing.T) (certificate, key string) {
	t.Helper()
	made, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	names := []byte("\x30\x22\xa0\x20\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x14\x02\x03\xa0\x12\x0c\x10tester@localhost")
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "tester"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Value: names}},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, made.Public(), made)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(made)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certificate, key = filepath.Join(dir, "client.pem"), filepath.Join(dir, "client.key")
	if err := errors.Join(os.WriteFile(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600),
		os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}), 0o600)); err != nil {
		t.Fatal(err)
	}
	return certificate, key
}

// A person has a machine let a certificate in, sees that it is, and takes it back; also where the target names the certificate
// already, and the machine does not know it yet. What the login itself stands on is not taken back.
func TestPrepareClientCertificate(t *testing.T) {
	w := windowstest.New()
	w.Managed["winrm/config/Listener/HTTPS"] = map[string]string{"Port": "5986"} // somebody else's
	config := windowsTarget(t, w)
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	certificate, key := clientFiles(t)
	certified := filepath.Join(filepath.Dir(config), "certified.yaml")
	changed := strings.NewReplacer("auth: basic", "auth: certificate", "password_file: pw", "client_certificate: '"+certificate+"', client_key: '"+key+"'").Replace(string(text))
	if err := os.WriteFile(certified, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("LAB1", "secret")
	before := w.Snapshot()
	for _, step := range []struct {
		args   []string
		config string
		code   int
		out    string // is in either output
	}{
		{[]string{"doctor", "box", "--client-certificate", certificate}, config, 3, "change   client-certificate"},
		{[]string{"doctor", "box", "--client-certificate", filepath.Join(filepath.Dir(config), "pw")}, config, 2, "it has no certificate in PEM"},
		{[]string{"doctor", "box", "--password-env", "NOT_SET"}, config, 2, "the variable is empty or not set"},
		{[]string{"vm", "prepare", "box", "-y", "--client-certificate", certificate}, config, 0, "account of the certificates of tester@localhost"},
		{[]string{"doctor", "box", "--client-certificate", certificate}, config, 0, "tester@localhost logs on as tester"},
		{[]string{"doctor", "box"}, config, 0, "Certificate (as tester)"},
		{[]string{"vm", "prepare", "box", "--undo", "-y"}, config, 0, "not there"},
		{[]string{"doctor", "box"}, certified, 3, "HTTP 401"},
		{[]string{"vm", "prepare", "box", "-y", "--password-env", "LAB1"}, certified, 0, "account of the certificates of tester@localhost"},
		{[]string{"doctor", "box", "--password-env", "LAB1"}, certified, 0, "tester@localhost logs on as tester"},
		{[]string{"vm", "prepare", "box", "--undo", "-y", "--password-env", "LAB1"}, certified, 0, "not there"},
	} {
		out, errs, code := played(t, "", append(step.args, "--config", step.config)...)
		if code != step.code || !strings.Contains(out+errs, step.out) {
			t.Fatalf("%s: got %d\n%s%s\nwant %d, with %s", step.args, code, out, errs, step.code, step.out)
		}
		if strings.Contains(out+errs, "secret") {
			t.Errorf("%s tells the password", step.args)
		}
	}
	if after := w.Snapshot(); after != before {
		t.Errorf("got another machine than before:\n%s\n%s", before, after)
	}
}
