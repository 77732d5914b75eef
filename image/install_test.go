//go:build linux

package image

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"wskharness/config"
	"wskharness/image/imagetest"
	"wskharness/remote"
	"wskharness/vm/kinds"
)

var withVM = flag.Bool("vm", false, "install in every way, which takes minutes")

// standInPlan is a plan for a disc that stands for Windows', whose Linux knows virtio alone.
func standInPlan(t *testing.T, mode string, change func(*Options)) *Plan {
	t.Helper()
	if why := imagetest.Missing(); why != "" {
		t.Skip(why)
	}
	o := good(t)
	o.ISO = imagetest.StandIn(t, mode)
	o.Memory, o.CPUs, o.BIOS, o.TPM = 2048, 1, true, "no"
	if change != nil {
		change(&o)
	}
	p, err := NewPlan(o)
	if err != nil {
		t.Fatal(err)
	}
	// The firmware starts from the disc as it does on any machine; what it starts finds the discs as disks, once more.
	p.hardware = hardware{disk: "virtio-blk-pci,addr=0x10", network: "virtio-net-pci,romfile=", more: []string{
		"-blockdev", blockdev("windows-again", "raw", o.ISO, true), "-device", "virtio-blk-pci,drive=windows-again,addr=0x11",
		"-blockdev", blockdev("answers-again", "raw", answersName, true), "-device", "virtio-blk-pci,drive=answers-again,addr=0x12",
	}}
	return p
}

// told collects what a person is told.
type told struct {
	mu   sync.Mutex
	text []string
}

func (t *told) tell(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, text)
}

func (t *told) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(t.text, "\n")
}

// The whole way, with a machine whose processor is emulated: the disc asks for a key; what it starts reads our disc, installs,
// and restarts twice; then it answers with the certificate and to the password that it was given.
func TestInstall(t *testing.T) {
	p := standInPlan(t, "", nil)
	var said told
	made, err := p.Run(t.Context(), said.tell)
	if err != nil {
		log, _ := os.ReadFile(p.out + ".install.log")
		t.Fatalf("%v\n%s\n%s", err, said.String(), log)
	}
	t.Logf("%s\n%s", made.Took, said.String())
	checkImage(t, p, made)
}

func checkImage(t *testing.T, p *Plan, made *Made) {
	t.Helper()
	if beside := names(t, filepath.Dir(p.out)); !slices.Equal(beside, []string{"image"}) {
		t.Errorf("beside the image there are %v", beside)
	}
	want := []string{"ca.pem", "disk.qcow2", "image.json", "install.log", "password", "wskharness.yaml"}
	if p.firmware != nil {
		want = append(want, varsName)
		slices.Sort(want)
	}
	if got := names(t, p.out); !slices.Equal(got, want) {
		t.Errorf("in the image there are %v, want %v", got, want)
	}
	var r record
	data, err := os.ReadFile(filepath.Join(p.out, recordName))
	if err == nil {
		err = json.Unmarshal(data, &r)
	}
	if err != nil || r.Windows != "Windows 11 24H2" || r.User != "Administrator" || r.TPM != p.tpm || !r.TestSigning || r.Build != "26100.1742" {
		t.Errorf("got %s, %v", data, err)
	}
	for name, hash := range r.SHA256 {
		if got, err := hashOf(filepath.Join(p.out, name)); got != hash || err != nil {
			t.Errorf("%s: got %s, %v, want %s", name, got, err, hash)
		}
	}
	for name, mode := range map[string]fs.FileMode{diskName: 0o444, passwordName: 0o600, caName: 0o644, logName: 0o600} {
		if info, err := os.Stat(filepath.Join(p.out, name)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: got %v, %v, want the mode %v", name, info, err, mode)
		}
	}
	// The secrets are in the one file, and in no other.
	password, err := os.ReadFile(filepath.Join(p.out, passwordName))
	if err != nil || len(bytes.TrimSpace(password)) < 20 {
		t.Errorf("the password has %d characters, %v", len(password), err)
	}
	for _, name := range []string{recordName, snippetName, logName, caName} {
		if data, err := os.ReadFile(filepath.Join(p.out, name)); err != nil || bytes.Contains(data, bytes.TrimSpace(password)) || bytes.Contains(data, []byte("PRIVATE")) {
			t.Errorf("%s has a secret, or can't be read: %v", name, err)
		}
	}
	// What it says of a target is one, as it stands.
	c, err := config.Load(kinds.All(), filepath.Join(p.out, snippetName), p.out)
	if err != nil {
		t.Fatalf("%s: %v", made.Snippet, err)
	}
	target := c.Target("image")
	if target == nil || target.Machine.Check == nil {
		t.Fatalf("got the targets %v", c.TargetNames())
	}
	if err := target.Machine.Check(); err != nil {
		t.Errorf("%s: %v", made.Snippet, err)
	}
	if target.Machine.Secrets.Values == nil || !slices.Contains(target.Machine.Secrets.Values(os.Getenv), remote.Secret(bytes.TrimSpace(password))) {
		t.Error("the target does not find the password")
	}
}

