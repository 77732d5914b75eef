package harness

import (
	"fmt"
	"strconv"
	"strings"

	"wskharness/guest"
)

// factsOf is what the record of a run keeps of a guest. What could not be found out is not in it.
func factsOf(f guest.Facts) map[string]string {
	facts := map[string]string{
		"os": strings.TrimSpace(f.OSName + " " + f.OSVersion), "bootId": f.BootID,
		"agent": f.SHA256, "capabilities": strings.Join(f.Capabilities().Names(), " "),
	}
	text := func(name, value string) {
		if value != "" {
			facts[name] = value
		}
	}
	text("wine", f.Wine)
	text("arch", f.Arch)
	text("host", f.Host)
	text("user", f.User)
	flag := func(name string, value *bool) {
		if value != nil {
			facts[name] = strconv.FormatBool(*value)
		}
	}
	flag("admin", f.Admin)
	flag("testSigning", f.TestSigning)
	flag("hvci", f.HVCI)
	flag("secureBoot", f.SecureBoot)
	if f.Verifier != nil {
		facts["verifier"] = *f.Verifier
	}
	if f.CodeIntegrity != nil {
		facts["codeIntegrity"] = fmt.Sprintf("0x%x", *f.CodeIntegrity)
	}
	if f.ACP != 0 || f.OEMCP != 0 {
		facts["codePages"] = fmt.Sprintf("%d %d", f.ACP, f.OEMCP)
	}
	if f.MemoryBytes != nil {
		facts["memoryBytes"] = strconv.FormatUint(*f.MemoryBytes, 10)
	}
	if f.FreeBytes != nil {
		facts["freeBytes"] = strconv.FormatUint(*f.FreeBytes, 10)
	}
	return facts
}
