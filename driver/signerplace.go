package driver

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"wskharness/disk"
)

// SigningDir is where the test certificate of this user is kept, for example
// ~/.config/wskharness/signing.
func SigningDir() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("find a folder for the signing key: %w; %s", err, setConfig)
	}
	return filepath.Join(dir, "wskharness", "signing"), nil
}

// UserSigner is the signer in [SigningDir], as [LoadOrCreateSigner] has it. Where the user has no such folder, and none can be
// made, it is kept beside the spare cache, and a notice says so.
func UserSigner(now time.Time) (*Signer, error) {
	dir, why := SigningDir()
	if why == nil {
		signer, err := LoadOrCreateSigner(dir, now)
		if !disk.Unwritable(err) {
			return signer, err
		}
		why = fmt.Errorf("%w; %s to a folder that can be written", err, setConfig)
	}
	spare, err := Cache{}.spare()
	if err != nil {
		return nil, fmt.Errorf("%w (nor is there another place: %w)", why, err)
	}
	signer, err := LoadOrCreateSigner(filepath.Join(spare.Dir, spareSigning), now)
	if err != nil {
		return nil, fmt.Errorf("%w (nor is there another place: %w)", why, err)
	}
	signer.note("%v; until then the test certificate is one in %s, which may not last", why, signer.Path)
	return signer, nil
}

// spareSigning is the room of the spare cache that signing keys are kept in where there is no other place.
const spareSigning = "signing"

// SigningFolders are the folders with keys of this user: that of his own, and the spare one.
func SigningFolders() []string {
	var all []string
	if dir, err := SigningDir(); err == nil {
		all = append(all, dir)
	}
	return append(all, filepath.Join(spareDir(), spareSigning))
}

// SigningFiles are the files with keys and certificates in such a folder: the one in use, and those that were kept.
func SigningFiles(dir string) []string {
	kept, _ := filepath.Glob(filepath.Join(dir, keptFiles)) // a folder whose name is a pattern keeps its files
	if _, err := os.Lstat(filepath.Join(dir, signerFile)); err == nil {
		kept = append(kept, filepath.Join(dir, signerFile))
	}
	return kept
}

// RemoveSigner removes these files, when nobody is just making one.
func RemoveSigner(dir string) error {
	unlock, err := lockFolder(dir)
	if err != nil {
		return err
	}
	defer unlock()
	var errs []error
	for _, path := range SigningFiles(dir) {
		errs = append(errs, os.Remove(path))
	}
	return errors.Join(errs...)
}
