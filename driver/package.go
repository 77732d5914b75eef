package driver

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Package is what a build gives for deployment: a folder with the signed driver, the certificate that
// a guest has to trust, symbols, and a manifest that says where it all comes from. The private key is
// not in it. The folder is in the cache: CopyTo copies it, nothing changes it.
type Package struct {
	Dir         string
	Driver      string // the signed .sys
	Certificate string // .cer, DER; empty where the harness did not sign it
	Symbols     string // for OpenSymbols; may be empty, of a driver of the user's own
	INF         string // of a driver of the user's own, and so are the others; may be empty
	Catalog     string // .cat
	PDB         string
	Log         string // what its build command wrote
	Manifest    Manifest
	Image       *Image
	Findings    []Finding // no refusals
	Cached      bool      // nothing was compiled and nothing signed
	Took        time.Duration
}

// Manifest is manifest.json of a package.
type Manifest struct {
	Schema      int                 `json:"schema"` // 2
	Name        string              `json:"name"`
	BuiltAt     time.Time           `json:"builtAt,omitzero"`
	Driver      ManifestFile        `json:"driver"`
	Unsigned    ManifestFile        `json:"unsigned,omitzero"` // as built, before signing: reproducible
	Symbols     ManifestFile        `json:"symbols,omitzero"`
	INF         ManifestFile        `json:"inf,omitzero"`
	Catalog     ManifestFile        `json:"catalog,omitzero"`
	PDB         ManifestFile        `json:"pdb,omitzero"`
	Log         ManifestFile        `json:"log,omitzero"`
	Certificate ManifestCertificate `json:"certificate,omitzero"`
	Build       Artifact            `json:"build"`
}

// ManifestFile is a file by its content.
type ManifestFile struct {
	File   string `json:"file,omitempty"` // in the package; empty: not there
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
}

// ManifestCertificate is the certificate that the driver is signed with.
type ManifestCertificate struct {
	ManifestFile
	Subject    string    `json:"subject"`
	Thumbprint string    `json:"thumbprint"` // SHA-1, as Windows shows it
	NotBefore  time.Time `json:"notBefore"`
	NotAfter   time.Time `json:"notAfter"`
}

const (
	manifestName   = "manifest.json"
	manifestSchema = 2
)

// BuildPackage builds the driver that spec describes, signs and inspects it. What the cache has for
// the same sources, toolchain and certificate is used as it is. An image that Windows would refuse is
// a *RefusedError.
func BuildPackage(ctx context.Context, tc *Toolchain, spec Spec, cache Cache, signer *Signer, now time.Time) (*Package, error) {
	started := time.Now()
	if spec.Kind != KernelDriver {
		return nil, fmt.Errorf("package %s: it is a %v; only kernel drivers are packaged", spec.Name, spec.Kind)
	}
	artifact, err := Build(ctx, tc, spec, cache)
	if err != nil {
		return nil, err
	}
	pkg, err := inCache(cache, func(cache Cache) (*Package, error) { return findOrMake(ctx, artifact, cache, signer, now) })
	if err != nil {
		return nil, err
	}
	pkg.Findings = pkg.Image.Findings(now)
	if refusals := Refusals(pkg.Findings); len(refusals) > 0 {
		return nil, &RefusedError{Path: pkg.Driver, Findings: refusals}
	}
	pkg.Took = time.Since(started)
	return pkg, nil
}

func findOrMake(ctx context.Context, artifact *Artifact, cache Cache, signer *Signer, now time.Time) (*Package, error) {
	key := packageKey(artifact, signer)
	if pkg, err := OpenPackage(cache.path(packageRoom, key)); err == nil {
		cache.touch(packageRoom, key)
		pkg.Cached = artifact.Cached
		return pkg, nil
	}
	if err := makePackage(ctx, artifact, cache, key, signer, now); err != nil {
		return nil, err
	}
	return OpenPackage(cache.path(packageRoom, key))
}

func packageKey(artifact *Artifact, signer *Signer) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s package %d\n%s\n%s\n%s\n", buildFormat, manifestSchema, artifact.Key, artifact.SHA256,
		hashBytes(signer.Certificate.Raw))
	return hex.EncodeToString(h.Sum(nil))
}

