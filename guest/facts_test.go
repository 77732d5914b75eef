package guest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var testSHA = strings.Repeat("0123456789abcdef", 4)

func TestFactsOfWine(t *testing.T) {
	f, err := parseFacts([]byte(infoText(testSHA, testBoot)))
	if err != nil {
		t.Fatal(err)
	}
	if f.Kind() != KindWine || f.Describe() != "wine 8.0 as Windows 10 Pro (19045)" {
		t.Errorf("%s: %s", f.Kind(), f.Describe())
	}
	if f.TestSigning != nil || f.Verifier != nil || f.Admin == nil || !*f.Admin {
		t.Errorf("%+v", f)
	}
	// No IRQL, no signatures: what Wine does not have must not be claimed.
	if diff := cmp.Diff([]string{CapAdmin, CapTestSigning, CapWine, CapX64}, f.Capabilities().Names()); diff != "" {
		t.Error(diff)
	}
}

func TestCapabilitiesOfWindows(t *testing.T) {
	windows := strings.NewReplacer(`"wine":"8.0"`, `"wine":""`)
	for name, tc := range map[string]struct {
		replace []string
		want    []string
	}{
		"all unknown": {nil, []string{CapAdmin, CapIRQL, CapWindows, CapX64}},
		"test signing": {[]string{`"codeIntegrity":null`, `"codeIntegrity":3`, `"testSigning":null`, `"testSigning":true`},
			[]string{CapAdmin, CapIRQL, CapSignatures, CapTestSigning, CapWindows, CapX64}},
		"locked": {[]string{`"codeIntegrity":null`, `"codeIntegrity":1`, `"testSigning":null`, `"testSigning":false`, `"hvci":null`, `"hvci":true`,
			`"secureBoot":null`, `"secureBoot":true`, `"verifier":null`, `"verifier":"0x0"`, `"admin":true`, `"admin":false`},
			[]string{CapHVCI, CapIRQL, CapSecureBoot, CapSignatures, CapWindows, CapX64}},
		"verified": {[]string{`"verifier":null`, `"verifier":"0x209bb"`, `"arch":"x64"`, `"arch":null`}, []string{CapAdmin, CapIRQL, CapVerifier, CapWindows}},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := parseFacts([]byte(strings.NewReplacer(tc.replace...).Replace(windows.Replace(infoText(testSHA, testBoot)))))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, f.Capabilities().Names()); diff != "" {
				t.Error(diff)
			}
			if f.Kind() != KindWindows || !strings.HasPrefix(f.Describe(), "Windows 10 Pro (10.0.19045") {
				t.Errorf("%s: %s", f.Kind(), f.Describe())
			}
		})
	}
}

func TestTraces(t *testing.T) {
	dump := func(path, rest string) string { return `{"path":"` + path + `",` + rest + `}` }
	const memory, mini = `C:\\WINDOWS\\MEMORY.DMP`, `C:\\Windows\\Minidump\\112526-01.dmp`
	for name, tc := range map[string]struct {
		dumps string
		want  map[string]Dump
	}{
		"none":     {`[]`, map[string]Dump{}},
		"unlisted": {`null`, nil},
		"two": {`[` + dump(memory, `"size":100,"time":"0x1dc5"`) + `,` + dump(mini, `"size":50,"time":"0x1dc6"`) + `]`,
			map[string]Dump{`C:\WINDOWS\MEMORY.DMP`: {100, "0x1dc5"}, `C:\Windows\Minidump\112526-01.dmp`: {50, "0x1dc6"}}},
		"no dumps": {`[` + dump(`C:\\Windows\\Minidump\\..\\..\\secret.dmp`, `"size":1,"time":"0x1"`) + `,` + dump(`C:\\elsewhere\\MEMORY.DMP`, `"size":1,"time":"0x1"`) + `,` +
			dump(memory, `"size":-1,"time":"0x1"`) + `,` + dump(mini, `"size":1,"time":"`+strings.Repeat("1", maxDumpTime+1)+`"`) + `]`, map[string]Dump{}},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := parseFacts([]byte(strings.Replace(infoText(testSHA, testBoot), `"dumps":[]`, `"dumps":`+tc.dumps, 1)))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(Traces{Dumps: tc.want}, f.Traces); diff != "" {
				t.Error(diff)
			}
		})
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
		if !isGUID(facts.BootID) || checkSHA256(facts.SHA256) != nil || len(facts.Describe()) > 2*maxFactText || facts.Time.IsZero() {
			t.Fatalf("%+v", facts)
		}
		for path, d := range facts.Traces.Dumps {
			if d.Size <= 0 || CheckPath(path) != nil || strings.Contains(path, `..\`) {
				t.Errorf("%q is %+v", path, d)
			}
		}
	})
}
