package prepare

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"wskharness/guest"
	"wskharness/prepare/windows"
)

// WinRM over HTTPS, as far as it is ours: a certificate, a listener, a rule of the firewall.
const (
	httpsKind = "WinRM over HTTPS"
	allOurs   = "certificate listener rule"
)

func readHTTPS(item) windows.Call { return windows.HTTPS() }

func stateOfHTTPS(_ item, a windows.Answer) (state, error) {
	if a.Data == "" {
		return state{}, nil
	}
	return state{Type: "HTTPS", Data: a.Data}, nil
}

func writeHTTPS(_ item, _, to state) ([]windows.Call, error) {
	if to.Type == windows.Absent {
		return []windows.Call{windows.CloseHTTPS()}, nil
	}
	return []windows.Call{windows.OpenHTTPS()}, nil
}

// A value of WinRM's configuration: Place is the resource.
const (
	serviceKind = "WinRM service"
	authentic   = "winrm/config/service/auth"
)

var ways = []string{"Basic", "Certificate", "Kerberos", "Negotiate", "CredSSP"}

func readService(i item) windows.Call { return windows.WSMan(i.Place, i.Name) }

func stateOfService(i item, a windows.Answer) (state, error) {
	return state{Type: windows.Text, Data: strings.ToLower(a.First()[i.Name])}, nil
}

func writeService(i item, _, to state) ([]windows.Call, error) {
	return []windows.Call{windows.SetWSMan(i.Place, i.Name, to.Data)}, nil
}

// moveOn is what to do before NTLM is gone.
const moveOn = "wskharness vm prepare TARGET --https, and then url: https://…, auth: basic and certificate_sha256 in the target"

// winrmSetting is how WinRM lets somebody in, and whether it will in the next Windows.
func winrmSetting() setting {
	return setting{
		name:   "winrm",
		why:    "Negotiate is NTLM outside a domain, and NTLM is on its way out of Windows: Basic, or a certificate, over HTTPS stay",
		source: "Microsoft, “Installation and configuration for Windows Remote Management”; “The evolution of Windows authentication”",
		look:   lookWinRM,
		brief: func(_ guest.Facts, k Known) Finding {
			if !k.NTLM {
				return Finding{}
			}
			return Finding{Status: Note, Detail: "this target logs on by NTLM", Fix: moveOn}
		},
	}
}

func lookWinRM(v *view) Finding {
	auth := v.object(windows.WSMan(authentic, ways...))
	https := v.need(windows.HTTPS())
	how := https.First()
	var work []string
	for _, way := range ways {
		if strings.EqualFold(auth[way], "true") {
			work = append(work, way)
		}
	}
	over := "over HTTP only"
	if how["port"] != "" {
		over = "over HTTPS on port " + printable(how["port"], 10)
		if der, err := base64.StdEncoding.DecodeString(how["certificate"]); err == nil && len(der) > 0 {
			sum := sha256.Sum256(der)
			over += " (certificate_sha256: " + hex.EncodeToString(sum[:]) + ")"
		}
	}
	detail := fmt.Sprintf("%s; it takes %s", over, strings.Join(work, ", "))
	basic := item{serviceKind, authentic, "Basic"}
	certified := strings.EqualFold(auth["Certificate"], "true")
	lasting := how["port"] != "" && (certified || strings.EqualFold(auth["Basic"], "true"))
	refused, set := v.number(`SOFTWARE\Policies\Microsoft\Windows\WinRM\Service`, "AllowBasic")
	switch {
	case lasting:
		return Finding{Status: OK, Detail: detail}
	case !v.opts.HTTPS:
		return Finding{Status: Note, Detail: detail, Fix: moveOn}
	case set && refused == 0 && !certified:
		return Finding{Status: Blocked, Detail: detail + "; a policy forbids Basic", Fix: "take the machine out of that policy (Allow Basic authentication), or set up a certificate by hand: winrm/config/service/certmapping"}
	}
	changes := v.differing(wanted{basic, state{Type: windows.Text, Data: "true"}, false})
	if how["port"] == "" {
		ours := item{httpsKind, "", ""}
		changes = append(changes, change{item: ours, now: v.item(ours), to: state{Type: "HTTPS", Data: allOurs}})
	}
	return differs(changes, "", "winrm quickconfig -transport:https, with a certificate in the machine's store My; winrm set winrm/config/service/auth @{Basic=\"true\"}; a firewall rule for port 5986")
}
