package qemu

import (
	"errors"
	"fmt"
	"os"
)

// knownFirmware is where distributions have OVMF, UEFI's firmware for QEMU, without Secure Boot's keys: a driver that is test-signed
// is loaded by no Windows that Secure Boot is on for.
var knownFirmware = []firmware{
	{"/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"},                 // Debian, Ubuntu
	{"/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd"},             // Fedora
	{"/usr/share/edk2/x64/OVMF_CODE.4m.fd", "/usr/share/edk2/x64/OVMF_VARS.4m.fd"},         // Arch
	{"/usr/share/qemu/ovmf-x86_64-4m-code.bin", "/usr/share/qemu/ovmf-x86_64-4m-vars.bin"}, // openSUSE
	{"/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"},
}

const installFirmware = "apt-get install --no-install-recommends ovmf, or name the files: firmware_code, firmware_vars"

// findFirmware is the first that is there.
func findFirmware(known []firmware) (firmware, error) {
	for _, one := range known {
		if one.check() == nil {
			return one, nil
		}
	}
	return firmware{}, errors.New("no UEFI firmware for QEMU (OVMF) is here: " + installFirmware)
}

// check says whether the two files are there and belong together: a flash chip is a whole number of MiB, of which the variables
// have the first part and the code the rest; so files of two builds of different sizes don't add up.
func (f firmware) check() error {
	var sum int64
	for _, path := range []string{f.Code, f.Vars} {
		info, err := os.Stat(path)
		if err != nil {
			return fmt.Errorf("look at the UEFI firmware: %w: %s", err, installFirmware)
		}
		if !info.Mode().IsRegular() {
			return fmt.Errorf("look at the UEFI firmware: %s is not a file", path)
		}
		sum += info.Size()
	}
	const mib = 1 << 20
	if sum == 0 || sum%mib != 0 {
		return fmt.Errorf("%s and %s are no pair (together they are no whole number of MiB): take both from one build of OVMF", f.Code, f.Vars)
	}
	return nil
}
