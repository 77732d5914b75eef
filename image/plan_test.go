package image

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wskharness/image/imagetest"
	"wskharness/image/wim"
	"wskharness/settings"
)

// windowsDisc is a disc as Microsoft's, with these images.
func windowsDisc(t *testing.T, images ...wim.Image) string {
	t.Helper()
	return imagetest.Disc(t, map[string][]byte{"sources/boot.wim": imagetest.WIM(imagetest.Images[0]), "sources/install.wim": imagetest.WIM(images...)})
}

// driverDisc is one as virtio-win.iso, with these folders.
func driverDisc(t *testing.T, folders ...string) string {
	t.Helper()
	files := map[string][]byte{"README": nil}
	for _, folder := range folders {
		files[folder+"/driver.inf"] = []byte("[Version]")
		files[folder+"/driver.sys"] = []byte("MZ")
	}
	return imagetest.Disc(t, files)
}

func image11(change func(*wim.Image)) wim.Image {
	i := imagetest.Images[1]
	if change != nil {
		change(&i)
	}
	return i
}

func TestPlan(t *testing.T) {
	o := good(t)
	o.ISO = windowsDisc(t, imagetest.Images...)
	o.Drivers = driverDisc(t, "NetKVM/w11/amd64", "NetKVM/w10/amd64", "pvpanic/w10/amd64", "fwcfg/w11/ARM64", "viostor/w11/x86")
	o.TPM = "auto"
	p, err := NewPlan(o)
	if err != nil {
		t.Fatal(err)
	}
	text := p.Describe()
	for _, want := range []string{
		"Windows 11 24H2", `"Windows 11 Pro", edition 2 of ` + o.ISO, "build 26100.1742", "UEFI without Secure Boot: /usr/share/OVMF/OVMF_CODE_4M.fd",
		"a TPM", "driver    NetKVM/w11/amd64\ndriver    pvpanic/w10/amd64\n", "viostor (virtio disks), vioscsi", "that takes hours", "64 GiB", "qemu-system-x86_64 -nodefaults",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the plan does not say %q:\n%s", want, text)
		}
	}
	files, err := p.Files()
	if err != nil || !bytes.Contains(files["wskharness/install.cmd"], []byte("/Index:2 ")) || !bytes.Contains(files["wskharness/install.cmd"], []byte(`%DRIVERS%\pvpanic\w10\amd64`)) {
		t.Errorf("got %s, %v", files["wskharness/install.cmd"], err)
	}
	if entries, err := os.ReadDir(filepath.Dir(o.Out)); err != nil || len(entries) > 0 {
		t.Errorf("a plan has left %v, %v", entries, err)
	}
}

