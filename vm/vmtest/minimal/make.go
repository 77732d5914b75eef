package minimal

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"wskharness/child"
	"wskharness/remote"
)

const (
	user      = "wskharness"
	imageSize = 24 << 20
)

// fill fills a folder with all that the guest is.
func fill(ctx context.Context, dir, program string, kernel *kernel) error {
	password := rand.Text()
	certificate, key, err := newCertificate()
	if err != nil {
		return err
	}
	// What the program in the guest reads (inside/main.go).
	config, err := json.Marshal(map[string]string{"user": user, "password": password, "certificate": string(certificate.pem), "key": string(key)})
	if err != nil {
		return err
	}
	if err := writeInitrd(filepath.Join(dir, "initrd"), program, kernel.modules, config); err != nil {
		return fmt.Errorf("make the initrd: %w", err)
	}
	if err := makeImage(ctx, dir); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "certificate.pem"), certificate.pem, 0o644); err != nil {
		return err
	}
	told, err := json.Marshal(secrets{User: user, Password: password, CertificateSHA256: certificate.sha256})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "guest.json"), told, 0o600)
}

// compile builds the guest's program: static, for the kernel that it is for, whatever machine this is.
func compile(ctx context.Context, to string) error {
	env, err := child.Environment{}.List()
	if err != nil {
		return err
	}
	for _, variable := range os.Environ() {
		if strings.HasPrefix(variable, "GO") { // the builder's folders and settings
			env = append(env, variable)
		}
	}
	env = append(env, "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOFLAGS=")
	return run(child.Command(ctx, env, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", to,
		"wskharness/vm/vmtest/minimal/inside"))
}

// makeImage makes the guest's disk, which has nothing on it but a file that tells what it is.
func makeImage(ctx context.Context, dir string) error {
	raw, root := filepath.Join(dir, "image.raw"), filepath.Join(dir, "root")
	image := filepath.Join(dir, "image.qcow2")
	if err := os.Mkdir(root, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(root, "what"), []byte("the disk of a minimal guest\n"), 0o644); err != nil {
		return err
	}
	env, err := child.Environment{}.List()
	if err != nil {
		return err
	}
	if err := run(child.Command(ctx, env, mke2fs(), "-q", "-t", "ext4", "-F", "-L", "minimal", "-d", root, raw,
		fmt.Sprintf("%dk", imageSize>>10))); err != nil {
		return err
	}
	if err := run(child.Command(ctx, env, "qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, image)); err != nil {
		return err
	}
	if err := os.RemoveAll(root); err != nil {
		return err
	}
	if err := os.Remove(raw); err != nil {
		return err
	}
	return os.Chmod(image, 0o444)
}

func run(cmd interface {
	CombinedOutput() ([]byte, error)
	String() string
}) error {
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", cmd, err, bytes.TrimSpace(said))
	}
	return nil
}

type certificate struct {
	pem    []byte
	sha256 string
}

// newCertificate makes one that is good for as long as a cache may be: winrmd's own are not.
func newCertificate() (made certificate, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return made, nil, err
	}
	now := time.Now()
	template := x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "minimal"},
		NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(10, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, IsCA: true,
		IPAddresses: []net.IP{net.ParseIP("127.0.0.1"), net.ParseIP(Address)}, DNSNames: []string{"localhost"},
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, private.Public(), private)
	if err != nil {
		return made, nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return made, nil, err
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return made, nil, err
	}
	made = certificate{pem: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), sha256: remote.PinOf(leaf)}
	return made, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded}), nil
}
