package harness

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wskharness/driver"
	"wskharness/harness/harnesstest"
	"wskharness/settings"
	"wskharness/workshop"
)

// TestBadNetio: a file that can't be a netio.sys is a mistake of the configuration, before anything starts.
func TestBadNetio(t *testing.T) {
	dir := t.TempDir()
	w, err := workshop.New(t.Context(), testEnv(t).Host)
	if err != nil {
		t.Fatal(err)
	}
	sample, err := driver.Build(t.Context(), w.Toolchain, driver.SampleSpec(nil), w.Cache)
	if err != nil {
		t.Fatal(err)
	}
	agent, err := driver.Build(t.Context(), w.Toolchain, driver.AgentSpec(), w.Cache)
	if err != nil {
		t.Fatal(err)
	}
	text := filepath.Join(dir, "text.sys")
	if err := os.WriteFile(text, []byte("not an image\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "gone.sys"): "target own: netio: inspect: open " + filepath.Join(dir, "gone.sys") + ": no such file",
		text:                           "it does not begin with a DOS header",
		sample.Path:                    "wsksample.sys is no WSK provider: it does not export WskRegister, WskDeregister,",
		agent.Path:                     "wskagent.exe is no driver for 64-bit Windows: it is for x86-64, subsystem ",
	} {
		config, err := harnesstest.ParseConfig([]byte("targets: {own: {provider: wine, netio: "+path+"}}\n"), "c.yaml", dir)
		if err != nil {
			t.Fatal(err)
		}
		_, err = NewPlan(Request{Config: config})
		var usage *settings.UsageError
		if !errors.As(err, &usage) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want a usage error with %q", path, err, want)
		}
	}
}
