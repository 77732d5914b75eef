package libvirt

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"time"

	golibvirt "github.com/digitalocean/go-libvirt"
	"libvirt.org/go/libvirtxml"
)

// imageFormats are the formats of images that can be under an overlay. The format is never guessed from an image's content,
// which a guest has written: qemu-img does not guess either, for that reason.
var imageFormats = []string{"qcow2", "raw", "qed", "vmdk", "vdi", "vhdx", "vpc"}

// planOverlays says which overlays a clone of a domain needs, and makes none.
func planOverlays(lv *conn, d *libvirtxml.Domain, pool, name string) ([]overlay, error) {
	var all []overlay
	for _, disk := range writable(d) {
		o := overlay{Target: targetOf(disk), Format: "raw", Name: name + "-" + targetOf(disk) + ".qcow2"}
		if disk.Driver != nil && disk.Driver.Type != "" {
			o.Format = disk.Driver.Type
		}
		if !slices.Contains(imageFormats, o.Format) {
			return nil, fmt.Errorf("its disk %s is of the format %q, of which there is no overlay: say snapshot: instead of overlay:, and use the domain in place", o.Target, o.Format)
		}
		if path.Base(o.Name) != o.Name || o.Target == "?" {
			return nil, fmt.Errorf("its disk %q has no name", o.Target)
		}
		var err error
		if o.Base, err = imageOf(lv, disk); err != nil {
			return nil, err
		}
		in, err := poolFor(lv, pool, o.Base)
		if err != nil {
			return nil, err
		}
		o.Pool = in.Name
		all = append(all, o)
	}
	if len(all) == 0 {
		return nil, errors.New("it has no disk of which an overlay could be made")
	}
	return all, nil
}

// imageOf is the file, or the block device, that a disk is on the host.
func imageOf(lv *conn, disk *libvirtxml.DomainDisk) (string, error) {
	switch s := disk.Source; {
	case s.File != nil && s.File.File != "":
		return s.File.File, nil
	case s.Block != nil && s.Block.Dev != "":
		return s.Block.Dev, nil
	case s.Volume != nil:
		in, err := lv.StoragePoolLookupByName(s.Volume.Pool)
		if err != nil {
			return "", err
		}
		volume, err := lv.StorageVolLookupByName(in, s.Volume.Volume)
		if err != nil {
			return "", err
		}
		return lv.StorageVolGetPath(volume)
	}
	return "", fmt.Errorf("its disk %s is no file of the host, and no block device: say snapshot: instead of overlay:, which uses the domain in place", targetOf(disk))
}

// poolFor is the storage pool that overlays of an image go into: the one that the target names, else the one that the image
// is in, else libvirt's own, which most hosts have.
func poolFor(lv *conn, name, image string) (golibvirt.StoragePool, error) {
	if name != "" {
		return lv.StoragePoolLookupByName(name)
	}
	if volume, err := lv.StorageVolLookupByPath(image); err == nil {
		return lv.StoragePoolLookupByVolume(volume)
	}
	if in, err := lv.StoragePoolLookupByTargetPath(path.Dir(image)); err == nil {
		return in, nil
	}
	in, err := lv.StoragePoolLookupByName("default")
	if isCode(err, golibvirt.ErrNoStoragePool) {
		return in, fmt.Errorf("the image %s is in no storage pool of that host, and there is no pool named default: "+
			"make one (virsh pool-create-as NAME dir --target FOLDER), and say pool: NAME", image)
	}
	return in, err
}

// folderOf is where a pool has its files; an error where it has none.
func folderOf(lv *conn, in golibvirt.StoragePool) (string, error) {
	text, err := lv.StoragePoolGetXMLDesc(in, 0)
	if err != nil {
		return "", err
	}
	p := &libvirtxml.StoragePool{}
	if len(text) > maxXML {
		return "", fmt.Errorf("the definition of storage pool %s has %d bytes", in.Name, len(text))
	}
	if err := p.Unmarshal(text); err != nil {
		return "", fmt.Errorf("read the definition of storage pool %s: %w", in.Name, err)
	}
	if !slices.Contains([]string{"dir", "fs", "netfs"}, p.Type) || p.Target == nil || p.Target.Path == "" {
		return "", fmt.Errorf("the storage pool %s is of the type %q, and has no folder: say pool: NAME of one that has", in.Name, p.Type)
	}
	return p.Target.Path, nil
}

