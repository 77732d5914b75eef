package main

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"wskharness/child/childtest"
	"wskharness/driver"
	"wskharness/recording"
	"wskharness/testtime"
)

// What nobody may ever see, each where it belongs: passwords in the variables and the file that the configuration names,
// one of them a variable that every program would get; a variable that it does not name; and what a reset program is
// given, by name and as an argument, which nobody but that program sees.
const (
	canaryVariable  = "canary-q7-of-password_env"
	canaryHarmless  = "canary-q7-of-a-harmless-name"
	canaryFile      = "canary-q7-of-password_file"
	canaryInherited = "canary-q7-inherited"
	canaryGiven     = "canary-q7-given"
	canaryArgument  = "canary-q7-argument"
)

// canaryFirst is the configuration that the guest is brought up with.
const canaryFirst = `targets:
  wine: {provider: wine}
  one: {provider: static, url: 'https://127.0.0.1:1/wsman', user: u, password_env: ONE_PASSWORD}
  two: {provider: static, url: 'https://127.0.0.1:1/wsman', user: u, password_env: LC_TWO_PASSWORD}
  three: {provider: static, url: 'https://127.0.0.1:1/wsman', user: u, password_file: pw}
`

// canaryLab is the guest as a machine that is just there. Its reset program tells all that it knows, looks at every
// process of the guest and at the one that serves it, and fails.
const canaryLab = `  lab:
    provider: static
    url: %s
    user: %s
    password_env: LAB_PASSWORD
    auth: basic
    certificate_sha256: %s
    power:
      reset: [sh, reset.sh, ` + canaryArgument + `]
      env: [BMC]
`

const canarySuites = `suite: own
doc: A driver that is built in front of everybody
cases:
  - {id: loads, doc: A program runs., steps: [run: {program: cmd.exe, args: [/c, set]}]}
`

const canaryTaint = `suite: taint
doc: A crash, and a case behind it
cases:
  - {id: faults, doc: Crashes the machine., misuse: true, steps: [fault: {kind: write, address: 0x10}]}
  - {id: well, doc: Nothing is wrong., steps: [register: {client: a}, deregister: {client: a}]}
`

// tellAll is what a program does that can't keep anything to itself. It knows the passwords from elsewhere, too.
const tellAll = `cat pw %[1]s
env
tr '\0' '\n' </proc/$$/environ
tr '\0' '\n' </proc/$$/cmdline
{ cat /proc/$$/environ /proc/$$/cmdline; echo; } >>observed/%[2]s
`

