package prepare_test

import (
	"slices"
	"strings"
	"testing"

	"wskharness/guest"
	"wskharness/prepare"
	"wskharness/prepare/windows"
	"wskharness/prepare/windowstest"
)

// What the facts tell of a Windows, doctor tells of it, too, by the same names, and with the same words for what mends it.
func TestBriefIsDoctorsOwn(t *testing.T) {
	yes, no, enforced := true, false, uint32(1)
	w := windowstest.New()
	w.SecureBoot, w.Filtered = true, true
	w.Set(`SYSTEM\CurrentControlSet\Control\SecureBoot\State`, "UEFISecureBootEnabled", windows.DWord, "1")
	w.Set(`SYSTEM\CurrentControlSet\Control\CI\Policy`, "VerifiedAndReputablePolicyState", windows.DWord, "1")
	facts := guest.Facts{
		Admin: &no, User: `WIN11\tester`, SecureBoot: &yes, CodeIntegrity: &enforced, HVCI: &yes, SmartAppControl: &enforced, Trusted: []string{},
		Policies: []string{"784c4414-79f4-4c32-a6a5-f0fb42a51d0d", "8f9cb695-5d48-48d6-a329-7202b44607e3"}, Traces: guest.Traces{Control: guest.CrashControl{Enabled: new(uint32)}},
	}
	look, err := preparation(w, prepare.Options{Certificate: certificate(t)}).Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	brief := prepare.Brief(facts, prepare.Known{TestSigned: true, Thumbprint: "00", NTLM: true})
	var names []string
	for _, f := range brief {
		names = append(names, f.Setting)
		at := slices.IndexFunc(look, func(g prepare.Finding) bool { return g.Setting == f.Setting })
		if at < 0 {
			t.Errorf("doctor says nothing of %s", f.Setting)
			continue
		}
		if g := look[at]; g.Status != f.Status || !strings.Contains(f.Fix, g.Fix) || g.Why != f.Why || g.Needed != f.Needed {
			t.Errorf("%s: got %s, %s; doctor says %s, %s", f.Setting, f.Status, f.Fix, g.Status, g.Fix)
		}
		if sure := slices.Contains([]string{"administrator", "secure-boot", "test-signing"}, f.Setting); f.Refuses != sure {
			t.Errorf("%s: got %t, want %t", f.Setting, f.Refuses, sure)
		}
	}
	want := []string{"administrator", "secure-boot", "test-signing", "certificate", "memory-integrity", "smart-app-control", "driver-policy", "crash-dump", "winrm"}
	if !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
}

// What is not known is not guessed; what Microsoft has signed loads on any Windows; and Wine refuses nothing.
func TestBriefOfWhatIsFine(t *testing.T) {
	yes, no, enforced, tested := true, false, uint32(1), uint32(3)
	place := guest.Traces{Control: guest.CrashControl{DumpFile: `C:\MEMORY.DMP`, MinidumpDir: `C:\Minidump`}}
	for name, test := range map[string]struct {
		facts guest.Facts
		known prepare.Known
		want  string // names of what is found, those that surely refuse with a mark
	}{
		"nothing known":    {guest.Facts{Traces: place}, prepare.Known{TestSigned: true, Thumbprint: "AB"}, ""},
		"a target":         {guest.Facts{Admin: &yes, SecureBoot: &no, CodeIntegrity: &tested, HVCI: &no, Trusted: []string{"AB"}, Policies: []string{"d2bda982-ccf6-4344-ac5b-0b44427b6816"}, Traces: place}, prepare.Known{TestSigned: true, Thumbprint: "ab"}, ""},
		"debugged":         {guest.Facts{SecureBoot: &yes, CodeIntegrity: new(uint32(0x81)), Traces: place}, prepare.Known{TestSigned: true}, ""},
		"another signs it": {guest.Facts{SecureBoot: &yes, CodeIntegrity: &enforced, Trusted: []string{}, Traces: place}, prepare.Known{}, "secure-boot test-signing"},
		"only Secure Boot": {guest.Facts{SecureBoot: &yes, Traces: place}, prepare.Known{TestSigned: true}, "secure-boot"},
		"a plain Windows":  {guest.Facts{SecureBoot: &yes, CodeIntegrity: &enforced, Traces: place}, prepare.Known{TestSigned: true}, "secure-boot! test-signing!"},
		"NTLM":             {guest.Facts{Traces: place}, prepare.Known{NTLM: true}, "winrm"},
		"Wine":             {guest.Facts{Wine: "8.0", Admin: &no, SecureBoot: &yes, CodeIntegrity: &enforced}, prepare.Known{TestSigned: true, NTLM: true}, ""},
	} {
		var got []string
		for _, f := range prepare.Brief(test.facts, test.known) {
			got = append(got, f.Setting+map[bool]string{true: "!"}[f.Refuses])
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}
