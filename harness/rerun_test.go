package harness

import (
	"path/filepath"
	"testing"
	"time"

	"wskharness/config"
	"wskharness/suites"
)

// TestRerunOfWhatIsOfNoCase: the command for deploy.start and deploy.stop runs the same again: the same cases as often, with
// the same choices, of the same configuration.
func TestRerunOfWhatIsOfNoCase(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for want, request := range map[string]Request{
		"wskharness run --target wine": {Config: &config.Config{}, Repeat: 1},
		"wskharness run capture 'device.*' --target wine --tags 'lifetime,!slow' --repeat 3 --seed 7 --shuffle --stress-for 2s --config 'my lab.yaml'": {
			Config:    &config.Config{Path: filepath.Join(dir, "my lab.yaml")},
			Selection: suites.Selection{Patterns: []string{"capture", "device.*"}, Tags: []string{"lifetime", "!slow"}},
			Repeat:    3, Seed: 7, Shuffle: true, StressFor: 2 * time.Second,
		},
	} {
		s := &session{run: &run{plan: &Plan{Request: request}}, target: &config.Target{Name: "wine"}}
		if got := s.rerunAll(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
