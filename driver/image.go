package driver

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// Image is what a Windows executable says about itself. Inspect fills it in. Everything in it comes
// from the file: names are bounded and hold printable characters only.
type Image struct {
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`

	Machine            string   `json:"machine"` // x86-64, x86, arm64, or a number
	Format             string   `json:"format"`  // PE32+ or PE32
	Subsystem          string   `json:"subsystem"`
	Characteristics    []string `json:"characteristics"`
	DLLCharacteristics []string `json:"dllCharacteristics"`
	Timestamp          uint32   `json:"timestamp"` // seconds since 1970, or 0 in a reproducible image

	Base             Hex    `json:"base"`
	ImageSize        Hex    `json:"imageSize"` // in memory
	HeaderSize       Hex    `json:"headerSize"`
	EntryPoint       Hex    `json:"entryPoint"` // relative to Base
	EntrySection     string `json:"entrySection,omitempty"`
	SectionAlignment Hex    `json:"sectionAlignment"`
	FileAlignment    Hex    `json:"fileAlignment"`

	Checksum Checksum `json:"checksum"`

	Sections    []Section    `json:"sections"`
	Imports     []Import     `json:"imports"`
	Exports     []string     `json:"exports,omitempty"`
	Relocations int          `json:"relocations"` // addresses that are corrected when the image is not at Base
	Debug       []DebugEntry `json:"debug,omitempty"`
	HasTLS      bool         `json:"hasTls"`
	DelayLoads  bool         `json:"delayLoads"`
	IsManaged   bool         `json:"isManaged"`

	Signature *Signature `json:"signature,omitempty"`

	problems []string // what of the file's structures does not hold together
}

// Checksum is the one in the header, which Windows checks before it loads a driver.
type Checksum struct {
	Stored   Hex `json:"stored"`
	Computed Hex `json:"computed"`
}

// Section is a stretch of the image with permissions of its own.
type Section struct {
	Name        string `json:"name"`
	Address     Hex    `json:"address"` // relative to Base
	Size        Hex    `json:"size"`    // in memory
	FileOffset  Hex    `json:"fileOffset"`
	FileSize    Hex    `json:"fileSize"`
	Permissions string `json:"permissions"` // of r, w and x, with - for those that it has not
	Discardable bool   `json:"discardable"` // thrown away once the driver is initialised
	Pageable    bool   `json:"pageable"`
}

// Import is one module that the image needs, and what it needs of it.
type Import struct {
	Module    string   `json:"module"`
	Functions []string `json:"functions"` // names, or #ordinal
	Table     Hex      `json:"table"`     // where the functions' addresses are put, relative to Base
}

// DebugEntry is one entry of the debug directory.
type DebugEntry struct {
	Type string `json:"type"`
	Path string `json:"path,omitempty"` // of the symbol file, on the machine that built the image
}

// Signature is the embedded Authenticode signature.
type Signature struct {
	Digest   string `json:"digest"`            // sha256, …
	Stated   string `json:"stated"`            // the image's digest as it was signed
	Computed string `json:"computed"`          // the same of this file
	Verified bool   `json:"verified"`          // the signature is the certificate's key's own, over Stated
	Problem  string `json:"problem,omitempty"` // why it is not valid
	Unread   string `json:"unread,omitempty"`  // why it is not known here whether it is valid

	Subject     string    `json:"subject,omitempty"`
	Issuer      string    `json:"issuer,omitempty"`
	Serial      string    `json:"serial,omitempty"`
	Thumbprint  string    `json:"thumbprint,omitempty"` // SHA-1, as Windows shows it
	NotBefore   time.Time `json:"notBefore"`
	NotAfter    time.Time `json:"notAfter"`
	Key         string    `json:"key,omitempty"` // RSA 3072
	CodeSigning bool      `json:"codeSigning"`   // what the certificate states allows it: also where it states nothing
	SelfSigned  bool      `json:"selfSigned"`
	Timestamped bool      `json:"timestamped"` // there is a countersignature; it is not judged
	Nested      bool      `json:"nested"`      // there is a second signature inside; it is not judged

	cert *certificate // nil where it could not be found
}

// Matches reports whether the image is the one that was signed.
func (s *Signature) Matches() bool { return s.Stated != "" && s.Stated == s.Computed }

// FormatError says that a file is no Windows executable, or one too broken to read.
type FormatError struct{ Why string }

func (e *FormatError) Error() string { return "not a readable Windows image: " + e.Why }

// Hex is a number that people read in hexadecimal digits: in JSON it is a string such as "0x1000".
type Hex uint64

func (h Hex) String() string { return fmt.Sprintf("0x%x", uint64(h)) }

// MarshalJSON writes the number as a string of hexadecimal digits.
func (h Hex) MarshalJSON() ([]byte, error) { return json.Marshal(h.String()) }

// UnmarshalJSON reads what MarshalJSON writes.
func (h *Hex) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return err
	}
	n, err := strconv.ParseUint(text, 0, 64)
	if err != nil {
		return err
	}
	*h = Hex(n)
	return nil
}
