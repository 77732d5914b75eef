package image

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"unicode/utf16"
)

// firmware is a UEFI for a machine: its code, and its variables as they are before anybody has changed them. Only two that were
// built together work together.
type firmware struct{ code, vars string }

// knownFirmware are where distributions have their UEFI without Secure Boot's keys.
var knownFirmware = []firmware{
	{"/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"},                         // Debian, Ubuntu
	{"/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"},                               // the same, older
	{"/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd"},                     // Fedora, RHEL
	{"/usr/share/edk2/x64/OVMF_CODE.4m.fd", "/usr/share/edk2/x64/OVMF_VARS.4m.fd"},                 // Arch
	{"/usr/share/qemu/ovmf-x86_64-code.bin", "/usr/share/qemu/ovmf-x86_64-vars.bin"},               // openSUSE
	{"/opt/homebrew/share/qemu/edk2-x86_64-code.fd", "/opt/homebrew/share/qemu/edk2-i386-vars.fd"}, // Homebrew
	{"/usr/local/share/qemu/edk2-x86_64-code.fd", "/usr/local/share/qemu/edk2-i386-vars.fd"},       // the same, on Intel
}

// findFirmware takes the two that were named, or the first of the known ones.
func findFirmware(code, vars string) (*firmware, error) {
	switch {
	case (code == "") != (vars == ""):
		return nil, errors.New("a UEFI is two files: name its code and its variables, or neither")
	case code != "":
		f := &firmware{code, vars}
		return f, f.check()
	}
	for _, f := range knownFirmware {
		if _, err := os.Stat(f.code); err == nil {
			return &f, f.check()
		}
	}
	return nil, errors.New("no UEFI for virtual machines was found: install it (Debian: apt install ovmf), name its files by --firmware-code and --firmware-vars, or make the image for --firmware bios")
}

// What a flash image for OVMF has: its code and its variables lie one behind the other in 2 or 4 MiB below 4 GiB, the code's end
// at 4 GiB, and were built for that division (OvmfPkg/*.fdf.inc). Both begin with the header of a firmware volume, whose
// signature is at 40.
const (
	volumeSignature = "_FVH"
	signatureAt     = 40
	maxFlash        = 8 << 20
)

// check says what is wrong with the pair.
func (f *firmware) check() error {
	var wrong []error
	read := func(path string) []byte {
		info, err := os.Stat(path)
		if err == nil && (!info.Mode().IsRegular() || info.Size() > maxFlash) {
			err = &fs.PathError{Op: "read", Path: path, Err: errors.New("it is no image of a flash")}
		}
		var data []byte
		if err == nil {
			data, err = os.ReadFile(path)
		}
		if err != nil {
			wrong = append(wrong, err)
			return nil
		}
		if len(data) < signatureAt+4 || string(data[signatureAt:signatureAt+4]) != volumeSignature {
			wrong = append(wrong, fmt.Errorf("%s is no UEFI firmware volume (raw; a qcow2 is to be converted)", path))
			return nil
		}
		return data
	}
	code, vars := read(f.code), read(f.vars)
	if err := errors.Join(wrong...); err != nil {
		return err
	}
	switch total := len(code) + len(vars); total {
	case 2 << 20, 4 << 20:
	default:
		return fmt.Errorf("%s and %s do not go together: they are %d bytes, and two that were built together are 2 or 4 MiB", f.code, f.vars, total)
	}
	if _, enrolled := variable(vars, "PK"); enrolled {
		return fmt.Errorf("%s has Secure Boot's keys in it: with Secure Boot Windows refuses drivers that are test-signed; name variables without keys", f.vars)
	}
	return nil
}

// variable finds one in a store of authenticated variables (MdeModulePkg/Include/Guid/VariableFormat.h): behind the volume's
// header, whose length is at 48, a header of 28 bytes; then for each variable 60 bytes with the sizes of its name and its
// data at 36 and 40, both of which follow, and a multiple of four bytes in all.
func variable(store []byte, name string) (data []byte, ok bool) {
	if len(store) < 64 {
		return nil, false
	}
	const variableHeader, added = 60, 0x3f
	units := utf16.Encode([]rune(name + "\x00"))
	for off := int(binary.LittleEndian.Uint16(store[48:])) + 28; off+variableHeader <= len(store); {
		v := store[off:]
		if binary.LittleEndian.Uint16(v) != 0x55aa {
			break
		}
		nameSize, dataSize := int(binary.LittleEndian.Uint32(v[36:])), int(binary.LittleEndian.Uint32(v[40:]))
		if nameSize > len(v) || dataSize > len(v) || variableHeader+nameSize+dataSize > len(v) {
			break
		}
		var own []uint16
		for i := 0; i+1 < nameSize; i += 2 {
			own = append(own, binary.LittleEndian.Uint16(v[variableHeader+i:]))
		}
		if v[2] == added && slices.Equal(own, units) {
			return bytes.Clone(v[variableHeader+nameSize : variableHeader+nameSize+dataSize]), true
		}
		off += (variableHeader + nameSize + dataSize + 3) &^ 3
	}
	return nil, false
}
