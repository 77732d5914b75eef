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

	"wskharness/disk"
)

const (
	certificateName = "wskharness test signing"

	// Short, so that a key that leaks is soon worthless; renewed early, so that what was signed last
	// night is still accepted next week; and announced before that, since each machine has to be told to trust the next.
	certificateLife = 90 * day
	announceBefore  = 30 * day
	renewBefore     = 7 * day
	// A guest reverted to an old checkpoint believes for a while that it is the checkpoint's day.
	backDated = 30 * day

	signerBits = 3072

	day = 24 * time.Hour
)

// signerFile holds key and certificate together, so that they can't be of two different signers.
const signerFile = "test-signing.pem"

// keptFiles are those that were used before: key and certificate are in a file with the day on which the certificate
// ends, and its serial number. None is ever overwritten.
const keptFiles = "test-signing.until-*.pem"

// Signer is a test certificate with its private key. The key never leaves the folder it was made in.
type Signer struct {
	Certificate *x509.Certificate
	Path        string // the file it is kept in
	// Notices are what its user has to know: that it ends soon, that it is another one than the last time.
	Notices []string

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

// LoadOrCreateSigner returns the test certificate kept in dir, and makes one if there is none yet or
// if it ends within a week of now. Windows accepts what it signs only where test signing is on and
// the certificate is trusted. Several processes may call it at once: all get the same new certificate.
//
// No key is ever lost by it, since now may be wrong: the one that is replaced stays beside the new one, and is used again
// when that begins in the future. A key of which it is only known that its time has not come is not replaced.
func LoadOrCreateSigner(dir string, now time.Time) (*Signer, error) {
	return keyring{dir, func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, signerBits) }}.signer(now)
}

// keyring is a folder with the signer that is used, and those that were.
type keyring struct {
	dir    string
	newKey func() (*rsa.PrivateKey, error)
}

// path is the file of the signer that is used.
func (r keyring) path() string { return filepath.Join(r.dir, signerFile) }

// signer is the one to sign with now.
func (r keyring) signer(now time.Time) (*Signer, error) {
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make a folder for the signing key: %w", err)
	}
	if err := checkSigningFolder(r.dir); err != nil {
		return nil, err
	}
	unlock, err := lockFolder(r.dir)
	if err != nil {
		return nil, fmt.Errorf("lock the folder of the signing key: %w", err)
	}
	defer unlock()
	current, err := loadSigner(r.path())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return r.create(now) // also where older ones are kept: whoever removes a key does not want it back
	case err != nil:
		return nil, err
	}
	signer, err := r.goodOne(current, now)
	if err != nil {
		return nil, err
	}
	signer.announce(now)
	return signer, nil
}

// goodOne is a signer itself as long as it is good, and else the newest that was kept and is, or a new one.
func (r keyring) goodOne(s *Signer, now time.Time) (*Signer, error) {
	if s.good(now) {
		return s, nil
	}
	kept := r.kept()
	for _, k := range kept {
		if k.good(now) {
			return s.giveWay(k, now)
		}
	}
	if s.begun(now) {
		return r.renew(s, now)
	}
	for _, k := range kept {
		if k.begun(now) && now.Before(k.Certificate.NotAfter) {
			ending, err := s.giveWay(k, now)
			if err != nil {
				return nil, err
			}
			return r.renew(ending, now)
		}
	}
	return nil, &SignerError{s.Path,
		fmt.Sprintf("its certificate begins at %s, and the clock of this machine says %s", stamp(s.Certificate.NotBefore), stamp(now)),
		"set the clock right; if it is right, that certificate was made when it was not: move the file away to get a new one, which every machine then has to trust"}
}

// begun reports whether the certificate's time has come.
func (s *Signer) begun(now time.Time) bool { return !now.Before(s.Certificate.NotBefore) }

// good reports whether there is time enough left to sign with it.
func (s *Signer) good(now time.Time) bool {
	return s.begun(now) && now.Add(renewBefore).Before(s.Certificate.NotAfter)
}

// announce notes that the certificate ends soon.
func (s *Signer) announce(now time.Time) {
	end := s.Certificate.NotAfter
	if left := end.Sub(now); left < announceBefore {
		s.note("the test certificate expires in %s, on %s: on %s another one is made, which every machine then has to trust; to have that one now, move %s away",
			days(left), end.Format(time.DateOnly), end.Add(-renewBefore).Format(time.DateOnly), s.Path)
	}
}

func (s *Signer) note(format string, args ...any) {
	s.Notices = append(s.Notices, fmt.Sprintf(format, args...))
}

// renew makes another signer, and keeps the one that there is.
func (r keyring) renew(s *Signer, now time.Time) (*Signer, error) {
	kept, err := s.keep()
	if err != nil {
		return nil, err
	}
	next, err := r.create(now)
	if err != nil {
		return nil, err
	}
	next.note("there is another test certificate, which every machine has to trust (stores Root and TrustedPublisher): the last one ends on %s, and the clock of this machine says %s; if that is wrong, set it right, and bring the last one back with: mv %s %s",
		s.Certificate.NotAfter.Format(time.DateOnly), stamp(now), kept, s.Path)
	return next, nil
}

