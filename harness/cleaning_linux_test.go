package harness

import (
	"crypto/sha1"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"wskharness/config"
	"wskharness/driver"
	"wskharness/guest"
	"wskharness/harness/harnesstest"
	"wskharness/remote"
	"wskharness/results"
	"wskharness/targets"
	"wskharness/testtime"
	"wskharness/vm/wine"
	"wskharness/workshop"
)

const wellSuite = `suite: wellness
doc: Nothing is wrong
cases:
  - {id: well, doc: Nothing is wrong., steps: [register: {client: a}, deregister: {client: a}]}
`

// staticLab is a target that a Wine guest serves.
func staticLab(t *testing.T, up *wine.State, keys string, files map[string]string) *config.Config {
	t.Helper()
	dir := t.TempDir()
	var names []string
	for name, text := range files {
		names = append(names, name)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text := fmt.Sprintf("targets:\n  lab: {provider: static, url: '%s', user: '%s', password_file: '%s', auth: basic, certificate_sha256: '%s'%s}\nsuites: [%s]\nout: %s\n",
		up.Endpoint, up.User, up.PasswordFile, up.CertificateSHA, keys, strings.Join(names, ", "), t.TempDir())
	config, err := harnesstest.ParseConfig([]byte(text), config.Name, dir)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// leftIn is what of the harness's own is in a guest.
func leftIn(t *testing.T, env Env, up *wine.State, lab *config.Config) guest.Left {
	t.Helper()
	w, err := workshop.New(testtime.Context(t), env.Host)
	if err != nil {
		t.Fatal(err)
	}
	tools, err := w.Tools(testtime.Context(t), &lab.Targets[0])
	if err != nil {
		t.Fatal(err)
	}
	client, err := targets.Dial(t.Context(), &config.Config{}, env.Host, up.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	g, err := guest.Connect(testtime.Context(t), client, guest.Options{Agent: tools.Agent})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close(t.Context())
	left, err := g.Left(testtime.Context(t), guest.Own{Driver: "wsksample", Certificate: testCertificate(t)})
	if err != nil {
		t.Fatal(err)
	}
	return left
}

// testCertificate is the SHA-1 of the certificate that drivers are signed with here.
func testCertificate(t *testing.T) string {
	t.Helper()
	signer, err := driver.UserSigner(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%X", sha1.Sum(signer.Certificate.Raw))
}

func phasesOf(t *testing.T, done *Finished) map[string]results.Phase {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(done.Dir, "events.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	last := map[string]results.Phase{}
	for line := range strings.Lines(string(text)) {
		var e results.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		if e.Phase != nil && e.Phase.State != results.PhaseStarted {
			last[e.Phase.Name] = *e.Phase
		}
	}
	return last
}

// TestStaticGuestIsCleaned: what a run brings into a guest that nobody reverts is out of it when the run is over, and what was
// there before stays, such as the certificate that `vm prepare` has put there.
func TestStaticGuestIsCleaned(t *testing.T) {
	env := testEnv(t)
	up := harnesstest.BringUp(t, env.Host)
	client, err := targets.Dial(t.Context(), &config.Config{}, env.Host, up.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	line := remote.CommandLine{Line: `mkdir C:\wskharness\runs\old & echo x>C:\wskharness\runs\old\journal.ndjson & ` +
		`reg add HKLM\SOFTWARE\Microsoft\SystemCertificates\ROOT\Certificates\` + testCertificate(t) + ` /v Blob /t REG_BINARY /d 00 /f`}
	if code, err := remote.Exec(testtime.Context(t), client, line, remote.ShellOptions{}, nil, os.Stderr, os.Stderr); err != nil || code != 0 {
		t.Fatal(code, err)
	}
	lab := staticLab(t, up, "", map[string]string{"well.yaml": wellSuite})
	done := executeRun(t, env, lab, nil, "wellness")
	if got := harnesstest.Outcomes(done.Record)["wellness.well"]; got != results.Pass {
		t.Fatalf("got %s, want pass\n%s", got, summary(done))
	}
	clean := phasesOf(t, done)[results.PhaseClean]
	if clean.State != results.PhaseDone || !strings.Contains(clean.Detail, `file runs\`+filepath.Base(done.Dir)) {
		t.Errorf("got %+v, want that the run's folder was removed", clean)
	}
	left := leftIn(t, env, up, lab)
	var before guest.Left
	text, err := os.ReadFile(filepath.Join(done.Dir, "targets", "lab", beforeFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &before); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, left); diff != "" || !slices.Contains(left.Files, `runs\old`) || !slices.Contains(left.Certificates, `ROOT\`+testCertificate(t)) {
		t.Errorf("the guest is not as it was, with runs\\old and the certificate: %s\n%+v", diff, left)
	}
}

// TestRevertThatLies: a machine that its revert program has left as it is gets nothing more to run; one that it has reverted does.
func TestRevertThatLies(t *testing.T) {
	env := testEnv(t)
	for name, test := range map[string]struct {
		command string
		after   results.Outcome
		why     string
	}{
		"it reverts":    {harnesstest.RevertCommand, results.Pass, ""},
		"it only says":  {"true", results.NotRun, "its revert program has ended well, and the guest still has C:\\wskharness\\runs\\"},
		"it only boots": {harnesstest.ResetCommand, results.NotRun, "it was not reverted"},
	} {
		t.Run(name, func(t *testing.T) {
			up := harnesstest.BringUp(t, env.Host)
			keys := ", revert_when: tainted, revert: ['true']"
			if test.command != "true" {
				keys = fmt.Sprintf(", revert_when: tainted, revert: [%q, %s, %q, %s]", env.Program[0], test.command, env.Cache, up.ID)
			}
			done := executeRun(t, env, staticLab(t, up, keys, map[string]string{"taint.yaml": taintSuite}), nil, "taint.faults", "taint.well")
			if got := harnesstest.Outcomes(done.Record)["taint.well"]; got != test.after {
				t.Errorf("got %s, want %s\n%s", got, test.after, summary(done))
			}
			if why := harnesstest.ReasonOf(done.Record, "taint.well"); !strings.Contains(why, test.why) {
				t.Errorf("got %s, want %q", why, test.why)
			}
			if _, cleaned := phasesOf(t, done)[results.PhaseClean]; cleaned {
				t.Error("a machine that is reverted was cleaned")
			}
		})
	}
}
