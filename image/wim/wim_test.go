package wim

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
)

// capture has wimlib make a file with images such as Windows' discs have, in a compression, solid or not.
func capture(t *testing.T, compress string, images ...[]string) string {
	t.Helper()
	dir := t.TempDir()
	from := filepath.Join(dir, "from")
	if err := errors.Join(os.Mkdir(from, 0o700), os.WriteFile(filepath.Join(from, "file"), bytes.Repeat([]byte("x"), 5000), 0o600)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "install.wim")
	for n, properties := range images {
		args := []string{"append", from, file}
		if n == 0 {
			args = []string{"capture", from, file}
		}
		args = append(args, properties[0], compress)
		if n > 0 {
			args = args[:len(args)-1]
		}
		for _, p := range properties[1:] {
			args = append(args, "--image-property", p)
		}
		if _, err := exec.LookPath("wimlib-imagex"); err != nil && runtime.GOOS == "windows" {
			t.Skip(err) // scripts/deps installs it elsewhere
		}
		if out, err := exec.Command("wimlib-imagex", args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	return file
}

func windows(edition, installation string) []string {
	return []string{"WINDOWS/ARCH=9", "WINDOWS/EDITIONID=" + edition, "WINDOWS/INSTALLATIONTYPE=" + installation, "WINDOWS/LANGUAGES/DEFAULT=de-DE",
		"WINDOWS/VERSION/BUILD=26100", "WINDOWS/VERSION/SPBUILD=1742"}
}

func TestImages(t *testing.T) {
	want := []Image{
		{Index: 1, Name: "Windows 11 Home", Architecture: AMD64, Edition: "Core", Installation: "Client", Build: 26100, Revision: 1742, Language: "de-DE"},
		{Index: 3, Name: "Windows Server 2025 Standard Evaluation – Ü", DisplayName: "Server & more", Architecture: AMD64, Edition: "ServerStandardEval", Installation: "Server Core",
			Build: 26100, Revision: 1742, Language: "de-DE"},
	}
	for _, compress := range []string{"--compress=none", "--compress=LZX", "--solid"} {
		t.Run(compress, func(t *testing.T) {
			f, err := os.Open(capture(t, compress,
				append([]string{"Windows 11 Home"}, windows("Core", "Client")...),
				[]string{"Files of somebody"}, // without a Windows
				append([]string{"Windows Server 2025 Standard Evaluation – Ü", "DISPLAYNAME=Server & more"}, windows("ServerStandardEval", "Server Core")...)))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			got, err := Images(f)
			if err != nil {
				t.Fatal(err)
			}
			for n := range got {
				got[n].Bytes = 0 // wimlib counts a file of 5000 bytes in its own way
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if got[0].Evaluation() || !got[1].Evaluation() {
				t.Errorf("evaluation editions: got %t and %t", got[0].Evaluation(), got[1].Evaluation())
			}
		})
	}
}

// made is a file with this XML.
func made(text string, change func(header []byte)) []byte {
	var list []byte
	for _, unit := range utf16.Encode([]rune("\ufeff" + text)) {
		list = binary.LittleEndian.AppendUint16(list, unit)
	}
	header := make([]byte, headerSize)
	copy(header, magic)
	binary.LittleEndian.PutUint64(header[xmlAt:], uint64(len(list)))
	binary.LittleEndian.PutUint64(header[xmlAt+8:], headerSize)
	if change != nil {
		change(header)
	}
	return append(header, list...)
}

const oneImage = `<WIM><IMAGE INDEX="1"><NAME>W</NAME><WINDOWS><ARCH>12</ARCH></WINDOWS></IMAGE></WIM>`

func TestNoImages(t *testing.T) {
	for name, test := range map[string]struct {
		data []byte
		want string
	}{
		"empty":      {nil, ErrNotWIM.Error()},
		"other":      {bytes.Repeat([]byte("MZ"), 200), ErrNotWIM.Error()},
		"part":       {made(oneImage, func(h []byte) { h[partAt], h[partAt+2] = 2, 3 }), "part 2 of 3"},
		"compressed": {made(oneImage, func(h []byte) { h[xmlAt+7] = compressed }), "compressed list"},
		"unfinished": {made(oneImage, func(h []byte) { clear(h[xmlAt : xmlAt+16]) }), "was not written to its end"},
		"cut":        {made(oneImage, nil)[:headerSize+10], "is cut"},
		"no XML":     {made("<WIM><IMAGE", nil), "can't be read"},
		"another":    {made("<ZIP/>", nil), "can't be read"},
		"no Windows": {made(`<WIM><IMAGE INDEX="1"><NAME>files</NAME></IMAGE></WIM>`, nil), "no image of Windows"},
		"ARM64":      {made(oneImage, nil), ""},
	} {
		t.Run(name, func(t *testing.T) {
			images, err := Images(bytes.NewReader(test.data))
			switch {
			case test.want == "" && (err != nil || len(images) != 1 || images[0].Architecture.String() != "arm64"):
				t.Errorf("got %v, %v", images, err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func FuzzImages(f *testing.F) {
	f.Add(made(oneImage, nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		images, err := Images(bytes.NewReader(data))
		if err == nil && len(images) == 0 {
			t.Error("neither images nor an error")
		}
	})
}
