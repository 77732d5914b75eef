package windowstest

import (
	"fmt"
	"maps"
	"slices"

	"wskharness/prepare/windows"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

const powerSchemes = `SYSTEM\CurrentControlSet\Control\Power\User\PowerSchemes`

func (w *Windows) powercfg(args []string) ran {
	refused := ran{1, w.say("The power scheme, subgroup or setting specified does not exist.", "Das angegebene Energieschema, die Untergruppe oder die Einstellung ist nicht vorhanden.")}
	active := w.Registry[powerSchemes]["ActivePowerScheme"].Data
	switch {
	case len(args) == 4 && args[0] == "/query":
		s := w.Schemes[active]
		return ran{0, fmt.Sprintf("%s: 0x00000000\r\n%s: 0xffffffff\r\n%s: %s\r\n%s: %s\r\n",
			w.say("Minimum Possible Setting", "Minimal mögliche Einstellung"), w.say("Maximum Possible Setting", "Maximal mögliche Einstellung"),
			w.say("Current AC Power Setting Index", "Index der aktuellen Wechselstromeinstellung"), s["AC STANDBYIDLE"],
			w.say("Current DC Power Setting Index", "Index der aktuellen Gleichstromeinstellung"), s["DC STANDBYIDLE"])}
	case len(args) == 3 && args[0] == "/duplicatescheme":
		from, there := w.Schemes[args[1]]
		if _, taken := w.Schemes[args[2]]; taken || !there {
			return refused
		}
		w.Schemes[args[2]] = maps.Clone(from)
	case len(args) == 2 && args[0] == "/setactive":
		if w.Schemes[args[1]] == nil {
			return refused
		}
		w.Set(firewall, "WINRM-HTTP-In-TCP", windows.Text, "v2.30|Action=Allow|Profile=Private|LPort=5985|")
		w.Set(powerSchemes, "ActivePowerScheme", windows.Text, args[1])
	case len(args) == 2 && args[0] == "/delete":
		if w.Schemes[args[1]] == nil || active == args[1] {
			return refused
		}
		delete(w.Schemes, args[1])
	case len(args) == 5 && (args[0] == "/setacvalueindex" || args[0] == "/setdcvalueindex"):
		s := w.Schemes[args[1]]
		if s == nil {
			return refused
		}
		s[map[bool]string{true: "AC ", false: "DC "}[args[0] == "/setacvalueindex"]+args[3]] = "0x00000000"
	case len(args) == 2 && args[0] == "/hibernate":
		w.Set(`SYSTEM\CurrentControlSet\Control\Power`, "HibernateEnabled", windows.DWord, map[string]string{"on": "1", "off": "0"}[args[1]])
	default:
		return ran{1, "usage"}
	}
	return ran{}
}

func (w *Windows) manageBDE(args []string) ran {
	if len(args) < 3 || args[0] != "-protectors" || w.Protection[args[2]] == "" {
		return ran{1, w.say("ERROR: parameter", "FEHLER: Parameter")}
	}
	w.sealed = w.measured
	w.Protection[args[2]] = map[string]string{"-enable": "1", "-disable": "0"}[args[1]]
	return ran{}
}

func (w *Windows) whoami([]string) ran {
	out := fmt.Sprintf("\"%s\",\"%s\",\"S-1-1-0\",\"\"\r\n", w.say("Everyone", "Jeder"), w.say("Well-known group", "Bekannte Gruppe"))
	if w.User != "" {
		out += fmt.Sprintf("\"%s\",\"Alias\",\"S-1-5-32-544\",\"%s\"\r\n", w.say(`BUILTIN\Administrators`, `VORDEFINIERT\Administratoren`), w.say("Group used for deny only", "Nur für Verweigerungen verwendete Gruppe"))
	}
	return ran{0, out}
}

// New is a plain Windows 11, with all that is in the way of a test-signed driver but Secure Boot: BitLocker, memory integrity,
// Smart App Control, both policies for drivers, sleep, hibernation, small dumps that are not kept.
func New() *Windows {
	w := &Windows{
		Registry: map[string]map[string]Value{}, Files: map[string][]byte{}, Folders: map[string]bool{},
		Certificates: map[string]map[string]string{"Root": {"0123": "AA=="}, "TrustedPublisher": {}, "My": {}},
		Policies: map[string]*Policy{
			"784c4414-79f4-4c32-a6a5-f0fb42a51d0d": {Name: "Audit", OnDisk: true, Enforced: true}, "8f9cb695-5d48-48d6-a329-7202b44607e3": {Name: "Enforce", OnDisk: true, Enforced: true},
			"d2bda982-ccf6-4344-ac5b-0b44427b6816": {Name: "Microsoft Windows Driver Policy", Enforced: true},
		},
		Schemes:    map[string]map[string]string{"381b4222-f694-41f0-9685-ff5bb260df2e": {"AC STANDBYIDLE": "0x00000708", "DC STANDBYIDLE": "0x00000384"}},
		Protection: map[string]string{"C:": "1"},
		Objects: map[string]map[string]string{
			"Win32_ComputerSystem": {"PartOfDomain": "False", "Domain": "WORKGROUP", "TotalPhysicalMemory": "4294967296"},
			"Win32_LogicalDisk":    {"FreeSpace": "64424509440"}, "Win32_DeviceGuard": {},
		},
		Managed: map[string]map[string]string{
			"winrm/config/service":      {"AllowUnencrypted": "false", "CertificateThumbprint": ""},
			"winrm/config/service/auth": {"Basic": "false", "Kerberos": "true", "Negotiate": "true", "Certificate": "false", "CredSSP": "false"},
		},
		User: `WIN11\tester`, SID: "S-1-5-21-1-2-3-1001",
	}
	const version = `SOFTWARE\Microsoft\Windows NT\CurrentVersion`
	for name, text := range map[string]string{"CurrentBuildNumber": "26100", "InstallationType": "Client", "ProductName": "Windows 10 Pro", "DisplayVersion": "24H2"} {
		w.Set(version, name, windows.Text, text)
	}
	const control = `SYSTEM\CurrentControlSet\Control\`
	w.Set(control+`Session Manager\Environment`, "PROCESSOR_ARCHITECTURE", windows.Text, "AMD64")
	w.Set(bootManager, "Element", windows.Text, "{b2721d73-1db4-4c62-bf78-c548a880142d}")
	w.Set(elementKey(w.Loader(), "12000004"), "Element", windows.Text, "Windows 11")
	w.Set(elementKey("{4636856e-540f-4170-a130-a84776f4c654}", "15000011"), "Element", windows.Binary, "0000000000000000")
	for name, n := range map[string]string{"CrashDumpEnabled": "7", "AutoReboot": "1", "AlwaysKeepMemoryDump": "0"} {
		w.Set(control+"CrashControl", name, windows.DWord, n)
	}
	w.Set(memory, "PagingFiles", windows.List, `C:\pagefile.sys 1024 2048`)
	w.Set(deviceGuard, "EnableVirtualizationBasedSecurity", windows.DWord, "1")
	w.Set(hvci, "Enabled", windows.DWord, "1")
	w.Set(hvci, "WasEnabledBy", windows.DWord, "2")
	w.Set(control+`CI\Policy`, "VerifiedAndReputablePolicyState", windows.DWord, "2")
	w.Set(control+"CI", "UMCIAuditMode", windows.DWord, "0")
	w.Set(`SOFTWARE\Policies\Microsoft\Windows`, "Other", windows.Text, "")
	w.Set(firewall, "WINRM-HTTP-In-TCP", windows.Text, "v2.30|Action=Allow|Profile=Private|LPort=5985|")
	w.Set(powerSchemes, "ActivePowerScheme", windows.Text, "381b4222-f694-41f0-9685-ff5bb260df2e")
	w.Set(control+"Power", "HibernateEnabled", windows.DWord, "1")
	for id := range w.Policies {
		if w.Policies[id].OnDisk {
			w.write(policyFile(id), []byte(id))
		}
	}
	w.start()
	w.sealed = w.measured
	return w
}
