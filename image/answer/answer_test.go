package answer

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write the golden files")

// answersOf are what the Windows versions are installed with.
var answersOf = map[string]Answers{
	"windows10":             {Language: "en-US", Source: "sources/install.esd", Index: 6, UEFI: true},
	"windows11-24h2":        {Language: "en-US", Source: "sources/install.wim", Index: 6, UEFI: true, Drivers: []string{"NetKVM/w11/amd64", "pvpanic/w11/amd64", "fwcfg/w10/amd64"}},
	"windows11-25h2-french": {Language: "fr-FR", Source: "sources/install.wim", Index: 1, UEFI: true},
	"server2019-bios":       {Language: "en-US", Source: "sources/install.wim", Index: 2, Server: true},
	"server2022":            {Language: "de-DE", Source: "sources/install.wim", Index: 4, UEFI: true, Server: true, Key: "AAAAA-BBBBB-CCCCC-DDDDD-EEEEE"},
	"server2025":            {Language: "en-US", Source: "sources/install.wim", Index: 3, UEFI: true, Server: true, Drivers: []string{"viostor/2k25/amd64"}},
}

func filled(a Answers) Answers {
	a.ComputerName, a.Password, a.PFXPassword = "WSKHARNESS", "Secret-1", "Secret-2"
	a.PFX, a.CA = []byte("pfx"), []byte("ca")
	return a
}

