package image

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// hardware is how a machine sees its disk and its network.
type hardware struct {
	disk, network string
	more          []string // arguments of QEMU's
}

// plainHardware needs no driver in Windows PE, and none under Driver Verifier.
var plainHardware = hardware{disk: "ide-hd,bus=ide.0", network: "e1000e"}

// The files of an image while it is made; those that stay have the same names.
const (
	diskName      = "disk.qcow2"
	varsName      = "vars.fd"
	answersName   = "answers.iso"
	logName       = "install.log"
	screenName    = "screen.png"
	tpmName       = "tpm"
	tpmSocketName = "tpm.sock"
)

// Block nodes, by which QEMU tells how much was read and written.
const (
	diskNode    = "system"
	windowsNode = "windows"
)

// monitorFD is the descriptor that QEMU inherits for its monitor.
const monitorFD = 3

// arguments is QEMU's command line for the installation. QEMU runs in the folder where the image is made, so that the names of
// its files are relative, and none has a comma in it.
//
// The disk comes before the disc in the order of booting: as long as it is empty the firmware goes on to the disc, and once
// Windows is on it the disc is not asked any more. The guest's network leads nowhere but to WinRM: what Windows would get
// of the internet differs from day to day.
func (p *Plan) arguments() []string {
	accel, cpu := "tcg,tb-size=512", "max,smap=off" // QEMU 7.2's emulation faults on returns to user mode with SMAP
	if p.kvm {
		accel = "kvm"
		cpu = "host,hv_relaxed,hv_vapic,hv_spinlocks=0x1fff,hv_vpindex,hv_runtime,hv_synic,hv_stimer,hv_time,hv_frequencies,hv_tlbflush,hv_ipi"
	}
	args := []string{
		"-nodefaults", "-no-user-config", "-name", "wskharness-image", "-display", "none", "-vga", "std",
		"-machine", "q35", "-accel", accel, "-cpu", cpu, "-smp", strconv.Itoa(p.options.CPUs), "-m", strconv.FormatInt(p.options.Memory, 10) + "M",
		"-rtc", "base=utc,driftfix=slew", "-boot", "menu=off,strict=on", "-action", "panic=none",
		"-global", "ICH9-LPC.disable_s3=1", "-global", "ICH9-LPC.disable_s4=1",
		"-chardev", fmt.Sprintf("socket,id=monitor,fd=%d", monitorFD), "-mon", "chardev=monitor,mode=control",
		"-chardev", "stdio,id=serial,signal=off", "-serial", "chardev:serial",
		// What a crash is told by, so that Windows finds them now and has their drivers from the start.
		"-device", "pvpanic", "-device", "vmcoreinfo",
		"-netdev", "user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:0-:5986", "-device", p.hardware.network + ",netdev=net",
	}
	if p.firmware != nil {
		args = append(args,
			"-blockdev", blockdev("code", "raw", p.firmware.code, true), "-blockdev", blockdev("vars", "raw", varsName, false),
			"-machine", "pflash0=code,pflash1=vars")
	}
	args = append(args,
		"-blockdev", blockdev(diskNode, "qcow2", diskName, false), "-device", p.hardware.disk+",drive="+diskNode+",bootindex=0",
		"-blockdev", blockdev(windowsNode, "raw", p.options.ISO, true), "-device", "ide-cd,bus=ide.1,drive="+windowsNode+",bootindex=1",
		"-blockdev", blockdev("answers", "raw", answersName, true), "-device", "ide-cd,bus=ide.2,drive=answers")
	if p.options.Drivers != "" {
		args = append(args, "-blockdev", blockdev("drivers", "raw", p.options.Drivers, true), "-device", "ide-cd,bus=ide.3,drive=drivers")
	}
	if p.tpm {
		args = append(args, "-chardev", "socket,id=tpm,path="+tpmSocketName, "-tpmdev", "emulator,id=tpm,chardev=tpm", "-device", "tpm-tis,tpmdev=tpm")
	}
	return append(args, p.hardware.more...)
}

// blockdev describes a disk by JSON, in which a path may have any character. What is written need not reach this machine's disk
// before the image is done: until then it has no name.
func blockdev(node, format, path string, readOnly bool) string {
	file := map[string]any{"driver": "file", "filename": path}
	described := map[string]any{"driver": format, "node-name": node, "file": file}
	if readOnly {
		file["read-only"], described["read-only"] = true, true
	} else {
		file["cache"], described["cache"] = map[string]any{"no-flush": true}, map[string]any{"no-flush": true}
	}
	if format == "qcow2" {
		file["discard"], described["discard"] = "unmap", "unmap"
	}
	text, _ := json.Marshal(described) // of texts and truths: it can't fail
	return string(text)
}

// tpmArguments is swtpm's command line, in the same folder; it ends when QEMU does.
func tpmArguments() []string {
	return []string{"socket", "--tpm2", "--tpmstate", "dir=" + tpmName, "--ctrl", "type=unixio,path=" + tpmSocketName, "--terminate"}
}
