package bundle

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"wskharness/config"
	"wskharness/disk"
	"wskharness/recording"
	"wskharness/remote"
	"wskharness/results"
	"wskharness/strictyaml"
)

const (
	canaryPassword = "canary-p4ss\"word & more"
	canaryVariable = "canary-given-to-a-program"
	canaryArgument = "canary-argument-of-a-hook"
	canaryToken    = "canary-token-of-nobody"
)

// wide is a text in UTF-16LE.
func wide(text string) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune(text)) {
		b.WriteByte(byte(unit))
		b.WriteByte(byte(unit >> 8))
	}
	return b.String()
}

func text(s string) *strictyaml.Node { return &strictyaml.Node{Text: s} }

// newRun makes a run's folder with a journal, and the files given.
func newRun(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	j, err := results.Create(disk.OS(), dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []results.Event{
		{Kind: results.KindRunStarted, Run: &results.Run{ID: "r", Version: "v7", Plan: []results.PlanTarget{{Name: "lab"}}}},
		{Kind: results.KindTargetFacts, Target: "lab", Guest: &results.Guest{Kind: "wine", OS: "Wine 8", Facts: &results.Facts{Agent: "abc"}}},
		{Kind: results.KindNotice, Notice: &results.Notice{Level: results.Info, Text: canaryToken + ` in /home/otto/x and C:\Users\otto\y`}},
	} {
		if err := j.Append(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	said := &strictyaml.Node{Pairs: []strictyaml.Pair{
		{Key: text("provider"), Value: text("static")}, {Key: text("url"), Value: text("https://canary-host/")},
		{Key: text("power"), Value: &strictyaml.Node{Pairs: []strictyaml.Pair{
			{Key: text("reset"), Value: &strictyaml.Node{Items: []*strictyaml.Node{text("sh"), text(canaryArgument)}}},
			{Key: text("env"), Value: &strictyaml.Node{Items: []*strictyaml.Node{text("BMC")}}},
		}}},
	}}
	data, err := json.Marshal(map[string]any{"id": "r", "definition": "d", "request": map[string]any{
		"Config": &config.Config{Targets: []config.Target{{Name: "lab", Said: said}}}, "Command": "wskharness run", "Seed": 7}})
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, "request.json", string(data))
	for name, content := range files {
		put(t, dir, name, content)
	}
	return dir
}

func put(t *testing.T, dir, name, content string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func options(dir string) Options {
	return Options{Dir: dir, Secrets: remote.NewRedactor(canaryPassword), Home: "/srv/people/anna",
		Values: func(match func(string) bool) (values []string) {
			for name, value := range map[string]string{"BMC": canaryVariable, "SOME_TOKEN": canaryToken, "PATH": "/usr/bin"} {
				if match(name) {
					values = append(values, value)
				}
			}
			return values
		}}
}

// pack gives the files of a bundle.
func pack(t *testing.T, o Options) (map[string]string, *Contents, []byte) {
	t.Helper()
	var b bytes.Buffer
	contents, err := Write(&b, o)
	if err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = string(data)
	}
	return files, contents, b.Bytes()
}

// TestNoSecretIsPacked puts secrets everywhere, in every form, and looks for them in all that is packed.
func TestNoSecretIsPacked(t *testing.T) {
	var everything strings.Builder
	canaries := []string{canaryPassword, canaryVariable, canaryArgument, canaryToken}
	for _, c := range canaries {
		for _, form := range []string{c, wide(c)} {
			everything.WriteString(form + "\n")
			for before := range 3 {
				everything.WriteString(base64.StdEncoding.EncodeToString([]byte(strings.Repeat("-", before)+form+"--")) + "\n")
			}
		}
	}
	plain := strings.Join(canaries, "\n") + "\n" + base64.StdEncoding.EncodeToString([]byte(wide(canaryPassword))) + "\n/srv/people/anna/src C:\\Users\\otto\\z /home/otto/z"
	dir := newRun(t, map[string]string{
		"package/build.log": plain, "package/own.sys": everything.String(), "targets/lab/console-1.txt": everything.String(), "targets/lab/hang.txt": plain,
		"targets/lab/dump-1.dmp": everything.String(), "targets/lab/files/" + canaryToken + ".txt": "x", "junit.xml": plain,
	})
	r := recording.Start(disk.OS(), filepath.Join(dir, "targets", "lab"), nil, func(text string) { t.Error(text) })
	stream := `<rsp:Stream Name="stdout" CommandId="c">` + base64.StdEncoding.EncodeToString([]byte(everything.String())) + `</rsp:Stream>`
	r.Client()(remote.Exchange{Action: "Receive", Status: 200, Request: []byte("<a>" + canaryToken + "</a>"), Answer: []byte(stream), Err: errors.New(canaryPassword)})
	r.Close()

	o := options(dir)
	o.Dumps = true
	files, contents, _ := pack(t, o)
	for name, content := range files {
		look := []string{name, content}
		if strings.HasSuffix(name, ".gz") {
			if err := recording.Read(strings.NewReader(content), func(l recording.Line) error {
				_, encoded, _ := strings.Cut(l.Answer, ">")
				encoded, _, _ = strings.Cut(encoded, "<")
				data, err := base64.StdEncoding.DecodeString(encoded)
				look = append(look, l.Request, l.Answer, l.Error, string(data))
				return err
			}); err != nil {
				t.Error(err)
			}
			if len(look) < 6 {
				t.Errorf("%s has no exchange", name)
			}
		}
		for _, text := range look {
			for _, canary := range append(canaries, "canary-host") {
				inner := base64.StdEncoding.EncodeToString([]byte(canary))[:len(canary)*8/6]
				for _, form := range []string{canary, wide(canary), inner, base64.StdEncoding.EncodeToString([]byte(wide(canary)))[:len(canary)*16/6], "otto", "anna"} {
					if strings.Contains(text, form) {
						t.Errorf("%s has %q: %.300q", name, form, text)
					}
				}
			}
		}
	}
	for _, want := range []string{"README.txt", "versions.json", "request.json", "events.ndjson", "package/build.log", "targets/lab/console-1.txt", "targets/lab/hang.txt",
		"targets/lab/dump-1.dmp", "targets/lab/exchanges.ndjson.gz", "targets/lab/files/[redacted].txt"} {
		if files[want] == "" {
			t.Errorf("%s is not packed: %v", want, contents.Packed)
		}
		if want != "README.txt" && !strings.Contains(files["README.txt"], want) {
			t.Errorf("README.txt does not name %s: %s", want, files["README.txt"])
		}
	}
	for name, want := range map[string]string{"targets/lab/hang.txt": `~/src C:\Users\~\z /home/~/z`, "request.json": `"provider": "static"`, "versions.json": `"agent": "abc"`} {
		if !strings.Contains(files[name], want) {
			t.Errorf("%s has no %q: %s", name, want, files[name])
		}
	}
	if len(files["targets/lab/dump-1.dmp"]) != everything.Len() {
		t.Errorf("the dump has %d bytes, want %d: what is in it stands at offsets", len(files["targets/lab/dump-1.dmp"]), everything.Len())
	}
	if files["package/own.sys"] != "" || !strings.Contains(contents.Text(), "own.sys") {
		t.Errorf("the driver's image is packed, or not said to be left out: %s", contents.Text())
	}
}

// TestSameRunSameBytes packs twice.
func TestSameRunSameBytes(t *testing.T) {
	dir := newRun(t, map[string]string{"targets/lab/a.txt": "a", "targets/lab/dump-1.dmp": "d"})
	_, contents, one := pack(t, options(dir))
	_, _, two := pack(t, options(dir))
	if !bytes.Equal(one, two) {
		t.Error("the same run gave two bundles")
	}
	if len(contents.Left) != 1 || contents.Left[0].Name != "targets/lab/dump-1.dmp" || contents.Left[0].Size != 1 || !strings.Contains(contents.Left[0].What, "--with-dumps") {
		t.Errorf("left out: %v", contents.Left)
	}
}

// TestHostileNames has files that a guest has named, and links out of the folder.
func TestHostileNames(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no file can have these names there")
	}
	dir := newRun(t, map[string]string{
		`targets/lab/files/..\..\evil.txt`: "1", "targets/lab/files/C:evil": "2", "targets/lab/files/NUL.txt": "3", "targets/lab/files/a.": "4",
		"targets/lab/files/A": "5", "targets/lab/files/a": "6", "targets/lab/files/\x1b[31m\n": "7", "targets/lab/files/" + strings.Repeat("n", 250): "8", "README.TXT": "9",
	})
	outside := filepath.Join(t.TempDir(), "outside")
	put(t, filepath.Dir(outside), "outside", "not of the run")
	if err := errors.Join(os.Symlink(outside, filepath.Join(dir, "targets", "lab", "link")), os.Symlink(filepath.Dir(outside), filepath.Join(dir, "targets", "lab", "folder"))); err != nil {
		t.Fatal(err)
	}
	files, contents, _ := pack(t, options(dir))
	lower := map[string]bool{}
	found := ""
	for name, content := range files {
		if !filepath.IsLocal(name) || strings.ContainsAny(name, "\\:\x1b\n") || strings.HasSuffix(name, ".") || lower[strings.ToLower(name)] || strings.Contains(content, "not of the run") {
			t.Errorf("%q is packed: %.100s", name, content)
		}
		lower[strings.ToLower(name)] = true
		if len(content) == 1 {
			found += content
		}
	}
	letters := strings.Split(found, "")
	slices.Sort(letters)
	if got := strings.Join(letters, ""); got != "123456789" {
		t.Errorf("the files %s are packed, want all of 1 to 9", got)
	}
	if len(contents.Left) != 2 {
		t.Errorf("left out: %v, want the two links", contents.Left)
	}
	if strings.ContainsAny(contents.Text(), "\x1b") {
		t.Errorf("%q", contents.Text())
	}
}

// TestRunningRun refuses a run whose journal somebody writes, and one that is none.
func TestRunningRun(t *testing.T) {
	dir := newRun(t, nil)
	j, _, err := results.Open(disk.OS(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Write(io.Discard, options(dir)); !errors.Is(err, ErrRunning) {
		t.Errorf("got %v, want %v", err, ErrRunning)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	pack(t, options(dir))
	if _, err := Write(io.Discard, options(t.TempDir())); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want that there is no journal", err)
	}
}

// FuzzSafe holds names in the archive to its folder.
func FuzzSafe(f *testing.F) {
	f.Add("targets/lab/files/../../x")
	f.Add("a//b/./CON")
	f.Fuzz(func(t *testing.T, name string) {
		if got := safe(name, map[string]bool{}); !filepath.IsLocal(got) || strings.ContainsAny(got, "\\:\x00") {
			t.Errorf("%q became %q", name, got)
		}
	})
}