// With UEFI and a TPM.
func TestInstallWithUEFI(t *testing.T) {
	if !*withVM {
		t.Skip("it takes minutes: go test ./image -vm")
	}
	p := standInPlan(t, "", func(o *Options) {
		o.BIOS, o.TPM = false, "yes"
		o.Out = filepath.Join(t.TempDir(), "image")
	})
	var said told
	made, err := p.Run(t.Context(), said.tell)
	if err != nil {
		log, _ := os.ReadFile(p.out + ".install.log")
		t.Fatalf("%v\n%s\n%s", err, said.String(), log)
	}
	t.Logf("%s\n%s", made.Took, said.String())
	checkImage(t, p, made)
}

// What goes wrong is told as what it is, and leaves the log alone.
func TestInstallationsThatFail(t *testing.T) {
	if !*withVM {
		t.Skip("it takes minutes: go test ./image -vm")
	}
	for mode, want := range map[string]string{
		"fail":              "install Windows: it failed while installing (Windows PE) (the last step told was: winpe): dism /Apply-Image",
		"off":               "install Windows: the machine turned itself off while installing",
		"other-certificate": "install Windows: wait for WinRM: ",
		"other-password":    "install Windows: WinRM answers, and can't be used: ",
		"not-signing":       "the system was not started with test signing",
		"restarts":          "install Windows: the system starts over and over",
	} {
		t.Run(mode, func(t *testing.T) {
			p := standInPlan(t, mode, nil)
			var said told
			_, err := p.Run(t.Context(), said.tell)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %q\n%s", err, want, said.String())
			}
			if left := names(t, filepath.Dir(p.out)); !slices.Contains(left, "image.install.log") || len(left) > 2 {
				t.Errorf("left are %v", left)
			}
		})
	}
}

// Whenever the order to end comes, nothing is left; and what a process has left that was killed is removed by the next.
func TestInstallationsThatAreCutOff(t *testing.T) {
	p := standInPlan(t, "silent", nil)
	for _, at := range []string{"", "QEMU"} {
		ctx, cancel := context.WithCancelCause(t.Context())
		mine := errors.New("enough")
		if at == "" {
			cancel(mine)
		}
		_, err := p.Run(ctx, func(text string) {
			if strings.HasPrefix(text, at) {
				cancel(mine)
			}
		})
		if !errors.Is(err, mine) && !errors.Is(err, context.Canceled) {
			t.Errorf("cut off at %q: got %v", at, err)
		}
		for _, name := range names(t, filepath.Dir(p.out)) {
			if name != "image.install.log" && name != "image.screen.png" {
				t.Errorf("cut off at %q it has left %s", at, name)
			}
		}
	}
	if err := errors.Join(os.MkdirAll(p.out+roomSuffix+"/image", 0o700), os.WriteFile(p.out+roomSuffix+"/image/"+diskName, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	var said told
	m, err := p.begin(said.tell)
	if err != nil || !strings.Contains(said.String(), "killed") {
		t.Fatalf("got %v, %s", err, said.String())
	}
	if _, err := p.begin(said.tell); err == nil || !strings.Contains(err.Error(), "somebody is just making it") {
		t.Errorf("a second one: got %v", err)
	}
	if err := m.end(false); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(p.out + roomSuffix); err == nil {
		t.Error("the room is left")
	}
}

// A QEMU that does not start says why.
func TestQEMUThatDoesNotStart(t *testing.T) {
	p := standInPlan(t, "", nil)
	p.hardware.more = []string{"-device", "no-such-device"}
	if _, err := p.Run(t.Context(), func(string) {}); err == nil || !strings.Contains(err.Error(), "start the machine") || !strings.Contains(err.Error(), "no-such-device") {
		t.Errorf("got %v", err)
	}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, entry := range entries {
		all = append(all, entry.Name())
	}
	return all
}
