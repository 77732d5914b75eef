package wskharness_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// allowed is which rooms of this module a room may import; internal packages belong to their room.
var allowed = map[string][]string{
	"strictyaml":          {},
	"disk":                {},
	"disk/disktest":       {"disk"},
	"results/resultstest": {"results"},
	"results":             {"disk"},
	"report":              {"results", "disk"},
	"child":               {},
	"child/childtest":     {},
	"driver":              {"child", "textfile"},
	"driver/drivertest":   {"driver"},
	"suites":              {"strictyaml", "suites/report", "guest/winname"},
	"suites/report":       {},
	"remote":              {},
	"remote/winrmd":       {"remote", "child"},
	"guest":               {"remote", "guest/ntfs", "guest/winname"},
	"guest/ntfs":          {},
	"guest/winname":       {},
	"vm":                  {"remote"},
	"vm/vmtest":           {"vm", "remote"},
	"vm/static":           {"vm", "remote", "child"},
	"vm/wine":             {"vm", "remote", "remote/winrmd", "child"},
	"harness/driverrun":   {"results", "suites", "guest", "vm"},
	"harness":             {"harness/driverrun", "disk", "strictyaml", "results", "report", "child", "driver", "suites", "remote", "guest", "crashdump", "guest/winname", "textfile", "vm", "vm/static", "vm/wine"},
	"examples":            {},
	"cmd/wskharness":      {"examples", "disk", "strictyaml", "results", "report", "driver", "suites", "remote", "guest", "crashdump", "vm/wine", "harness"},

	"mutants/controller": {"child"},

	"mutants": {"results", "report", "driver", "suites", "vm/wine", "harness"},

	"crashdump":                {},
	"crashdump/dumptest":       {},
	"remote/winrmd/winrmdtest": {"remote/winrmd"},

	"testtime": {},
	"textfile": {},
}

// TestImportsRunOneWay holds the rooms to the order that docs/architecture.md draws. Tests may reach
// further: they need real guests.
func TestImportsRunOneWay(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	seen := 0
	for {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		from := room(p.ImportPath)
		if from == "" {
			continue
		}
		seen++
		may, known := allowed[from]
		if !known {
			t.Errorf("%s: a room that is not in the plan of the house: add it to allowed, and to docs/architecture.md", p.ImportPath)
			continue
		}
		for _, imported := range p.Imports {
			to := room(imported)
			if to != "" && to != from && !slices.Contains(may, to) {
				t.Errorf("%s imports %s: %s may import only %v", p.ImportPath, imported, from, may)
			}
		}
	}
	if seen < len(allowed) {
		t.Errorf("%d packages were looked at; the plan has %d rooms", seen, len(allowed))
	}
}

// room is the package's room; "" for one that is not of this module.
func room(path string) string {
	rest, ok := strings.CutPrefix(path, "wskharness/")
	if !ok {
		return ""
	}
	rest, _, _ = strings.Cut(rest, "/internal/")
	return rest
}
