package qemu

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// spec is what a VM is made of. It is written into the guest's folder, where the process that serves the guest reads it; and
// warm snapshots are told apart by it. It has no secrets.
type spec struct {
	Image    string   `json:"image"` // the base image, which nobody writes to
	Made     identity `json:"made"`  // its state
	Format   string   `json:"format"`
	Disk     string   `json:"disk"`     // how the guest sees it: sata, virtio, nvme
	Network  string   `json:"network"`  // its network card: e1000e, virtio
	Firmware firmware `json:"firmware"` // zero: the BIOS
	Memory   int64    `json:"memory"`   // MiB
	CPUs     int      `json:"cpus"`
	Accel    string   `json:"accel"` // kvm or tcg
	CPU      string   `json:"cpu"`   // empty: what suits Accel
	TPM      bool     `json:"tpm"`
	Clock    string   `json:"clock"`    // of the machine: localtime, as Windows wants it, or utc
	Port     int      `json:"port"`     // of WinRM in the guest
	HostPort int      `json:"hostPort"` // where it is reached on this machine; 0: QEMU chooses
	Dump     bool     `json:"dump"`     // the memory, when the guest crashes
	Args     []string `json:"args"`     // the user's
	Folder   string   `json:"folder"`   // from which relative paths among them count
	Warm     bool     `json:"warm"`     // it starts from a snapshot of a guest that is up
}

// firmware is UEFI's: a pair of files that belong together.
type firmware struct {
	Code string `json:"code,omitempty"` // which nobody writes to
	Vars string `json:"vars,omitempty"` // variables as they are before the first boot
}

// The files of a VM, in the folder of its guest.
const (
	diskFile  = "disk.qcow2"
	varsFile  = "vars.qcow2"
	tpmFolder = "tpm"
	crashFile = "crash.dump"
)

// Block nodes of a VM: what its snapshots are made of.
const (
	diskNode = "disk"
	varsNode = "vars"
)

// snapshotTag names the snapshot of the clean state in a warm VM's disk.
const snapshotTag = "ready"

// nodes are those that a snapshot has to have.
func (s *spec) nodes() []string {
	if s.Firmware.Code == "" {
		return []string{diskNode}
	}
	return []string{diskNode, varsNode}
}

// Descriptors that QEMU inherits.
const (
	monitorFD = 3 + iota
	serialFD
	guestLockFD // so that nobody takes the folder for a dead guest's before QEMU has ended
	tpmFD       // of a guest that has a TPM
)

// arguments is QEMU's command line for the VM whose files are in dir; load says that it is to start from the snapshot in them, and
// waits for that: -loadvm would look for the memory in whichever of its disks comes first, which are the UEFI variables.
//
// Of the features that a Windows guest on KVM is given none is hv_passthrough, which would be all of this host's, and change with
// it; hv-crash is among them, since it tells of a crash with code and parameters and needs no driver in the guest.
func (s *spec) arguments(name, dir string, load bool) []string {
	machine := "q35,hpet=off,accel=" + s.Accel
	panicked := "none" // QEMU's own default would turn the VM off before Windows has written its dump
	if s.Dump {
		panicked = "pause" // until the memory is dumped
	}
	all := []string{
		"-name", "guest=" + strings.ReplaceAll(name, ",", ",,"), "-nodefaults", "-no-user-config", "-display", "none", "-vga", "std",
		"-machine", machine, "-cpu", s.cpu(), "-smp", strconv.Itoa(s.CPUs), "-m", strconv.FormatInt(s.Memory, 10),
		"-rtc", "base=" + s.Clock + ",driftfix=slew",
		"-global", "ICH9-LPC.disable_s3=1", "-global", "ICH9-LPC.disable_s4=1",
		"-action", "panic=" + panicked, "-action", "shutdown=pause",
		"-chardev", "socket,id=monitor,fd=" + strconv.Itoa(monitorFD), "-mon", "chardev=monitor,mode=control",
		"-chardev", "socket,id=serial,fd=" + strconv.Itoa(serialFD), "-serial", "chardev:serial",
		"-device", "vmcoreinfo",
		"-blockdev", blockdev(diskNode, "qcow2", filepath.Join(dir, diskFile), false),
	}
	switch s.Disk {
	case "virtio":
		all = append(all, "-device", "virtio-blk-pci,drive="+diskNode+",bootindex=1")
	case "nvme":
		all = append(all, "-device", "nvme,drive="+diskNode+",serial=wskharness,bootindex=1")
	default:
		all = append(all, "-device", "ide-hd,drive="+diskNode+",bus=ide.0,bootindex=1")
	}
	forward := fmt.Sprintf("hostfwd=tcp:127.0.0.1:%d-:%d", s.HostPort, s.Port)
	card := "e1000e"
	if s.Network == "virtio" {
		card = "virtio-net-pci"
	}
	all = append(all, "-netdev", "user,id=net,"+forward, "-device", card+",netdev=net")
	if s.Firmware.Code != "" {
		all = append(all,
			"-blockdev", blockdev("code", "raw", s.Firmware.Code, true), "-machine", "pflash0=code",
			"-blockdev", blockdev(varsNode, "qcow2", filepath.Join(dir, varsFile), false), "-machine", "pflash1="+varsNode)
	}
	if s.Accel == "kvm" {
		all = append(all, "-global", "kvm-pit.lost_tick_policy=discard")
	} else {
		all = append(all, "-device", "pvpanic-pci")
	}
	if s.TPM {
		all = append(all, "-chardev", "socket,id=tpm,fd="+strconv.Itoa(tpmFD), "-tpmdev", "emulator,id=tpm,chardev=tpm", "-device", "tpm-tis,tpmdev=tpm")
	}
	if load {
		all = append(all, "-S")
	}
	return append(all, s.Args...)
}

// windowsFeatures are what Windows finds on a Hyper-V host, in the place of which KVM stands.
var windowsFeatures = []string{
	"hv-relaxed", "hv-vapic", "hv-spinlocks=0x1fff", "hv-vpindex", "hv-runtime", "hv-synic", "hv-stimer", "hv-time",
	"hv-frequencies", "hv-tlbflush", "hv-ipi", "hv-crash",
}

// cpu is the processor. TCG of QEMU 7.2 faults where user mode is returned to with SMAP on: seen with Wine on Linux.
func (s *spec) cpu() string {
	switch {
	case s.CPU != "":
		return s.CPU
	case s.Accel == "kvm":
		return strings.Join(slices.Concat([]string{"host"}, windowsFeatures), ",")
	}
	return "max,smap=off"
}

// blockdev describes a file as JSON, in which a name needs no quoting.
func blockdev(node, format, path string, readOnly bool) string {
	description, err := json.Marshal(map[string]any{
		"node-name": node, "driver": format, "read-only": readOnly,
		"file": map[string]any{"driver": "file", "filename": path, "read-only": readOnly},
	})
	if err != nil {
		panic(err) // texts and booleans
	}
	return string(description)
}