// TestNoSecretGetsOut runs the product with secrets wherever it may have some, and looks for them in all that it leaves
// behind and prints, at -v, and in the environment and the arguments of every process that it starts.
func TestNoSecretGetsOut(t *testing.T) {
	t.Parallel()
	l := newLife(t)
	config := filepath.Join(l.dir, "home")
	signing := filepath.Join(config, "wskharness", "signing")
	if _, err := driver.LoadOrCreateSigner(signing, time.Now().Add(-65*24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	l.env = append(l.env, "XDG_CONFIG_HOME="+config, "ONE_PASSWORD="+canaryVariable, "LC_TWO_PASSWORD="+canaryHarmless,
		"INHERITED="+canaryInherited, "BMC="+canaryGiven)
	l.write(t, "wskharness.yaml", canaryFirst)
	l.write(t, "pw", canaryFile+"\n")
	l.write(t, "own.yaml", canarySuites)
	l.write(t, "taint.yaml", canaryTaint)
	if err := os.Mkdir(filepath.Join(l.dir, "observed"), 0o700); err != nil {
		t.Fatal(err)
	}
	sample := lastLine(l.said(t, "build"))
	doctor := l.doctorWithShim(t)

	var up struct{ Endpoint, User, PasswordFile, CertificateSha256 string }
	said := l.said(t, "vm", "up", "--json", "-v")
	if err := json.Unmarshal([]byte(said[strings.Index(said, "{\n"):]), &up); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	guestPassword, err := os.ReadFile(up.PasswordFile)
	if err != nil {
		t.Fatal(err)
	}
	password := strings.TrimSpace(string(guestPassword))
	canaries := []string{canaryVariable, canaryHarmless, canaryFile, canaryInherited, canaryGiven, canaryArgument, password}
	if n := l.observe(t, canaries); n < 4 { // the process that serves the guest, its guard, wineserver, winrshost.exe
		t.Errorf("only %d processes of the guest were seen", n)
	}

	l.env = append(l.env, "LAB_PASSWORD="+password)
	lab := canaryFirst + fmt.Sprintf(canaryLab, up.Endpoint, up.User, up.CertificateSha256)
	l.write(t, "wskharness.yaml", lab+"suites: [taint.yaml]\n")
	l.write(t, "built.yaml", lab+"suites: [own.yaml]\ndriver: {source: ., build: [sh, build.sh], build_env: [GIVEN], sys: own.sys}\n")
	l.write(t, "reset.sh", fmt.Sprintf(tellAll, up.PasswordFile, "reset")+`echo "$@"
for p in /proc/[0-9]*; do
  if grep -qz "WINEPREFIX=$PWD" $p/environ || grep -q "$PWD/cache" $p/cmdline; then { cat $p/environ $p/cmdline; echo; } >>observed/guest; fi
done 2>/dev/null
echo no such outlet; exit 3
`)
	build := fmt.Sprintf(tellAll, up.PasswordFile, "build")
	l.write(t, "build.sh", build+"cp '"+sample+"' own.sys\n")

	unset := l.said(t, "run", "--config", "built.yaml", "--target", "lab", "own", "-v", "--out", "unset")
	l.holds(t, unset, "the environment variable GIVEN, which it is to be given, is not set: export it")
	l.env = append(l.env, "GIVEN=what-is-given")
	built := l.said(t, "run", "--config", "built.yaml", "--target", "lab", "own", "-v", "--record", "--out", "built")
	l.holds(t, built, "1 pass")
	l.holds(t, l.file(t, "built/latest/package/build.log"), "GIVEN=what-is-given", "[redacted]")
	l.holds(t, l.file(t, "built/latest/events.ndjson"), "the test certificate expires in 2")

	l.write(t, "build.sh", build+"exit 3\n")
	failed := l.said(t, "run", "--config", "built.yaml", "--target", "lab", "own", "-v", "--out", "failed")
	l.holds(t, failed, "build the driver", "exit status 3", "[redacted]")
	l.holds(t, l.file(t, "failed/latest/build.log"), "GIVEN=what-is-given", "[redacted]")

	tainted := l.said(t, "run", "--target", "lab", "taint.faults", "taint.well", "-v", "--record", "--out", "tainted")
	l.holds(t, l.file(t, "tainted/latest/events.ndjson"), "power reset by the target's program: sh: exit status 3", "BMC=[redacted]", "no such outlet")
	crashed := l.said(t, "run", "--target", "wine", "taint.faults", "-v", "--out", "crashed")
	dry := l.said(t, "run", "--config", "built.yaml", "--target", "lab", "own", "--dry-run")
	for _, name := range []string{"build", "reset", "guest", "compiler"} {
		l.holds(t, l.file(t, "observed/"+name), "PATH=")
	}

	for name, text := range map[string]string{"doctor": doctor, "up": said, "unset": unset, "built": built, "failed": failed, "tainted": tainted, "crashed": crashed, "dry run": dry} {
		for _, canary := range canaries {
			if strings.Contains(text, canary) {
				t.Errorf("%s prints %s", name, canary)
			}
		}
	}
	l.search(t, canaries, up.PasswordFile)
	l.bundles(t, append(canaries, "what-is-given"), "built/latest", "tainted/latest")
	l.modes(t, "built/latest", "tainted/latest", "crashed/latest")
	l.said(t, "vm", "down", "--all")
	l.nothingLeft(t)
}

// doctorWithShim asks the compiler for its version, which tells how it was started before it answers.
func (l *life) doctorWithShim(t *testing.T) string {
	t.Helper()
	toolchain, err := driver.FindToolchain(t.Context())
	if err != nil {
		t.Skip(err)
	}
	bin := filepath.Join(l.dir, "bin")
	if err := os.Mkdir(bin, 0o700); err != nil {
		t.Fatal(err)
	}
	shim := fmt.Sprintf("#!/bin/sh\n{ cat /proc/$$/environ /proc/$$/cmdline; echo; } >>'%s/observed/compiler'\nexec '%s' \"$@\"\n", l.dir, toolchain.CC)
	childtest.Program(t, filepath.Join(bin, "x86_64-w64-mingw32-gcc"), shim)
	before := l.env
	defer func() { l.env = before }()
	l.env = append(slices.Clone(before), "PATH="+bin+":"+os.Getenv("PATH"))
	return l.said(t, "doctor", "-v")
}

func (l *life) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(l.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (l *life) file(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(l.dir, name))
	if err != nil {
		t.Error(err)
	}
	return string(data)
}

// said is what a command prints, whatever its exit code is.
func (l *life) said(t *testing.T, args ...string) string {
	t.Helper()
	ctx := testtime.Context(t)
	cmd, said := l.command(ctx, "", args...)
	cmd.Args = cmd.Args[:len(args)+1] // without a folder for its runs
	if err := cmd.Run(); ctx.Err() != nil || cmd.ProcessState == nil {
		t.Fatalf("%v: %v: %s", args, err, said)
	}
	return said.String()
}

// holds demands that a text has some parts.
func (l *life) holds(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in %s", part, text)
		}
	}
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndex(text, "\n")+1:]
}

