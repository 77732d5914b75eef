package prepare

import (
	"fmt"
	"slices"
	"strings"

	"wskharness/guest"
	"wskharness/guest/untrusted"
	"wskharness/prepare/windows"
)

// What mends them by hand.
const (
	setTestSigning = "bcdedit /set {current} testsigning on, and reboot"
	addCertificate = "certutil -addstore Root FILE, and certutil -addstore TrustedPublisher FILE"
)

func printable(text string, n int) string {
	return untrusted.Clip(untrusted.Printable([]byte(text)), n)
}

// signingSettings are what a test-signed driver needs to load.
func signingSettings(o Options) []setting {
	rows := []setting{{
		name: "bitlocker", needed: true,
		why:    "a boot setting that changes makes BitLocker ask for its recovery key at the next boot, unless it is suspended",
		source: "Microsoft, “manage-bde protectors”; “BCD settings and BitLocker”",
		look: func(v *view) Finding {
			drive := item{protectionKind, systemDrive, ""}
			volume := v.object(readProtection(drive))
			switch {
			case volume == nil:
				return Finding{Status: OK, Detail: "no volume of it"}
			case volume["ProtectionStatus"] == "0":
				return Finding{Status: OK, Detail: "off or suspended on " + systemDrive}
			case volume["ProtectionStatus"] != "1":
				return Finding{Status: Blocked, Detail: systemDrive + " is locked, or its state is not known", Fix: "look at `manage-bde -status " + systemDrive + "` on the machine"}
			}
			f := differs(v.differing(wanted{drive, state{"Protection", "0", ""}, false}), "", "manage-bde -protectors -disable C: -RebootCount 0")
			for n := range f.changes {
				f.changes[n].last = true // behind the reboot: what BitLocker seals to is what this boot measured
			}
			f.Detail = "protects " + systemDrive + ": it is suspended until this is undone"
			return f
		},
	}, {
		name: "test-signing", needed: true,
		why:    "Windows loads only drivers that Microsoft has signed, unless it is told to take test signatures, too",
		source: "Microsoft, “Enable loading of test signed drivers”; “BcdLibraryElementTypes”",
		look: func(v *view) Finding {
			f := differs(v.differing(wanted{boot(windows.CurrentLoader, testSigning), yes(), true}), "on", setTestSigning)
			options := strings.Fields(strings.ToUpper(v.text(currentSystem+"Control", "SystemStartOptions")))
			for _, option := range options {
				if option == "TESTSIGNING" {
					return f
				}
			}
			if f.Status == OK {
				return pending("on")
			}
			return f
		},
		brief: func(f guest.Facts, k Known) Finding {
			if refuses, _ := f.RefusesTestSigned(); !refuses {
				return Finding{}
			}
			return Finding{Status: Change, Detail: "off in this boot, so that Windows loads only drivers that Microsoft has signed", Fix: setTestSigning, Refuses: k.TestSigned}
		},
	}}
	if o.Certificate == nil {
		return rows
	}
	return append(rows, setting{
		name: "certificate", needed: true,
		why:    "the test certificate has to be trusted by the machine: as a root by the kernel's check, as a publisher by the installation of a driver",
		source: "Microsoft, “Installing a test certificate on a test computer”",
		look: func(v *view) Finding {
			thumbprint := sha1Of(o.Certificate)
			return differs(v.differing(stored("Root", o.Certificate), stored("TrustedPublisher", o.Certificate)),
				fmt.Sprintf("%s is in Root and TrustedPublisher, until %s", thumbprint, o.Certificate.NotAfter.Format("2006-01-02")), addCertificate)
		},
		// While test signing is on the kernel takes any certificate (“The TESTSIGNING boot configuration option”): that this one is
		// not there keeps no driver from loading, but may one with an .inf from being installed.
		brief: func(f guest.Facts, k Known) Finding {
			if !k.TestSigned || f.Trusted == nil || slices.Contains(f.Trusted, strings.ToUpper(k.Thumbprint)) {
				return Finding{}
			}
			return Finding{Status: Change, Detail: k.Thumbprint + " is not in both Root and TrustedPublisher", Fix: addCertificate}
		},
	})
}
