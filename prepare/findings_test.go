package prepare_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"wskharness/prepare"
	"wskharness/prepare/windows"
	"wskharness/prepare/windowstest"
	"wskharness/winerr"
)

const control = `SYSTEM\CurrentControlSet\Control\`

// prepared is a Windows on which nothing is left to do.
func prepared(t *testing.T, o prepare.Options) *windowstest.Windows {
	t.Helper()
	w := windowstest.New()
	if err := preparation(w, o).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w
}

// Each finding, on a machine on which all else is as it should be: it is told with its fix, and what can be mended is, and only that.
func TestFindings(t *testing.T) {
	o := everything(t)
	o.LogOn = nil // that has tests of its own
	dword := func(key, name, n string) func(*windowstest.Windows) {
		return func(w *windowstest.Windows) { w.Set(control+key, name, windows.DWord, n) }
	}
	for name, test := range map[string]struct {
		make        func(w *windowstest.Windows)
		setting     string
		status      prepare.Status
		detail, fix string
		stays       bool // also behind Run
	}{
		"test signing off": {func(w *windowstest.Windows) {
			w.Set(loaderKey(w, "16000049"), "Element", windows.Binary, "00")
			w.Reboot()
		}, "test-signing", prepare.Change, "testsigning", "bcdedit /set", false},
		"test signing, no boot": {dword("", "x", "0"), "test-signing", prepare.OK, "on", "", false},
		"no certificate":        {func(w *windowstest.Windows) { clear(w.Certificates["TrustedPublisher"]) }, "certificate", prepare.Change, "TrustedPublisher", "certutil", false},
		"BitLocker on":          {func(w *windowstest.Windows) { w.Protection["C:"] = "1" }, "bitlocker", prepare.Change, "suspended", "manage-bde", false},
		"no BitLocker":          {func(w *windowstest.Windows) { w.Protection = nil }, "bitlocker", prepare.OK, "no volume", "", false},
		"HVCI on": {func(w *windowstest.Windows) {
			dword(`DeviceGuard\Scenarios\HypervisorEnforcedCodeIntegrity`, "Enabled", "1")(w)
			w.Reboot()
		}, "memory-integrity", prepare.Change, "enforced now", "Windows Security", false},
		"VBS runs by itself": {func(w *windowstest.Windows) {
			w.Objects["Win32_DeviceGuard"]["VirtualizationBasedSecurityStatus"] = "2"
		}, "memory-integrity", prepare.Reboot, "next boot", "reboot", false},
		"VBS by policy": {func(w *windowstest.Windows) {
			w.Set(`SOFTWARE\Policies\Microsoft\Windows\DeviceGuard`, "EnableVirtualizationBasedSecurity", windows.DWord, "1")
		}, "memory-integrity", prepare.Blocked, "a policy", "out of that policy", true},
		"HVCI locked": {func(w *windowstest.Windows) {
			dword(`DeviceGuard\Scenarios\HypervisorEnforcedCodeIntegrity`, "Enabled", "1")(w)
			dword(`DeviceGuard\Scenarios\HypervisorEnforcedCodeIntegrity`, "Locked", "1")(w)
		}, "memory-integrity", prepare.Blocked, "firmware", "SecConfig.efi", true},
		"Smart App Control": {dword(`CI\Policy`, "VerifiedAndReputablePolicyState", "1"), "smart-app-control", prepare.Change, "1 → 0", "Windows Security", false},
		"block list":        {dword(`CI\Config`, "VulnerableDriverBlocklistEnable", "1"), "driver-block-list", prepare.Change, "1 → 0", "reg add", false},
		"driver policy": {func(w *windowstest.Windows) {
			w.Policies[enforce].OnDisk, w.Files[policyFile] = true, []byte("x")
			w.Reboot()
		}, "driver-policy", prepare.Change, "refuses drivers", "CiTool --remove-policy", false},
		"its file is elsewhere": {func(w *windowstest.Windows) { w.Policies[enforce].OnDisk = true; w.Reboot() }, "driver-policy", prepare.Blocked, "not where it could be kept", "CiTool --remove-policy", true},
		"removed, still active": {func(w *windowstest.Windows) { w.Policies[enforce].Enforced = true }, "driver-policy", prepare.Reboot, "next boot", "reboot", false},
		"small dumps":           {dword("CrashControl", "CrashDumpEnabled", "3"), "crash-dump", prepare.Change, "3 → 2", "CrashControl", false},
		"complete dumps":        {dword("CrashControl", "CrashDumpEnabled", "1"), "crash-dump", prepare.OK, "kept", "", false},
		"no NMI":                {dword("CrashControl", "NMICrashDump", "0"), "crash-dump", prepare.Change, "NMICrashDump: 0 → 1", "", false},
		"a small page file": {func(w *windowstest.Windows) {
			w.Set(control+`Session Manager\Memory Management`, "PagingFiles", windows.List, `D:\pagefile.sys 9000 9000`)
		}, "page-file", prepare.Change, "4353", "page file of 4353 MiB", false},
		"a managed page file": {func(w *windowstest.Windows) {
			w.Set(control+`Session Manager\Memory Management`, "PagingFiles", windows.List, `?:\pagefile.sys`)
		}, "page-file", prepare.OK, "Windows manages", "", false},
		"a small disk": {func(w *windowstest.Windows) {
			w.Objects["Win32_LogicalDisk"]["FreeSpace"] = "1073741824"
			w.Set(control+`Session Manager\Memory Management`, "PagingFiles", windows.List, `C:\pagefile.sys 16 400`)
		}, "page-file", prepare.Blocked, "1024 MiB are free", "DedicatedDumpFile", true},
		"a file for dumps": {func(w *windowstest.Windows) {
			w.Set(control+`Session Manager\Memory Management`, "PagingFiles", windows.List, "")
			w.Set(control+"CrashControl", "DedicatedDumpFile", windows.Text, `D:\dump.sys`)
		}, "page-file", prepare.OK, `D:\dump.sys`, "", false},
		"updates": {func(w *windowstest.Windows) {
			w.Set(`SOFTWARE\Policies\Microsoft\Windows\WindowsUpdate\AU`, "NoAutoUpdate", windows.DWord, "0")
		}, "automatic-updates", prepare.Change, "0 → 1", "reg add", false},
		"hibernation": {dword("Power", "HibernateEnabled", "1"), "hibernation", prepare.Change, "1 → 0", "powercfg", false},
		"never sleeps": {func(w *windowstest.Windows) {
			w.Schemes["0"] = map[string]string{"AC STANDBYIDLE": "0x00000000", "DC STANDBYIDLE": "0x00000000"}
			w.Set(control+`Power\User\PowerSchemes`, "ActivePowerScheme", windows.Text, "0")
		}, "sleep", prepare.OK, "never", "", false},
		"device encryption": {dword("BitLocker", "PreventDeviceEncryption", "0"), "device-encryption", prepare.Change, "0 → 1", "reg add", false},
		"another driver": {func(w *windowstest.Windows) {
			w.Set(control+`Session Manager\Memory Management`, "VerifyDrivers", windows.Text, "other.sys")
			w.Reboot()
		}, "verifier", prepare.Change, "set", "verifier /standard /driver wsksample.sys", false},
		"verifier, not in effect": {func(w *windowstest.Windows) { w.Verified = nil }, "verifier", prepare.Reboot, "next boot", "reboot", false},
		"no debugging":            {func(w *windowstest.Windows) { w.Set(loaderKey(w, "160000a0"), "Element", windows.Binary, "00") }, "kernel-debugging", prepare.Change, "debug of {current}", "bcdedit /dbgsettings", false},
		"an update waits": {func(w *windowstest.Windows) {
			w.Set(`SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending`, "x", windows.Text, "")
		}, "pending-reboot", prepare.Reboot, "components", "reboot", false},
		"a domain": {func(w *windowstest.Windows) { w.Objects["Win32_ComputerSystem"]["PartOfDomain"] = "True" }, "domain", prepare.Note, "in the domain", "organisational unit", true},
		"tamper protection": {func(w *windowstest.Windows) {
			w.Set(`SOFTWARE\Microsoft\Windows Defender\Features`, "TamperProtection", windows.DWord, "5")
		}, "tamper-protection", prepare.Note, "on", "Windows Security", true},
		"Administrator protection": {func(w *windowstest.Windows) {
			w.Set(`SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System`, "TypeOfAdminApprovalMode", windows.DWord, "2")
		}, "administrator", prepare.Note, "protection is on", "built-in Administrator", true},
		"ARM64": {func(w *windowstest.Windows) {
			w.Set(control+`Session Manager\Environment`, "PROCESSOR_ARCHITECTURE", windows.Text, "ARM64")
		}, "windows", prepare.Note, "ARM64", "build the driver for ARM64", true},
		"no HTTPS": {func(w *windowstest.Windows) { delete(w.Managed, "winrm/config/Listener/HTTPS") }, "winrm", prepare.Change, "certificate rule", "winrm quickconfig", false},
		"no Basic": {func(w *windowstest.Windows) { w.Managed["winrm/config/service/auth"]["Basic"] = "false" }, "winrm", prepare.Change, "false → true", "winrm set", false},
		"certificates alone": {func(w *windowstest.Windows) {
			w.Managed["winrm/config/service/auth"]["Basic"], w.Managed["winrm/config/service/auth"]["Certificate"] = "false", "true"
			w.Managed["winrm/config/service/certmapping?Issuer=AB+Subject=a@b+URI=*"] = map[string]string{"UserName": "tester", "Enabled": "true"}
		}, "winrm", prepare.OK, "it takes Certificate (as tester), Kerberos", "", false},
		"certificates of nobody": {func(w *windowstest.Windows) {
			w.Managed["winrm/config/service/auth"]["Basic"], w.Managed["winrm/config/service/auth"]["Certificate"] = "false", "true"
			w.Managed["winrm/config/service/certmapping?Issuer=AB+Subject=a@b+URI=*"] = map[string]string{"UserName": "tester", "Enabled": "false"}
		}, "winrm", prepare.Change, "false → true", "winrm set", false},
		"in the clear": {func(w *windowstest.Windows) { w.Managed["winrm/config/service"]["AllowUnencrypted"] = "true" }, "winrm", prepare.Change, "AllowUnencrypted: true → false", "winrm set", false},
		"Basic forbidden": {func(w *windowstest.Windows) {
			w.Managed["winrm/config/service/auth"]["Basic"] = "false"
			w.Set(`SOFTWARE\Policies\Microsoft\Windows\WinRM\Service`, "AllowBasic", windows.DWord, "0")
		}, "winrm", prepare.Blocked, "a policy forbids Basic", "--client-certificate FILE", true},
		"no WMI": {func(w *windowstest.Windows) { w.Refuse = refuse("objects", "Win32_ComputerSystem") }, "domain", prepare.Unknown, "Zugriff", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			w := prepared(t, o)
			test.make(w)
			p := preparation(w, o)
			findings, err := p.Look(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range findings {
				if f.Setting == test.setting {
					if f.Status != test.status || !strings.Contains(f.Detail, test.detail) || !strings.Contains(f.Fix, test.fix) || f.Why == "" || f.Source == "" {
						t.Errorf("got %s: %s; fix: %s; want %s: %s; fix: %s", f.Status, f.Detail, f.Fix, test.status, test.detail, test.fix)
					}
					if f.Wrong() && f.Fix == "" && f.Status != prepare.Unknown {
						t.Error("it has no fix")
					}
				} else if f.Wrong() && test.status != prepare.Unknown {
					t.Errorf("%s is %s, too: %s", f.Setting, f.Status, f.Detail)
				}
			}
			if err := p.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			findings, err = p.Look(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if got := statuses(findings)[test.setting]; got != prepare.OK != test.stays {
				t.Errorf("behind Run it is %s", got)
			}
		})
	}
}

const (
	enforce    = "8f9cb695-5d48-48d6-a329-7202b44607e3"
	policyFile = `C:\Windows\System32\CodeIntegrity\CiPolicies\Active\{8F9CB695-5D48-48D6-A329-7202B44607E3}.cip`
)

func loaderKey(w *windowstest.Windows, element string) string {
	return `BCD00000000\Objects\` + w.Loader() + `\Elements\` + element
}

// refuse refuses calls that do something about something.
func refuse(do, what string) func(windows.Call) error {
	return func(c windows.Call) error {
		if c.Do == do && strings.Contains(fmt.Sprint(c), what) {
			return &windows.CallError{Call: c, Code: winerr.ErrorAccessDenied, Text: "Zugriff verweigert"}
		}
		return nil
	}
}

// What a policy puts back behind the reboot is found, and told once; all else is prepared.
func TestPolicyThatResets(t *testing.T) {
	w := windowstest.New()
	w.Booting = func(w *windowstest.Windows) {
		w.Set(`SOFTWARE\Policies\Microsoft\Windows\WindowsUpdate\AU`, "NoAutoUpdate", windows.DWord, "0")
	}
	booted := w.Booted
	err := preparation(w, everything(t)).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "automatic-updates: it was set, and is another again") || strings.Count(err.Error(), "\n") != 0 {
		t.Errorf("got %v", err)
	}
	if w.Booted != booted+1 {
		t.Errorf("got %d boots", w.Booted-booted)
	}
}

// What is put back at once is found when it is read again.
func TestTamperedAtOnce(t *testing.T) {
	w := windowstest.New()
	w.Policies[enforce].Stubborn = true
	err := preparation(w, everything(t)).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "driver-policy: code integrity policy "+enforce+" was set, and reads Policy") && !strings.Contains(fmt.Sprint(err), "something on the machine keeps it") {
		t.Errorf("got %v", err)
	}
	if err := preparation(w, everything(t)).Undo(t.Context()); err != nil {
		t.Error(err)
	}
}

// A change that fails stops there, and says what Windows said, in whichever language; the undo takes back what was done.
func TestChangeFails(t *testing.T) {
	for _, what := range []struct{ do, about string }{{"run", "bcdedit.exe /set"}, {"addCertificate", "Root"}, {"setValue", "CrashDumpEnabled"}, {"run", "--remove-policy"}, {"run", "/duplicatescheme"}, {"writeFile", ""}, {"run", "shutdown"}} {
		t.Run(what.do+" "+what.about, func(t *testing.T) {
			w := windowstest.New()
			before := w.Snapshot()
			_, about, spaced := strings.Cut(what.about, " ")
			if !spaced {
				about = what.about
			}
			w.Refuse = refuse(what.do, about)
			if err := preparation(w, everything(t)).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "Zugriff verweigert (ERROR_ACCESS_DENIED (5))") {
				t.Errorf("got %v", err)
			}
			w.Refuse = nil
			if err := preparation(w, everything(t)).Undo(t.Context()); err != nil && !errors.Is(err, prepare.ErrNothingToUndo) {
				t.Error(err)
			}
			if after := w.Snapshot(); after != before {
				t.Errorf("it was not brought back:\n%s", difference(before, after))
			}
		})
	}
}

// Settings that are to stay do, whatever they are; also one that would be in the way.
func TestKeep(t *testing.T) {
	w := windowstest.New()
	o := everything(t)
	o.Keep = []string{"memory-integrity", "bitlocker"}
	if err := preparation(w, o).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	findings, err := preparation(w, o).Look(t.Context())
	got := statuses(findings)
	if err != nil || got["memory-integrity"] != prepare.Kept || got["bitlocker"] != prepare.Kept || w.Protection["C:"] != "1" {
		t.Errorf("%v, %v", got, err)
	}
}

// Other versions lack some of it, and are prepared by what they have.
func TestVersions(t *testing.T) {
	for name, version := range map[string]map[string]string{
		"Windows 10":  {"CurrentBuildNumber": "19045", "ProductName": "Windows 10 Pro"},
		"Server 2019": {"CurrentBuildNumber": "17763", "InstallationType": "Server Core", "ProductName": "Windows Server 2019"},
		"Server 2025": {"CurrentBuildNumber": "26100", "InstallationType": "Server"},
	} {
		t.Run(name, func(t *testing.T) {
			w := windowstest.New()
			for what, text := range version {
				w.Set(versionKey, what, windows.Text, text)
			}
			if name != "Server 2025" {
				w.Policies = nil
			}
			before := w.Snapshot()
			p := preparation(w, everything(t))
			if err := p.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			findings, err := p.Look(t.Context())
			if wrong := slices.ContainsFunc(findings, prepare.Finding.Wrong); wrong || err != nil {
				t.Errorf("%v, %v", statuses(findings), err)
			}
			if err := p.Undo(t.Context()); err != nil || w.Snapshot() != before {
				t.Errorf("%v\n%s", err, difference(before, w.Snapshot()))
			}
		})
	}
}

// The names of the settings are those that --keep takes, each once.
func TestNames(t *testing.T) {
	names := prepare.Names()
	seen := map[string]int{}
	for _, n := range names {
		seen[n]++
	}
	if len(seen) != len(names) || seen["certificate"] != 1 || seen["verifier"] != 1 {
		t.Errorf("%v", slices.Collect(maps.Keys(seen)))
	}
}

// While a target is brought back, it is not prepared.
func TestRunWhileUndoing(t *testing.T) {
	o := everything(t)
	w := prepared(t, o)
	w.Cut = w.Changes + 3
	if err := preparation(w, o).Undo(t.Context()); !errors.Is(err, windowstest.ErrCut) {
		t.Fatal(err)
	}
	if err := preparation(w, o).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "--undo") {
		t.Errorf("got %v", err)
	}
	plan, err := preparation(w, o).Plan(t.Context())
	if err != nil || !plan.Undoing {
		t.Errorf("%+v, %v", plan, err)
	}
}
