//go:build linux

package guest

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"wskharness/crashdump/dumptest"
	"wskharness/remote"
)

// realDumps has the registry of a guest say where dumps are left: they are found there, and nowhere else. What is no place of a
// drive is told, and not looked at.
func realDumps(t *testing.T, w *wineGuest, g *Guest) {
	const key = `HKLM\SYSTEM\CurrentControlSet\Control\CrashControl`
	dump := dumptest.Spec{Type: dumptest.Mini, Code: 0xD1}.Bytes()
	for _, path := range []string{`C:\windows\MEMORY.DMP`, `C:\windows\Minidump\1.dmp`, `C:\crash dumps\last one.bin`, `C:\crash dumps\small\2.dmp`, `C:\crash dumps\small\2.txt`} {
		if err := os.MkdirAll(filepath.Dir(w.path(path)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(w.path(path), dump, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name, file, kind, folder string // the settings, and of which type the first is; empty: not set
		enabled, keep            string
		want                     []string // dumps, in order
		problems                 int
	}{
		{name: "not set", want: []string{`c:\windows\memory.dmp`, `c:\windows\minidump\1.dmp`}},
		{name: "as usual", file: `%SystemRoot%\MEMORY.DMP`, kind: "REG_EXPAND_SZ", folder: `%SystemRoot%\Minidump`, enabled: "7", want: []string{`c:\windows\memory.dmp`, `c:\windows\minidump\1.dmp`}},
		{name: "elsewhere", file: `C:\crash dumps\last one.bin`, kind: "REG_SZ", folder: `%SystemDrive%\crash dumps\small\`, enabled: "1", keep: "1",
			want: []string{`c:\crash dumps\last one.bin`, `c:\crash dumps\small\2.dmp`}},
		{name: "a folder that is not there", file: `C:\none\a.dmp`, kind: "REG_SZ", folder: `C:\none at all`},
		{name: "none at all", file: `C:\none\a.dmp`, kind: "REG_SZ", folder: `C:\crash dumps\small`, enabled: "0", want: []string{`c:\crash dumps\small\2.dmp`}, problems: 1},
		{name: "another machine", file: `\\server\share\MEMORY.DMP`, kind: "REG_SZ", folder: `\\.\PhysicalDrive0`, problems: 2},
		{name: "relative", file: `MEMORY.DMP`, kind: "REG_SZ", folder: `C:\windows\..\crash dumps\small`, problems: 2},
		{name: "a pattern", file: `C:\windows\*.DMP`, kind: "REG_SZ", folder: `C:\crash dumps\s*`, problems: 2},
		{name: "a number", file: `7`, kind: "REG_DWORD", folder: `C:\` + strings.Repeat(`long\`, 100), problems: 2},
	} {
		reg := func(args ...string) {
			line := remote.CommandLine{Line: `C:\windows\system32\reg.exe`, Args: args, SkipShell: true}
			if _, err := g.Exec(t.Context(), line, nil, nil, nil); err != nil {
				t.Fatal(err)
			}
		}
		reg("delete", key, "/f")
		for _, value := range [][3]string{{"DumpFile", test.kind, test.file}, {"MinidumpDir", "REG_EXPAND_SZ", test.folder}, {"CrashDumpEnabled", "REG_DWORD", test.enabled}, {"AlwaysKeepMemoryDump", "REG_DWORD", test.keep}} {
			if value[2] != "" {
				reg("add", key, "/v", value[0], "/t", value[1], "/d", value[2], "/f")
			}
		}
		got, err := g.Traces(t.Context())
		if err != nil {
			t.Errorf("got %s: %v; want no error", test.name, err)
			continue
		}
		var found []string
		for path := range maps.Keys(got.Dumps) {
			found = append(found, strings.ToLower(path))
		}
		if slices.Sort(found); !slices.Equal(found, test.want) || len(got.Control.Problems(nil)) != test.problems || got.Control.Keep != (test.keep == "1") {
			t.Errorf("%s: dumps %q, want %q; %+v: %q", test.name, found, test.want, got.Control, got.Control.Problems(nil))
		}
	}
}
