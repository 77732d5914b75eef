package prepare

import (
	"slices"
	"strings"

	"wskharness/guest"
	"wskharness/prepare/windows"
)

const (
	deviceGuardKey = currentSystem + `Control\DeviceGuard`
	hvciKey        = deviceGuardKey + `\Scenarios\HypervisorEnforcedCodeIntegrity`
	integrityKey   = currentSystem + `Control\CI`
)

// What memory integrity is found to be, and what mends these by hand.
const (
	integrityEnforced = "memory integrity is enforced now"
	turnIntegrityOff  = "turn memory integrity off in Windows Security, and reboot"
	turnSmartAppOff   = "turn Smart App Control off in Windows Security, and reboot"
)

var (
	driverPolicies     = map[string]string{auditPolicy: "it audits", enforcePolicy: "it refuses drivers"}
	removeDriverPolicy = "CiTool --remove-policy {" + strings.ToUpper(enforcePolicy) + "}, and the same for {" + strings.ToUpper(auditPolicy) + "}, and reboot; this takes the updates of July 2026"
)

// policySettings are what refuses a driver although its signature is accepted.
func policySettings() []setting {
	return []setting{{
		name:   "memory-integrity",
		why:    "memory integrity (HVCI) refuses drivers that are not built for it, and virtualization-based security changes how the kernel runs; a target that is to test that keeps it",
		source: "Microsoft, “Enable virtualization-based protection of code integrity”",
		look:   lookMemoryIntegrity,
		brief: func(f guest.Facts, _ Known) Finding {
			if f.HVCI == nil || !*f.HVCI {
				return Finding{}
			}
			return Finding{Status: Change, Detail: integrityEnforced, Fix: turnIntegrityOff}
		},
	}, {
		name:   "smart-app-control",
		why:    "Smart App Control blocks programs and drivers that Microsoft does not know, and turns itself on after it has watched for a while",
		source: "Microsoft, “Smart App Control”; the state in CI\\Policy, VerifiedAndReputablePolicyState",
		look: func(v *view) Finding {
			place := registry(integrityKey+`\Policy`, "VerifiedAndReputablePolicyState")
			switch now := v.item(place); {
			case v.server() || v.build() < windows11v22:
				return Finding{Status: OK, Detail: "this Windows has none"}
			case now.Type == windows.Absent || now.same(dword(0)):
				return Finding{Status: OK, Detail: "off"}
			}
			return differs(v.differing(wanted{place, dword(0), true}), "", turnSmartAppOff)
		},
		brief: func(f guest.Facts, _ Known) Finding {
			if f.SmartAppControl == nil || *f.SmartAppControl != 1 {
				return Finding{}
			}
			return Finding{Status: Change, Detail: "on", Fix: turnSmartAppOff}
		},
	}, {
		name:   "driver-block-list",
		why:    "Microsoft's list of vulnerable drivers grows with updates, and a driver under test that is like one of them is refused",
		source: "Microsoft, “Microsoft recommended driver block rules”",
		look: func(v *view) Finding {
			return differs(v.differing(wanted{registry(integrityKey+`\Config`, "VulnerableDriverBlocklistEnable"), dword(0), true}), "off",
				`reg add HKLM\`+integrityKey+`\Config /v VulnerableDriverBlocklistEnable /t REG_DWORD /d 0 /f, and reboot`)
		},
	}, {
		name:   "driver-policy",
		why:    "the Windows Driver Policy of 2026 first audits, and then refuses drivers that Microsoft has not signed; whether test-signed ones are exempt is told both ways",
		source: "Microsoft support, “The Windows Driver Policy”; “CiTool technical reference”",
		look:   lookDriverPolicy,
		brief: func(f guest.Facts, _ Known) Finding {
			var active []string
			for _, id := range f.Policies {
				if word := driverPolicies[id]; word != "" {
					active = append(active, word)
				}
			}
			if active == nil {
				return Finding{}
			}
			return Finding{Status: Change, Detail: strings.Join(active, ", "), Fix: removeDriverPolicy}
		},
	}}
}

func lookMemoryIntegrity(v *view) Finding {
	running := v.object(windows.Objects(`root\Microsoft\Windows\DeviceGuard`,
		"SELECT VirtualizationBasedSecurityStatus, SecurityServicesRunning FROM Win32_DeviceGuard", "VirtualizationBasedSecurityStatus", "SecurityServicesRunning"))
	enforced := slices.Contains(strings.Split(running["SecurityServicesRunning"], ","), "2")
	virtualized := running["VirtualizationBasedSecurityStatus"] == "2"
	on, _ := v.number(hvciKey, "Enabled")
	vbs, _ := v.number(deviceGuardKey, "EnableVirtualizationBasedSecurity")
	byPolicy, _ := v.number(`SOFTWARE\Policies\Microsoft\Windows\DeviceGuard`, "EnableVirtualizationBasedSecurity")
	locked, _ := v.number(hvciKey, "Locked")
	lockedToo, _ := v.number(deviceGuardKey, "Locked")
	wants := []wanted{{registry(hvciKey, "Enabled"), dword(0), true}, {registry(deviceGuardKey, "EnableVirtualizationBasedSecurity"), dword(0), true}}
	by := v.item(registry(hvciKey, "WasEnabledBy"))
	if by.Type != windows.Absent { // by which Windows takes it for turned on by itself, and turns it on again
		wants = append(wants, wanted{registry(hvciKey, "WasEnabledBy"), dword(0), true})
	}
	changes := v.differing(wants...)
	switch {
	case on == 0 && vbs == 0 && byPolicy == 0 && !enforced && !virtualized && (by.Type == windows.Absent || by.same(dword(0))):
		return Finding{Status: OK, Detail: "off"}
	case byPolicy != 0:
		return Finding{Status: Blocked, Detail: "a policy turns virtualization-based security on", Fix: "take the machine out of that policy (Turn On Virtualization Based Security)"}
	case locked+lockedToo != 0:
		return Finding{Status: Blocked, Detail: "virtualization-based security is locked in the firmware", Fix: "turn it off with SecConfig.efi, as Microsoft's “Disable virtualization-based protection” describes, where somebody is at the machine"}
	case len(changes) == 0:
		return pending("off")
	}
	f := differs(changes, "", turnIntegrityOff)
	if enforced {
		f.Detail = integrityEnforced + "; " + f.Detail
	}
	return f
}

func lookDriverPolicy(v *view) Finding {
	if !v.hasCITool() {
		return Finding{Status: OK, Detail: "this Windows has no CiTool, and no such policy that could be removed"}
	}
	all, err := parsePolicies(v.need(listPolicies()).Output())
	if v.waitsFor(listPolicies()) {
		return Finding{}
	}
	if err != nil {
		return Finding{Status: Unknown, Detail: err.Error(), Fix: "look at `CiTool -lp` on the machine"}
	}
	var changes []change
	var active []string
	for _, p := range all {
		if p.id != auditPolicy && p.id != enforcePolicy || !p.onDisk && !p.enforced {
			continue
		}
		word := driverPolicies[p.id]
		active = append(active, word)
		if !p.onDisk {
			continue
		}
		place := item{policyKind, p.id, ""}
		if a := v.need(windows.Exists(policyFile(p.id))); a.Type != windows.File && !v.waitsFor(windows.Exists(policyFile(p.id))) {
			return Finding{Status: Blocked, Detail: word + ", and its file is not where it could be kept for later: " + policyFile(p.id),
				Fix: "CiTool --remove-policy {" + strings.ToUpper(p.id) + "}, and reboot; it comes back with an update only"}
		}
		changes = append(changes, change{item: place, now: state{Type: "Policy"}, reboot: true})
	}
	switch {
	case len(active) == 0:
		return Finding{Status: OK, Detail: "not active"}
	case len(changes) == 0:
		return pending("removed")
	}
	f := differs(changes, "", removeDriverPolicy)
	f.Detail = strings.Join(active, ", ") + ": it is removed"
	return f
}
