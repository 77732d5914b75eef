//go:build linux

package qemu

import (
	"slices"
	"strings"
	"testing"
)

// plain is a VM of which everything is as it is where a target says nothing.
func plain() spec {
	return spec{Image: "/base.qcow2", Format: "qcow2", Disk: "sata", Network: "e1000e", Memory: 4096, CPUs: 2, Accel: "tcg", Clock: "localtime", Port: 5986,
		Firmware: firmware{Code: "/code.fd", Vars: "/vars.fd"}}
}

func TestArguments(t *testing.T) {
	for name, test := range map[string]struct {
		change func(s *spec)
		load   bool
		want   []string // that stand one after the other, some in a line
		never  []string
	}{
		"as it comes": {
			want: []string{"-machine q35,hpet=off,accel=tcg", "-cpu max,smap=off", "-m 4096", "-smp 2", "-rtc base=localtime,driftfix=slew", "-action panic=none", "-action shutdown=pause",
				"-netdev user,id=net,hostfwd=tcp:127.0.0.1:0-:5986", "-device e1000e,netdev=net", "-device ide-hd,drive=disk,bus=ide.0,bootindex=1", "-device pvpanic-pci", "-device vmcoreinfo",
				"-mon chardev=monitor,mode=control", "-chardev socket,id=monitor,fd=3", "-chardev socket,id=serial,fd=4", "-machine pflash0=code", "-machine pflash1=vars",
				`{"driver":"qcow2","file":{"driver":"file","filename":"/guests/a,b/disk.qcow2","read-only":false},"node-name":"disk","read-only":false}`,
				`{"driver":"raw","file":{"driver":"file","filename":"/code.fd","read-only":true},"node-name":"code","read-only":true}`, "-name guest=a,,b"},
			never: []string{" -S", "tpm", "hv-", "kvm", "/base.qcow2", "/vars.fd"},
		},
		"KVM": {
			change: func(s *spec) { s.Accel = "kvm" },
			want:   []string{"accel=kvm", "-cpu host,hv-relaxed,", ",hv-crash", "-global kvm-pit.lost_tick_policy=discard"},
			never:  []string{"pvpanic", "passthrough"},
		},
		"a processor of the user's": {change: func(s *spec) { s.Accel, s.CPU = "kvm", "EPYC" }, want: []string{"-cpu EPYC -smp"}},
		"the BIOS":                  {change: func(s *spec) { s.Firmware = firmware{} }, never: []string{"pflash", "vars"}},
		"dumps":                     {change: func(s *spec) { s.Dump = true }, want: []string{"-action panic=pause"}, never: []string{"panic=none"}},
		"a TPM":                     {change: func(s *spec) { s.TPM = true }, want: []string{"-chardev socket,id=tpm,fd=6", "-device tpm-tis,tpmdev=tpm"}},
		"virtio":                    {change: func(s *spec) { s.Disk, s.Network = "virtio", "virtio" }, want: []string{"virtio-blk-pci,drive=disk,bootindex=1", "virtio-net-pci,netdev=net"}},
		"nvme":                      {change: func(s *spec) { s.Disk = "nvme" }, want: []string{"-device nvme,drive=disk,serial=wskharness,bootindex=1"}},
		"a port":                    {change: func(s *spec) { s.HostPort, s.Port = 15985, 5985 }, want: []string{"hostfwd=tcp:127.0.0.1:15985-:5985"}},
		"a snapshot":                {load: true, want: []string{" -S"}},
		"the user's own":            {change: func(s *spec) { s.Args = []string{"-vnc", ":1"} }, load: true, want: []string{"-S -vnc :1"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := plain()
			if test.change != nil {
				test.change(&s)
			}
			line := strings.Join(s.arguments("a,b", "/guests/a,b", test.load), " ")
			for _, want := range test.want {
				if !strings.Contains(line, want) {
					t.Errorf("got %s, want %q in it", line, want)
				}
			}
			for _, never := range test.never {
				if strings.Contains(line, never) {
					t.Errorf("got %s, want no %q in it", line, never)
				}
			}
		})
	}
}

