package guest

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"wskharness/guest/untrusted"
)

// Facts are what the probe found out about a guest (docs/protocol.md, "info"). A nil pointer is
// something that could not be found out there: unknown, not false.
type Facts struct {
	AgentVersion int    // of the protocol that the agent speaks
	ABI          int    // between agent and driver (driver/include/wskabi.h)
	SHA256       string // of the agent's image that is running, lower-case hex
	BootID       string // GUID; another one means that the guest has rebooted

	OSName    string // as Windows calls itself; "" where unknown
	OSVersion string // major.minor.build
	Build     int
	Arch      string // x64, arm64, x86; "" where unknown
	Wine      string // version of Wine, "" on Windows

	Host  string // "" where unknown
	User  string // DOMAIN\user; "" where unknown
	Admin *bool  // with a full token

	TestSigning   *bool
	CodeIntegrity *uint32 // CODEINTEGRITY_OPTION_* of NtQuerySystemInformation
	HVCI          *bool   // memory integrity is enforced now
	SecureBoot    *bool
	Verifier      *string // Driver Verifier's effective flags in hex, "0x0" when it verifies nothing

	Policies        []string // of code integrity that are active, by their GUIDs in small letters; nil: unknown
	SmartAppControl *uint32  // VerifiedAndReputablePolicyState: 1 is on, 2 watches
	Trusted         []string // SHA-1, in capitals, of the certificates that are both roots and trusted publishers of the machine; nil: unknown

	ACP   int // code page in which its programs write files, 0 where unknown
	OEMCP int // and what goes to a console, or to a pipe in its place

	MemoryBytes *uint64
	CPUs        *int
	FreeBytes   *uint64 // on drive C
	Uptime      time.Duration
	Time        time.Time // the guest's clock, which may be wrong

	Traces Traces
}

// Kinds of guest, as [Facts.Kind] tells them.
const (
	KindWindows = "windows"
	KindWine    = "wine"
)

// Kind is "wine" or "windows".
func (f Facts) Kind() string {
	if f.Wine != "" {
		return KindWine
	}
	return KindWindows
}

// Version is that of what Kind names: "10.0" of Wine, "10.0.26100" of Windows.
func (f Facts) Version() string {
	if f.Wine != "" {
		return f.Wine
	}
	return f.OSVersion
}

// Describe names the guest in a few words: every result bears them, so that a green run on Wine is
// never taken for one on Windows.
func (f Facts) Describe() string {
	name := f.OSName
	if name == "" {
		name = "Windows " + f.OSVersion
	}
	if f.Wine != "" {
		return fmt.Sprintf("wine %s as %s (%d)", f.Wine, name, f.Build)
	}
	if f.Arch == "" {
		return fmt.Sprintf("%s (%s)", name, f.OSVersion)
	}
	return fmt.Sprintf("%s (%s, %s)", name, f.OSVersion, f.Arch)
}

const (
	codeIntegrityEnabled  = 0x1 // CODEINTEGRITY_OPTION_ENABLED
	codeIntegrityTestSign = 0x2 // CODEINTEGRITY_OPTION_TESTSIGN
	// codeIntegrityLenient are the options with which the kernel takes test-signed drivers, too, or any: TESTSIGN, TEST_BUILD and
	// DEBUGMODE_ENABLED, which is a kernel debugger's.
	codeIntegrityLenient = codeIntegrityTestSign | 0x20 | 0x80
)

// RefusesTestSigned reports whether the guest's kernel says that it loads no driver but those that Microsoft has signed; known is
// false where it says nothing of that.
func (f Facts) RefusesTestSigned() (refuses, known bool) {
	if f.Kind() != KindWindows || f.CodeIntegrity == nil {
		return false, false
	}
	return *f.CodeIntegrity&codeIntegrityEnabled != 0 && *f.CodeIntegrity&codeIntegrityLenient == 0, true
}

// Capabilities are the names of what the guest can do, as cases ask for them with "requires:", in alphabetical order. It has
// one only when the facts prove it.
func (f Facts) Capabilities() []string {
	caps := []string{f.Kind()} // Microsoft's kernel and WSK provider, or Wine's
	add := func(name string, has bool) {
		if has {
			caps = append(caps, name)
		}
	}
	windows := f.Kind() == KindWindows
	is := func(b *bool) bool { return b != nil && *b }
	integrity := func(bit uint32) bool { return f.CodeIntegrity != nil && *f.CodeIntegrity&bit != 0 }
	add("x64", f.Arch == "x64")                                                            // runs x64 drivers
	add("admin", is(f.Admin))                                                              // the agent may load drivers
	add("irql", windows)                                                                   // has interrupt request levels; Wine's is always 0
	add("signatures", windows && integrity(codeIntegrityEnabled))                          // refuses drivers whose signature it does not accept
	add("test-signing", !windows || is(f.TestSigning) || integrity(codeIntegrityTestSign)) // loads test-signed drivers
	add("hvci", is(f.HVCI))                                                                // memory integrity is enforced
	add("secure-boot", is(f.SecureBoot))
	add("verifier", f.Verifier != nil && strings.Trim(*f.Verifier, "0x") != "") // Driver Verifier is verifying something
	slices.Sort(caps)
	return caps
}

