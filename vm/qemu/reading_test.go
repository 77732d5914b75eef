package qemu

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wskharness/vm"
	"wskharness/vm/qmp"
)

func TestMeaning(t *testing.T) {
	for text, want := range map[string]happening{
		`GUEST_PANICKED {"action": "run", "info": {"type": "hyper-v", "arg1": 209, "arg2": 18446744073709551615, "arg3": 2, "arg4": 0, "arg5": 5}}`: {event: &vm.Event{
			Kind: vm.Panicked, Code: 0xd1, Args: [4]uint64{1<<64 - 1, 2, 0, 5}, Text: "bugcheck 0x000000D1 (0xffffffffffffffff, 0x2, 0x0, 0x5)"}},
		`GUEST_PANICKED {"action": "pause"}`:                                    {event: &vm.Event{Kind: vm.Panicked, Text: "QEMU: GUEST_PANICKED"}, paused: true},
		`GUEST_PANICKED {"action": "run", "info": {"type": "s390", "core": 0}}`: {event: &vm.Event{Kind: vm.Panicked, Text: "QEMU: GUEST_PANICKED"}},
		`GUEST_CRASHLOADED {"action": "run"}`:                                   {event: &vm.Event{Kind: vm.Panicked, Text: "QEMU: GUEST_CRASHLOADED"}},
		`GUEST_PANICKED [1]`:                                                    {},
		`SHUTDOWN {"guest": true, "reason": "guest-shutdown"}`:                  {event: &vm.Event{Kind: vm.Stopped, Text: "the guest has turned itself off"}},
		`SHUTDOWN {"guest": false, "reason": "host-qmp-quit"}`:                  {},
		`RESET {"guest": true, "reason": "guest-reset"}`:                        {event: &vm.Event{Kind: vm.Reset, Text: "the guest starts anew (guest-reset)"}},
		`RESET {"guest": false, "reason": "host-qmp-system-reset"}`:             {},
		`STOP`: {},
		`BLOCK_IO_ERROR {"device": "", "node-name": "disk", "operation": "write", "action": "stop", "nospace": true, "reason": "No space left on device"}`: {event: &vm.Event{
			Kind: vm.Stopped, Text: "the disk that has the guest's folder is full, and QEMU has stopped the guest: make room there"}},
		`BLOCK_IO_ERROR {"node-name": "disk", "operation": "read", "action": "report"}`: {},
	} {
		name, data, _ := strings.Cut(text, " ")
		got := meaning(qmp.Event{Name: name, Data: json.RawMessage(data)})
		if got.paused != want.paused || (got.event == nil) != (want.event == nil) || got.event != nil && *got.event != *want.event {
			t.Errorf("%s: got %+v, %v, want %+v, %v", text, got.event, got.paused, want.event, want.paused)
		}
	}
}

func FuzzMeaning(f *testing.F) {
	f.Add("GUEST_PANICKED", []byte(`{"action": "run", "info": {"type": "hyper-v", "arg1": 209}}`))
	f.Add("SHUTDOWN", []byte(`{"guest": true}`))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		if h := meaning(qmp.Event{Name: name, Data: data}); h.event != nil && (h.event.Kind == "" || h.event.Text == "") {
			t.Errorf("an event that tells nothing: %+v", h.event)
		}
	})
}

func TestImages(t *testing.T) {
	boot := make([]byte, 1024)
	boot[510], boot[511] = 0x55, 0xaa
	vdi := make([]byte, 0x48)
	copy(vdi[0x40:], "\x7f\x10\xda\xbe")
	for name, test := range map[string]struct{ content, format, err string }{
		"a qcow2":           {"QFI\xfb\x00\x00\x00\x03", "qcow2", ""},
		"an old qcow2":      {"QFI\xfb\x00\x00\x00\x02", "qcow2", ""},
		"a qcow":            {"QFI\xfb\x00\x00\x00\x01", "", "qcow image of version 1: make a qcow2 of it with: qemu-img convert -f qcow "},
		"a raw disk":        {string(boot), "raw", ""},
		"a VHDX":            {"vhdxfile\x00", "", "-f vhdx -O qcow2"},
		"a VMDK":            {"KDMV\x01", "", "-f vmdk"},
		"a VDI":             {string(vdi), "", "-f vdi"},
		"compressed":        {"\x1f\x8b\x08", "", "unpack it"},
		"empty":             {"", "", "neither a qcow2 image nor a raw disk"},
		"text":              {"once upon a time", "", "neither a qcow2 image nor a raw disk"},
		"a part of a qcow2": {"QFI\xfb", "", "version 0"},
	} {
		path := filepath.Join(t.TempDir(), "image")
		if err := os.WriteFile(path, []byte(test.content), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := formatOf(path)
		if got != test.format || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s: got %q, %v, want %q, %q", name, got, err, test.format, test.err)
		}
	}
	if _, err := formatOf(t.TempDir()); err == nil || !strings.Contains(err.Error(), "is not a file") {
		t.Errorf("a folder: got %v", err)
	}
	if os.Geteuid() > 0 { // there are such files, and this user is not the one who may read all of them
		path := filepath.Join(t.TempDir(), "image")
		if err := os.WriteFile(path, boot, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := formatOf(path); err == nil || !strings.Contains(err.Error(), "chmod a+r") {
			t.Errorf("an image that may not be read: got %v", err)
		}
	}
}

func FuzzKindOf(f *testing.F) {
	f.Add([]byte("QFI\xfb\x00\x00\x00\x03"))
	f.Add([]byte("<<< Oracle VM VirtualBox Disk Image >>>"))
	f.Fuzz(func(t *testing.T, head []byte) {
		if kind := kindOf(head); kind.what == "" {
			t.Errorf("got %+v", kind)
		}
	})
}

func TestVersions(t *testing.T) {
	for said, want := range map[string]string{
		"QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)\nCopyright": "7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)",
		"QEMU emulator version 10.1.0\n":                                            "10.1.0",
		"qemu: command not found":                                                   "",
		"":                                                                          "",
	} {
		if got, _, _, err := parseVersion([]byte(said)); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q, %v, want %q", said, got, err, want)
		}
	}
}

