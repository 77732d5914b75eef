//go:build linux

package static_test

import (
	"fmt"
	"testing"

	"wskharness/config"
	"wskharness/harness/harnesstest"
	"wskharness/remote/winrmd"
	"wskharness/vm/vmtest"
)

func TestMain(m *testing.M) {
	harnesstest.Main(m, func(string) func(winrmd.Request) winrmd.InjectedFault { return nil })
}

// A guest that is up, and that programs reset and revert, is a machine of this kind that keeps to the whole contract.
func TestConformanceOfAGuest(t *testing.T) {
	host := harnesstest.Host(t)
	up := harnesstest.BringUp(t, host)
	text := fmt.Sprintf(`targets:
  lab:
    provider: static
    url: %s
    user: %s
    password_file: %s
    auth: basic
    certificate_sha256: %s
    power: {reset: [%[5]q, %[6]s, %[8]q, %[9]s]}
    revert: [%[5]q, %[7]s, %[8]q, %[9]s]
`, up.Endpoint, up.User, up.PasswordFile, up.CertificateSHA, host.Program[0], harnesstest.ResetCommand, harnesstest.RevertCommand, host.Cache, up.ID)
	c, err := harnesstest.ParseConfig([]byte(text), config.Name, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.Targets[0].Machine.Provider(host)
	if err != nil {
		t.Fatal(err)
	}
	vmtest.Run(t, p, vmtest.Expect{
		Command: "echo up", Output: "up", Shared: true, Reverts: true,
		Dirty: `reg add HKLM\Software\Dirty /f && echo dirt > C:\windows\dirt.txt`,
		Clean: `(reg query HKLM\Software\Dirty || if not exist C:\windows\dirt.txt exit 0) & exit 1`,
	})
}
