package harness

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"wskharness/config"
	"wskharness/driver"
	"wskharness/guest"
	"wskharness/guest/transfer"
	"wskharness/results"
	"wskharness/settings"
	"wskharness/suites"
)

// deployFiles is what a driver run brings into the guest beside its plan.
type deployFiles struct {
	all     []transfer.File
	inf     string              // where it is there; empty: there is none
	uploads map[string]uploaded // by their paths here
}

// uploaded is what cases upload, as it was pushed.
type uploaded struct {
	place string   // in the guest
	empty []string // folders in it that have nothing in them, from there
}

func (f *deployFiles) stored(local string) (place string, folders []string) {
	return f.uploads[local].place, f.uploads[local].empty
}

// files gathers them: the driver, at path in the guest, what belongs to it, and what cases upload. Whether a driver that
// nobody has signed may run there is settled here, before anything is started.
func (l *driverRun) files(pkg *driver.Package, path string) (*deployFiles, error) {
	f := &deployFiles{uploads: map[string]uploaded{}}
	f.all = append(f.all, transfer.File{Local: pkg.Driver, SHA256: pkg.Manifest.Driver.SHA256, Path: path})
	if l.session.facts.Kind() == guest.KindWindows && !pkg.Signed() {
		return nil, fmt.Errorf("deploy to %s: %s has no signature, and Windows starts no such driver: say sign: true, or give the inf: and cat: that vouch for it",
			l.session.target.Name, pkg.Manifest.Driver.File)
	}
	folder := pkg.Manifest.Driver.SHA256[:16]
	for _, one := range []struct {
		local string
		file  driver.ManifestFile
	}{{pkg.INF, pkg.Manifest.INF}, {pkg.Catalog, pkg.Manifest.Catalog}} {
		if one.local != "" {
			f.all = append(f.all, transfer.File{Local: one.local, SHA256: one.file.SHA256, Path: guest.StorePath(folder, one.file.File)})
		}
	}
	if pkg.INF != "" {
		f.inf = guest.StorePath(folder, pkg.Manifest.INF.File)
		if l.session.facts.Kind() == guest.KindWine && l.n == 1 {
			l.run.notice(l.session.target.Name, results.Info, "%s is not installed: Wine has no driver store; the driver's service is all that is made", pkg.Manifest.INF.File)
		}
	}
	for _, t := range l.attempts {
		if err := f.upload(t.test); err != nil {
			return nil, fmt.Errorf("deploy to %s: %w", l.session.target.Name, err)
		}
	}
	return f, nil
}

func (f *deployFiles) upload(c *suites.Case) error {
	for _, u := range c.Uploads() {
		if f.uploads[u.Local].place != "" {
			continue
		}
		content, err := readUpload(u.Local)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", u.Place, u.What, err)
		}
		place := guest.StorePath(content.sum[:16], filepath.Base(u.Local))
		f.uploads[u.Local] = uploaded{place: place, empty: content.empty}
		for _, one := range content.files {
			f.all = append(f.all, transfer.File{Local: one.local, SHA256: one.sum, Path: place + one.below})
		}
	}
	return nil
}

// checkFiles says which files that cases upload are not there, where no build can make them.
func checkFiles(c *config.Config, cases []*suites.Case) error {
	if c.External != nil && c.External.Build != nil {
		return nil
	}
	return checkUploads(cases)
}

// Check says what is wrong with the files that the configuration, its suites and its targets name, beyond what is wrong
// in these themselves.
func Check(c *config.Config, catalog *suites.Catalog) error {
	problems := []error{c.CheckRun(catalog), checkFiles(c, catalog.All()), c.CheckSampleChecks(catalog.All())}
	for i := range c.Targets {
		problems = append(problems, c.Targets[i].Check())
	}
	if err := errors.Join(problems...); err != nil {
		return &settings.UsageError{Err: err}
	}
	return nil
}

// checkUploads says which files that cases upload are not there. The build may have made them: it comes before.
func checkUploads(cases []*suites.Case) error {
	var missing []error
	for _, c := range suites.Whole(cases) {
		for _, u := range c.Uploads() {
			content, err := uploadTree(u.Local)
			switch {
			case err != nil:
				missing = append(missing, fmt.Errorf("%s: %s: %w", u.Place, u.What, err))
			case u.Most > 0 && (len(content.Files) != 1 || content.Files[0].Path != uploadRoot):
				missing = append(missing, fmt.Errorf("%s: %s: %s is a folder, and has to be a file", u.Place, u.What, settings.DisplayPath(u.Local)))
			case u.Most > 0 && content.Bytes() > u.Most:
				missing = append(missing, fmt.Errorf("%s: %s has %d bytes; a request to a device takes at most %d", u.Place, settings.DisplayPath(u.Local), content.Bytes(), u.Most))
			}
		}
	}
	if len(missing) > 0 {
		return &settings.UsageError{Err: errors.Join(missing...)}
	}
	return nil
}

func fileSHA256(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
