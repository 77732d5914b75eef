package harness

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"wskharness/config"
	"wskharness/harness/harnesstest"
	"wskharness/results"
	"wskharness/vm/wine"
)

const twoSuite = `suite: two
doc: Two runs at one machine
cases:
  - {id: sleeps, doc: Long enough for another to come., steps: [sleep: 4s]}
  - {id: well, doc: Nothing is wrong., steps: [register: {client: a}, deregister: {client: a}]}
`

// static is a configuration in which a guest that is up is a machine, by one of its names.
func staticOf(t *testing.T, u *wine.State, host string) *config.Config {
	t.Helper()
	dir := t.TempDir()
	text := fmt.Sprintf("targets:\n  lab: {provider: static, url: '%s', user: '%s', password_file: '%s', auth: basic, certificate_sha256: '%s'}\nsuites: [two.yaml]\n",
		strings.Replace(u.Endpoint, "127.0.0.1", host, 1), u.User, u.PasswordFile, u.CertificateSHA)
	if err := os.WriteFile(filepath.Join(dir, "two.yaml"), []byte(twoSuite), 0o644); err != nil {
		t.Fatal(err)
	}
	config, err := harnesstest.ParseConfig([]byte(text), config.Name, dir)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// rival begins a run of its own on the same machine when a case of the other is under way.
type rival struct {
	once sync.Once
	run  func()
}

func (r *rival) Handle(e results.Update) error {
	if e.Kind == results.KindCaseStarted {
		r.once.Do(r.run)
	}
	return nil
}

// One machine is one, by whichever name it is reached: the guest knows who uses it.
func TestOneMachineOfTwoNames(t *testing.T) {
	env := testEnv(t)
	up := harnesstest.BringUp(t, env.Host)
	var second *Finished
	r := &rival{run: func() { second = executeRun(t, env, staticOf(t, up, "localhost"), nil, "two.well") }}
	first := executeRun(t, env, staticOf(t, up, "127.0.0.1"), r, "two.well", "two.sleeps")
	if got := harnesstest.Outcomes(first.Record); got["two.well"] != results.Pass || got["two.sleeps"] != results.Pass {
		t.Errorf("the first run was disturbed: %v\n%s", got, summary(first))
	}
	if second == nil {
		t.Fatal("there was no second run")
	}
	want := regexp.MustCompile(`the guest is used by run ` + regexp.QuoteMeta(first.Record.Run.ID) + ` of host \S+, last heard of \d+s ago(, whose cases run there)?: wait until that is over, or resume it there with`)
	if trouble := second.Record.Targets[0].Trouble; !want.MatchString(trouble) || harnesstest.Outcomes(second.Record)["two.well"] != results.NotRun {
		t.Errorf("the second run: %s\n%s", trouble, summary(second))
	}
	// It is over, and was given back.
	third := executeRun(t, env, staticOf(t, up, "localhost"), nil, "two.well")
	if got := harnesstest.Outcomes(third.Record); got["two.well"] != results.Pass {
		t.Errorf("after the first: %v %s\n%s", got, third.Record.Targets[0].Trouble, summary(third))
	}
}