// infoJSON is what the agent prints.
type infoJSON struct {
	Agent  *int    `json:"agent"`
	ABI    *int    `json:"abi"`
	SHA256 *string `json:"sha256"`
	BootID *string `json:"bootId"`
	OS     struct {
		Name    *string `json:"name"`
		Version *string `json:"version"`
		Build   *int    `json:"build"`
		Arch    *string `json:"arch"`
	} `json:"os"`
	Wine          *string           `json:"wine"`
	Host          *string           `json:"host"`
	User          *string           `json:"user"`
	Admin         *bool             `json:"admin"`
	TestSigning   *bool             `json:"testSigning"`
	CodeIntegrity *uint32           `json:"codeIntegrity"`
	HVCI          *bool             `json:"hvci"`
	SecureBoot    *bool             `json:"secureBoot"`
	Verifier      *string           `json:"verifier"`
	Policies      []string          `json:"policies"`
	SmartApp      *uint32           `json:"smartAppControl"`
	Trusted       []string          `json:"trusted"`
	ACP           *int              `json:"acp"`
	OEMCP         *int              `json:"oemcp"`
	MemoryBytes   *uint64           `json:"memoryBytes"`
	CPUs          *int              `json:"cpus"`
	FreeBytes     *uint64           `json:"freeBytes"`
	UptimeMs      *untrusted.Number `json:"uptimeMs"`
	TimeUnixMs    *untrusted.Number `json:"timeUnixMs"`
	tracesJSON
}

const (
	maxFactText = 256
	maxListed   = 64 // policies, certificates: the agent's own bound
)

// parseFacts reads and checks what `info` printed. All mistakes are reported at once.
func parseFacts(out []byte) (Facts, error) {
	var in infoJSON
	if err := untrusted.DecodeOne(out, &in); err != nil {
		return Facts{}, err
	}
	var c untrusted.Fields
	text := func(name string, v *string) string {
		if v == nil {
			return ""
		}
		if len(*v) > maxFactText || !utf8.ValidString(*v) || strings.ContainsFunc(*v, func(r rune) bool { return !unicode.IsPrint(r) }) {
			c.Wrong("%s is not printable text of at most %d bytes", name, maxFactText)
			return ""
		}
		return *v
	}
	f := Facts{
		AgentVersion: c.Within("agent", in.Agent, 1, 1<<16), ABI: c.Within("abi", in.ABI, 1, 1<<16),
		SHA256: c.SHA256("sha256", in.SHA256), BootID: c.GUID("bootId", in.BootID),
		OSName: text("os.name", in.OS.Name), OSVersion: text("os.version", in.OS.Version), Arch: text("os.arch", in.OS.Arch),
		Build: c.Within("os.build", in.OS.Build, 0, 1<<24),
		Wine:  text("wine", in.Wine), Host: text("host", in.Host), User: text("user", in.User), Admin: in.Admin,
		TestSigning: in.TestSigning, CodeIntegrity: in.CodeIntegrity, HVCI: in.HVCI, SecureBoot: in.SecureBoot, Verifier: in.Verifier,
		MemoryBytes: in.MemoryBytes, CPUs: in.CPUs, FreeBytes: in.FreeBytes,
		Uptime: c.Duration("uptimeMs", in.UptimeMs, time.Millisecond),
		Time:   time.UnixMilli(int64(c.Count("timeUnixMs", in.TimeUnixMs, untrusted.MaxMillis))).UTC(),
		Traces: in.traces(),
	}
	if in.ACP != nil {
		f.ACP = c.Within("acp", in.ACP, 0, 1<<16-1)
	}
	if in.OEMCP != nil {
		f.OEMCP = c.Within("oemcp", in.OEMCP, 0, 1<<16-1)
	}
	if in.CPUs != nil {
		c.Within("cpus", in.CPUs, 1, 1<<16)
	}
	if in.Verifier != nil {
		text("verifier", in.Verifier)
	}
	list := func(name string, all []string, check func(string, *string) string) (read []string) {
		if len(all) > maxListed {
			c.Wrong("%s has %d entries, more than %d", name, len(all), maxListed)
			return nil
		}
		if all != nil {
			read = []string{}
		}
		for _, one := range all {
			read = append(read, check(name, &one))
		}
		return read
	}
	f.SmartAppControl = in.SmartApp
	f.Policies = list("policies", in.Policies, func(name string, one *string) string {
		lower := strings.ToLower(strings.Trim(*one, "{}"))
		return c.GUID(name, &lower)
	})
	f.Trusted = list("trusted", in.Trusted, func(name string, one *string) string {
		if len(*one) != 40 || strings.Trim(*one, "0123456789abcdefABCDEF") != "" {
			c.Wrong("%s has %q, which is no SHA-1", name, untrusted.Clip(*one, 60))
			return ""
		}
		return strings.ToUpper(*one)
	})
	if in.Wine == nil {
		c.Wrong("wine is missing, so that the kind of guest is unknown")
	}
	return f, c.Err()
}
