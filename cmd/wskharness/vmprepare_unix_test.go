//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wskharness/disk"
	"wskharness/prepare"
	"wskharness/prepare/windows"
	"wskharness/prepare/windowstest"
	"wskharness/testtime"
)

// windowsTarget is a configuration with a static target that is a played Windows.
func windowsTarget(t *testing.T, w *windowstest.Windows) (configuration string) {
	t.Helper()
	e := windowstest.Serve(t, w)
	dir := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", dir) // of the signing key
	if err := disk.Replace(disk.OS(), filepath.Join(dir, "pw"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	configuration = filepath.Join(dir, "c.yaml")
	text := fmt.Sprintf("targets:\n  box: {provider: static, url: '%s', user: tester, auth: basic, password_file: pw, certificate_sha256: %s}\n  wine: {provider: wine}\n", e.URL, e.PinSHA256)
	if err := os.WriteFile(configuration, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return configuration
}

// played is a command with what somebody types.
func played(t *testing.T, in string, args ...string) (out, errs string, code int) {
	t.Helper()
	var said, complained strings.Builder
	code = execute(testtime.Context(t), args, streams{in: strings.NewReader(in), out: &said, err: &complained, getenv: os.Getenv})
	return said.String(), complained.String(), code
}

// A person looks at a Windows, sees the plan, has it done, finds nothing left to do, and takes it back.
func TestPrepareAndDoctor(t *testing.T) {
	w := windowstest.New()
	config := windowsTarget(t, w)
	before := w.Snapshot()
	for _, step := range []struct {
		args []string
		in   string
		code int
		out  string // is in either output
	}{
		{[]string{"doctor", "box"}, "", 3, "change   test-signing"},
		{[]string{"doctor", "box", "--json"}, "", 3, `"status": "change"`},
		{[]string{"vm", "prepare", "box", "--dry-run"}, "", 0, "fix: bcdedit /set {current} testsigning on, and reboot"},
		{[]string{"vm", "prepare", "box"}, "n\n", 2, "Do that, and reboot the machine? [y/N]"},
		{[]string{"vm", "prepare", "box", "--undo"}, "", 3, "nothing to undo"},
		{[]string{"vm", "prepare", "box", "--verify", "wsksample.sys", "--debug", "serial:2"}, "y\n", 0, "the machine is up again"},
		{[]string{"doctor", "box", "--verify", "wsksample.sys"}, "", 0, "this boot verifies wsksample.sys"},
		{[]string{"vm", "prepare", "box", "--yes"}, "", 0, "nothing is left to do"},
		{[]string{"vm", "prepare", "box", "--undo", "--dry-run", "--json"}, "", 0, `"setting": "test-signing"`},
		{[]string{"vm", "prepare", "box", "--undo", "-y"}, "", 0, "testsigning of {current} in the boot configuration"},
		{[]string{"doctor", "--explain", "0xC0000428"}, "", 0, "look at secure-boot, test-signing, certificate"},
		{[]string{"doctor", "--explain", "tea"}, "", 2, "want a number"},
		{[]string{"doctor", "wine"}, "", 2, "is a Wine guest"},
		{[]string{"vm", "prepare", "box", "--keep", "tea", "--verify", "x", "--verifier-flags", "y", "--debug", "net:1.2.3.4:80", "--certificate", "/nowhere"}, "", 2, "no such setting"},
	} {
		out, errs, code := played(t, step.in, append(step.args, "--config", config)...)
		if code != step.code || !strings.Contains(out+errs, step.out) {
			t.Fatalf("%s: got %d\n%s%s\nwant %d, with %s", step.args, code, out, errs, step.code, step.out)
		}
		if strings.Contains(out+errs, "secret") && !strings.Contains(out+errs, "secret.") {
			t.Errorf("%s tells the password", step.args)
		}
	}
	if after := w.Snapshot(); after != before {
		t.Errorf("got another machine than before")
	}
}

func TestDebugFlag(t *testing.T) {
	for text, want := range map[string]string{
		"serial:1": `{"Port":1,"Baud":115200,"Host":0,"HostPort":0}`, "serial:2:9600": `{"Port":2,"Baud":9600,"Host":0,"HostPort":0}`,
		"net:10.0.0.2:50000": `{"Port":0,"Baud":0,"Host":167772162,"HostPort":50000}`, "": "null",
	} {
		d, err := readDebug(text)
		got, _ := json.Marshal(d)
		if err != nil || string(got) != want {
			t.Errorf("%s: got %s, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"serial", "serial:0", "serial:x", "serial:1:1", "net:10.0.0.2", "net:10.0.0.2:80", "net:[::1]:50000", "usb:1"} {
		if d, err := readDebug(text); err == nil {
			t.Errorf("%s: got %+v; want an error", text, d)
		}
	}
}

// A machine that can't be prepared is left as it was: exit code 3.
func TestPrepareOfABlockedMachine(t *testing.T) {
	w := windowstest.New()
	w.Set(`SYSTEM\CurrentControlSet\Control\SecureBoot\State`, "UEFISecureBootEnabled", windows.DWord, "1")
	out, errs, code := played(t, "", "vm", "prepare", "box", "--yes", "--config", windowsTarget(t, w))
	if code != 3 || !strings.Contains(errs, "secure-boot: Secure Boot is on") || w.Changes != 0 {
		t.Errorf("got %d, %d changes\n%s%s", code, w.Changes, out, errs)
	}
	if !strings.Contains(out, string(prepare.Blocked)) {
		t.Errorf("got %s; want the plan, too", out)
	}
}
