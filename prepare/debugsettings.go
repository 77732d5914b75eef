package prepare

import (
	"fmt"
	"strings"

	"wskharness/prepare/windows"
)

// verifierSetting is that Driver Verifier verifies what was asked for.
func verifierSetting() setting {
	return setting{
		name:   "verifier",
		why:    "Driver Verifier finds what a driver does wrong and gets away with otherwise; it begins, and ends, with a boot",
		source: "Microsoft, “Driver Verifier command syntax”",
		look: func(v *view) Finding {
			want := *v.opts.Verifier
			place := item{verifierKind, "", ""}
			now := v.item(place)
			is := effectiveVerifier(v.need(windows.Ask("verifier.exe", "/query")).Output())
			command := fmt.Sprintf("verifier /%s /driver %s, and reboot", strings.TrimPrefix(want.Flags, "/"), strings.Join(want.Drivers, " "))
			switch {
			case !want.set(now):
				return differs([]change{{item: place, now: now, reboot: true, calls: want.calls(), reached: want.set}}, "", command)
			case !is.Covers(want):
				return pending(fmt.Sprintf("%s; it is set for %s", is, names(want.Drivers)))
			}
			return Finding{Status: OK, Detail: is.String()}
		},
	}
}

// debugSetting is that the kernel can be debugged.
func debugSetting() setting {
	return setting{
		name:   "kernel-debugging",
		why:    "a debugger sees what no dump has; with it on and none attached, a crash waits for one",
		source: "Microsoft, “BCDEdit /dbgsettings”; “Setting up KDNET network kernel debugging manually”",
		look: func(v *view) Finding {
			d := *v.opts.Debug
			object := windows.DebuggerSettings
			if d.Port != 0 {
				return differs(v.differing(
					wanted{boot(object, debugType), number(0), true}, wanted{boot(object, debugPort), number(d.Port), true},
					wanted{boot(object, debugBaud), number(d.Baud), true}, wanted{boot(windows.CurrentLoader, debugOn), yes(), true},
				), fmt.Sprintf("over COM%d", d.Port), fmt.Sprintf("bcdedit /dbgsettings serial debugport:%d baudrate:%d; bcdedit /debug on; reboot", d.Port, d.Baud))
			}
			// Without a key Windows makes one: it is nobody's to send, and is asked for where it is.
			make := windows.Program("bcdedit.exe", "/dbgsettings", "net", "hostip:"+address(d.Host), fmt.Sprintf("port:%d", d.HostPort))
			changes := v.differing(wanted{boot(object, debugHost), number(d.Host), true}, wanted{boot(object, debugHostPort), number(d.HostPort), true},
				wanted{boot(object, debugType), number(3), true})
			if key := v.item(boot(object, debugKey)); key.Type == windows.Absent || len(changes) > 0 {
				changes = append(changes, change{item: boot(object, debugKey), now: key, reboot: true, reached: func(s state) bool { return s.Type == windows.Text }})
			}
			if dhcp := v.item(boot(object, debugDHCP)); len(changes) > 0 {
				changes = append(changes, change{item: boot(object, debugDHCP), now: dhcp, reboot: true, reached: func(state) bool { return true }})
			}
			if len(changes) > 0 { // one command does all of it; each of the others finds itself done
				changes[0].calls = []windows.Call{make}
			}
			changes = append(changes, v.differing(wanted{boot(windows.CurrentLoader, debugOn), yes(), true})...)
			f := differs(changes, fmt.Sprintf("over the network, by %s:%d", address(d.Host), d.HostPort),
				fmt.Sprintf("bcdedit /dbgsettings net hostip:%s port:%d; bcdedit /debug on; reboot", address(d.Host), d.HostPort))
			f.Fix += "; the key is shown by `bcdedit /dbgsettings` there"
			return f
		},
	}
}

// address is an IPv4 address as it is written.
func address(n uint64) string {
	return fmt.Sprintf("%d.%d.%d.%d", byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
}