// What decides nothing of what is in a snapshot has no part in its name; all else has.
func TestTemplateKey(t *testing.T) {
	base := func() guestConfig {
		return guestConfig{Version: "7.2.0", Program: "/usr/bin/qemu", Spec: spec{Memory: 512}}
	}
	key := func(c guestConfig) string {
		t.Helper()
		text, err := c.templateKey()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	was := key(base())
	for name, test := range map[string]struct {
		change func(c *guestConfig)
		same   bool
	}{
		"the target":   {func(c *guestConfig) { c.Target, c.ID, c.Run = "x", "x-1", "r" }, true},
		"the port":     {func(c *guestConfig) { c.Spec.HostPort = 5 }, true},
		"its dumps":    {func(c *guestConfig) { c.Spec.Dump = true }, true},
		"the memory":   {func(c *guestConfig) { c.Spec.Memory = 513 }, false},
		"QEMU":         {func(c *guestConfig) { c.Version = "7.2.1" }, false},
		"an argument":  {func(c *guestConfig) { c.Spec.Args = []string{"-usb"} }, false},
		"a checkpoint": {func(c *guestConfig) { c.Clean.TPM = "/x" }, false},
		"the image":    {func(c *guestConfig) { c.Spec.Made.Nanos = 7 }, false},
	} {
		c := base()
		test.change(&c)
		if got := key(c) == was; got != test.same {
			t.Errorf("%s: got the same snapshot %v, want %v", name, got, test.same)
		}
	}
}

func TestRefusedArguments(t *testing.T) {
	for text, want := range map[string]string{
		"[-vnc, ':1', -device, usb-tablet, -monitor, 'unix:/m,server,nowait']": "",
		"[-daemonize]":                      "QEMU would leave the process that ends it",
		"[--daemonize]":                     "QEMU would leave the process that ends it",
		"[-action, panic=shutdown]":         "take away Windows' dump (expected memory_dump of the target",
		"[-m, 8G]":                          "expected memory of the target",
		"[-machine, 'pc,accel=kvm']":        "args has -machine accel=",
		"[-serial, stdio]":                  "QEMU's output is no terminal",
		"['-vnc :1']":                       "an option and its value in one word (expected a word for each: [-vnc, :1])",
		"[-S, -loadvm, x, -snapshot]":       "the guest would never start",
		"-vnc":                              "args is",
		"[-no-reboot]":                      "a guest that crashes has to boot again",
		"[-runas, nobody]":                  "QEMU would not end any more",
		"[-device, 'pvpanic-pci', -m-x, z]": "",
	} {
		_, err := defineIn(t.TempDir(), "{image: /i.qcow2, user: u, password_env: P, args: "+text+"}")
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("args: %s: got %v, want %q", text, err, want)
		}
	}
}

// Mistakes are told at their places, all at once.
func TestMistakesOfTargets(t *testing.T) {
	_, err := defineIn("/etc", `{user: u, password_env: P, memory: 4, cpus: 0, cpu: 'host,hv_passthrough', firmware: bios, firmware_code: /c,
  warm: true, disk: nvme, host_port: 70000, args: [-S]}`)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"image", "memory is \"4\" (expected a size from 64M", `cpus is "0"`, "hv_passthrough", "firmware_code without firmware_vars", "with the BIOS",
		"of which QEMU can't make a snapshot", `host_port is "70000"`, "the guest would never start"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}

func TestDefinition(t *testing.T) {
	d, err := defineIn("/etc", "{image: win.qcow2, user: u, password_env: P, accel: tcg, host_port: 15986, transport: http}")
	if err != nil {
		t.Fatal(err)
	}
	if d.Shared != "127.0.0.1:15986" || d.BootWithin != emulatedBootLimit || !slices.Equal(d.Secrets.Variables, []string{"P"}) {
		t.Errorf("got %+v, want the port, the limit of an emulated machine, and the password's variable", d)
	}
	if err := d.Check(); err == nil || !strings.Contains(err.Error(), "/etc/win.qcow2 is not there") {
		t.Errorf("got %v, want an image that is not there", err)
	}
}
