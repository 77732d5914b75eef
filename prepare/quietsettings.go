package prepare

import (
	"regexp"

	"wskharness/prepare/windows"
)

// quietSettings are what keeps a machine from doing something of its own accord in the middle of a run.
func quietSettings() []setting {
	return []setting{{
		name:   "automatic-updates",
		why:    "an update reboots the machine in the middle of a run, and may bring back what was turned off here",
		source: "Microsoft, “Manage additional Windows Update settings”: NoAutoUpdate",
		look: func(v *view) Finding {
			const key = `SOFTWARE\Policies\Microsoft\Windows\WindowsUpdate\AU`
			return differs(v.differing(wanted{registry(key, "NoAutoUpdate"), dword(1), false}), "none", `reg add HKLM\`+key+" /v NoAutoUpdate /t REG_DWORD /d 1 /f")
		},
	}, {
		name:   "sleep",
		why:    "a machine that sleeps answers nobody, and a run on it is lost",
		source: "Microsoft, “Powercfg command-line options”; “Sleep idle timeout”",
		look: func(v *view) Finding {
			place := item{schemeKind, "", ""}
			now := v.item(place)
			idle := v.need(windows.Ask("powercfg.exe", "/query", "SCHEME_CURRENT", "SUB_SLEEP", "STANDBYIDLE")).Output()
			if now.Data == ourScheme || neverSleeps(idle) {
				return Finding{Status: OK, Detail: "never"}
			}
			f := differs(v.differing(wanted{place, state{Type: windows.Text, Data: ourScheme}, false}), "", "powercfg /change standby-timeout-ac 0, and standby-timeout-dc, hibernate-timeout-ac, hibernate-timeout-dc")
			f.Detail = "after a while, by the power scheme " + printable(now.Data, 60) + ": the machine gets a copy of that, in which nothing sleeps"
			return f
		},
	}, {
		name:   "hibernation",
		why:    "a machine that hibernates answers nobody; and with fast startup a shutdown is a hibernation of the kernel, drivers included",
		source: "Microsoft, “Powercfg command-line options”; “Distinguishing fast startup from wake-from-hibernation”",
		look: func(v *view) Finding {
			place := item{hibernationKind, "", ""}
			if now := v.item(place); now.Type == windows.Absent || now.same(dword(0)) {
				return Finding{Status: OK, Detail: "off"}
			}
			return differs(v.differing(wanted{place, dword(0), false}), "", "powercfg /hibernate off")
		},
	}, {
		name:   "device-encryption",
		why:    "Windows 11 encrypts its drive by itself, and then asks for a recovery key when boot settings change",
		source: "Microsoft, “BitLocker drive encryption in Windows 11 for OEMs”: PreventDeviceEncryption",
		look: func(v *view) Finding {
			const key = currentSystem + `Control\BitLocker`
			if v.server() {
				return Finding{Status: OK, Detail: "a server has none"}
			}
			return differs(v.differing(wanted{registry(key, "PreventDeviceEncryption"), dword(1), false}), "prevented", `reg add HKLM\`+key+" /v PreventDeviceEncryption /t REG_DWORD /d 1 /f")
		},
	}}
}

var hexNumber = regexp.MustCompile(`0x[0-9a-fA-F]{8}\b`)

// neverSleeps reads `powercfg /query` of one setting, whose last two numbers are what it is with mains supply and on battery, in
// whichever language the rest is.
func neverSleeps(out string) bool {
	numbers := hexNumber.FindAllString(out, -1)
	n := len(numbers)
	return n >= 2 && numbers[n-1] == "0x00000000" && numbers[n-2] == "0x00000000"
}
