package wskharness_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

// floors is the house from the ground up: a room, and the rooms below it that it may import. Internal packages belong to
// their room.
var floors = [][]string{
	{"strictyaml"},
	{"textfile"},
	{"testtime"},
	{"examples"},
	{"disk"},
	{"disk/disktest", "disk"},
	{"child"},
	{"child/childtest"},
	{"driver/abi"},
	{"driver", "child", "disk", "textfile"},
	{"driver/drivertest", "driver"},
	{"driver/prebuild", "driver"},
	{"winerr"},
	{"crashdump", "winerr"},
	{"crashdump/dumptest"},
	{"remote", "winerr"},
	{"remote/winrmd", "remote", "winerr"},
	{"remote/winrmd/winrmdtest", "remote/winrmd", "child", "winerr"},
	{"guest/ntfs"},
	{"guest/winname"},
	{"guest/untrusted"},
	{"guest/agent", "remote", "guest/untrusted", "winerr"},
	{"guest/transfer/frame", "guest/agent"},
	{"guest/transfer", "disk", "remote", "guest/agent", "guest/transfer/frame", "guest/ntfs", "guest/winname", "guest/untrusted", "winerr"},
	{"guest/journal/journaltest"},
	{"guest/journal", "driver/abi", "guest/winname", "guest/untrusted", "winerr"},
	{"guest", "driver/abi", "remote", "guest/agent", "guest/journal", "guest/transfer", "guest/ntfs", "guest/winname", "guest/untrusted", "winerr"},
	{"settings", "strictyaml"},
	{"vm", "settings", "driver", "remote", "winerr"},
	{"vm/vmtest", "vm", "remote"},
	{"vm/lease", "disk"},
	{"vm/qmp"},
	{"vm/vmtest/bootable/early"},
	{"vm/vmtest/bootable", "vm/vmtest/bootable/early", "driver", "child", "remote"},
	{"vm/vmtest/minimal/inside", "vm/vmtest/bootable/early", "remote", "remote/winrmd"},
	{"vm/vmtest/minimal", "vm/vmtest/bootable"},
	{"vm/access", "disk", "vm", "settings", "strictyaml", "textfile", "remote"},
	{"vm/powershell", "remote", "child", "winerr", "guest/untrusted"},
	{"vm/powershell/powershelltest", "vm/powershell", "remote/winrmd"},
	{"prepare/windows", "remote", "guest/untrusted", "vm/powershell", "winerr"},
	{"prepare/windowstest", "prepare/windows", "remote", "remote/winrmd", "remote/winrmd/winrmdtest", "vm/powershell", "vm/powershell/powershelltest", "winerr"},
	{"prepare", "prepare/windows", "remote", "guest", "guest/untrusted", "vm/powershell", "winerr"},
	{"vm/*", "vm", "vm/access", "vm/lease", "vm/powershell", "guest/untrusted", "settings", "strictyaml", "disk", "driver", "remote", "remote/winrmd", "child", "winerr", "vm/qmp"}, // a kind of machine
	{"vm/static/power", "vm", "vm/access", "settings", "strictyaml", "remote", "guest/untrusted", "child"},
	{"vm/static", "vm", "vm/access", "vm/static/power", "settings", "remote", "child"},
	{"vm/kinds", "vm", "vm/*"},
	{"image/disc"},
	{"image/wim"},
	{"image/answer", "remote"},
	{"image/imagetest/inside", "image/disc", "remote", "remote/winrmd", "vm/vmtest/bootable/early"},
	{"image/imagetest", "image/wim", "child", "vm/vmtest/bootable"},
	{"image", "image/disc", "image/wim", "image/answer", "vm/qmp", "vm/lease", "guest/untrusted", "settings", "textfile", "child", "disk", "remote"},
	{"suites/report"},
	{"suites/output", "strictyaml", "driver/abi", "suites/report"},
	{"suites/parameters", "strictyaml"},
	{"suites/guestversion", "strictyaml"},
	{"suites/controlcode"},
	{"suites", "strictyaml", "driver/abi", "suites/report", "suites/output", "suites/parameters", "suites/guestversion", "suites/controlcode", "guest/winname", "winerr"},
	{"recording", "remote", "disk"},
	{"remote/replaytest", "remote", "recording"},
	{"results", "disk"},
	{"results/resultstest", "results"},
	{"report", "results", "disk"},
	{"harness/driverrun", "results", "driver/abi", "suites", "suites/output", "guest", "guest/journal", "vm", "winerr"},
	{"config", "settings", "strictyaml", "suites", "vm", "guest/winname", "driver", "remote", "child"},
	{"host", "config", "vm", "driver", "disk"},
	{"bundle", "config", "strictyaml", "recording", "results", "remote", "disk"},
	{"workshop", "host", "config", "vm", "guest", "driver", "remote"},
	{"harness", "harness/driverrun", "workshop", "host", "config", "settings", "disk", "strictyaml", "results", "report", "driver", "suites", "suites/output", "remote", "recording", "guest", "guest/agent", "guest/journal", "guest/transfer", "crashdump", "vm", "winerr", "prepare", "prepare/windows", "vm/powershell"},
	{"targets", "workshop", "host", "config", "settings", "strictyaml", "vm", "guest", "guest/transfer", "guest/winname", "remote"},
	{"harness/harnesstest", "targets", "config", "results", "driver", "driver/drivertest", "remote/winrmd", "testtime", "vm", "vm/*"},
	{"selftest", "harness", "workshop", "config", "settings", "strictyaml", "results", "driver", "suites", "remote", "guest", "guest/agent", "vm"},
	{"cmd/wskharness", "examples", "disk", "strictyaml", "results", "report", "driver", "suites", "remote", "guest", "guest/transfer", "crashdump", "vm", "vm/kinds", "settings", "config", "host", "workshop", "targets", "prepare", "prepare/windows", "harness", "selftest", "image", "vm/powershell", "bundle", "child"},
	{"vmimage/inside", "vm", "vm/vmtest/bootable/early", "remote", "vm/*"},
	{"vmimage"},
	{"winetest"},
	{"windowstest", "child", "disk", "driver", "vm/*"},
	{"windowstest/packages", "child", "vm/*", "windowstest"},
	{"mutants/controller", "child"},
	{"mutants", "results", "report", "driver", "suites", "vm", "vm/kinds", "config", "host", "harness"},
}

