package qemu

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// imageKind is what the first bytes of a disk image tell.
type imageKind struct {
	format  string // "qcow2" or "raw"; empty: one that is not taken
	what    string // its name for people
	convert string // its name for qemu-img, where that can make a qcow2 of it
}

// headLength is how many bytes of an image decide what it is.
const headLength = 512

// kindOf tells images apart by their first bytes (those formats' documents; qcow2: docs/interop/qcow2.txt of QEMU's sources).
// What begins with nothing that is known is raw, provided that there could be a disk: QEMU's own guess would let a guest choose
// the format, by writing another header into its raw disk. So only a boot sector is taken for one.
func kindOf(head []byte) imageKind {
	starts := func(magic string) bool { return bytes.HasPrefix(head, []byte(magic)) }
	switch {
	case starts("QFI\xfb"):
		version := uint32(0)
		if len(head) >= 8 {
			version = binary.BigEndian.Uint32(head[4:])
		}
		if version == 2 || version == 3 {
			return imageKind{"qcow2", "a qcow2 image", ""}
		}
		return imageKind{"", fmt.Sprintf("a qcow image of version %d", version), "qcow"}
	case starts("KDMV"), starts("COWD"), starts("# Disk DescriptorFile"):
		return imageKind{"", "a VMware image", "vmdk"}
	case starts("vhdxfile"):
		return imageKind{"", "a VHDX image", "vhdx"}
	case starts("conectix"):
		return imageKind{"", "a VHD image", "vpc"}
	case starts("<<< ") && bytes.Contains(head, []byte("VirtualBox")), len(head) >= 0x44 && binary.LittleEndian.Uint32(head[0x40:]) == 0xbeda107f:
		return imageKind{"", "a VirtualBox image", "vdi"}
	case starts("QED\x00"):
		return imageKind{"", "a QED image", "qed"}
	case starts("\x1f\x8b"), starts("\xfd7zXZ\x00"), starts("BZh"), starts("\x28\xb5\x2f\xfd"), starts("PK\x03\x04"):
		return imageKind{"", "a compressed file", ""}
	case len(head) == headLength && head[510] == 0x55 && head[511] == 0xaa:
		return imageKind{"raw", "a raw disk", ""}
	}
	return imageKind{"", "neither a qcow2 image nor a raw disk with a boot sector", ""}
}

// formatOf is the format of a base image, or why it can't be one.
func formatOf(path string) (string, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("the base image %s is not there: check image, or make one with: wskharness image", path)
	case err != nil:
		return "", fmt.Errorf("look at the base image: %w", err)
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("the base image %s is not a file", path)
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrPermission) {
		return "", fmt.Errorf("%w: QEMU runs as you, and has to read the base image: chmod a+r it, or have its group be yours", err)
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	head := make([]byte, headLength)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", fmt.Errorf("read the base image: %w", err)
	}
	kind := kindOf(head[:n])
	switch {
	case kind.format != "":
		return kind.format, nil
	case kind.convert != "":
		return "", fmt.Errorf("the base image %s is %s: make a qcow2 of it with: qemu-img convert -f %s -O qcow2 %s NEW.qcow2", path, kind.what, kind.convert, path)
	case kind.what == "a compressed file":
		return "", fmt.Errorf("the base image %s is %s: unpack it", path, kind.what)
	}
	return "", fmt.Errorf("the base image %s is %s", path, kind.what)
}
