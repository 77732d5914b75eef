package strictyaml_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"wskharness/strictyaml"
)

func Example() {
	r := strictyaml.NewReporter("house.yaml")
	root := strictyaml.Parse([]byte("rooms: many\ncolour: red\n"), r)
	m, ok := r.Mapping(root, "the house")
	if !ok {
		return
	}
	if n := m.Take("rooms"); n != nil {
		r.Number(n, "rooms", 1, 100)
	}
	m.Need("door", "door: open or closed")
	m.Take("color")
	m.Done()
	fmt.Println(r.Err())
	// Output:
	// house.yaml:1:1: the house has no door (expected door: open or closed)
	// house.yaml:1:8: rooms is "many" (expected a whole number from 1 to 100)
	// house.yaml:2:1: unknown key "colour" in the house; did you mean "color"? (expected one of rooms, door, color)
}

func TestParseRefuses(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for i := range 9 {
		bomb += fmt.Sprintf("%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n", 'b'+i, 'b'+i, 'a'+i, 'a'+i, 'a'+i, 'a'+i, 'a'+i, 'a'+i, 'a'+i, 'a'+i)
	}
	for _, test := range []struct{ name, text, want string }{
		{"empty", "", "f:1:1: the file is empty (expected a mapping)"},
		{"two documents", "a: 1\n---\nb: 2\n", "f:2:1: a second YAML document starts here (expected one document a file)"},
		{"duplicate key", "a: 1\nb: 2\na: 3\n", `f:3:1: "a" is here twice, first on line 1 (expected each key once)`},
		{"tag", "a: !!binary aGk=\n", "f:1:4: a tag, !!binary (expected the value without it"},
		{"too large", strings.Repeat("#", 1<<20+1), "f:1:1: the file has 1048577 bytes (expected at most 1 MiB)"},
		{"alias bomb", bomb, "too much in one file"},
		{"deep", strings.Repeat("[", 40) + strings.Repeat("]", 40), "nested too deeply"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := strictyaml.NewReporter("f")
			begun := time.Now()
			strictyaml.Parse([]byte(test.text), r)
			if took := time.Since(begun); took > time.Minute {
				t.Errorf("took %s", took)
			}
			err := r.Err()
			if err == nil {
				t.Fatal("no mistake")
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %q, want something with %q", err, test.want)
			}
		})
	}
}

func TestMergeKeysAndAliases(t *testing.T) {
	r := strictyaml.NewReporter("f")
	root := strictyaml.Parse([]byte("base: &b {x: 1, y: 2}\nuse: {<<: *b, y: 3}\n"), r)
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	use, ok := r.Mapping(root.Pairs[1].Value, "use")
	if !ok {
		t.Fatal(r.Err())
	}
	got := map[string]string{}
	for _, p := range use.Node.Pairs {
		got[p.Key.Text] = p.Value.Text
	}
	if diff := cmp.Diff(map[string]string{"x": "1", "y": "3"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"500ms": 500 * time.Millisecond, "2s": 2 * time.Second, "1m30s": 90 * time.Second,
		"0s": 0, "-1s": 0, "+1s": 0, ".5s": 0, "1µs": 0, "0": 0, "1:30": 0, "1m05s": 65 * time.Second, "1.5ms": 0, "3h": 0, "5": 0, "soon": 0, "null": 0, "[1s]": 0,
	} {
		r := strictyaml.NewReporter("f")
		root := strictyaml.Parse([]byte("d: "+text+"\n"), r)
		got, ok := r.Duration(root.Pairs[0].Value, "d", time.Hour)
		if ok != (want != 0) || got != want {
			t.Errorf("%s: got %s, %v", text, got, ok)
		}
		if ok == (r.Err() != nil) {
			t.Errorf("%s: usable %v, but the mistakes are %v", text, ok, r.Err())
		}
	}
}

func TestHint(t *testing.T) {
	for name, want := range map[string]string{
		"captur": `; did you mean "capture"?`, "CAPTURE": `; did you mean "capture"?`, "zebra": "",
	} {
		if got := strictyaml.Hint(name, []string{"capture", "release"}); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// FuzzParse holds the parser to its bounds: whatever the bytes, it ends, and either there are
// mistakes or a tree whose every node has a place.
func FuzzParse(f *testing.F) {
	f.Add([]byte("a: &x {b: [1, *x]}\n"))
	f.Add([]byte("<<: [{a: 1}, {b: 2}]\n? [k]\n: v\n"))
	f.Add([]byte("a: |\n  text\n---\n"))
	f.Add([]byte("a: 'x\nb: 'y'\n  c: [1\r\td: }\n"))
	f.Add([]byte("%YAML 1.2\n%TAG ! x\n---\na: \"\\q\"\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := strictyaml.NewReporter("f")
		root := strictyaml.Parse(data, r)
		if root == nil && r.Err() == nil {
			t.Fatal("neither a tree nor a mistake")
		}
		for _, m := range r.Mistakes() {
			if lines := bytes.Count(data, []byte("\n")) + bytes.Count(data, []byte("\r")) + 1; m.Line < 1 || m.Line > lines || m.Column < 1 || m.Column > len(data)+1 {
				t.Fatalf("a mistake outside the file: %+v", m)
			}
		}
		var walk func(*strictyaml.Node)
		walk = func(n *strictyaml.Node) {
			if n.Line < 1 || n.Column < 1 {
				t.Fatalf("a node without a place: %+v", n)
			}
			for _, i := range n.Items {
				walk(i)
			}
			for _, p := range n.Pairs {
				walk(p.Key)
				walk(p.Value)
			}
		}
		if root != nil {
			walk(root)
		}
	})
}
