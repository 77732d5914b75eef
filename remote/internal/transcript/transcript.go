// Package transcript reads conversations with real Windows hosts, for tests. The recordings are not
// part of this repository: they are looked for in shared/winrs-transcripts beside it, and a test
// that needs them skips where they are not.
package transcript

import (
	"os"
	"path/filepath"
	"testing"

	"gopkg.in/yaml.v3"

	"wskharness/remote/internal/wsman"
)

// Exchange is a request and what Windows answered.
type Exchange struct {
	Request, Response string
	Status            int // of HTTP
}

// Action is the request's.
func (e Exchange) Action(t testing.TB) string {
	t.Helper()
	env, err := wsman.ParseEnvelope([]byte(e.Request))
	if err != nil {
		t.Fatal(err)
	}
	return env.Action()
}

// Load reads one recording, by its file's name without the extension.
func Load(t testing.TB, name string) []Exchange {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder(t), name+".yml"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Messages []struct {
			Request  string `yaml:"request"`
			Response string `yaml:"response"`
			Error    struct {
				Code int `yaml:"code"`
			} `yaml:"transport_error"`
		} `yaml:"messages"`
	}
	if err := yaml.Unmarshal(data, &file); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	exchanges := make([]Exchange, len(file.Messages))
	for i, m := range file.Messages {
		exchanges[i] = Exchange{Request: m.Request, Response: m.Response, Status: 200}
		if m.Error.Code != 0 {
			exchanges[i].Status = m.Error.Code
		}
	}
	return exchanges
}

// folder finds the recordings: beside the folder that holds go.mod.
func folder(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the current folder")
		}
	}
	found := filepath.Join(dir, "..", "shared", "winrs-transcripts")
	if _, err := os.Stat(found); err != nil {
		t.Skip("no recordings of Windows hosts beside the repository (shared/winrs-transcripts)")
	}
	return found
}
