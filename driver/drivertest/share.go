// Package drivertest lets tests that keep everything else to themselves share what is built: a whole run of the tests
// compiles a driver once.
package drivertest

import (
	"os"
	"path/filepath"

	"wskharness/driver"
)

// Share makes the rooms of the driver cache in one folder, and other folders there that are kept by content, those of
// another folder, too: as links.
func Share(from, to string, others ...string) error {
	for _, folder := range append(driver.Rooms(), others...) {
		if err := os.MkdirAll(filepath.Join(from, folder), 0o755); err != nil {
			return err
		}
		link := filepath.Join(to, folder)
		if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
			return err
		}
		if err := os.Symlink(filepath.Join(from, folder), link); err != nil {
			return err
		}
	}
	return nil
}
