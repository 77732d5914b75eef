package qemu

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"github.com/hashicorp/go-hclog"

	"wskharness/settings"
	"wskharness/vm"
	"wskharness/vm/access"
)

// Kind is the virtual machine that this machine runs itself.
func Kind() vm.Kind {
	return vm.Kind{
		Name: "qemu", Absent: absent(), Form: form, Checks: checks, List: list, Sweep: sweep, Kept: kept,
		Roles: []vm.Role{{Name: role, Run: serveRole}},
	}
}

// role is what this program is called to be when it is to serve the guest in a folder.
const role = "qemu-guest"

func serveRole(ctx context.Context, args []string, logger hclog.Logger) error {
	return serve(ctx, args[0], logger)
}

// How long a guest may take to boot of which its target does not say it: Windows after an update, on a slow disk. Without KVM
// all takes some twenty times as long.
const (
	bootLimit         = 10 * time.Minute
	emulatedBootLimit = 90 * time.Minute
)

// target is what a target says.
type target struct {
	access.Service
	spec       spec
	firmware   string // uefi, bios
	accel      string // auto, kvm, tcg
	dump       string // never, panic
	setClock   string
	bootWithin time.Duration
}

func form() vm.Form {
	t := &target{firmware: "uefi", accel: "auto", dump: "never"}
	s := &t.spec
	*s = spec{Disk: "sata", Network: "e1000e", Memory: 4096, CPUs: 2, Clock: "localtime"}
	keys := t.Service.Table()
	keys.Doc = "A virtual machine of QEMU's on this machine. Each guest has a disk of its own over a base image, to which nobody writes."
	uefi := []settings.Rule{{Key: "firmware_vars", Want: "firmware_vars: the file of the variables that belongs to it, beside it"}}
	code := []settings.Rule{{Key: "firmware_code", Want: "firmware_code: the file of the firmware that belongs to it, beside it"}}
	keys.Keys = append(keys.Keys,
		settings.Key{Name: "image", Doc: "The base image: a qcow2, or a raw disk.", Must: "image: the path of the base image", Value: settings.Path(&s.Image)},
		settings.Key{Name: "warm", Doc: "Guests start from a snapshot of one that is up, which is made once, and go back to it: in a fraction of the time that they take to boot.", Value: settings.Bool(&s.Warm)},
		settings.Key{Name: "memory", Doc: "Such as 4G, which it is unless given.", Value: readMemory(&s.Memory)},
		settings.Key{Name: "cpus", Doc: "How many processors; 2 unless given.", Value: settings.Integer(&s.CPUs, 1, 255)},
		settings.Key{Name: "accel", Doc: "What executes the guest: KVM where there is one, unless given.", Value: settings.Word(&t.accel, "auto", "kvm", "tcg")},
		settings.Key{Name: "cpu", Doc: "QEMU's -cpu; unless given, with KVM this machine's with what Windows finds on Hyper-V, else max.", Value: readCPU(&s.CPU)},
		settings.Key{Name: "firmware", Value: settings.Word(&t.firmware, "uefi", "bios")},
		settings.Key{Name: "firmware_code", Doc: "UEFI's firmware; the distribution's OVMF unless given.", Beside: uefi, Value: settings.Path(&s.Firmware.Code)},
		settings.Key{Name: "firmware_vars", Doc: "UEFI's variables as each guest finds them at first.", Beside: code, Value: settings.Path(&s.Firmware.Vars)},
		settings.Key{Name: "tpm", Doc: "Each guest has a TPM 2.0 of its own (swtpm).", Value: settings.Bool(&s.TPM)},
		settings.Key{Name: "disk", Doc: "How the guest sees its disk; sata needs no driver in it.", Value: settings.Word(&s.Disk, "sata", "virtio", "nvme")},
		settings.Key{Name: "network", Doc: "The network card; e1000e needs no driver in Windows.", Value: settings.Word(&s.Network, "e1000e", "virtio")},
		settings.Key{Name: "host_port", Doc: "The port of this machine where the guest's WinRM is reached; a free one unless given, so that any number of guests can be up.", Value: settings.Integer(&s.HostPort, 1, 65535)},
		settings.Key{Name: "rtc", Doc: "What the machine's hardware clock has: localtime, as Windows wants it, or utc.", Value: settings.Word(&s.Clock, "localtime", "utc")},
		settings.Key{Name: "set_clock", Doc: "The command that sets the guest's clock after a snapshot, with {unix} for the seconds since 1970; PowerShell's unless given; none: it stays at the snapshot's time.", Value: settings.Text(&t.setClock)},
		settings.Key{Name: "memory_dump", Doc: "When the guest's memory is dumped by itself.", Value: settings.Word(&t.dump, "never", "panic")},
		settings.Key{Name: "boot_within", Doc: "How long a guest may take to boot.", Value: settings.Duration(&t.bootWithin, settings.LongestTime)},
		settings.Key{Name: "args", Doc: "More arguments for QEMU, each a word of its own.", Value: readArgs(&s.Args)},
	)
	return vm.Form{Keys: keys, Define: t.define}
}

