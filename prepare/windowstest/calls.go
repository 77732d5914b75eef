package windowstest

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"wskharness/prepare/windows"
	"wskharness/winerr"
)

const (
	memory      = `SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management`
	deviceGuard = `SYSTEM\CurrentControlSet\Control\DeviceGuard`
	hvci        = deviceGuard + `\Scenarios\HypervisorEnforcedCodeIntegrity`
)

// Set sets a registry value, and makes its key and those above it.
func (w *Windows) Set(key, name, kind, data string) {
	for above := key; above != ""; above = parent(above) {
		if w.Registry[above] == nil {
			w.Registry[above] = map[string]Value{}
		}
	}
	w.Registry[key][name] = Value{kind, data}
}

func parent(key string) string {
	return key[:max(0, strings.LastIndexByte(key, '\\'))]
}

func failure(code winerr.Win32, text string) windows.Answer {
	return windows.Answer{Type: "Failed", Error: text, Code: code}
}

var done = windows.Answer{Type: "Done"}

// call executes one.
func (w *Windows) call(c windows.Call) windows.Answer {
	if w.Refuse != nil {
		if err := w.Refuse(c); err != nil {
			if known, ok := errors.AsType[*windows.CallError](err); ok {
				return failure(known.Code, known.Text)
			}
			return failure(winerr.ErrorSuccess, err.Error())
		}
	}
	if w.Filtered && !c.Reads() && c.Do != "bootId" {
		return failure(winerr.ErrorAccessDenied, w.say("Access is denied.", "Zugriff verweigert"))
	}
	switch c.Do {
	case "value":
		return w.value(c.Key, c.Name)
	case "values":
		a := windows.Answer{Type: "Values"}
		for name, v := range w.Registry[c.Key] {
			if strings.HasPrefix(name, c.Name) {
				a.Values = append(a.Values, windows.Answer{Type: v.Type, Data: v.Data, Name: name})
			}
		}
		sortAnswers(a.Values)
		return a
	case "setValue":
		w.Set(c.Key, c.Name, c.Type, c.Data)
	case "deleteValue":
		delete(w.Registry[c.Key], c.Name)
		for key := c.Key; c.Keep != "" && len(key) > len(c.Keep) && w.hasOnly(key); key = parent(key) {
			delete(w.Registry, key)
		}
	case "element":
		return w.elementAnswer(w.object(c.Data), c.Name)
	case "run":
		return w.run(c)
	case "certificate":
		if der, there := w.Certificates[c.Store][c.Name]; there {
			return windows.Answer{Type: windows.Certificate, Data: der}
		}
		return windows.Answer{}
	case "addCertificate":
		return w.addCertificate(c)
	case "removeCertificate":
		delete(w.Certificates[c.Store], c.Name)
	case "objects":
		return w.objects(c)
	case "account":
		full := "True"
		if w.Filtered {
			full = "False"
		}
		return windows.Answer{Type: "Account", Objects: []map[string]string{{"user": w.User, "sid": w.SID, "administrator": full}}}
	case "bootId":
		return w.bootID()
	case "wsman", "setWSMan":
		return w.managed(c)
	case "mappings", "addMapping", "removeMapping":
		return w.mapping(c)
	case "https", "openHTTPS", "closeHTTPS":
		return w.https(c)
	default:
		return w.file(c)
	}
	return done
}

// file executes a call about a file.
func (w *Windows) file(c windows.Call) windows.Answer {
	data, there := w.Files[c.Path]
	switch c.Do {
	case "file":
		if !there {
			return windows.Answer{}
		}
		return windows.Answer{Type: windows.File, Data: base64.StdEncoding.EncodeToString(data)}
	case "exists":
		if !there {
			return windows.Answer{}
		}
		return windows.Answer{Type: windows.File}
	case "writeFile":
		raw, err := base64.StdEncoding.DecodeString(c.Data)
		if err != nil {
			return failure(0, err.Error())
		}
		is := "absent"
		if there {
			is = fmt.Sprintf("%x", sha256.Sum256(data))
		}
		if is != c.Was {
			return failure(0, c.Path+" is not what it was a moment ago: somebody else writes it")
		}
		w.write(c.Path, raw)
	case "copyFile":
		if !there {
			return failure(winerr.ErrorFileNotFound, w.say("Could not find file", "Die Datei konnte nicht gefunden werden"))
		}
		if _, taken := w.Files[c.Data]; !taken {
			w.write(c.Data, data)
		}
	case "deleteFile":
		delete(w.Files, c.Path)
		for folder := parent(c.Path); c.Keep != "" && len(folder) > len(c.Keep) && w.empty(folder); folder = parent(folder) {
			delete(w.Folders, folder)
		}
	default:
		return failure(0, "unknown call "+c.Do)
	}
	return done
}

func (w *Windows) write(path string, data []byte) {
	w.Files[path] = data
	for folder := parent(path); len(folder) > 2; folder = parent(folder) {
		w.Folders[folder] = true
	}
}

