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

func FuzzFacts(f *testing.F) {
	f.Add([]byte(infoText(testSHA, testBoot)))
	f.Add([]byte(`{"agent":1}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		facts, err := parseFacts(in)
		if err != nil {
			return
		}
		if !isGUID(facts.BootID) || checkSHA256(facts.SHA256) != nil || len(facts.Describe()) > 2*maxFactText || facts.Time.IsZero() {
			t.Fatalf("%+v", facts)
		}
	})
}
