// Package imagetest makes discs that tests install from: a stand-in for an installation disc of Windows, which is a small Linux
// that does with our answer disc what Windows PE and Windows do, and WIM files that have nothing but their list of images.
package imagetest

import (
	"context"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unicode/utf16"

	"wskharness/child"
	"wskharness/image/wim"
	"wskharness/vm/vmtest/bootable"
)

// WIM is a file with these images, as far as anybody sees who reads its list.
func WIM(images ...wim.Image) []byte {
	var text strings.Builder
	text.WriteString("\ufeff<WIM>")
	for _, i := range images {
		fmt.Fprintf(&text, `<IMAGE INDEX="%d"><NAME>%s</NAME><DISPLAYNAME>%s</DISPLAYNAME><TOTALBYTES>%d</TOTALBYTES><WINDOWS><ARCH>%d</ARCH><EDITIONID>%s</EDITIONID>`+
			`<INSTALLATIONTYPE>%s</INSTALLATIONTYPE><LANGUAGES><LANGUAGE>%[8]s</LANGUAGE><DEFAULT>%[8]s</DEFAULT></LANGUAGES><VERSION><MAJOR>10</MAJOR><MINOR>0</MINOR><BUILD>%[9]d</BUILD>`+
			`<SPBUILD>%[10]d</SPBUILD></VERSION></WINDOWS></IMAGE>`,
			i.Index, escape(i.Name), escape(i.DisplayName), i.Bytes, int(i.Architecture), escape(i.Edition), escape(i.Installation), escape(i.Language), i.Build, i.Revision)
	}
	text.WriteString("</WIM>")
	var list []byte
	for _, unit := range utf16.Encode([]rune(text.String())) {
		list = binary.LittleEndian.AppendUint16(list, unit)
	}
	const size, xmlAt = 208, 72
	header := make([]byte, size)
	copy(header, "MSWIM\x00\x00\x00")
	binary.LittleEndian.PutUint64(header[xmlAt:], uint64(len(list)))
	binary.LittleEndian.PutUint64(header[xmlAt+8:], size)
	return append(header, list...)
}

func escape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // to memory: it can't fail
	return b.String()
}

// Images are what the discs have.
var Images = []wim.Image{
	{Index: 1, Name: "Windows 11 Home", Bytes: 1 << 30, Architecture: wim.AMD64, Edition: "Core", Installation: "Client", Build: 26100, Revision: 1742, Language: "en-US"},
	{Index: 2, Name: "Windows 11 Pro", DisplayName: "Windows 11 Professional", Bytes: 1 << 30, Architecture: wim.AMD64, Edition: "Professional", Installation: "Client", Build: 26100, Revision: 1742, Language: "en-US"},
}

// Disc makes the image of a disc with these files as Microsoft's are made: in UDF.
func Disc(t testing.TB, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	from, iso := filepath.Join(dir, "from"), filepath.Join(dir, "windows.iso")
	fill(t, from, files)
	if _, err := exec.LookPath("genisoimage"); err != nil && runtime.GOOS == "windows" {
		t.Skip(err)
	}
	run(t, "genisoimage", "-quiet", "-V", "CCCOMA_X64FRE_EN-US_DV9", "-o", iso, "-udf", "-iso-level", "3", "-allow-limited-size", from)
	return iso
}

// Missing says what of this machine a stand-in needs and is not there; empty: nothing.
func Missing() string {
	for _, program := range []string{"grub-mkrescue", "xorriso", "mformat"} {
		if _, err := exec.LookPath(program); err != nil {
			return program + " is not installed: run scripts/deps test"
		}
	}
	return bootable.Missing()
}

// StandIn makes a disc that starts, asks for a key, and installs something that answers as Windows does; mode is what goes wrong
// with it, or nothing.
func StandIn(t testing.TB, mode string) string {
	t.Helper()
	guest, err := bootable.Make(context.Background(), bootable.Recipe{
		Name: "windows", Program: "wskharness/image/imagetest/inside", Content: "nothing",
		Disk: func(context.Context, string) (int64, error) { return 4 << 20, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{
		"sources/boot.wim": WIM(Images[:1]...), "sources/install.wim": WIM(Images...),
		"boot/grub/grub.cfg": fmt.Appendf(nil, "wanted=yes\nif [ $wanted = yes ]; then echo Press Enter to start from the disc; read key; fi\nlinux /boot/kernel %s standin=%s\ninitrd /boot/initrd\nboot\n", guest.Append, mode),
	}
	for name, from := range map[string]string{"boot/kernel": guest.Kernel, "boot/initrd": guest.Initrd} {
		if files[name], err = os.ReadFile(from); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	from, iso := filepath.Join(dir, "from"), filepath.Join(dir, "windows.iso")
	fill(t, from, files)
	run(t, "grub-mkrescue", "-o", iso, from, "-volid", "STANDIN")
	return iso
}

func fill(t testing.TB, dir string, files map[string][]byte) {
	t.Helper()
	for name, data := range files {
		at := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o755), os.WriteFile(at, data, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
}

func run(t testing.TB, program string, args ...string) {
	t.Helper()
	cmd := child.Command(context.Background(), []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + t.TempDir(), "LC_ALL=C"}, program, args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", program, err, out)
	}
}
