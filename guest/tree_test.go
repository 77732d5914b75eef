//go:build linux

package guest

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wskharness/guest/transfer"
)

// writeTree makes files (with their contents) and folders (names that end in a slash) below a new folder.
func writeTree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		path := dir + "/" + name
		if err := os.MkdirAll(filepath.Dir(path+"x"), 0o755); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "/") {
			continue
		}
		if err := os.WriteFile(path, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// readTree is the other direction: what is below a folder, as writeTree takes it, but every folder.
func readTree(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			found[name+"/"] = ""
			return nil
		}
		data, err := os.ReadFile(path)
		found[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// Every name is told that Windows can't have, and nothing is sent.
func TestTreeNamesAreRefusedAtOnce(t *testing.T) {
	f := newFakeGuest(t)
	g := f.connect()
	ran := len(f.ran())
	tests := map[string]struct {
		files   []string
		folders []string
		want    []string // in the error; none: no error
	}{
		"fine":                   {files: []string{`C:\a\b`, `C:\a\c`}, folders: []string{`C:\a\d`, `C:\a`}},
		"characters":             {files: []string{`C:\a\b:c`, `C:\a\q?`, `C:\fine`, `C:\a\x.`}, want: []string{"3 paths", `b:c`, `q?`, `x.`}},
		"devices":                {files: []string{`C:\a\nul.txt`}, folders: []string{`C:\COM1`}, want: []string{"nul.txt", "COM1"}},
		"case of files":          {files: []string{`C:\a\Readme`, `C:\a\README`}, want: []string{`C:\a\README and C:\a\Readme differ only in case`}},
		"case of folders":        {files: []string{`C:\a\x\1`, `C:\A\y\2`}, want: []string{`C:\A and C:\a`}},
		"case of an empty":       {files: []string{`C:\a\x`}, folders: []string{`C:\a\X`}, want: []string{`differ only in case`}},
		"twice":                  {files: []string{`C:\a`, `C:\a`}, want: []string{"named twice"}},
		"a file and a folder":    {files: []string{`C:\a`, `C:\a\b`}, want: []string{"a file and a folder"}},
		"a part of another's":    {files: []string{`C:\a\log`, `C:\a\log.part`, `C:\a\log.part.map`}},
		"the temporary name":     {files: []string{`C:\a\log`, `C:\a\` + strings.ToUpper(partName("log"))}, want: []string{"kept for files on their way"}},
		"that of its map":        {files: []string{`C:\a\` + partName("x") + ".map"}, want: []string{"kept for files on their way"}},
		"a folder of that name":  {folders: []string{`C:\a\` + partName("log")}, want: []string{"kept for files on their way"}},
		"nearly that name":       {files: []string{`C:\a\` + partName("log") + "x", `C:\a\.wskharness-1.part`}},
		"255 units":              {files: []string{`C:\a\` + strings.Repeat("世", 255), `C:\a\` + strings.Repeat("a", 251), `C:\a\` + strings.Repeat("😀", 127)}},
		"256 units":              {files: []string{`C:\a\` + strings.Repeat("😀", 128)}, want: []string{"more than 255"}},
		"kept apart by NTFS":     {files: []string{`C:\a\ı.txt`, `C:\a\I.txt`, `C:\a\ſ`, `C:\a\S`, "C:\\a\\\u00e9", "C:\\a\\e\u0301", `C:\a\𐐨`, `C:\a\𐐀`}},
		"the same to NTFS":       {files: []string{`C:\a\ÿ`, `C:\a\Ÿ`}, want: []string{"differ only in case"}},
		"relative":               {files: []string{`a\b`}, want: []string{"not absolute"}},
		"out of the destination": {files: []string{`C:\a\..\b`}, want: []string{"relative name"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			tree := transfer.Tree{Folders: test.folders}
			for _, path := range test.files {
				tree.Files = append(tree.Files, transfer.Contents(path, []byte("x")))
			}
			err := tree.Check()
			if len(test.want) == 0 {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if _, ok := errors.AsType[*transfer.NamesError](err); !ok {
				t.Fatalf("no transfer.NamesError: %v; want ok", err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in: %v; want strings.Contains(err.Error(), want)", want, err)
				}
			}
			if _, err := g.PushTree(t.Context(), &tree, nil); err == nil {
				t.Error("it was pushed")
			}
		})
	}
	if now := f.ran(); len(now) != ran {
		t.Errorf("the agent was asked: %q; want len(now) == ran", now[ran:])
	}
}