func FuzzParseVersion(f *testing.F) {
	f.Add([]byte("QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)\n"))
	f.Fuzz(func(t *testing.T, said []byte) {
		if text, major, _, err := parseVersion(said); err == nil && (text == "" || major < 0 || major > 9999) {
			t.Errorf("got %q, %d", text, major)
		}
	})
}

// What QEMU says is passed on, with what it means. The sentences are those of QEMU 7.2.
func TestExplain(t *testing.T) {
	for said, want := range map[string]string{
		"qemu-system-x86_64: -netdev user,id=net,hostfwd=tcp:127.0.0.1:5986-:5986: Could not set up host forwarding rule 'tcp:127.0.0.1:5986-:5986'": "port 5986 of this machine is taken",
		"qemu-system-x86_64: -blockdev {}: Failed to get shared \"write\" lock\nIs another process using the image [/b/base.qcow2]?":                 "another program writes to the image /b/base.qcow2 (",
		"Could not access KVM kernel module: Permission denied\nqemu-system-x86_64: failed to initialize kvm: Permission denied":                     "usermod -aG kvm $USER",
		"Could not access KVM kernel module: No such file or directory":                                                                              "there is no KVM here",
		"qemu-system-x86_64: cannot set up guest memory 'pc.ram': Cannot allocate memory":                                                            "lower memory",
		"qemu-img: /x/disk.qcow2: Could not create: No space left on device":                                                                         "is full: make room",
		"qemu-system-x86_64: -blockdev {}: Could not open '/b/other.qcow2': No such file or directory":                                               "is not where the image says: /b/other.qcow2",
		"qemu-system-x86_64: -blockdev {}: Could not open '/b/base.qcow2': Permission denied":                                                        "you may not open /b/base.qcow2",
		"qemu-system-x86_64: -frobnicate: invalid option":                                                                                            "does not know an option",
		"qemu-system-x86_64: -device foo: 'foo' is not a valid device model name":                                                                    "does not know an option",
		"something else": "something else",
	} {
		if got := explain(said); !strings.Contains(got, want) || !strings.Contains(got, strings.TrimSpace(said)) {
			t.Errorf("got %q, want %q in it, and what was said", got, want)
		}
	}
	if got := explain(strings.Repeat("x", 100_000)); len(got) > 2*maxSaid {
		t.Errorf("%d bytes", len(got))
	}
}

// The last of a console is kept, and whoever follows it gets all of that, and what comes.
func TestConsoleIsBounded(t *testing.T) {
	c := newConsole()
	piece := []byte(strings.Repeat("x", 1000) + "\n")
	for range 4 * maxConsole / len(piece) {
		c.add(piece)
	}
	c.add([]byte("the end"))
	text := c.tail()
	if len(text) != maxConsole || !strings.HasSuffix(string(text), "the end") || cap(c.kept) > 8*maxConsole {
		t.Errorf("%d bytes kept in %d, which end with %q", len(text), cap(c.kept), text[len(text)-10:])
	}
	_, now, more, _ := c.from(0)
	c.add([]byte(" of it"))
	<-more
	text, now, _, over := c.from(now)
	if string(text) != " of it" || over {
		t.Errorf("got %q, %v", text, over)
	}
	c.end()
	if text, _, _, over := c.from(now); len(text) != 0 || !over {
		t.Errorf("got %q, %v, want the end", text, over)
	}
}