func filesOf(t *testing.T, a Answers) map[string][]byte {
	t.Helper()
	files, err := filled(a).Files()
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// The golden files are what people look at: go test ./image/answer -update writes them.
func TestGolden(t *testing.T) {
	for name, a := range answersOf {
		t.Run(name, func(t *testing.T) {
			files := filesOf(t, a)
			archive := &txtar.Archive{}
			for _, file := range slices.Sorted(maps.Keys(files)) {
				if text := files[file]; utf8.Valid(text) && bytes.HasSuffix(text, []byte("\n")) && !strings.HasSuffix(file, "finish.ps1") {
					archive.Files = append(archive.Files, txtar.File{Name: file, Data: bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))})
				}
			}
			golden := filepath.Join("testdata", name+".txtar")
			if *update {
				if err := os.WriteFile(golden, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got := txtar.Format(archive); !bytes.Equal(got, want) {
				t.Errorf("what is rendered is not %s (if that is meant: -update):\n%s", golden, got)
			}
		})
	}
}

// Windows reads neither a byte order mark nor anything before the declaration as it should, cmd no labels behind a bare LF, and
// PowerShell 5 takes what is not ASCII for the code page of the system.
func TestEncodings(t *testing.T) {
	for name, a := range answersOf {
		for file, text := range filesOf(t, a) {
			if strings.HasSuffix(file, ".pfx") || strings.HasSuffix(file, ".cer") {
				continue
			}
			if at := bytes.IndexFunc(text, func(r rune) bool { return r != '\r' && r != '\n' && (r < ' ' || r > '~') }); at >= 0 {
				t.Errorf("%s: %s has a byte that is not ASCII at %d: %q", name, file, at, text[at:min(at+10, len(text))])
			}
			if bytes.Count(text, []byte("\n")) != bytes.Count(text, []byte("\r\n")) || bytes.Count(text, []byte("\r")) != bytes.Count(text, []byte("\r\n")) {
				t.Errorf("%s: %s has lines that do not end with CR LF", name, file)
			}
			if strings.HasSuffix(file, ".xml") && !bytes.HasPrefix(text, []byte(`<?xml version="1.0" encoding="utf-8"?>`)) {
				t.Errorf("%s: %s begins with %q", name, file, text[:40])
			}
		}
	}
}

// passes are the passes that the components may stand in which our files have, and sources from which that is known: the pages of
// Microsoft's "Unattended Windows Setup Reference" of the components' names ("Valid Configuration Passes" of their settings), and
// resource/Component.json of cschneegans/unattend-generator, which agrees with them.
var passes = map[string][]string{
	"Microsoft-Windows-International-Core-WinPE": {"windowsPE"},
	"Microsoft-Windows-Setup":                    {"windowsPE"},
	"Microsoft-Windows-Deployment":               {"generalize", "specialize", "auditSystem", "auditUser", "oobeSystem"},
	"Microsoft-Windows-Shell-Setup":              {"offlineServicing", "windowsPE", "generalize", "specialize", "auditSystem", "auditUser", "oobeSystem"},
	"Microsoft-Windows-International-Core":       {"specialize", "oobeSystem"},
}

// settings are the settings of those components that our files have, with the passes that the same reference has for each: a
// setting in another pass is ignored, or fails the whole file.
var settings = map[string][]string{
	"Microsoft-Windows-International-Core-WinPE/SetupUILanguage/UILanguage":           {"windowsPE"},
	"Microsoft-Windows-International-Core-WinPE/InputLocale":                          {"windowsPE"},
	"Microsoft-Windows-International-Core-WinPE/SystemLocale":                         {"windowsPE"},
	"Microsoft-Windows-International-Core-WinPE/UILanguage":                           {"windowsPE"},
	"Microsoft-Windows-International-Core-WinPE/UserLocale":                           {"windowsPE"},
	"Microsoft-Windows-Setup/RunSynchronous/RunSynchronousCommand/Order":              {"windowsPE"},
	"Microsoft-Windows-Setup/RunSynchronous/RunSynchronousCommand/Path":               {"windowsPE"},
	"Microsoft-Windows-Deployment/RunSynchronous/RunSynchronousCommand/Order":         {"specialize", "auditUser"},
	"Microsoft-Windows-Deployment/RunSynchronous/RunSynchronousCommand/Path":          {"specialize", "auditUser"},
	"Microsoft-Windows-Shell-Setup/ComputerName":                                      {"specialize"},
	"Microsoft-Windows-Shell-Setup/ProductKey":                                        {"specialize"},
	"Microsoft-Windows-Shell-Setup/TimeZone":                                          {"specialize", "auditSystem", "oobeSystem"},
	"Microsoft-Windows-Shell-Setup/AutoLogon/Enabled":                                 {"specialize", "auditSystem", "oobeSystem"},
	"Microsoft-Windows-Shell-Setup/AutoLogon/LogonCount":                              {"specialize", "auditSystem", "oobeSystem"},
	"Microsoft-Windows-Shell-Setup/AutoLogon/Password/Value":                          {"specialize", "auditSystem", "oobeSystem"},
	"Microsoft-Windows-Shell-Setup/AutoLogon/Password/PlainText":                      {"specialize", "auditSystem", "oobeSystem"},
	"Microsoft-Windows-Shell-Setup/AutoLogon/Username":                                {"specialize", "auditSystem", "oobeSystem"},
	"Microsoft-Windows-Shell-Setup/FirstLogonCommands/SynchronousCommand/Order":       {"oobeSystem"},
	"Microsoft-Windows-Shell-Setup/FirstLogonCommands/SynchronousCommand/CommandLine": {"oobeSystem"},
	"Microsoft-Windows-Shell-Setup/OOBE/HideEULAPage":                                 {"oobeSystem"},
	"Microsoft-Windows-Shell-Setup/OOBE/HideLocalAccountScreen":                       {"oobeSystem"},
	"Microsoft-Windows-Shell-Setup/OOBE/HideOEMRegistrationScreen":                    {"oobeSystem"},
	"Microsoft-Windows-Shell-Setup/OOBE/HideOnlineAccountScreens":                     {"oobeSystem"},
	"Microsoft-Windows-Shell-Setup/OOBE/HideWirelessSetupInOOBE":                      {"oobeSystem"},
	"Microsoft-Windows-Shell-Setup/OOBE/ProtectYourPC":                                {"oobeSystem"},
	"Microsoft-Windows-Shell-Setup/UserAccounts/AdministratorPassword/Value":          {"auditSystem", "oobeSystem"},
	"Microsoft-Windows-Shell-Setup/UserAccounts/AdministratorPassword/PlainText":      {"auditSystem", "oobeSystem"},
	"Microsoft-Windows-International-Core/InputLocale":                                {"specialize", "oobeSystem"},
	"Microsoft-Windows-International-Core/SystemLocale":                               {"specialize", "oobeSystem"},
	"Microsoft-Windows-International-Core/UILanguage":                                 {"specialize", "oobeSystem"},
	"Microsoft-Windows-International-Core/UserLocale":                                 {"specialize", "oobeSystem"},
}

const unattendSpace = "urn:schemas-microsoft-com:unattend"

// longestPath is what a command of RunSynchronous may have (the reference's page of Path), and longestLine what one of
// FirstLogonCommands may.
const longestPath, longestLine = 259, 1024

func TestStructure(t *testing.T) {
	seen := map[string]bool{}
	for name, a := range answersOf {
		files := filesOf(t, a)
		for file, only := range map[string][]string{"autounattend.xml": {"windowsPE"}, "wskharness/unattend.xml": {"specialize", "oobeSystem"}} {
			var pass string
			var path []string
			var text strings.Builder
			var passesOf []string
			order := map[string]int{}
			for d := xml.NewDecoder(bytes.NewReader(files[file])); ; {
				token, err := d.Token()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatalf("%s: %s: %v", name, file, err)
				}
				switch token := token.(type) {
				case xml.StartElement:
					text.Reset()
					if token.Name.Space != unattendSpace {
						t.Errorf("%s: %s: %s is in the space %q", name, file, token.Name.Local, token.Name.Space)
					}
					word := token.Name.Local
					switch len(path) {
					case 1:
						pass = attribute(token, "pass")
						passesOf = append(passesOf, pass)
					case 2:
						word = attribute(token, "name")
						want := fmt.Sprintf("%s amd64 31bf3856ad364e35 neutral nonSxS", word)
						got := strings.Join([]string{word, attribute(token, "processorArchitecture"), attribute(token, "publicKeyToken"), attribute(token, "language"), attribute(token, "versionScope")}, " ")
						if got != want {
							t.Errorf("%s: %s: got a component %s, want %s", name, file, got, want)
						}
						if !slices.Contains(passes[word], pass) {
							t.Errorf("%s: %s: %s stands in %s, and may stand in %v", name, file, word, pass, passes[word])
						}
					}
					if strings.HasSuffix(word, "Command") && attribute(token, "action") != "add" {
						t.Errorf("%s: %s: a %s without wcm:action", name, file, word)
					}
					path = append(path, word)
				case xml.CharData:
					text.Write(token)
				case xml.EndElement:
					if len(path) > 3 && strings.TrimSpace(text.String()) != "" {
						setting := strings.Join(path[2:], "/")
						seen[setting] = true
						if !slices.Contains(settings[setting], pass) {
							t.Errorf("%s: %s: %s stands in %s, and may stand in %v", name, file, setting, pass, settings[setting])
						}
						list := pass + strings.Join(path[2:len(path)-1], "/")
						switch path[len(path)-1] {
						case "Order":
							if order[list]++; text.String() != fmt.Sprint(order[list]) {
								t.Errorf("%s: %s: got the order %s of %s, want %d", name, file, text.String(), list, order[list])
							}
						case "Path":
							if len(text.String()) > longestPath {
								t.Errorf("%s: %s: a command of %d characters: %s", name, file, text.Len(), text.String())
							}
						case "CommandLine":
							if len(text.String()) > longestLine {
								t.Errorf("%s: %s: a command of %d characters: %s", name, file, text.Len(), text.String())
							}
						}
					} else if len(path) > 3 && text.Len() == 0 {
						t.Errorf("%s: %s: %s is empty", name, file, strings.Join(path[2:], "/"))
					}
					text.Reset()
					text.WriteString(" ") // of what is behind an element
					path = path[:len(path)-1]
				}
			}
			if !slices.Equal(passesOf, only) {
				t.Errorf("%s: %s has the passes %v, want %v", name, file, passesOf, only)
			}
		}
	}
	for setting := range settings {
		if !seen[setting] {
			t.Errorf("the table has %s, and no file has", setting)
		}
	}
}

