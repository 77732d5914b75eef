package windowstest

import (
	"crypto/sha1" //nolint:gosec // Windows names certificates by their SHA-1
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"wskharness/prepare/windows"
	"wskharness/winerr"
)

// Thumbprint is what Windows calls a certificate by.
func Thumbprint(der []byte) string {
	sum := sha1.Sum(der) //nolint:gosec // as above
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

func sortAnswers(all []windows.Answer) {
	slices.SortFunc(all, func(a, b windows.Answer) int { return strings.Compare(a.Name, b.Name) })
}

// say is a text in the language of the Windows.
func (w *Windows) say(english, german string) string {
	if w.German {
		return german
	}
	return english
}

// ran is a program that has ended.
type ran struct {
	code int64
	out  string
}

// run plays a program of System32.
func (w *Windows) run(c windows.Call) windows.Answer {
	play := map[string]func([]string) ran{
		"bcdedit.exe": w.bcdedit, "verifier.exe": w.verifier, "citool.exe": w.citool, "powercfg.exe": w.powercfg,
		"manage-bde.exe": w.manageBDE, "whoami.exe": w.whoami, "shutdown.exe": func([]string) ran { return ran{} },
	}[strings.ToLower(c.Program)]
	if play == nil || strings.EqualFold(c.Program, "citool.exe") && w.Policies == nil {
		return failure(winerr.ErrorFileNotFound, w.say("The system cannot find the file specified", "Das System kann die angegebene Datei nicht finden"))
	}
	r := play(split(c.Line))
	if c.Expect != nil && !slices.Contains(c.Expect, int(r.code)) {
		return failure(0, fmt.Sprintf("exit code %d: %s", r.code, r.out))
	}
	return windows.Answer{Type: "Exit", Exit: r.code, Data: base64.StdEncoding.EncodeToString([]byte(r.out))}
}

// split takes a line apart into arguments, as C programs do: those here have no quotes inside.
func split(line string) (args []string) {
	quoted, one, begun := false, "", false
	for _, r := range line {
		switch {
		case r == '"':
			quoted, begun = !quoted, true
		case r == ' ' && !quoted:
			if begun {
				args = append(args, one)
			}
			one, begun = "", false
		default:
			one, begun = one+string(r), true
		}
	}
	if begun {
		args = append(args, one)
	}
	return args
}

const bootManager = `BCD00000000\Objects\{9dea862c-5cdd-4e70-acc1-f32b344d4795}\Elements\23000003`

// Loader is the GUID of the current boot entry.
func (w *Windows) Loader() string { return w.Registry[bootManager]["Element"].Data }

func (w *Windows) object(alias string) string {
	switch alias {
	case windows.CurrentLoader:
		return w.Loader()
	case windows.DebuggerSettings:
		return "{4636856e-540f-4170-a130-a84776f4c654}"
	}
	return alias
}

func elementKey(object, code string) string {
	return `BCD00000000\Objects\` + object + `\Elements\` + code
}

func (w *Windows) element(object, code string) Value {
	return w.Registry[elementKey(object, code)]["Element"]
}

func (w *Windows) elementAnswer(object, code string) windows.Answer {
	return w.value(elementKey(object, code), "Element")
}

// codes of the elements that are played, and how their values are written.
var codes = map[string]struct{ code, format string }{
	"testsigning": {"16000049", "boolean"}, "debug": {"160000a0", "boolean"}, "dhcp": {"1600001c", "boolean"}, "debugtype": {"15000011", "word"},
	"debugport": {"15000012", "number"}, "baudrate": {"15000013", "number"}, "port": {"1500001b", "number"}, "hostip": {"1500001a", "address"}, "key": {"1200001d", "text"},
}

func (w *Windows) bcdedit(args []string) ran {
	switch {
	case w.Filtered:
		return ran{1, w.say("The boot configuration data store could not be opened.\r\nAccess is denied.", "Der Speicher für die Startkonfigurationsdaten konnte nicht geöffnet werden.\r\nZugriff verweigert")}
	case len(args) == 3 && args[0] == "/enum":
		return ran{0, fmt.Sprintf("\r\n%s\r\n-------------------\r\n%s              %s\r\ndevice                  partition=C:\r\n",
			w.say("Windows Boot Loader", "Windows-Startladeprogramm"), w.say("identifier", "Bezeichner"), w.object(args[1]))}
	case len(args) == 4 && args[0] == "/set":
		return w.setElement(w.object(args[1]), args[2], args[3])
	case len(args) == 3 && args[0] == "/deletevalue":
		known, ok := codes[args[2]]
		key := elementKey(w.object(args[1]), known.code)
		if w.Registry[key] == nil || !ok {
			return ran{1, w.say("An error occurred while attempting to delete the specified data element.\r\nElement not found.", "Fehler beim Löschen des angegebenen Datenelements.\r\nElement nicht gefunden.")}
		}
		delete(w.Registry, key)
		return ran{}
	case len(args) == 4 && args[0] == "/dbgsettings" && args[1] == "net":
		object := w.object(windows.DebuggerSettings)
		for _, pair := range append(args[2:], "debugtype:net", "dhcp:on", "key:1.2.3."+strconv.Itoa(w.Changes)) {
			name, value, _ := strings.Cut(pair, ":")
			if r := w.setElement(object, name, value); r.code != 0 {
				return r
			}
		}
		return ran{0, "Key=" + w.element(object, "1200001d").Data}
	}
	return ran{1, w.say("The specified command is not valid.", "Der angegebene Befehl ist ungültig.")}
}

func (w *Windows) setElement(object, name, value string) ran {
	known, ok := codes[name]
	if !ok {
		return ran{1, w.say("The element data type specified is not recognized", "Der Datentyp ist unbekannt")}
	}
	if name == "testsigning" && w.SecureBoot {
		return ran{1, w.say("The value is protected by Secure Boot policy and cannot be modified or deleted.", "Der Wert wird durch die Richtlinie für sicheren Start geschützt")}
	}
	v := Value{windows.Binary, ""}
	var n uint64
	switch known.format {
	case "boolean":
		v.Data = map[string]string{"on": "01", "off": "00"}[strings.ToLower(value)]
	case "text":
		v = Value{windows.Text, value}
	case "word":
		n = uint64(slices.Index([]string{"serial", "1394", "usb", "net", "local"}, value))
	case "address":
		for part := range strings.SplitSeq(value, ".") {
			b, _ := strconv.ParseUint(part, 10, 8)
			n = n<<8 | b
		}
	default:
		n, _ = strconv.ParseUint(value, 10, 64)
	}
	if v == (Value{windows.Binary, ""}) {
		for range 8 {
			v.Data += fmt.Sprintf("%02x", byte(n))
			n >>= 8
		}
	}
	w.Set(elementKey(object, known.code), "Element", v.Type, v.Data)
	return ran{}
}

func (w *Windows) verifier(args []string) ran {
	switch {
	case len(args) == 1 && args[0] == "/query":
		if len(w.Verified) == 0 {
			return ran{0, w.say("No drivers are currently verified.", "Derzeit werden keine Treiber überprüft.")}
		}
		flags, _ := strconv.Atoi(w.flags)
		return ran{0, fmt.Sprintf("%s: 0x%08x\r\n\r\n%s:\r\n\r\n%s\r\n", w.say("Verifier Flags", "Verifier-Flags"), flags, w.say("Verified Drivers", "Überprüfte Treiber"), strings.Join(w.Verified, "\r\n"))}
	case len(args) == 1 && args[0] == "/reset":
		for name := range w.Registry[memory] {
			if strings.HasPrefix(name, "Verif") {
				delete(w.Registry[memory], name)
			}
		}
		return ran{code: 2}
	}
	at := slices.Index(args, "/driver")
	if at < 0 || at == len(args)-1 {
		return ran{1, w.say("invalid syntax", "Syntaxfehler")}
	}
	level := "133563" // 0x209bb
	if args[0] == "/flags" {
		n, err := strconv.ParseUint(args[1], 0, 32)
		if err != nil {
			return ran{1, err.Error()}
		}
		level = strconv.FormatUint(n, 10)
	}
	if faults := slices.Index(args, "/faults"); faults >= 0 {
		if at != faults+5 {
			return ran{1, w.say("invalid syntax", "Syntaxfehler")}
		}
		w.Set(memory, "VerifierFaultProbability", windows.DWord, args[faults+1])
		w.Set(memory, "VerifierFaultTags", windows.Text, args[faults+2])
		w.Set(memory, "VerifierFaultBootMinutes", windows.DWord, args[faults+4])
	}
	w.Set(memory, "VerifyDrivers", windows.Text, strings.Join(args[at+1:], " "))
	w.Set(memory, "VerifyDriverLevel", windows.DWord, level)
	w.Set(memory, "VerifierOptions", windows.DWord, "0")
	return ran{code: 2}
}

func (w *Windows) citool(args []string) ran {
	switch {
	case slices.Equal(args, []string{"-lp", "-json"}):
		var all []map[string]any
		for _, id := range sortedKeys(w.Policies) {
			p := w.Policies[id]
			all = append(all, map[string]any{"PolicyID": id, "FriendlyName": p.Name, "IsOnDisk": p.OnDisk, "IsEnforced": p.Enforced, "IsAuthorized": p.Enforced})
		}
		text, _ := json.Marshal(map[string]any{"Policies": all, "OperationResult": 0})
		return ran{0, string(text)}
	case len(args) == 3 && args[0] == "--remove-policy":
		id := strings.ToLower(strings.Trim(args[1], "{}"))
		p := w.Policies[id]
		if p == nil || !p.OnDisk {
			return ran{1, `{"OperationResult": 2}`}
		}
		if !p.Stubborn {
			p.OnDisk = false
			delete(w.Files, policyFile(id))
		}
		return ran{0, `{"OperationResult": 0}`}
	case len(args) == 3 && args[0] == "--update-policy":
		data, there := w.Files[args[1]]
		if !there {
			return ran{1, `{"OperationResult": 2}`}
		}
		id := strings.ToLower(strings.Trim(strings.TrimSuffix(args[1][strings.LastIndexByte(args[1], '\\')+1:], ".cip"), "{}"))
		p := w.Policies[id]
		if p == nil {
			return ran{1, `{"OperationResult": 87}`}
		}
		p.OnDisk = true
		w.Files[policyFile(id)] = data
		return ran{0, `{"OperationResult": 0}`}
	}
	return ran{1, "usage"}
}

func policyFile(id string) string {
	return `C:\Windows\System32\CodeIntegrity\CiPolicies\Active\{` + strings.ToUpper(id) + "}.cip"
}
