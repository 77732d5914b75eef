//go:build linux

package guest

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"wskharness/guest/journal/journaltest"
	"wskharness/guest/untrusted"
	"wskharness/guest/winname"
)

var testSHA = journaltest.SHA()

func TestFactsOfWine(t *testing.T) {
	f, err := parseFacts([]byte(infoText(testSHA, testBoot)))
	if err != nil {
		t.Fatal(err)
	}
	if f.Kind() != KindWine || f.Describe() != "wine 8.0 as Windows 10 Pro (19045)" {
		t.Errorf("got %s: %s; want f.Kind() == KindWine and f.Describe() == \"wine 8.0 as Windows 10 Pro (19045)\"", f.Kind(), f.Describe())
	}
	if f.TestSigning != nil || f.Verifier != nil || f.Admin == nil || !*f.Admin {
		t.Errorf("got %+v; want f.TestSigning == nil and f.Verifier == nil and f.Admin != nil and *f.Admin", f)
	}
	// No IRQL, no signatures: what Wine does not have must not be claimed.
	if diff := cmp.Diff([]string{"admin", "test-signing", "wine", "x64"}, f.Capabilities()); diff != "" {
		t.Error(diff)
	}
}

func TestCapabilitiesOfWindows(t *testing.T) {
	windows := strings.NewReplacer(`"wine":"8.0"`, `"wine":""`)
	for name, tc := range map[string]struct {
		replace []string
		want    []string
	}{
		"all unknown": {nil, []string{"admin", "irql", "windows", "x64"}},
		"test signing": {[]string{`"codeIntegrity":null`, `"codeIntegrity":3`, `"testSigning":null`, `"testSigning":true`},
			[]string{"admin", "irql", "signatures", "test-signing", "windows", "x64"}},
		"locked": {[]string{`"codeIntegrity":null`, `"codeIntegrity":1`, `"testSigning":null`, `"testSigning":false`, `"hvci":null`, `"hvci":true`,
			`"secureBoot":null`, `"secureBoot":true`, `"verifier":null`, `"verifier":"0x0"`, `"admin":true`, `"admin":false`},
			[]string{"hvci", "irql", "secure-boot", "signatures", "windows", "x64"}},
		"verified": {[]string{`"verifier":null`, `"verifier":"0x209bb"`, `"arch":"x64"`, `"arch":null`}, []string{"admin", "irql", "verifier", "windows"}},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := parseFacts([]byte(strings.NewReplacer(tc.replace...).Replace(windows.Replace(infoText(testSHA, testBoot)))))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, f.Capabilities()); diff != "" {
				t.Error(diff)
			}
			if f.Kind() != KindWindows || !strings.HasPrefix(f.Describe(), "Windows 10 Pro (10.0.19045") {
				t.Errorf("got %s: %s; want f.Kind() == KindWindows and strings.HasPrefix(f.Describe(), \"Windows 10 Pro (10.0.19045\")", f.Kind(), f.Describe())
			}
		})
	}
}