// observe looks at the environment and the arguments of each process that has to do with the guests, and counts them.
func (l *life) observe(t *testing.T, canaries []string) (seen int) {
	t.Helper()
	processes, _ := filepath.Glob("/proc/[0-9]*")
	for _, process := range processes {
		environ, _ := os.ReadFile(filepath.Join(process, "environ"))
		cmdline, _ := os.ReadFile(filepath.Join(process, "cmdline"))
		if !bytes.Contains(environ, []byte("WINEPREFIX="+l.cache)) && !bytes.Contains(cmdline, []byte(l.cache)) {
			continue
		}
		seen++
		for _, canary := range canaries {
			if bytes.Contains(environ, []byte(canary)) || bytes.Contains(cmdline, []byte(canary)) {
				t.Errorf("%q has %s", cmdline, canary)
			}
		}
	}
	return seen
}

// search looks for secrets in every file, but for those that are there to hold them: the passwords, and what was asked
// for, which has the words of the reset program and is for the user alone.
func (l *life) search(t *testing.T, canaries []string, guestPassword string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(l.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || path == guestPassword || path == filepath.Join(l.dir, "pw") {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		var mayHave []string
		switch name := filepath.Base(path); {
		case name == "request.json" || filepath.Ext(name) == ".yaml":
			mayHave = []string{canaryArgument}
		case name == "reset": // what that program has seen of itself
			mayHave = []string{canaryArgument, canaryGiven}
		}
		for _, canary := range canaries {
			if bytes.Contains(data, []byte(canary)) && !slices.Contains(mayHave, canary) {
				t.Errorf("%s has %s", path, canary)
			}
		}
		return nil
	})
	if err != nil || files < 100 {
		t.Errorf("%d files were searched: %v", files, err)
	}
}

// bundles packs runs, and looks for secrets in what is packed, also in what the streams of their exchanges had.
func (l *life) bundles(t *testing.T, canaries []string, runs ...string) {
	t.Helper()
	for _, run := range runs {
		file := filepath.Join(l.dir, strings.ReplaceAll(run, "/", "-")+".zip")
		said := l.said(t, "report", "--config", "built.yaml", "--bundle", run, file)
		l.holds(t, said, "events.ndjson", "request.json", "versions.json", "targets/lab/exchanges.ndjson.gz", "targets/lab/journal-1.ndjson")
		l.holds(t, l.said(t, "report", "--config", "built.yaml", "--bundle", run, file), "it is there already")
		z, err := zip.OpenReader(file)
		if err != nil {
			t.Fatal(err)
		}
		defer z.Close()
		exchanges := 0
		for _, f := range z.File {
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			data, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(f.Name, ".gz") {
				err := recording.Read(bytes.NewReader(data), func(l recording.Line) error {
					exchanges++
					data = append(data, l.Request+l.Answer...)
					for _, word := range strings.FieldsFunc(l.Request+l.Answer, func(c rune) bool { return c == '<' || c == '>' }) {
						if decoded, err := base64.StdEncoding.DecodeString(word); err == nil {
							data = append(data, decoded...)
						}
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
			for _, canary := range canaries {
				if bytes.Contains(data, []byte(canary)) {
					t.Errorf("the bundle of %s has %s in %s", run, canary, f.Name)
				}
			}
		}
		if exchanges < 10 {
			t.Errorf("%s: %d exchanges were recorded", run, exchanges)
		}
	}
}

// modes checks which files of runs others can read: the reports, the journal, the package, and what its build wrote.
func (l *life) modes(t *testing.T, runs ...string) {
	t.Helper()
	shared := []string{"events.ndjson", "junit.xml", "summary.md", "build.log"}
	kept := map[string]bool{}
	for _, run := range runs {
		dir, err := filepath.EvalSymlinks(filepath.Join(l.dir, run))
		if err != nil {
			t.Fatal(err)
		}
		err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			want := fs.FileMode(0o600)
			if slices.Contains(shared, d.Name()) || filepath.Base(filepath.Dir(path)) == "package" {
				want = 0o644
			} else {
				kept[strings.TrimRight(strings.TrimSuffix(d.Name(), filepath.Ext(d.Name())), "-0123456789")] = true
			}
			if info.Mode().Perm() != want {
				t.Errorf("%s has mode %04o, want %04o", path, info.Mode().Perm(), want)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"request", "checkpoint", "journal", "console"} {
		if !kept[name] {
			t.Errorf("no %s was found in the runs: %v", name, kept)
		}
	}
}
