package prepare

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"wskharness/guest"
	"wskharness/prepare/windows"
	"wskharness/remote"
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
	serviceKind   = "WinRM service"
	authentic     = "winrm/config/service/auth"
	service       = "winrm/config/service"
	unencrypted   = "AllowUnencrypted"
	servicePolicy = `SOFTWARE\Policies\Microsoft\Windows\WinRM\Service`
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
const moveOn = "wskharness vm prepare TARGET --https, and then url: https://…, auth: basic and certificate_sha256 in the target; or, without a password, --client-certificate FILE, and then auth: certificate"

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

// overHTTPS is what makes WinRM answer over HTTPS, where it does not.
func (v *view) overHTTPS() []change {
	ours := item{httpsKind, "", ""}
	if https := v.need(windows.HTTPS()); https.First()["port"] != "" || v.waitsFor(windows.HTTPS()) {
		return nil
	}
	return []change{{item: ours, now: v.item(ours), to: state{Type: "HTTPS", Data: allOurs}}}
}

// mapped are the accounts that certificates stand for.
func (v *view) mapped() (accounts []string) {
	a, err := v.ask(windows.Mappings())
	if err != nil {
		return nil // of a WinRM that has none of that, or does not tell: nobody can log on so
	}
	for _, m := range a.Objects {
		if user := printable(m["user"], 60); strings.EqualFold(m["enabled"], "true") && !slices.Contains(accounts, user) {
			accounts = append(accounts, user)
		}
	}
	slices.Sort(accounts)
	return accounts[:min(len(accounts), 8)]
}

func lookWinRM(v *view) Finding {
	auth := v.object(windows.WSMan(authentic, ways...))
	how := v.need(windows.HTTPS()).First()
	accounts := v.mapped()
	is := func(way string) bool { return strings.EqualFold(auth[way], "true") }
	clear := v.item(item{serviceKind, service, unencrypted}).Data == "true"
	var work []string
	for _, way := range ways {
		switch {
		case !is(way):
		case way == "Certificate" && len(accounts) == 0:
			work = append(work, "Certificate (which stands for no account yet)")
		case way == "Certificate":
			work = append(work, "Certificate (as "+strings.Join(accounts, ", ")+")")
		default:
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
	if clear {
		detail += "; and requests in the clear"
	}
	certified := is("Certificate") && len(accounts) > 0
	lasting := how["port"] != "" && (certified || is("Basic"))
	refused, set := v.number(servicePolicy, "AllowBasic")
	inClear, ordered := v.number(servicePolicy, "AllowUnencryptedTraffic")
	switch {
	case !v.opts.HTTPS && lasting && !clear:
		return Finding{Status: OK, Detail: detail}
	case !v.opts.HTTPS && lasting:
		return Finding{Status: Note, Detail: detail, Fix: `wskharness vm prepare TARGET --https, or winrm set winrm/config/service @{AllowUnencrypted="false"}`}
	case !v.opts.HTTPS:
		return Finding{Status: Note, Detail: detail, Fix: moveOn}
	case set && refused == 0 && !certified && v.opts.LogOn == nil:
		return Finding{Status: Blocked, Detail: detail + "; a policy forbids Basic", Fix: "take the machine out of that policy (Allow Basic authentication), or log on by a certificate: --client-certificate FILE"}
	case clear && ordered && inClear != 0:
		return Finding{Status: Blocked, Detail: detail + ", as a policy wants it", Fix: "take the machine out of that policy (Allow unencrypted traffic)"}
	case clear && v.opts.Reached.By == remote.AuthBasic && !v.opts.Reached.HTTPS:
		return Finding{Status: Blocked, Detail: detail + ", as this target sends them", Fix: "log on by auth: ntlm, or over https, and say this again"}
	}
	wants := []wanted{{item{serviceKind, service, unencrypted}, state{Type: windows.Text, Data: "false"}, false}}
	if !certified && (!set || refused != 0) && v.opts.LogOn == nil {
		wants = append(wants, wanted{item{serviceKind, authentic, "Basic"}, state{Type: windows.Text, Data: "true"}, false})
	}
	return differs(append(v.overHTTPS(), v.differing(wants...)...), detail, "winrm quickconfig -transport:https, with a certificate in the machine's store My; winrm set winrm/config/service/auth @{Basic=\"true\"}; winrm set winrm/config/service @{AllowUnencrypted=\"false\"}; a firewall rule for port 5986")
}
