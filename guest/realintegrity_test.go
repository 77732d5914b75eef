//go:build linux

package guest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"wskharness/remote"
)

// realIntegrity has a guest's registry and files say which policies are active, and which certificates are trusted: that is what
// the agent tells, and nothing that only looks like it.
func realIntegrity(t *testing.T, w *wineGuest, g *Guest) {
	const (
		audit  = "784c4414-79f4-4c32-a6a5-f0fb42a51d0d"
		both   = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		policy = "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB" // a root by a policy, a publisher by the machine itself
		alone  = "CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCC"
		own    = `HKLM\SOFTWARE\Microsoft\SystemCertificates\`
	)
	reg := func(args ...string) {
		t.Helper()
		line := remote.CommandLine{Line: `C:\windows\system32\reg.exe`, Args: args, SkipShell: true}
		if code, err := g.Exec(t.Context(), line, nil, nil, nil); err != nil || code != 0 {
			t.Fatal(code, err)
		}
	}
	facts := func() Facts {
		t.Helper()
		f, err := g.probe(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	if f := facts(); f.Policies == nil || len(f.Policies) != 0 || f.SmartAppControl != nil || f.Trusted == nil || len(f.Trusted) != 0 {
		t.Errorf("got %q, %v, %q; want that there are none, and no state", f.Policies, f.SmartAppControl, f.Trusted)
	}
	folder := w.path(`C:\windows\system32\CodeIntegrity\CiPolicies\Active\x`)
	if err := os.MkdirAll(filepath.Dir(folder), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"{" + strings.ToUpper(audit) + "}.cip", "{short}.cip", strings.ToUpper(audit) + ".cip", "{" + audit + "}.old"} {
		if err := os.WriteFile(filepath.Join(filepath.Dir(folder), name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	reg("add", `HKLM\SYSTEM\CurrentControlSet\Control\CI\Policy`, "/v", "VerifiedAndReputablePolicyState", "/t", "REG_DWORD", "/d", "2", "/f")
	for _, key := range []string{own + `TrustedPublisher\Certificates\` + both, own + `ROOT\Certificates\` + strings.ToLower(both), own + `TrustedPublisher\Certificates\` + policy,
		`HKLM\SOFTWARE\Policies\Microsoft\SystemCertificates\ROOT\Certificates\` + policy, own + `TrustedPublisher\Certificates\` + alone, own + `TrustedPublisher\Certificates\short`} {
		reg("add", key, "/v", "Blob", "/t", "REG_BINARY", "/d", "00", "/f")
	}
	f := facts()
	slices.Sort(f.Trusted)
	if !slices.Equal(f.Policies, []string{audit}) || f.SmartAppControl == nil || *f.SmartAppControl != 2 || !slices.Equal(f.Trusted, []string{both, policy}) {
		t.Errorf("got %q, %v, %q; want %s, 2, %s and %s", f.Policies, f.SmartAppControl, f.Trusted, audit, both, policy)
	}
	for n := range maxListed + 1 {
		if err := os.WriteFile(filepath.Join(filepath.Dir(folder), "{784c4414-79f4-4c32-a6a5-f0fb42a510"+string("0123456789abcdef"[n%16])+string("0123456789abcdef"[n/16])+"}.cip"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if f := facts(); f.Policies != nil {
		t.Errorf("got %d policies; want that they are not known, since there are more than are told", len(f.Policies))
	}
	reg("delete", own+`TrustedPublisher`, "/f")
	if err := os.RemoveAll(filepath.Dir(folder)); err != nil {
		t.Fatal(err)
	}
}
