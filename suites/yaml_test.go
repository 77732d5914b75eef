package suites

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"wskharness/strictyaml"
)

func TestAliasesAndMerges(t *testing.T) {
	catalog := load(t, `
suite: s
doc: d
cases:
  - &first
    id: first
    doc: d
    tags: [x]
    steps: &steps
      - register: &client {client: a}
      - deregister: *client
  - <<: *first
    id: second
  - <<: [{tags: [y]}, *first]
    id: third
`)
	var got []string
	for _, c := range catalog.All() {
		got = append(got, fmt.Sprint(c.ID, c.Tags, len(c.Steps)))
	}
	if diff := cmp.Diff([]string{"first[x] 2", "second[x] 2", "third[y] 2"}, got); diff != "" {
		t.Error(diff)
	}
}

// TestHostileYAML has files that would take a naive reader without end.
func TestHostileYAML(t *testing.T) {
	bomb := "a: &a [x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c <= 'i'; c++ {
		previous := strings.Repeat(fmt.Sprintf("*%c, ", c-1), 9)
		bomb += fmt.Sprintf("%c: &%c [%s]\n", c, c, strings.TrimSuffix(previous, ", "))
	}
	for _, test := range []struct{ name, text, want string }{
		{"bomb", bomb, "too much in one file"},
		{"cycle", "suite: &a [*a]\n", "an alias inside the value that it stands for"},
		{"merge cycle", "&a\nsuite: s\n<<: *a\n", "an alias inside the value that it stands for"},
		{"deep", "suite: " + strings.Repeat("[", 2000) + strings.Repeat("]", 2000), "nested too deeply"},
		{"large", "# " + strings.Repeat("x", strictyaml.MaxFileBytes), "the file has 1048578 bytes"},
		{"unknown anchor", "suite: *nobody\n", `an alias to no anchor "nobody"`},
		{"key is a list", "[a]: b\n", "a key that is not a single value"},
		{"merge of text", "<<: x\nsuite: s\n", "<< of"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Load(Source{Name: "f", Data: []byte(test.text)})
			var mistakes Mistakes
			if !errors.As(err, &mistakes) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestDiscover(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"b.yml": "b", "a.yaml": "a", "notes.txt": "x"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "c.yaml"), 0o700); err != nil {
		t.Fatal(err)
	}
	sources, err := Discover(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []Source{{Name: filepath.Join(dir, "a.yaml"), Data: []byte("a")}, {Name: filepath.Join(dir, "b.yml"), Data: []byte("b")}}
	if diff := cmp.Diff(want, sources); diff != "" {
		t.Error(diff)
	}
	if _, err := Discover(filepath.Join(dir, "none")); err == nil || !strings.HasPrefix(err.Error(), "look for suites: ") {
		t.Errorf("a folder that is not there: %v", err)
	}
	if runtime.GOOS == "windows" {
		return // there are no devices among its files
	}
	if err := os.Symlink("/dev/zero", filepath.Join(dir, "z.yaml")); err != nil {
		t.Fatal(err)
	}
	if _, err := Discover(dir); err == nil || !strings.Contains(err.Error(), "is not a regular file") {
		t.Errorf("a device: %v", err)
	}
}
