//go:build linux

package guest

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"wskharness/remote"
	"wskharness/testtime"
)

// realClean leaves in a guest what a run can leave, beside what was there before and what is somebody else's: what is new and
// the harness's own goes, and nothing else.
func realClean(t *testing.T, w *wineGuest, g *Guest) {
	const (
		services = `HKLM\SYSTEM\CurrentControlSet\Services\`
		devices  = `HKLM\SYSTEM\CurrentControlSet\Enum\ROOT\WSKCLEAN\`
		stores   = `HKLM\SOFTWARE\Microsoft\SystemCertificates\`
		sha1     = "0123456789ABCDEF0123456789ABCDEF01234567"
		other    = "76543210FEDCBA9876543210FEDCBA9876543210"
	)
	ctx := testtime.Context(t)
	exec := func(want uint32, args ...string) {
		t.Helper()
		line := remote.CommandLine{Line: `C:\windows\system32\` + args[0] + `.exe`, SkipShell: true, Args: args[1:]}
		if code, err := g.Exec(ctx, line, nil, io.Discard, io.Discard); err != nil || code != want {
			t.Fatalf("%q: exit code %d, %v, want %d", args, code, err, want)
		}
	}
	file := func(name string) {
		t.Helper()
		path := filepath.Join(w.prefix, "drive_c", "wskharness", filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x"), 0o444); err != nil {
			t.Fatal(err)
		}
	}
	leave := func(name, certificate string) {
		t.Helper()
		exec(0, "sc", "create", "wskclean-"+name, "binPath=", `C:\wskharness\store\`+name+`\x.exe run`)
		exec(0, "reg", "add", devices+name, "/v", "Service", "/d", "wskclean-"+name, "/f")
		exec(0, "reg", "add", devices+name, "/v", "ClassGUID", "/d", "{4d36e97d-e325-11ce-bfc1-08002be10318}", "/f")
		exec(0, "reg", "add", stores+`ROOT\Certificates\`+certificate, "/v", "Blob", "/t", "REG_BINARY", "/d", "00", "/f")
		exec(0, "reg", "add", stores+`TrustedPublisher\Certificates\`+certificate, "/v", "Blob", "/t", "REG_BINARY", "/d", "00", "/f")
		file("runs/" + name + "/deep/er/file")
		file("store/" + name + "/x.exe")
	}
	own := Own{Driver: "wskcleandriver", Certificate: sha1}
	exec(0, "sc", "create", "somebodys", "binPath=", `C:\elsewhere\x.exe`)
	leave("old", other)
	before, err := g.Left(ctx, own)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(before.Services, "wskclean-old") || !slices.Contains(before.Files, `runs\old`) || !slices.Contains(before.Devices, `ROOT\WSKCLEAN\old`) {
		t.Fatalf("got %+v, want what was left before", before)
	}
	leave("new", sha1)
	file("stray")
	exec(0, "sc", "create", "wskcleandriver", "type=", "kernel", "binPath=", `C:\windows\system32\drivers\wskclean.sys`)
	exec(0, "reg", "add", services+"wskleftkey", "/v", "ImagePath", "/d", `\??\C:\wskharness\store\x.sys`, "/f") // of no service, as after a crash

	removed, err := g.Clean(ctx, own, before)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"certificate ROOT\\" + sha1, "certificate TrustedPublisher\\" + sha1, `device ROOT\WSKCLEAN\new`, `file runs\new`, `file store\new`, "file stray",
		"service wskclean-new", "service wskcleandriver", "service wskleftkey"}
	slices.Sort(removed)
	if diff := cmp.Diff(want, removed); diff != "" {
		t.Errorf("removed: %s", diff)
	}
	after, err := g.Left(ctx, own)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("the guest is not as it was: %s", diff)
	}
	for _, key := range []string{services + "wskclean-new", services + "wskcleandriver", services + "wskleftkey", devices + "new", stores + `ROOT\Certificates\` + sha1} {
		exec(1, "reg", "query", key)
	}
	for _, key := range []string{services + "somebodys", services + "wskclean-old", devices + "old", stores + `ROOT\Certificates\` + other} {
		exec(0, "reg", "query", key)
	}
	if removed, err := g.Clean(ctx, own, before); err != nil || len(removed) != 0 {
		t.Errorf("a second time: removed %q, %v, want nothing", removed, err)
	}
	for _, args := range [][]string{{"--kind", "service", "somebodys"}, {"--kind", "file", `..\windows\win.ini`}, {"--kind", "file", g.agentFolder()}, {"--kind", "file", "agent"},
		{"--kind", "certificate", `MY\` + sha1}, {"--kind", "device", `ROOT\WSKCLEAN\none`}, {"--kind", "driver", "x"}} {
		if _, err := g.queryOnce(ctx, append([]string{"remove"}, args...)...); err == nil {
			t.Errorf("%q was removed", args)
		}
	}

	// A file that somebody has open stays, and is told by its name.
	file("runs/held/other")
	input, keep := io.Pipe()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = g.Exec(ctx, remote.CommandLine{Line: `set /p x= >C:\wskharness\runs\held\out`}, input, io.Discard, io.Discard)
	}()
	testtime.Await(t, "the file to be held", func() bool {
		_, err := os.Stat(filepath.Join(w.prefix, "drive_c", "wskharness", "runs", "held", "out"))
		return err == nil
	})
	_, err = g.Clean(ctx, own, before)
	if stays, ok := errors.AsType[*StaysError](err); !ok || len(stays.Why) != 1 || !strings.Contains(err.Error(), `file runs\held: `) {
		t.Errorf("got %v, want that runs\\held stays", err)
	}
	keep.Close()
	<-ended
	if removed, err := g.Clean(ctx, own, before); err != nil || !slices.Equal(removed, []string{`file runs\held`}) {
		t.Errorf("got %q, %v, want what had stayed", removed, err)
	}
}
