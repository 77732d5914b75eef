package image

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"wskharness/image/answer"
)

// record is image.json: what a target needs of the image, and how it came to be.
type record struct {
	Format       int               `json:"format"` // of this file: 1
	Name         string            `json:"name"`
	Windows      string            `json:"windows"` // "Windows 11 24H2"
	Edition      string            `json:"edition"`
	EditionName  string            `json:"editionName"`
	Build        string            `json:"build"`
	Language     string            `json:"language"`
	Disk         string            `json:"disk"` // files are named as they are in the folder
	DiskBytes    int64             `json:"diskBytes"`
	Bus          string            `json:"bus"`
	Network      string            `json:"network"`
	Firmware     string            `json:"firmware"` // "uefi" or "bios"
	Code         string            `json:"firmwareCode,omitempty"`
	Vars         string            `json:"firmwareVars,omitempty"`
	TPM          bool              `json:"tpm"`
	SecureBoot   bool              `json:"secureBoot"`
	TestSigning  bool              `json:"testSigning"`
	Clock        string            `json:"clock"` // of the machine: Windows takes it for UTC
	User         string            `json:"user"`
	PasswordFile string            `json:"passwordFile"`
	CAFile       string            `json:"caFile"`
	Certificate  string            `json:"certificateSha256"` // of WinRM
	Computer     string            `json:"computer"`
	Drivers      []string          `json:"drivers,omitempty"`
	Evaluation   bool              `json:"evaluation,omitempty"`
	ISO          string            `json:"iso"`
	ISOBytes     int64             `json:"isoBytes"`
	Made         time.Time         `json:"made"`
	TookSeconds  int               `json:"tookSeconds"`
	Accel        string            `json:"accel"`
	QEMU         string            `json:"qemu"`
	SHA256       map[string]string `json:"sha256"` // of the files of the folder, by name
}

// record writes down what was made.
func (m *making) record(begun time.Time) ([]byte, error) {
	p := m.plan
	sum := sha256.Sum256(m.id.certificate)
	r := record{
		Format: 1, Name: filepath.Base(p.out), Windows: p.release.name, Edition: p.image.Edition, EditionName: p.image.Name,
		Build: fmt.Sprintf("%d.%d", p.image.Build, p.image.Revision), Language: p.image.Language,
		Disk: diskName, DiskBytes: p.options.Disk, Bus: "sata", Network: "e1000e", Firmware: "bios", TPM: p.tpm, TestSigning: true, Clock: "utc",
		User: answer.User, PasswordFile: passwordName, CAFile: caName, Certificate: hex.EncodeToString(sum[:]), Computer: computer,
		Drivers: p.drivers, Evaluation: p.image.Evaluation(), ISO: p.options.ISO, Made: begun.UTC().Truncate(time.Second),
		TookSeconds: int(time.Since(begun).Seconds()), Accel: "tcg", QEMU: m.version, SHA256: map[string]string{},
	}
	if p.kvm {
		r.Accel = "kvm"
	}
	hashed := []string{diskName}
	if p.firmware != nil {
		r.Firmware, r.Code, r.Vars = "uefi", p.firmware.code, varsName
		hashed = append(hashed, varsName)
	}
	if info, err := os.Stat(p.options.ISO); err == nil {
		r.ISOBytes = info.Size()
	}
	for _, name := range hashed {
		hash, err := hashOf(m.path(name))
		if err != nil {
			return nil, err
		}
		r.SHA256[name] = hash
	}
	data, err := json.MarshalIndent(r, "", "  ")
	return append(data, '\n'), err
}

func hashOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// snippet is what a configuration says of a target that is started from the image. Paths are absolute: it is copied.
func (p *Plan) snippet() string {
	var b strings.Builder
	row := func(key string, value any) { fmt.Fprintf(&b, "    %s: %v\n", key, value) }
	path := func(name string) string { return quote(filepath.Join(p.out, name)) }
	fmt.Fprintf(&b, "# %s: %s. Copy this into your wskharness.yaml.\ntargets:\n  %s:\n", filepath.Base(p.out), p.release.name, targetName(p.out))
	row("provider", "qemu")
	row("image", path(diskName))
	if p.firmware != nil {
		row("firmware", "uefi")
		row("firmware_code", quote(p.firmware.code))
		row("firmware_vars", path(varsName))
	} else {
		row("firmware", "bios")
	}
	row("tpm", p.tpm)
	row("memory", fmt.Sprintf("%dM", p.options.Memory))
	row("cpus", p.options.CPUs)
	row("rtc", "utc")
	row("user", answer.User)
	row("password_file", path(passwordName))
	row("auth", "basic")
	row("ca_file", path(caName))
	return b.String()
}

// quote writes a path for YAML: in single quotes only a quote means something.
func quote(path string) string { return "'" + strings.ReplaceAll(path, "'", "''") + "'" }

// targetName makes a name for a target of a folder's.
func targetName(dir string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		}
		return '-'
	}, filepath.Base(dir))
	if name = strings.Trim(name, "-"); name == "" {
		return "windows"
	}
	return name
}