// makeOverlay makes an overlay, and fills in its path. The pool is asked to look anew first: a volume that somebody has
// removed behind its back is there for it still.
func makeOverlay(lv *conn, o *overlay) error {
	in, err := lv.StoragePoolLookupByName(o.Pool)
	if err != nil {
		return err
	}
	capacity, err := capacityOf(lv, o.Base)
	if err != nil {
		return err
	}
	definition := libvirtxml.StorageVolume{
		Name:         o.Name,
		Capacity:     &libvirtxml.StorageVolumeSize{Value: capacity, Unit: "B"},
		Allocation:   &libvirtxml.StorageVolumeSize{},
		Target:       &libvirtxml.StorageVolumeTarget{Format: &libvirtxml.StorageVolumeTargetFormat{Type: "qcow2"}},
		BackingStore: &libvirtxml.StorageVolumeBackingStore{Path: o.Base, Format: &libvirtxml.StorageVolumeTargetFormat{Type: o.Format}},
	}
	text, err := definition.Marshal()
	if err != nil {
		return err
	}
	volume, err := lv.StorageVolCreateXML(in, text, 0)
	if err != nil {
		return fmt.Errorf("make an overlay of %s in storage pool %s: %w", o.Base, o.Pool, err)
	}
	o.Path, err = lv.StorageVolGetPath(volume)
	return err
}

// capacityOf is the size of an image as its guest sees it, in bytes.
func capacityOf(lv *conn, image string) (uint64, error) {
	volume, err := lv.StorageVolLookupByPath(image)
	if isCode(err, golibvirt.ErrNoStorageVol) {
		// It is new to its pool, or in none. A pool looks into its folder when it is told to.
		in, there := lv.StoragePoolLookupByTargetPath(path.Dir(image))
		if there != nil {
			return 0, fmt.Errorf("the image %s is in no storage pool of that host: make one of its folder (virsh pool-create-as NAME dir --target %s)", image, path.Dir(image))
		}
		if err = lv.StoragePoolRefresh(in, 0); err == nil {
			volume, err = lv.StorageVolLookupByPath(image)
		}
		if isCode(err, golibvirt.ErrNoStorageVol) {
			return 0, fmt.Errorf("the image %s is missing on that host: %w", image, err)
		}
	}
	if err != nil {
		return 0, err
	}
	_, capacity, _, err := lv.StorageVolGetInfo(volume)
	return capacity, err
}

// removeVolume removes a volume by its pool and its name. One that is gone is no error.
func removeVolume(lv *conn, pool, name string) error {
	in, err := lv.StoragePoolLookupByName(pool)
	if err != nil {
		if isCode(err, golibvirt.ErrNoStoragePool) {
			return nil
		}
		return err
	}
	volume, err := lv.StorageVolLookupByName(in, name)
	if isCode(err, golibvirt.ErrNoStorageVol) {
		// A pool knows what was in its folder when it looked last.
		if err = lv.StoragePoolRefresh(in, 0); err == nil {
			volume, err = lv.StorageVolLookupByName(in, name)
		}
	}
	if err == nil {
		err = deleteVolume(lv, volume)
	}
	if err != nil && !isCode(err, golibvirt.ErrNoStorageVol) {
		return fmt.Errorf("remove volume %s of storage pool %s: %w", name, pool, err)
	}
	return nil
}

// makingLimit is how long a volume may take to be made, that nobody waits for any more: an overlay has nothing in it.
const makingLimit = 30 * time.Second

// deleteVolume deletes a volume. A daemon goes on making one although whoever has asked for it is gone, and deletes none that is
// just being made.
func deleteVolume(lv *conn, volume golibvirt.StorageVol) error {
	for begun := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		err := lv.StorageVolDelete(volume, 0)
		if !isCode(err, golibvirt.ErrOperationInvalid) || time.Since(begun) > makingLimit {
			return err
		}
	}
}