// makePackage signs a copy of the artifact and puts the package into the cache.
func makePackage(ctx context.Context, artifact *Artifact, cache Cache, key string, signer *Signer, now time.Time) error {
	wrap := func(err error) error { return fmt.Errorf("package %s: %w", artifact.Name, err) }
	dir, err := cache.temporary(packageRoom)
	if err != nil {
		return wrap(err)
	}
	defer os.RemoveAll(dir)
	// A temporary folder is private; a package is not.
	if err := os.Chmod(dir, 0o755); err != nil {
		return wrap(err)
	}
	stem := strings.TrimSuffix(artifact.Name, filepath.Ext(artifact.Name))
	m := Manifest{
		Schema: manifestSchema, Name: stem, BuiltAt: now.UTC().Round(time.Second),
		Unsigned:    ManifestFile{SHA256: artifact.SHA256, Size: artifact.Size},
		Build:       *artifact,
		Certificate: certificateOf(signer),
	}
	signed := filepath.Join(dir, artifact.Name)
	if err := copyFile(artifact.Path, signed); err != nil {
		return wrap(err)
	}
	if err := Sign(ctx, signed, signer); err != nil {
		return err
	}
	if err := copyFile(artifact.Symbols, signed+symbolsSuffix); err != nil {
		return wrap(err)
	}
	certificate := filepath.Join(dir, stem+".cer")
	if err := os.WriteFile(certificate, signer.Certificate.Raw, 0o644); err != nil {
		return wrap(err)
	}
	for path, file := range map[string]*ManifestFile{
		signed: &m.Driver, signed + symbolsSuffix: &m.Symbols, certificate: &m.Certificate.ManifestFile,
	} {
		if *file, err = describeFile(path); err != nil {
			return wrap(err)
		}
	}
	if err := writeJSON(filepath.Join(dir, manifestName), m); err != nil {
		return wrap(err)
	}
	good := func(dir string) bool {
		_, err := OpenPackage(dir)
		return err == nil
	}
	if err := cache.publish(packageRoom, key, dir, good); err != nil {
		return wrap(err)
	}
	cache.prune(packageRoom)
	return nil
}

func certificateOf(signer *Signer) ManifestCertificate {
	c := signer.Certificate
	return ManifestCertificate{Subject: c.Subject.String(), Thumbprint: thumbprint(c.Raw), NotBefore: c.NotBefore.UTC(), NotAfter: c.NotAfter.UTC()}
}

func describeFile(path string) (ManifestFile, error) {
	info, err := os.Stat(path)
	if err != nil {
		return ManifestFile{}, err
	}
	hash, err := hashFile(path)
	return ManifestFile{File: filepath.Base(path), SHA256: hash, Size: info.Size()}, err
}

// OpenPackage reads the package in a folder and checks that each file is the one that the manifest
// names. Findings are left to the caller, who knows the time.
func OpenPackage(dir string) (*Package, error) {
	pkg := &Package{Dir: dir}
	path := filepath.Join(dir, manifestName)
	if err := readJSON(path, &pkg.Manifest); err != nil {
		return nil, fmt.Errorf("open the package %s: %w", dir, err)
	}
	m := &pkg.Manifest
	if m.Schema != manifestSchema {
		return nil, fmt.Errorf("open the package %s: schema %d of its manifest is not the known one, %d; build it again",
			dir, m.Schema, manifestSchema)
	}
	for _, f := range []struct {
		file ManifestFile
		path *string
	}{{m.Driver, &pkg.Driver}, {m.Certificate.ManifestFile, &pkg.Certificate}, {m.Symbols, &pkg.Symbols},
		{m.INF, &pkg.INF}, {m.Catalog, &pkg.Catalog}, {m.PDB, &pkg.PDB}, {m.Log, &pkg.Log}} {
		if f.file == (ManifestFile{}) && f.path != &pkg.Driver {
			continue
		}
		// The manifest of a package may come from elsewhere: no path leaves its folder.
		if !isFileName(f.file.File) {
			return nil, fmt.Errorf("open the package %s: %q in its manifest is no file name", dir, f.file.File)
		}
		*f.path = filepath.Join(dir, f.file.File)
		hash, err := hashFile(*f.path)
		if err != nil {
			return nil, fmt.Errorf("open the package %s: %w", dir, err)
		}
		if hash != f.file.SHA256 {
			return nil, fmt.Errorf("open the package %s: %s is not the file that its manifest names (SHA-256 %s, want %s); build it again",
				dir, f.file.File, hash, f.file.SHA256)
		}
	}
	image, err := InspectFile(pkg.Driver)
	if err != nil {
		return nil, fmt.Errorf("open the package %s: %w", dir, err)
	}
	pkg.Image = image
	return pkg, nil
}

func isFileName(name string) bool {
	return filepath.IsLocal(name) && filepath.Base(name) == name && name != "." && !strings.ContainsAny(name, `\:`)
}

// CopyTo copies the package into a folder, which is made if it is not there, and opens the copy.
func (p *Package) CopyTo(dir string) (*Package, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("copy the package %s: %w", p.Manifest.Name, err)
	}
	for _, path := range []string{p.Driver, p.Certificate, p.Symbols, p.INF, p.Catalog, p.PDB, p.Log, filepath.Join(p.Dir, manifestName)} {
		if path == "" {
			continue
		}
		if err := copyFile(path, filepath.Join(dir, filepath.Base(path))); err != nil {
			return nil, fmt.Errorf("copy the package %s to %s: %w", p.Manifest.Name, dir, err)
		}
	}
	copied, err := OpenPackage(dir)
	if err != nil {
		return nil, err
	}
	copied.Findings, copied.Cached, copied.Took = p.Findings, p.Cached, p.Took
	return copied, nil
}

func copyFile(from, to string) error {
	content, err := readBounded(from, maxImageFile)
	if err != nil {
		return err
	}
	return os.WriteFile(to, content, 0o644) // what reads it checks its hash
}
