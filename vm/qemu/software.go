package qemu

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"

	"wskharness/child"
	"wskharness/vm"
)

const (
	qemuProgram = "qemu-system-x86_64"
	kvmDevice   = "/dev/kvm"
)

// oldest is the oldest QEMU that is known to do what is asked of it here: Debian 12's.
var oldest = [2]int{7, 2}

// software is what QEMU is on this machine.
type software struct {
	path    string
	version string
}

var versionLine = regexp.MustCompile(`^QEMU emulator version (\d{1,4})\.(\d{1,4})([^\r\n]{0,100})`)

// parseVersion reads what QEMU prints for -version.
func parseVersion(said []byte) (text string, major, minor int, err error) {
	m := versionLine.FindSubmatch(said)
	if m == nil {
		return "", 0, 0, fmt.Errorf("it does not tell its version, but %q", said[:min(len(said), 200)])
	}
	major, _ = strconv.Atoi(string(m[1])) // of digits
	minor, _ = strconv.Atoi(string(m[2]))
	return string(bytes.Join(m[1:3], []byte("."))) + string(m[3]), major, minor, nil
}

const installQEMU = "apt-get install --no-install-recommends qemu-system-x86 qemu-utils"

// findSoftware asks QEMU for its version.
func findSoftware(ctx context.Context, program string) (software, error) {
	path, err := exec.LookPath(program)
	if err != nil {
		return software{}, fmt.Errorf("%s is not on PATH: %s", program, installQEMU)
	}
	env, err := child.Environment{}.List()
	if err != nil {
		return software{}, err
	}
	cmd := child.Command(ctx, env, path, "-version")
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if _, err := child.Run(ctx, cmd); err != nil {
		return software{}, fmt.Errorf("ask %s for its version: %w: %s", path, errors.Join(err, context.Cause(ctx)), explain(said.String()))
	}
	text, major, minor, err := parseVersion(out.Bytes())
	if err != nil {
		return software{}, fmt.Errorf("ask %s for its version: %w", path, err)
	}
	if major < oldest[0] || major == oldest[0] && minor < oldest[1] {
		return software{}, fmt.Errorf("%s is QEMU %s, and %d.%d is the oldest that will do: install a newer one", path, text, oldest[0], oldest[1])
	}
	return software{path, text}, nil
}

// accelerator is what a target's word comes to on this machine; slow says why it is not KVM.
func accelerator(word string) (accel, slow string) {
	if word != "auto" {
		return word, ""
	}
	f, err := os.OpenFile(kvmDevice, os.O_RDWR, 0)
	switch {
	case err == nil:
		f.Close()
		return "kvm", ""
	case errors.Is(err, os.ErrPermission):
		return "tcg", "you may not use /dev/kvm: add yourself to its group (usermod -aG kvm $USER, then log in again)"
	}
	return "tcg", "there is no KVM here: the processor's virtualization is off in the firmware's setup, or this is a virtual machine itself"
}

// checks look for what QEMU needs on this machine.
func checks(ctx context.Context, needed bool) []vm.Check {
	if elsewhere := absent(); elsewhere != nil {
		return []vm.Check{{Name: "QEMU", Needed: needed, Detail: "it needs Linux", Fix: elsewhere.Error()}}
	}
	emulator := vm.Check{Name: "QEMU", Needed: needed}
	if found, err := findSoftware(ctx, qemuProgram); err != nil {
		emulator.Detail, emulator.Fix = err.Error(), installQEMU
	} else {
		emulator.OK, emulator.Detail = true, found.version+", "+found.path
	}
	kvm := vm.Check{Name: "KVM", OK: true, Detail: kvmDevice + " can be used"}
	if accel, slow := accelerator("auto"); accel != "kvm" {
		kvm.OK, kvm.Detail, kvm.Fix = false, "virtual machines are emulated, which is many times slower, and a crash is told without its code", slow
	}
	ovmf := vm.Check{Name: "UEFI firmware", Needed: needed}
	if found, err := findFirmware(knownFirmware); err != nil {
		ovmf.Detail, ovmf.Fix = err.Error(), "apt-get install --no-install-recommends ovmf"
	} else {
		ovmf.OK, ovmf.Detail = true, found.Code
	}
	return []vm.Check{
		emulator, program("qemu-img", needed, "makes the disks of virtual machines", "qemu-utils"), kvm, ovmf,
		program("swtpm", false, "is the TPM of virtual machines that want one (tpm: true), as Windows 11 does", "swtpm"),
	}
}

// program looks for one that is called by its name.
func program(name string, needed bool, does, from string) vm.Check {
	path, err := exec.LookPath(name)
	if err != nil {
		return vm.Check{Name: name, Needed: needed, Detail: "it " + does, Fix: "apt-get install --no-install-recommends " + from}
	}
	return vm.Check{Name: name, Needed: needed, OK: true, Detail: path}
}