func TestTraces(t *testing.T) {
	dump := func(path, rest string) string { return `{"path":"` + path + `",` + rest + `}` }
	const memory, mini, good = `C:\\WINDOWS\\MEMORY.DMP`, `C:\\Windows\\Minidump\\112526-01.dmp`, `"size":1,"time":"0x1"`
	usual := CrashControl{DumpFile: `C:\Windows\MEMORY.DMP`, MinidumpDir: `C:\Windows\Minidump`}
	for name, tc := range map[string]struct {
		dumps   string
		control CrashControl
		want    map[string]Dump
	}{
		"none":     {`[]`, usual, map[string]Dump{}},
		"unlisted": {`null`, usual, nil},
		"two": {`[` + dump(memory, `"size":100,"time":"0x1dc5"`) + `,` + dump(mini, `"size":50,"time":"0x1dc6"`) + `]`, usual,
			map[string]Dump{`C:\WINDOWS\MEMORY.DMP`: {100, "0x1dc5"}, `C:\Windows\Minidump\112526-01.dmp`: {50, "0x1dc6"}}},
		"elsewhere": {`[` + dump(`D:\\crash\\it happened.dump`, good) + `,` + dump(`e:\\MINI\\1.DMP`, good) + `,` + dump(memory, good) + `,` + dump(mini, good) + `]`,
			CrashControl{DumpFile: `D:\crash\It happened.dump`, MinidumpDir: `E:\mini`}, map[string]Dump{`D:\crash\it happened.dump`: {1, "0x1"}, `e:\MINI\1.DMP`: {1, "0x1"}}},
		"no dumps": {`[` + dump(`C:\\Windows\\Minidump\\..\\..\\secret.dmp`, good) + `,` + dump(`C:\\elsewhere\\MEMORY.DMP`, good) + `,` + dump(`C:\\Windows\\Minidump\\a.txt`, good) + `,` +
			dump(`C:\\Windows\\Minidump\\sub\\a.dmp`, good) + `,` + dump(`C:\\Windows\\Minidump.dmp`, good) + `,` + dump(``, good) + `,` + dump(`C:\\Windows\\Minidump\\`+strings.Repeat("x", maxDumpName)+`.dmp`, good) + `,` +
			dump(memory, `"size":-1,"time":"0x1"`) + `,` + dump(mini, `"size":1,"time":"`+strings.Repeat("1", maxDumpTime+1)+`"`) + `]`, usual, map[string]Dump{}},
		"places that are none": {`[` + dump(`\\\\server\\share\\MEMORY.DMP`, good) + `,` + dump(`\\\\.\\PhysicalDrive0`, good) + `,` + dump(`\\\\server\\share\\1.dmp`, good) + `]`,
			CrashControl{DumpFile: `\\.\PhysicalDrive0`, MinidumpDir: `\\server\share`}, map[string]Dump{}},
		"no places":        {`[` + dump(memory, good) + `,` + dump(`C:\\1.dmp`, good) + `]`, CrashControl{}, map[string]Dump{}},
		"a place too long": {`[]`, CrashControl{DumpFile: `C:\` + strings.Repeat("x", maxCrashPath), MinidumpDir: `C:\m`}, map[string]Dump{}},
	} {
		t.Run(name, func(t *testing.T) {
			control, err := json.Marshal(tc.control)
			if err != nil {
				t.Fatal(err)
			}
			text := strings.Replace(infoText(testSHA, testBoot), `"dumps":[]`, `"dumps":`+tc.dumps, 1)
			before, after, _ := strings.Cut(text, `"crash":{`)
			_, after, _ = strings.Cut(after, "}")
			f, err := parseFacts([]byte(before + `"crash":` + string(control) + after))
			if err != nil {
				t.Fatal(err)
			}
			if len(tc.control.DumpFile) > maxCrashPath {
				tc.control.DumpFile = ""
			}
			if diff := cmp.Diff(Traces{Dumps: tc.want, Control: tc.control}, f.Traces); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCrashControlProblems(t *testing.T) {
	enabled := func(n uint32) *uint32 { return &n }
	room := func(n uint64) *uint64 { return &n }
	for name, test := range map[string]struct {
		control CrashControl
		free    *uint64
		want    []string // in each problem
	}{
		"usual":             {CrashControl{Enabled: enabled(7), DumpFile: `C:\Windows\MEMORY.DMP`, MinidumpDir: `C:\Windows\Minidump`}, nil, nil},
		"not known":         {CrashControl{Enabled: nil, DumpFile: `D:\a`, MinidumpDir: `D:\b`}, nil, nil},
		"none":              {CrashControl{Enabled: enabled(0), DumpFile: `D:\a`, MinidumpDir: `D:\b`}, nil, []string{"CrashDumpEnabled is 0"}},
		"elsewhere":         {CrashControl{Enabled: enabled(1), DumpFile: `\\server\share\a.dmp`, MinidumpDir: `minis`}, nil, []string{"DumpFile is", "MinidumpDir is"}},
		"devices":           {CrashControl{Enabled: enabled(1), DumpFile: `\\.\PhysicalDrive0`, MinidumpDir: `C:\con`}, nil, []string{"DumpFile is", "device"}},
		"little room":       {CrashControl{Enabled: enabled(7), DumpFile: `c:\Windows\MEMORY.DMP`, MinidumpDir: `C:\m`}, room(scarce - 1), []string{"AlwaysKeepMemoryDump"}},
		"enough":            {CrashControl{Enabled: enabled(7), DumpFile: `C:\Windows\MEMORY.DMP`, MinidumpDir: `C:\m`}, room(scarce), nil},
		"kept":              {CrashControl{Enabled: enabled(2), Keep: true, DumpFile: `C:\Windows\MEMORY.DMP`, MinidumpDir: `C:\m`}, room(1), nil},
		"small ones only":   {CrashControl{Enabled: enabled(3), DumpFile: `C:\Windows\MEMORY.DMP`, MinidumpDir: `C:\m`}, room(1), nil},
		"on another volume": {CrashControl{Enabled: enabled(1), DumpFile: `D:\MEMORY.DMP`, MinidumpDir: `C:\m`}, room(1), nil},
		"a guest of Wine":   {CrashControl{DumpFile: `C:\Windows\MEMORY.DMP`, MinidumpDir: `C:\m`}, room(1), nil},
		"unread":            {CrashControl{Enabled: enabled(1), DumpFile: ``, MinidumpDir: `D:\b`}, nil, []string{"DumpFile can't be read"}},
	} {
		got := test.control.Problems(test.free)
		if len(got) != len(test.want) {
			t.Errorf("got %s: %q; want len(got) == len(test.want)", name, got)
			continue
		}
		for i, want := range test.want {
			if !strings.Contains(got[i], want) {
				t.Errorf("%s: %q, want %q", name, got[i], want)
			}
		}
	}
}

func FuzzFacts(f *testing.F) {
	f.Add([]byte(infoText(testSHA, testBoot)))
	f.Add([]byte(strings.Replace(infoText(testSHA, testBoot), `"dumps":[]`, `"dumps":[{"path":"C:\\Windows\\Minidump\\..\\..\\secret.dmp","size":1,"time":""}]`, 1)))
	f.Add([]byte(`{"agent":1}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		facts, err := parseFacts(in)
		if err != nil {
			return
		}
		var c untrusted.Fields
		c.GUID("bootId", &facts.BootID)
		c.SHA256("sha256", &facts.SHA256)
		if c.Err() != nil || len(facts.Describe()) > 2*maxFactText || facts.Time.IsZero() {
			t.Fatalf("got %+v; want c.Err() == nil and len(facts.Describe()) <= 2*maxFactText and not facts.Time.IsZero()", facts)
		}
		for path, d := range facts.Traces.Dumps {
			if d.Size <= 0 || winname.CheckPath(path) != nil || strings.Contains(path, `..\`) {
				t.Errorf("%q is %+v", path, d)
			}
		}
	})
}

// What a guest lists is held to what it can be, and to how much.
func TestListedFacts(t *testing.T) {
	with := func(text string) (Facts, error) {
		return parseFacts([]byte(strings.Replace(infoText(testSHA, testBoot), `"hvci":null`, `"hvci":null,`+text, 1)))
	}
	f, err := with(`"policies":["{784C4414-79F4-4C32-A6A5-F0FB42A51D0D}"],"smartAppControl":1,"trusted":["` + strings.Repeat("ab", 20) + `"]`)
	if err != nil || cmp.Diff([]string{"784c4414-79f4-4c32-a6a5-f0fb42a51d0d"}, f.Policies) != "" || *f.SmartAppControl != 1 || cmp.Diff([]string{strings.Repeat("AB", 20)}, f.Trusted) != "" {
		t.Errorf("got %+v, %v", f, err)
	}
	if f, err := with(`"policies":null,"smartAppControl":null,"trusted":null`); err != nil || f.Policies != nil || f.SmartAppControl != nil || f.Trusted != nil {
		t.Errorf("got %+v, %v; want that nothing is known", f, err)
	}
	if f, err := with(`"policies":[],"trusted":[]`); err != nil || f.Policies == nil || f.Trusted == nil {
		t.Errorf("got %+v, %v; want that there are none", f, err)
	}
	for _, text := range []string{`"policies":["x"]`, `"policies":[7]`, `"policies":"x"`, `"smartAppControl":-1`, `"smartAppControl":true`, `"trusted":["0x"]`, `"trusted":["` + strings.Repeat("g", 40) + `"]`,
		`"trusted":[` + strings.Repeat(`"`+strings.Repeat("0", 40)+`",`, maxListed) + `"` + strings.Repeat("0", 40) + `"]`} {
		if f, err := with(text); err == nil {
			t.Errorf("%.60s: got %+v; want an error", text, f)
		}
	}
}

// Which drivers load the kernel says itself: by what it enforces, and what it takes all the same.
func TestRefusesTestSigned(t *testing.T) {
	for options, refuses := range map[uint32]bool{0: false, 1: true, 2: false, 3: false, 0x401: true, 0x21: false, 0x81: false, 0x105: true} {
		if got, known := (Facts{CodeIntegrity: &options}).RefusesTestSigned(); got != refuses || !known {
			t.Errorf("0x%x: got %t, %t; want %t", options, got, known, refuses)
		}
		if got, known := (Facts{CodeIntegrity: &options, Wine: "8.0"}).RefusesTestSigned(); got || known {
			t.Errorf("0x%x on Wine: got %t, %t", options, got, known)
		}
	}
	if got, known := (Facts{}).RefusesTestSigned(); got || known {
		t.Errorf("got %t, %t of what is not known", got, known)
	}
}