func (t *target) define(r *settings.Reader, given settings.Given) vm.Definition {
	t.Check(r, given)
	s := &t.spec
	s.Folder, s.Port, s.Dump = r.Dir, t.Port, t.dump == "panic"
	if n := given["firmware_code"]; n != nil && t.firmware == "bios" {
		r.At(n, "firmware: uefi, or none of these files", "firmware_code of a target with the BIOS")
	}
	if n := given["warm"]; n != nil && s.Warm && s.Disk == "nvme" {
		r.At(n, "disk: sata or virtio, or warm: false", "warm of a target with an nvme disk, of which QEMU can't make a snapshot")
	}
	if n := given["set_clock"]; n != nil && !s.Warm {
		r.At(n, "warm: true beside it", "set_clock of a target whose guests boot, and know the time")
	}
	limit := bootLimit
	s.Accel, _ = accelerator(t.accel)
	if s.Accel == "tcg" {
		limit = emulatedBootLimit
	}
	t.bootWithin = cmp.Or(t.bootWithin, limit)
	d := vm.Definition{
		Description: fmt.Sprintf("QEMU, %s as %s", settings.DisplayPath(s.Image), t.User), Check: t.check, Provider: t.provider,
		BootWithin: t.bootWithin, MemoryDump: s.Dump, Secrets: t.Secrets(),
	}
	if s.HostPort != 0 {
		d.Shared = "127.0.0.1:" + strconv.Itoa(s.HostPort) // nobody else can have it meanwhile
	}
	return d
}

// check looks at the files that the target names.
func (t *target) check() error {
	_, err := t.complete()
	return err
}

// complete is the spec with what is found on this machine.
func (t *target) complete() (spec, error) {
	s := t.spec
	var err error
	if s.Format, err = formatOf(s.Image); err != nil {
		return s, err
	}
	if s.Image, err = filepath.EvalSymlinks(s.Image); err != nil { // an overlay outlives a link that is set anew
		return s, err
	}
	switch {
	case t.firmware == "bios":
		return s, nil
	case s.Firmware.Code != "":
		return s, s.Firmware.check()
	}
	s.Firmware, err = findFirmware(knownFirmware)
	return s, err
}

func (t *target) provider(h vm.Host) (vm.Provider, error) {
	if _, err := t.Endpoint("127.0.0.1", t.Port, h.Getenv); err != nil {
		return nil, err // before anything is started
	}
	s, err := t.complete()
	if err != nil {
		return nil, settings.Usagef("%w", err)
	}
	if _, slow := accelerator(t.accel); slow != "" && h.Tell != nil {
		h.Tell("the guest is emulated, which is many times slower: " + slow)
	}
	return newProvider(options{
		cache: h.Cache, serve: append(h.Program[:len(h.Program):len(h.Program)], role), program: qemuProgram, spec: s, service: t.Service,
		setClock: cmp.Or(t.setClock, setWindowsClock), within: t.bootWithin, getenv: h.Getenv, never: h.Never, logger: h.Logger, tell: h.Tell,
	}), nil
}
