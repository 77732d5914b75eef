// Package answer makes the files of the disc that installs Windows by itself.
//
// Windows PE, which the installation disc starts, looks for autounattend.xml in the root of every disc. Ours has setup.exe run
// one command before anything else: install.cmd, which partitions the disk, applies the image with dism, adds drivers, makes it
// start and restarts. So nothing of setup.exe's own ever runs: it is another program since Windows 11 24H2, checks what the
// machine has, and asks where something is not as it expects. Windows itself takes up unattend.xml (specialize and oobeSystem)
// and logs on once as the administrator; finish.ps1 then makes it reachable.
//
//	files, err := answer.Answers{Language: "en-US", Index: 6, Source: "sources/install.wim", …}.Files()
package answer

import (
	"bytes"
	"embed"
	"encoding/base64"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"text/template"
	"unicode/utf16"

	"wskharness/remote"
)

// User is the account that the answers are about: Windows' own administrator, which User Account Control leaves alone, also in
// logons over the network, and Administrator Protection, too. Where Windows calls it otherwise it is renamed.
const User = "Administrator"

// Answers are what the files say.
type Answers struct {
	Language     string // of the image: "en-US"
	Source       string // the file on the installation disc with the images, with / between folders
	Index        int    // of the image in it
	UEFI         bool
	Server       bool
	ComputerName string // which the certificate is for, too
	Password     remote.Secret
	Key          remote.Secret // a product key; empty: none, and no element for it, since an empty one stops setup
	// Drivers are folders on the disc of drivers, with / between folders; the first of them tells the disc.
	Drivers []string
	// PFX is the certificate of WinRM with its key, under PFXPassword, and CA the authority's certificate in DER.
	PFX         []byte
	PFXPassword remote.Secret
	CA          []byte
}

//go:embed files
var templates embed.FS

var (
	languageText = regexp.MustCompile(`^[A-Za-z]{2,8}(-[A-Za-z0-9]{2,8})*$`)
	nameText     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,14}$`)
	// A path goes into a script: what means something to cmd is in none.
	pathText   = regexp.MustCompile(`^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$`)
	secretText = regexp.MustCompile(`^[A-Za-z0-9-]+$`)
)

// Check says what can't be in an answer.
func (a Answers) Check() error {
	var wrong []error
	complain := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Errorf(format, args...))
		}
	}
	complain(languageText.MatchString(a.Language), "the image's language is %q, which is none such as en-US", a.Language)
	complain(nameText.MatchString(a.ComputerName), "the computer's name %q is not of 1 to 15 letters, digits and hyphens", a.ComputerName)
	complain(a.Index > 0, "the image's index is %d", a.Index)
	for _, path := range append([]string{a.Source}, a.Drivers...) {
		complain(pathText.MatchString(path), "the path %q on a disc has characters that the scripts can't carry", path)
	}
	complain(secretText.MatchString(a.Password.Reveal()), "the password has characters that the answer file is not to have, or none")
	complain(a.Key == "" || keyText.MatchString(a.Key.Reveal()), "the product key is not five groups of five letters and digits")
	return errors.Join(wrong...)
}

var keyText = regexp.MustCompile(`^[A-Z0-9]{5}(-[A-Z0-9]{5}){4}$`)

// Files renders all that is on the disc, by name. Text is in lines that end with CR LF: cmd misreads labels without.
func (a Answers) Files() (map[string][]byte, error) {
	if err := a.Check(); err != nil {
		return nil, err
	}
	files := map[string][]byte{
		"wskharness/setup/winrm.pfx": a.PFX,
		"wskharness/setup/winrm.txt": []byte(a.PFXPassword.Reveal() + "\r\n"),
		"wskharness/setup/ca.cer":    a.CA,
	}
	for name, from := range map[string]string{
		"autounattend.xml":            "autounattend.xml",
		"wskharness/install.cmd":      "install.cmd",
		"wskharness/diskpart.txt":     "diskpart.txt",
		"wskharness/unattend.xml":     "unattend.xml",
		"wskharness/setup/finish.ps1": "finish.ps1",
	} {
		text, err := a.render(from)
		if err != nil {
			return nil, fmt.Errorf("render %s: %w", name, err)
		}
		files[name] = text
	}
	return files, nil
}

func (a Answers) render(name string) ([]byte, error) {
	t, err := template.New(name).Option("missingkey=error").Funcs(template.FuncMap{
		"xml": func(v any) (string, error) {
			text := fmt.Sprint(v)
			if secret, ok := v.(remote.Secret); ok {
				text = secret.Reveal()
			}
			var b strings.Builder
			err := xml.EscapeText(&b, []byte(text))
			return b.String(), err
		},
		"component": func() string {
			return `processorArchitecture="amd64" publicKeyToken="31bf3856ad364e35" language="neutral" versionScope="nonSxS"`
		},
		"inc":         func(n int) int { return n + 1 },
		"obscured":    func(element string) string { return obscured(a.Password, element) },
		"backslashes": func(path string) string { return strings.ReplaceAll(path, "/", `\`) },
		// A and B are floppies', S and W are given by diskpart, X is Windows PE's own.
		"drives": func() string { return "C D E F G H I J K L M N" },
	}).ParseFS(templates, "files/"+name)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, struct {
		Answers
		User     string
		Commands []string
	}{a, User, a.specialize()}); err != nil {
		return nil, err
	}
	if strings.HasSuffix(name, ".xml") {
		if err := wellFormed(b.Bytes()); err != nil {
			return nil, err
		}
	}
	return bytes.ReplaceAll(b.Bytes(), []byte("\n"), []byte("\r\n")), nil
}

// specialize is what is run, as the system, before Windows is first used.
func (a Answers) specialize() []string {
	set := func(key, value string, data int) string {
		return fmt.Sprintf(`reg.exe add "%s" /v %s /t REG_DWORD /d %d /f`, key, value, data)
	}
	commands := []string{
		// French, Spanish and other Windows call it by a word of their own.
		`powershell.exe -NoProfile -Command "Get-LocalUser | Where-Object { $_.SID.Value -like 'S-1-5-21-*-500' -and $_.Name -ne '` + User + `' } | Rename-LocalUser -NewName ` + User + `"`,
		set(`HKLM\SOFTWARE\Policies\Microsoft\Windows\OOBE`, "DisablePrivacyExperience", 1),
		set(`HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System`, "EnableFirstLogonAnimation", 0),
		set(`HKLM\SYSTEM\CurrentControlSet\Control\BitLocker`, "PreventDeviceEncryption", 1),
		`reg.exe add "HKLM\SYSTEM\CurrentControlSet\Control\Network\NewNetworkWindowOff" /f`, // nobody is there to answer it
	}
	if a.Server {
		return append(commands, set(`HKLM\SOFTWARE\Microsoft\ServerManager`, "DoNotOpenServerManagerAtLogon", 1))
	}
	return append(commands, set(`HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\OOBE`, "BypassNRO", 1))
}

// obscured is a password as answer files have it that say PlainText false: with the element's name behind it, in UTF-16, as
// base64. It hides nothing from anybody; it keeps the password out of what people look at.
func obscured(password remote.Secret, element string) string {
	var b []byte
	for _, unit := range utf16.Encode([]rune(password.Reveal() + element)) {
		b = binary.LittleEndian.AppendUint16(b, unit)
	}
	return base64.StdEncoding.EncodeToString(b)
}

func wellFormed(text []byte) error {
	for d := xml.NewDecoder(bytes.NewReader(text)); ; {
		if _, err := d.Token(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}
