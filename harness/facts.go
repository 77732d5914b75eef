package harness

import (
	"strings"

	"wskharness/guest"
	"wskharness/results"
	"wskharness/vm"
)

// recordOf is what the record of a run keeps of a guest.
func recordOf(stack vm.Stack, f guest.Facts) results.Guest {
	g := results.Guest{Kind: f.Kind(), Label: describeGuest(stack, f), OS: strings.TrimSpace(f.OSName + " " + f.OSVersion)}
	g.Facts = &results.Facts{
		BootID: f.BootID, Agent: f.SHA256, Capabilities: f.Capabilities(), Wine: f.Wine, Netio: stack.Word,
		Arch: f.Arch, Host: f.Host, User: f.User, Admin: f.Admin, TestSigning: f.TestSigning, HVCI: f.HVCI, SecureBoot: f.SecureBoot,
		Verifier: f.Verifier, Integrity: f.CodeIntegrity, MemoryBytes: f.MemoryBytes, FreeBytes: f.FreeBytes,
	}
	if f.ACP != 0 || f.OEMCP != 0 {
		g.Facts.CodePages = &results.CodePages{ANSI: f.ACP, OEM: f.OEMCP}
	}
	return g
}
