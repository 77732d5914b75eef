//go:build linux

package access_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wskharness/remote"
	"wskharness/remote/winrmd"
	"wskharness/remote/winrmd/winrmdtest"
	"wskharness/settings"
	"wskharness/testtime"
	"wskharness/vm/access"
)

// pair makes a client's certificate, and the files that a target names.
func pair(t *testing.T) (authorities *x509.CertPool, certificate, key string) {
	t.Helper()
	made, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "tester"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
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
	public := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := errors.Join(os.WriteFile(certificate, public, 0o644), os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}), 0o600)); err != nil {
		t.Fatal(err)
	}
	authorities = x509.NewCertPool()
	authorities.AppendCertsFromPEM(public)
	return authorities, certificate, key
}

// A target that names a certificate logs on by it, and by nothing else.
func TestLogOnByCertificate(t *testing.T) {
	authorities, certificate, key := pair(t)
	served, err := winrmd.NewCertificate("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	server, err := winrmd.New(winrmd.Options{Host: winrmdtest.LocalHost{}, User: "tester", Password: "secret", Certificate: served.TLS, ClientCAs: authorities})
	if err != nil {
		t.Fatal(err)
	}
	login := access.Login{User: "tester", Auth: "certificate", ClientCert: certificate, ClientKey: key, Certificate: served.SHA256}
	endpoint, err := login.At("https://"+winrmdtest.Serve(t, server)+"/wsman", os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	client, err := remote.New(endpoint, remote.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var out strings.Builder
	code, err := remote.Exec(testtime.Context(t), client, remote.CommandLine{Line: "echo up"}, remote.ShellOptions{}, nil, &out, &out)
	if err != nil || code != 0 || strings.TrimSpace(out.String()) != "up" {
		t.Errorf("got %d, %q, %v; want up", code, out.String(), err)
	}
}

// What is wrong with the files is told as a mistake of the target's, and without the key.
func TestClientCertificateThatIsNone(t *testing.T) {
	_, certificate, key := pair(t)
	_, _, other := pair(t)
	if err := os.Chmod(other, 0o644); err != nil {
		t.Fatal(err)
	}
	_, _, another := pair(t)
	for name, test := range map[string]struct{ certificate, key, want string }{
		"no certificate": {certificate + "x", key, "no such file"}, "no key": {certificate, key + "x", "no such file"},
		"the key is open": {certificate, other, "chmod 600"}, "another's key": {certificate, another, "private key does not match"}, "no PEM": {key, key, "certificate"},
	} {
		login := access.Login{User: "tester", Auth: "certificate", ClientCert: test.certificate, ClientKey: test.key}
		_, err := login.At("https://h:5986/wsman", os.Getenv)
		if _, ok := errors.AsType[*settings.UsageError](err); !ok || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v; want %s", name, err, test.want)
		}
	}
}
