package image

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"wskharness/image/disc"
)

// virtioDrivers are the folders of virtio-win.iso whose drivers an image gets, and what each is for.
var virtioDrivers = []struct{ name, purpose string }{
	{"NetKVM", "virtio network cards"},
	{"viostor", "virtio disks"},
	{"vioscsi", "virtio SCSI"},
	{"vioserial", "virtio serial ports"},
	{"pvpanic", "tells QEMU of a crash"},
	{"fwcfg", "lets QEMU write a dump as Windows reads it"},
}

// findDrivers looks for the folders on a disc: NAME/RELEASE/amd64 with an .inf in it. missing names those that the disc has not
// got for this release; a disc without any is the wrong one.
func findDrivers(d *disc.Disc, r *release) (found, missing []string, err error) {
	for _, driver := range virtioDrivers {
		at, err := driverFolder(d, driver.name, r.drivers)
		switch {
		case err != nil:
			return nil, nil, err
		case at == "":
			missing = append(missing, fmt.Sprintf("%s (%s)", driver.name, driver.purpose))
		default:
			found = append(found, at)
		}
	}
	if len(found) == 0 {
		return nil, nil, fmt.Errorf("has no drivers for %s: it is to be a virtio-win.iso, with folders such as NetKVM/%s/amd64", r.name, r.drivers[0])
	}
	return found, missing, nil
}

func driverFolder(d *disc.Disc, name string, releases []string) (string, error) {
	for _, release := range releases {
		at := path.Join(name, release, "amd64")
		entries, err := d.Folder(at)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		if slices.ContainsFunc(entries, func(e disc.Entry) bool { return strings.EqualFold(path.Ext(e.Name), ".inf") }) {
			return at, nil
		}
	}
	return "", nil
}