// TestImportsRunOneWay holds the rooms to the order that docs/architecture.md draws. Tests may reach
// further: they need real guests.
func TestImportsRunOneWay(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	allowed := map[string][]string{}
	for _, floor := range floors {
		from, below := floor[0], floor[1:]
		for _, to := range below {
			if _, built := allowed[to]; !built {
				t.Errorf("floors: %s may import %s, which is not below it", from, to)
			}
		}
		allowed[from] = below
	}
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	seen := map[string]bool{}
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
		seen[from] = true
		may, known := allowed[from]
		if !known {
			may, known = allowed[path.Dir(from)+"/*"]
		}
		if !known {
			t.Errorf("%s: a room that is not in the plan of the house: add it to floors, and to docs/architecture.md", p.ImportPath)
			continue
		}
		for _, imported := range p.Imports {
			to := room(imported)
			if to != "" && to != from && !slices.ContainsFunc(may, func(room string) bool { return matches(room, to) }) {
				t.Errorf("%s imports %s: %s may import only %v", p.ImportPath, imported, from, may)
			}
		}
	}
	for from := range allowed {
		if !seen[from] && path.Base(from) != "*" {
			t.Errorf("floors has %s, and there is no such package", from)
		}
	}
}

// room is the package's room; "" for one that is not of this module.
func room(importPath string) string {
	rest, ok := strings.CutPrefix(importPath, "wskharness/")
	if !ok {
		return ""
	}
	rest, _, _ = strings.Cut(rest, "/internal/")
	return rest
}

// matches reports whether a row's word means a room: its name, or * for any that stands beside others of one sort.
func matches(word, room string) bool {
	ok, _ := path.Match(word, room)
	return ok
}