// giveWay puts a signer that was kept in the place of this one, and keeps this one.
func (s *Signer) giveWay(to *Signer, now time.Time) (*Signer, error) {
	kept, err := s.keep()
	if err != nil {
		return nil, err
	}
	file, err := readBounded(to.Path, maxSignerFile)
	if err == nil {
		err = disk.Replace(disk.OS(), s.Path, file, 0o600)
	}
	if err != nil {
		return nil, fmt.Errorf("use the signing key %s: %w", to.Path, err)
	}
	next := &Signer{Certificate: to.Certificate, Path: s.Path, key: to.key}
	next.note("another test certificate is used, one that was kept and is valid until %s: the last one is valid from %s to %s, and the clock of this machine says %s; the last one is kept in %s",
		to.Certificate.NotAfter.Format(time.DateOnly), stamp(s.Certificate.NotBefore), stamp(s.Certificate.NotAfter), stamp(now), kept)
	return next, nil
}

// keep leaves a copy of the signer's file beside it, and says where.
func (s *Signer) keep() (string, error) {
	name := fmt.Sprintf(strings.Replace(keptFiles, "*", "%s.%x", 1), s.Certificate.NotAfter.Format(time.DateOnly), s.Certificate.SerialNumber)
	path := filepath.Join(filepath.Dir(s.Path), name)
	file, err := readBounded(s.Path, maxSignerFile)
	if err != nil {
		return "", fmt.Errorf("keep the signing key %s: %w", s.Path, err)
	}
	switch there, err := readBounded(path, maxSignerFile); {
	case err == nil && bytes.Equal(there, file):
		return path, nil // it was kept before, and was used again
	case err == nil || !errors.Is(err, fs.ErrNotExist):
		return "", &SignerError{s.Path, "it has to be kept before there is another, and something else is at " + path, "move that away"}
	}
	if err := disk.Replace(disk.OS(), path, file, 0o600); err != nil {
		return "", fmt.Errorf("keep the signing key %s: %w", s.Path, err)
	}
	return path, nil
}

// kept are the signers that were kept and can be used, the newest first.
func (r keyring) kept() []*Signer {
	var all []*Signer
	names, _ := fs.Glob(os.DirFS(r.dir), keptFiles)
	for _, name := range names {
		if s, err := loadSigner(filepath.Join(r.dir, name)); err == nil {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b *Signer) int { return b.Certificate.NotBefore.Compare(a.Certificate.NotBefore) })
	return all
}

// checkSigningFolder refuses a folder in which others could put a key of theirs.
func checkSigningFolder(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("look at the folder of the signing key: %w", err)
	}
	path := filepath.Join(dir, signerFile)
	sharing, err := disk.SharingOf(dir, info)
	switch {
	case err != nil:
		return fmt.Errorf("look at the folder of the signing key: %w", err)
	case sharing.Write:
		return &SignerError{path, fmt.Sprintf("others may write to its folder (%s)", sharing.How), "close it with: " + disk.ToClose(dir, true)}
	}
	return ownedByUser(path, dir, sharing)
}

// ownedByUser refuses what belongs to another user, who may change it at any time.
func ownedByUser(path, what string, sharing disk.Sharing) error {
	if sharing.Owner == "" {
		return nil
	}
	return &SignerError{path, fmt.Sprintf("%s belongs to %s, and this is %s", what, sharing.Owner, disk.User()),
		"run as that user, or " + setConfig + " to a folder of your own"}
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// days is a time that is left, for people.
func days(left time.Duration) string {
	switch n := int(left / day); n {
	case 0:
		return "less than a day"
	case 1:
		return "1 day"
	default:
		return fmt.Sprintf("%d days", n)
	}
}

const maxSignerFile = 64 << 10

func loadSigner(path string) (*Signer, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	sharing, err := disk.SharingOf(path, info)
	if err != nil {
		return nil, fmt.Errorf("look at the signing key: %w", err)
	}
	if sharing.Read || sharing.Write {
		return nil, &SignerError{path, fmt.Sprintf("others may read it (%s)", sharing.How),
			"make it private with: " + disk.ToClose(path, false) + ", or remove it to get a new one"}
	}
	if err := ownedByUser(path, "it", sharing); err != nil {
		return nil, err
	}
	data, err := readBounded(path, maxSignerFile)
	if err != nil {
		return nil, err
	}
	signer, why := readSigner(data)
	if why != "" {
		return nil, &SignerError{path, why, "remove it to get a new one"}
	}
	signer.Path = path
	return signer, nil
}

// create makes a signer, in the place of the one that is used.
func (r keyring) create(now time.Time) (*Signer, error) {
	path := r.path()
	wrap := func(err error) error { return fmt.Errorf("make a test certificate in %s: %w", path, err) }
	key, err := r.newKey()
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
	if err := disk.Replace(disk.OS(), path, file.Bytes(), 0o600); err != nil {
		return nil, wrap(err)
	}
	return &Signer{Certificate: cert, Path: path, key: key}, nil
}

// thumbprint is what Windows calls a certificate: its SHA-1, in upper-case hexadecimal digits.
func thumbprint(der []byte) string {
	sum := sha1.Sum(der) //nolint:gosec // a name, not a protection
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}
