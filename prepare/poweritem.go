package prepare

import (
	"fmt"

	"wskharness/guest/untrusted"
	"wskharness/prepare/windows"
)

// The power scheme: the machine gets a copy of its own of the one that it has, in which nothing sleeps. So the one that it had
// stays as it is, and undoing is to go back to it (Microsoft, "Powercfg command-line options").
const (
	schemeKind = "power scheme"
	ourScheme  = "b1e9c3a0-7d52-4c0e-9f36-77736b686172"
	schemesKey = `SYSTEM\CurrentControlSet\Control\Power\User\PowerSchemes`
)

func readScheme(item) windows.Call { return windows.Value(schemesKey, "ActivePowerScheme") }

// sleepless are the settings of a scheme that end what goes on, as powercfg calls them: sleep after, hibernate after, and sleep
// after the machine woke up unattended.
var sleepless = []string{"STANDBYIDLE", "HIBERNATEIDLE", "UNATTENDSLEEP"}

func writeScheme(i item, now, to state) ([]windows.Call, error) {
	if !untrusted.IsGUID(to.Data) || !untrusted.IsGUID(now.Data) {
		return nil, fmt.Errorf("%s: %q and %q are not both the GUID of a scheme", i, now.Data, to.Data)
	}
	if to.Data != ourScheme {
		return []windows.Call{windows.Program("powercfg.exe", "/setactive", to.Data), windows.Ask("powercfg.exe", "/delete", ourScheme)}, nil
	}
	calls := []windows.Call{
		windows.Ask("powercfg.exe", "/delete", ourScheme), // one that was begun
		windows.Program("powercfg.exe", "/duplicatescheme", now.Data, ourScheme),
	}
	for _, name := range sleepless {
		for _, supply := range []string{"/setacvalueindex", "/setdcvalueindex"} {
			calls = append(calls, windows.Program("powercfg.exe", supply, ourScheme, "SUB_SLEEP", name, "0"))
		}
	}
	return append(calls, windows.Program("powercfg.exe", "/setactive", ourScheme)), nil
}

// Hibernation.
const (
	hibernationKind = "hibernation"
	powerKey        = `SYSTEM\CurrentControlSet\Control\Power`
)

func readHibernation(item) windows.Call { return windows.Value(powerKey, "HibernateEnabled") }

func writeHibernation(_ item, _, to state) ([]windows.Call, error) {
	word := "on"
	if to.Data == "0" {
		word = "off"
	}
	return []windows.Call{windows.Program("powercfg.exe", "/hibernate", word)}, nil
}

// Protection of a volume by BitLocker: Place is its drive letter with the colon. Suspended, the volume stays encrypted, with a
// key that is readable; manage-bde keeps it so over any number of boots with -RebootCount 0 (Microsoft, "manage-bde protectors").
const protectionKind = "BitLocker"

const encryption = `root\cimv2\security\microsoftvolumeencryption`

func readProtection(i item) windows.Call {
	return windows.Objects(encryption, "SELECT DriveLetter, ProtectionStatus, ConversionStatus FROM Win32_EncryptableVolume WHERE DriveLetter = '"+i.Place+"'",
		"ProtectionStatus", "ConversionStatus")
}

func stateOfProtection(_ item, a windows.Answer) (state, error) {
	if volume := a.First(); volume != nil {
		return state{Type: "Protection", Data: volume["ProtectionStatus"]}, nil
	}
	return state{}, nil
}

func writeProtection(i item, _, to state) ([]windows.Call, error) {
	if to.Data == "1" {
		return []windows.Call{windows.Program("manage-bde.exe", "-protectors", "-enable", i.Place)}, nil
	}
	return []windows.Call{windows.Program("manage-bde.exe", "-protectors", "-disable", i.Place, "-RebootCount", "0")}, nil
}