// empty reports whether nothing is in a folder.
func (w *Windows) empty(folder string) bool {
	for name := range w.Files {
		if strings.HasPrefix(name, folder+`\`) {
			return false
		}
	}
	for name := range w.Folders {
		if strings.HasPrefix(name, folder+`\`) {
			return false
		}
	}
	return true
}

func (w *Windows) value(key, name string) windows.Answer {
	values, there := w.Registry[key]
	if !there {
		above := parent(key)
		for above != "" && w.Registry[above] == nil {
			above = parent(above)
		}
		return windows.Answer{Key: above}
	}
	v := values[name]
	return windows.Answer{Type: v.Type, Data: v.Data, Name: name}
}

func (w *Windows) addCertificate(c windows.Call) windows.Answer {
	raw, err := base64.StdEncoding.DecodeString(c.Data)
	if err != nil {
		return failure(0, err.Error())
	}
	if w.Certificates[c.Store] == nil {
		w.Certificates[c.Store] = map[string]string{}
	}
	w.Certificates[c.Store][Thumbprint(raw)] = c.Data
	return done
}

// objects answers a query of WMI by the class that it names.
func (w *Windows) objects(c windows.Call) windows.Answer {
	_, rest, _ := strings.Cut(c.Query, " FROM ")
	class, condition, _ := strings.Cut(rest, " WHERE ")
	from := w.Objects[class]
	if class == "Win32_EncryptableVolume" {
		_, drive, _ := strings.Cut(condition, "'")
		if status, there := w.Protection[strings.TrimSuffix(drive, "'")]; there {
			from = map[string]string{"ProtectionStatus": status, "ConversionStatus": "1"}
		} else if w.Protection != nil {
			return windows.Answer{Type: "Objects"}
		}
	}
	if from == nil {
		return failure(0, w.say("Invalid class", "Ungültige Klasse"))
	}
	found := map[string]string{}
	for _, name := range c.Properties {
		if v, there := from[name]; there {
			found[name] = v
		}
	}
	return windows.Answer{Type: "Objects", Objects: []map[string]string{found}}
}

// managed executes a call of WS-Management.
func (w *Windows) managed(c windows.Call) windows.Answer {
	values, there := w.Managed[c.Resource]
	if !there {
		return failure(0, "no such resource: "+c.Resource)
	}
	if c.Do == "setWSMan" {
		values[c.Name] = c.Data
		return done
	}
	found := map[string]string{}
	for _, p := range c.Properties {
		found[p] = values[p]
	}
	return windows.Answer{Type: "Object", Objects: []map[string]string{found}}
}

const mappings = "winrm/config/service/certmapping"

// mapping plays which client certificates WinRM lets in.
func (w *Windows) mapping(c windows.Call) windows.Answer {
	place := mappings + "?Issuer=" + c.Name + "+Subject=" + c.Data + "+URI=*"
	_, there := w.Managed[place]
	switch c.Do {
	case "addMapping":
		if there || c.User == "" || c.Secret == "" {
			return failure(0, w.say("The WS-Management service cannot process the request: the object exists already, or its credentials are invalid", "Der WS-Verwaltungsdienst kann die Anforderung nicht verarbeiten"))
		}
		w.Managed[place] = map[string]string{"UserName": c.User, "Password": c.Secret.Reveal(), "Enabled": "true"}
		return done
	case "removeMapping":
		if !there {
			return failure(winerr.ErrorFileNotFound, w.say("The WS-Management service cannot find the object", "Das Objekt wurde nicht gefunden"))
		}
		delete(w.Managed, place)
		return done
	}
	a := windows.Answer{Type: "Objects"}
	for _, place := range sortedKeys(w.Managed) {
		if selectors, is := strings.CutPrefix(place, mappings+"?Issuer="); is {
			issuer, rest, _ := strings.Cut(selectors, "+Subject=")
			subject, uri, _ := strings.Cut(rest, "+URI=")
			m := w.Managed[place]
			a.Objects = append(a.Objects, map[string]string{"issuer": issuer, "subject": subject, "uri": uri, "user": m["UserName"], "enabled": m["Enabled"]})
		}
	}
	return a
}

const (
	firewall = `SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy\FirewallRules`
	rule     = "wskharness-winrm-https"
	listener = "winrm/config/Listener/HTTPS"
	ownKey   = "AAAA" // of the certificate that the machine makes for itself
)

// https plays WinRM over HTTPS.
func (w *Windows) https(c windows.Call) windows.Answer {
	my := w.Certificates["My"]
	own := Thumbprint([]byte{0, 0, 0})
	switch c.Do {
	case "openHTTPS":
		if my == nil {
			return failure(0, "no store")
		}
		my[own] = ownKey
		if w.Managed[listener] == nil {
			w.Managed[listener] = map[string]string{"Port": "5986", "CertificateThumbprint": own}
		}
		w.Set(firewall, rule, windows.Text, "v2.30|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=5986|")
		return done
	case "closeHTTPS":
		if w.Managed[listener]["CertificateThumbprint"] == own {
			delete(w.Managed, listener)
		}
		delete(w.Registry[firewall], rule)
		delete(my, own)
		return done
	}
	var has []string
	if my[own] != "" {
		has = append(has, "certificate")
	}
	how := map[string]string{}
	if l := w.Managed[listener]; l != nil {
		how["port"], how["thumbprint"], how["certificate"] = l["Port"], l["CertificateThumbprint"], my[l["CertificateThumbprint"]]
		if l["CertificateThumbprint"] == own {
			has = append(has, "listener")
		}
	}
	if w.Registry[firewall][rule].Type != "" {
		has = append(has, "rule")
	}
	return windows.Answer{Type: "HTTPS", Data: strings.Join(has, " "), Objects: []map[string]string{how}}
}