// Everything that can be known to go wrong is told before anything is done, and whose mistake it is.
func TestPlansThatCannotBe(t *testing.T) {
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte("aaaaa-bbbbb-ccccc-ddddd-eeeee\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	whole := windowsDisc(t, imagetest.Images...)
	for name, test := range map[string]struct {
		change func(t *testing.T, o *Options)
		want   []string
	}{
		"no such disc": {func(t *testing.T, o *Options) { o.ISO = "nowhere.iso" }, []string{"nowhere.iso: no such file"}},
		"no disc":      {func(t *testing.T, o *Options) { o.ISO = key }, []string{"is no image of a disc"}},
		"another disc": {func(t *testing.T, o *Options) { o.ISO = driverDisc(t, "x") }, []string{"is no installation disc of Windows", "CCCOMA"}},
		"no images": {func(t *testing.T, o *Options) {
			o.ISO = imagetest.Disc(t, map[string][]byte{"sources/boot.wim": nil})
		}, []string{"neither sources/install.wim nor sources/install.esd"}},
		"split": {func(t *testing.T, o *Options) {
			o.ISO = imagetest.Disc(t, map[string][]byte{"sources/boot.wim": nil, "sources/install.swm": nil, "sources/install2.swm": nil})
		}, []string{"in parts", "wimlib-imagex join"}},
		"damaged": {func(t *testing.T, o *Options) {
			o.ISO = imagetest.Disc(t, map[string][]byte{"sources/boot.wim": nil, "sources/install.wim": []byte("MZ")})
		}, []string{"sources/install.wim is no WIM"}},
		"several editions": {func(t *testing.T, o *Options) { o.Edition = "" }, []string{"several editions", `1  "Windows 11 Home": Core`, `2  "Windows 11 Pro (Windows 11 Professional)": Professional`}},
		"no such edition":  {func(t *testing.T, o *Options) { o.Edition = "Enterprise" }, []string{`no edition "Enterprise"`, "Windows 11 Home"}},
		"no such number":   {func(t *testing.T, o *Options) { o.Edition = "7" }, []string{"no edition 7", "Windows 11 Home"}},
		"one word of two": {func(t *testing.T, o *Options) {
			o.ISO = windowsDisc(t, image11(nil), image11(func(i *wim.Image) { i.Index, i.Name, i.DisplayName = 3, "Windows 11 Pro N", "" }))
		}, []string{"word of several", "Windows 11 Pro N"}},
		"ARM64": {func(t *testing.T, o *Options) {
			o.ISO = windowsDisc(t, image11(func(i *wim.Image) { i.Architecture = wim.ARM64 }))
		}, []string{"is for arm64", "take the disc for x64"}},
		"x86": {func(t *testing.T, o *Options) {
			o.ISO = windowsDisc(t, image11(func(i *wim.Image) { i.Architecture = wim.X86 }))
		}, []string{"is for x86"}},
		"old": {func(t *testing.T, o *Options) {
			o.ISO = windowsDisc(t, image11(func(i *wim.Image) { i.Build = 14393 }))
		}, []string{"build 14393", "Windows 10 1809"}},
		"no Windows": {func(t *testing.T, o *Options) {
			o.ISO = windowsDisc(t, image11(func(i *wim.Image) { i.Installation = "WindowsPE" }))
		}, []string{`"WindowsPE"`}},
		"language": {func(t *testing.T, o *Options) {
			o.ISO = windowsDisc(t, image11(func(i *wim.Image) { i.Language = "" }))
		}, []string{"language"}},
		"key of an evaluation": {func(t *testing.T, o *Options) {
			o.ISO, o.KeyFile, o.Edition = windowsDisc(t, image11(func(i *wim.Image) { i.Edition = "ServerStandardEval" })), key, ""
		}, []string{"takes no product key"}},
		"no key":          {func(t *testing.T, o *Options) { o.KeyFile = whole }, []string{"read the product key", "larger than 4096"}},
		"no drivers":      {func(t *testing.T, o *Options) { o.Drivers = whole }, []string{"has no drivers for Windows 11 24H2", "NetKVM/w11/amd64"}},
		"no driver disc":  {func(t *testing.T, o *Options) { o.Drivers = key }, []string{"is no image of a disc"}},
		"folder is there": {func(t *testing.T, o *Options) { o.Out = t.TempDir() }, []string{"is there already"}},
		"no parent":       {func(t *testing.T, o *Options) { o.Out = filepath.Join(t.TempDir(), "a", "b") }, []string{"no such file"}},
		"no QEMU":         {func(t *testing.T, o *Options) { o.QEMU = "no-such-qemu" }, []string{"no-such-qemu, which runs the machine, is not here", "apt install qemu-system-x86"}},
		"half a UEFI":     {func(t *testing.T, o *Options) { o.Code = "x.fd" }, []string{"two files"}},
		"UEFI for a BIOS": {func(t *testing.T, o *Options) { o.BIOS, o.Code, o.Vars = true, "x", "y" }, []string{"leave out either"}},
		"small disk":      {func(t *testing.T, o *Options) { o.Disk = 20 << 30 }, []string{"a disk of 20 GiB"}},
		"small memory":    {func(t *testing.T, o *Options) { o.Memory = 512 }, []string{"512 MiB"}},
		"processors":      {func(t *testing.T, o *Options) { o.CPUs = 1000 }, []string{"1000 processors"}},
		"no room": {func(t *testing.T, o *Options) {
			o.ISO = windowsDisc(t, image11(func(i *wim.Image) { i.Bytes = 1 << 60 }))
		}, []string{"has room for"}},
		"all at once": {func(t *testing.T, o *Options) {
			o.ISO, o.QEMU, o.Disk, o.Drivers = key, "no-such-qemu", 1, "nowhere.iso"
		}, []string{"is no image of a disc", "no-such-qemu", "a disk of 0 GiB"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := good(t)
			o.ISO = whole
			test.change(t, &o)
			_, err := NewPlan(o)
			if err == nil {
				t.Fatal("there is a plan")
			}
			if _, ok := errors.AsType[*settings.UsageError](err); !ok {
				t.Errorf("%T is no usage error", err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %q", err, want)
				}
			}
		})
	}
}

func TestWithoutSwtpm(t *testing.T) {
	o := good(t)
	o.ISO, o.TPM = windowsDisc(t, imagetest.Images...), "auto"
	bin := t.TempDir()
	for _, program := range []string{"/usr/bin/qemu-system-x86_64", "/usr/bin/qemu-img"} {
		if err := os.Symlink(program, filepath.Join(bin, filepath.Base(program))); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin)
	_, err := NewPlan(o)
	if err == nil || !strings.Contains(err.Error(), "swtpm, which is the machine's TPM, is not here") || !strings.Contains(err.Error(), "--tpm no") {
		t.Errorf("got %v", err)
	}
	o.TPM = "no"
	if _, err := NewPlan(o); err != nil {
		t.Errorf("without a TPM: %v", err)
	}
}

func TestReleases(t *testing.T) {
	for _, test := range []struct {
		installation string
		build        int
		want         string
	}{
		{"Client", 17763, "Windows 10 1809"}, {"Client", 19045, "Windows 10 2004 to 22H2"}, {"Client", 22631, "Windows 11 23H2"}, {"Client", 26100, "Windows 11 24H2"},
		{"Client", 26200, "Windows 11 25H2"}, {"Client", 29000, "Windows 11 25H2"}, {"Server", 17763, "Windows Server 2019"}, {"Server Core", 20348, "Windows Server 2022"},
		{"Server", 25398, "Windows Server 2022"}, {"Server", 26100, "Windows Server 2025"}, {"Server", 14393, ""}, {"WindowsPE", 26100, ""},
	} {
		r, err := releaseOf(wim.Image{Installation: test.installation, Build: test.build})
		if got := ""; err == nil {
			if got = r.name; got != test.want {
				t.Errorf("%s %d: got %q, want %q", test.installation, test.build, got, test.want)
			}
		} else if test.want != "" {
			t.Errorf("%s %d: %v", test.installation, test.build, err)
		}
	}
}

// good are options with which a plan can be made.
func good(t *testing.T) Options {
	t.Helper()
	return Options{Out: filepath.Join(t.TempDir(), "image"), Edition: "Professional", TPM: "no", Accel: "tcg", Disk: 64 << 30, Memory: 4096, CPUs: 2}
}