func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// The password is in the one file that Windows takes it from, and there as Windows writes it itself; the product key nowhere
// else, and without one there is no element for it, since an empty one stops setup.
func TestSecrets(t *testing.T) {
	for name, a := range answersOf {
		files := filesOf(t, a)
		for _, element := range []string{"AdministratorPassword", "Password"} {
			value := obscured("Secret-1", element)
			data, err := base64.StdEncoding.DecodeString(value)
			if want := "S\x00e\x00c\x00r\x00e\x00t\x00-\x001\x00"; err != nil || !strings.HasPrefix(string(data), want) || len(data) != 2*(8+len(element)) {
				t.Errorf("got %q, %v", data, err)
			}
			for file, text := range files {
				if has := bytes.Contains(text, []byte(">"+value+"<")); has != (file == "wskharness/unattend.xml") {
					t.Errorf("%s: %s has the password: %t", name, file, has)
				}
			}
		}
		for file, text := range files {
			if bytes.Contains(text, []byte("Secret-1")) || bytes.Contains(text, []byte("Secret-2")) != (file == "wskharness/setup/winrm.txt") {
				t.Errorf("%s: %s has a secret as it is, or lacks it", name, file)
			}
			if has := bytes.Contains(text, []byte("ProductKey")); has != (file == "wskharness/unattend.xml" && a.Key != "") {
				t.Errorf("%s: %s has an element for a key: %t", name, file, has)
			}
		}
	}
}

func TestCheck(t *testing.T) {
	good := filled(answersOf["windows11-24h2"])
	for name, test := range map[string]struct {
		change func(*Answers)
		want   string
	}{
		"language":    {func(a *Answers) { a.Language = `en-US" & del` }, "language"},
		"no language": {func(a *Answers) { a.Language = "" }, "language"},
		"computer":    {func(a *Answers) { a.ComputerName = "WAY-TOO-LONG-A-NAME" }, "1 to 15"},
		"index":       {func(a *Answers) { a.Index = 0 }, "index is 0"},
		"source":      {func(a *Answers) { a.Source = "sources/%PATH%" }, "%PATH%"},
		"driver":      {func(a *Answers) { a.Drivers = []string{"a b"} }, `"a b"`},
		"up":          {func(a *Answers) { a.Drivers = []string{"a//b"} }, `"a//b"`},
		"password":    {func(a *Answers) { a.Password = "p&q" }, "characters that the answer file is not to have"},
		"key":         {func(a *Answers) { a.Key = "AAAAA" }, "five groups"},
	} {
		a := good
		test.change(&a)
		if _, err := a.Files(); err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "p&q") {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
}
