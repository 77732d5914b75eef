package driver

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // Windows names certificates by their SHA-1
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	certificateName = "wskharness test signing"

	// Short, so that a key that leaks is soon worthless; renewed early, so that what was signed last
	// night is still accepted next week.
	certificateLife = 90 * 24 * time.Hour
	renewBefore     = 30 * 24 * time.Hour
	// A guest reverted to an old checkpoint believes for a while that it is the checkpoint's day.
	backDated = 30 * 24 * time.Hour

	signerBits = 3072
)

// signerFile holds key and certificate together, so that they can't be of two different signers.
const signerFile = "test-signing.pem"

// Signer is a test certificate with its private key. The key never leaves the folder it was made in.
type Signer struct {
	Certificate *x509.Certificate
	Path        string // the file it is kept in

	key *rsa.PrivateKey
}

// SignerError says that the kept test certificate can't be used, and what to do.
type SignerError struct {
	Path   string
	Why    string
	Advice string
}

func (e *SignerError) Error() string {
	return fmt.Sprintf("use the signing key %s: %s; %s", e.Path, e.Why, e.Advice)
}

// SigningDir is where the test certificate of this user is kept, for example
// ~/.config/wskharness/signing.
func SigningDir() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("find a folder for the signing key: %w; set XDG_CONFIG_HOME", err)
	}
	return filepath.Join(dir, "wskharness", "signing"), nil
}

// LoadOrCreateSigner returns the test certificate kept in dir, and makes one if there is none yet or
// if it ends within 30 days of now. Windows accepts what it signs only where test signing is on and
// the certificate is trusted. Several processes may call it at once: all get the same new certificate.
func LoadOrCreateSigner(dir string, now time.Time) (*Signer, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make a folder for the signing key: %w", err)
	}
	unlock, err := lockFolder(dir)
	if err != nil {
		return nil, fmt.Errorf("lock the folder of the signing key: %w", err)
	}
	defer unlock()
	path := filepath.Join(dir, signerFile)
	signer, err := loadSigner(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return createSigner(path, now)
	case err != nil:
		return nil, err
	case now.Add(renewBefore).After(signer.Certificate.NotAfter) || now.Before(signer.Certificate.NotBefore):
		return createSigner(path, now)
	}
	return signer, nil
}

func loadSigner(path string) (*Signer, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, &SignerError{path, fmt.Sprintf("others may read it (mode %04o)", mode),
			"make it private with: chmod 600 " + path + ", or remove it to get a new one"}
	}
	data, err := readBounded(path, 64<<10)
	if err != nil {
		return nil, err
	}
	signer := &Signer{Path: path}
	for len(data) > 0 {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		switch block.Type {
		case "PRIVATE KEY":
			key, parseErr := x509.ParsePKCS8PrivateKey(block.Bytes)
			signer.key, _ = key.(*rsa.PrivateKey)
			err = errors.Join(err, parseErr)
		case "CERTIFICATE":
			cert, parseErr := x509.ParseCertificate(block.Bytes)
			signer.Certificate = cert
			err = errors.Join(err, parseErr)
		}
	}
	why := ""
	switch {
	case err != nil:
		why = err.Error()
	case signer.key == nil || signer.Certificate == nil:
		why = "it does not hold an RSA key and a certificate"
	case !signer.key.PublicKey.Equal(signer.Certificate.PublicKey):
		why = "the key is not the certificate's"
	case !slices.Contains(signer.Certificate.ExtKeyUsage, x509.ExtKeyUsageCodeSigning):
		why = "the certificate is not for code signing"
	default:
		return signer, nil
	}
	return nil, &SignerError{path, why, "remove it to get a new one"}
}

func createSigner(path string, now time.Time) (*Signer, error) {
	wrap := func(err error) error { return fmt.Errorf("make a test certificate in %s: %w", path, err) }
	key, err := rsa.GenerateKey(rand.Reader, signerBits)
	if err != nil {
		return nil, wrap(err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, wrap(err)
	}
	template := &x509.Certificate{
		SerialNumber:          serial.Add(serial, big.NewInt(1)),
		Subject:               pkix.Name{CommonName: certificateName},
		NotBefore:             now.Add(-backDated),
		NotAfter:              now.Add(certificateLife),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
		BasicConstraintsValid: true, // and no authority: it can vouch for nothing but itself
		SignatureAlgorithm:    x509.SHA256WithRSA,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, wrap(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, wrap(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, wrap(err)
	}
	var file bytes.Buffer
	for _, block := range []*pem.Block{{Type: "PRIVATE KEY", Bytes: pkcs8}, {Type: "CERTIFICATE", Bytes: der}} {
		if err := pem.Encode(&file, block); err != nil {
			return nil, wrap(err)
		}
	}
	if err := writeAtomically(path, file.Bytes(), 0o600); err != nil {
		return nil, wrap(err)
	}
	return &Signer{Certificate: cert, Path: path, key: key}, nil
}

// Thumbprint is what Windows calls the certificate: its SHA-1, in upper-case hexadecimal digits.
func (s *Signer) Thumbprint() string { return thumbprint(s.Certificate) }

// ExportCertificate writes the public certificate (DER), which a guest has to trust, to path.
func (s *Signer) ExportCertificate(path string) error {
	if err := writeAtomically(path, s.Certificate.Raw, 0o644); err != nil {
		return fmt.Errorf("export the test certificate: %w", err)
	}
	return nil
}

func thumbprint(cert *x509.Certificate) string {
	sum := sha1.Sum(cert.Raw) //nolint:gosec // a name, not a protection
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}
