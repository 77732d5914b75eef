package prepare

import (
	"fmt"
	"strings"

	"wskharness/guest"
	"wskharness/prepare/windows"
)

// policiesKey has what decides how much an administrator may do from afar.
const policiesKey = `SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System`

// machineSettings are what can't be changed from inside, or by us: they are looked at first, and nothing is done where they are
// wrong.
func machineSettings() []setting {
	return []setting{{
		name: "administrator", needed: true,
		why:    "drivers, boot settings and certificates of the machine are an administrator's, with his full token",
		source: "Microsoft, “User Account Control and remote restrictions”; “Administrator protection”",
		look:   lookAdministrator,
		brief: func(f guest.Facts, _ Known) Finding {
			if f.Admin == nil || *f.Admin {
				return Finding{}
			}
			return Finding{Status: Blocked, Refuses: true, Detail: printable(f.User, 200) + " is no administrator with a full token", Fix: useAdministrator + "; where it is one whose token is filtered, " + unfilter}
		},
	}, {
		name: "windows", needed: true,
		why:    "what is set here, and how, is that of Windows 10, Server 2016 and later",
		source: "Microsoft, “Windows lifecycle”",
		look: func(v *view) Finding {
			if build := v.build(); build < windows10 {
				return Finding{Status: Blocked, Detail: fmt.Sprintf("%s: build %d", v.text(versionKey, "ProductName"), build), Fix: "use Windows 10, Server 2016, or later"}
			}
			if v.architecture() == "ARM64" {
				return Finding{Status: Note, Detail: v.describe() + ": only drivers for ARM64 load here", Fix: "build the driver for ARM64"}
			}
			return Finding{Status: OK, Detail: v.describe()}
		},
	}, {
		name: "secure-boot", needed: true,
		why:    "with Secure Boot on, Windows ignores test signing, and bcdedit refuses it",
		source: "Microsoft, “Enable loading of test signed drivers”",
		look: func(v *view) Finding {
			if on, _ := v.number(currentSystem+`Control\SecureBoot\State`, "UEFISecureBootEnabled"); on != 0 {
				return secureBootOn
			}
			return Finding{Status: OK, Detail: "off, or a BIOS that has none"}
		},
		brief: func(f guest.Facts, k Known) Finding {
			if f.SecureBoot == nil || !*f.SecureBoot {
				return Finding{}
			}
			found := secureBootOn
			refuses, known := f.RefusesTestSigned()
			if known && !refuses { // a policy of Secure Boot's for debugging allows that
				return Finding{}
			}
			found.Refuses = refuses && k.TestSigned
			return found
		},
	}, {
		name:   "pending-reboot",
		why:    "what is installed half may change settings, and reboots, in the middle of a run",
		source: "Microsoft, “RebootPending” of Component Based Servicing and Windows Update",
		look:   lookPendingReboot,
	}, {
		name:   "domain",
		why:    "a domain's policies are applied again and again, also over what is set here",
		source: "Microsoft, “Group Policy processing”",
		look: func(v *view) Finding {
			if computer := v.object(computer()); computer["PartOfDomain"] == "True" {
				return Finding{Status: Note, Detail: "the machine is in the domain " + printable(computer["Domain"], 100) + ": settings that a policy resets are told when they are read again",
					Fix: "put the machine into an organisational unit without such policies, or use one outside the domain"}
			}
			return Finding{Status: OK, Detail: "none"}
		},
	}, {
		name:   "tamper-protection",
		why:    "Microsoft Defender's own settings can't be changed while it is on; nothing here needs that, but what is set by hand is taken back",
		source: "Microsoft, “Protect security settings with tamper protection”",
		look: func(v *view) Finding {
			if state, ok := v.number(`SOFTWARE\Microsoft\Windows Defender\Features`, "TamperProtection"); ok && state&1 != 0 { // 5 and 1 are on, 4 and 0 off
				return Finding{Status: Note, Detail: "on", Fix: "only where Defender disturbs the tests: turn it off in Windows Security by hand"}
			}
			return Finding{Status: OK, Detail: "off"}
		},
	}}
}

// secureBootOn is found where it is.
var secureBootOn = Finding{
	Status: Blocked, Detail: "Secure Boot is on, and can't be turned off from inside the machine",
	Fix: "turn it off in the firmware's settings; QEMU, libvirt: firmware without Secure Boot and fresh variables; Hyper-V: Set-VMFirmware -EnableSecureBoot Off while the VM is off",
}

// What mends an account that is not one.
const (
	useAdministrator = "use an account of the group Administrators (S-1-5-32-544)"
	unfilter         = `on the machine, as administrator: reg add HKLM\` + policiesKey + ` /v LocalAccountTokenFilterPolicy /t REG_DWORD /d 1 /f; or use the built-in Administrator`
)

// computer is what WMI tells of the machine.
func computer() windows.Call {
	return windows.Objects(`root\cimv2`, "SELECT PartOfDomain, Domain, TotalPhysicalMemory FROM Win32_ComputerSystem", "PartOfDomain", "Domain", "TotalPhysicalMemory")
}

func lookAdministrator(v *view) Finding {
	who := v.need(windows.Account()).First()
	groups := v.need(windows.Ask("whoami.exe", "/groups", "/fo", "csv", "/nh")).Output()
	name := printable(who["user"], 200)
	protection, _ := v.number(policiesKey, "TypeOfAdminApprovalMode")
	switch {
	case who["administrator"] == "True" && protection == 2 && !strings.HasSuffix(who["sid"], "-500"):
		return Finding{Status: Note, Detail: name + " is an administrator; Administrator protection is on",
			Fix: "if something is refused all the same: use the built-in Administrator, or turn Administrator protection off in the local security policy"}
	case who["administrator"] == "True":
		return Finding{Status: OK, Detail: name + " is an administrator with a full token"}
	case strings.Contains(groups, "S-1-5-32-544"):
		return Finding{Status: Blocked, Detail: name + " is an administrator whose token is filtered",
			Fix: unfilter}
	}
	return Finding{Status: Blocked, Detail: name + " is no administrator", Fix: useAdministrator}
}

func lookPendingReboot(v *view) Finding {
	var pending []string
	for _, one := range []struct{ what, key, name string }{
		{"an installation of components", `SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending`, ""},
		{"Windows Update", `SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired`, ""},
	} {
		// The nearest key that is there is told where this one isn't.
		if a := v.need(windows.Value(one.key, one.name)); !v.waitsFor(windows.Value(one.key, one.name)) && (a.Type != windows.Absent || a.Key == "") {
			pending = append(pending, one.what)
		}
	}
	if len(pending) == 0 {
		return Finding{Status: OK, Detail: "none"}
	}
	return Finding{Status: Reboot, Detail: strings.Join(pending, " and ") + " waits for a reboot", Fix: "reboot the machine", Reboot: true}
}
