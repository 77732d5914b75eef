package prepare

import (
	"crypto/sha1" //nolint:gosec // Windows names certificates by their SHA-1
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"wskharness/prepare/windows"
	"wskharness/remote"
)

// LogOn is a certificate by which a client is to log on, instead of a password. The zero value is none.
type LogOn struct {
	chain    []*x509.Certificate // the client's, and those above it, each the issuer of the one before
	subject  string              // its user principal name, by which Windows tells whose it is
	user     string              // the local account
	password remote.Secret       // of that; empty: not known
}

// NewLogOn makes one of a client's certificate, with those that have issued it in any order, and of the local account that it is
// to stand for. What Windows would not take is told all at once: its source is [MS-WSMV] 2.2.4.3, CertMappingType, and Microsoft's
// “How to use WSMan config provider for certificate authentication”.
func NewLogOn(certificates []*x509.Certificate, user string, password remote.Secret, now time.Time) (*LogOn, error) {
	if len(certificates) == 0 {
		return nil, errors.New("there is no certificate")
	}
	l := &LogOn{chain: certificates[:1:1], password: password, user: strings.TrimPrefix(user, `.\`)}
	client := l.chain[0]
	var wrong []error
	for last := client; !selfIssued(last); {
		at := slices.IndexFunc(certificates, func(c *x509.Certificate) bool { return c != last && last.CheckSignatureFrom(c) == nil })
		if at < 0 || slices.Contains(l.chain, certificates[at]) {
			wrong = append(wrong, fmt.Errorf("the certificate of %s, who has issued that of %s, is not there, and Windows has to have all of them: add it to the file", last.Issuer, last.Subject))
			break
		}
		last = certificates[at]
		l.chain = append(l.chain, last)
	}
	if l.subject = principalName(client); l.subject == "" {
		wrong = append(wrong, errors.New("it has no user principal name among its alternative names (otherName 1.3.6.1.4.1.311.20.2.3), by which Windows tells whose it is"))
	} else if strings.Contains(l.subject, "*") || printable(l.subject, 200) != l.subject {
		wrong = append(wrong, fmt.Errorf("its user principal name is %q: Windows takes a * in it for a pattern", printable(l.subject, 200)))
	}
	if !slices.Contains(client.ExtKeyUsage, x509.ExtKeyUsageClientAuth) {
		wrong = append(wrong, errors.New("it is not for the authentication of clients (extendedKeyUsage = clientAuth)"))
	}
	if now.Before(client.NotBefore) || now.After(client.NotAfter) {
		wrong = append(wrong, fmt.Errorf("it is valid from %s to %s", client.NotBefore.Format(time.DateOnly), client.NotAfter.Format(time.DateOnly)))
	}
	if l.user == "" || strings.ContainsAny(l.user, `\@`) {
		wrong = append(wrong, fmt.Errorf("the account is %q: Windows maps certificates to local accounts only: name it without a domain", printable(user, 200)))
	}
	if err := errors.Join(wrong...); err != nil {
		return nil, err
	}
	return l, nil
}

func selfIssued(c *x509.Certificate) bool { return string(c.RawIssuer) == string(c.RawSubject) }

var (
	alternativeNames = asn1.ObjectIdentifier{2, 5, 29, 17}
	principal        = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 20, 2, 3}
)

// principalName is the user principal name of a certificate (RFC 5280, 4.2.1.6, otherName), which Go's reader leaves alone.
func principalName(c *x509.Certificate) string {
	for _, e := range c.Extensions {
		if !e.Id.Equal(alternativeNames) {
			continue
		}
		var names []asn1.RawValue
		if _, err := asn1.Unmarshal(e.Value, &names); err != nil {
			return ""
		}
		for _, name := range names {
			if name.Class != asn1.ClassContextSpecific || name.Tag != 0 {
				continue
			}
			var kind asn1.ObjectIdentifier
			rest, err := asn1.Unmarshal(name.Bytes, &kind)
			if err != nil || !kind.Equal(principal) {
				continue
			}
			var outer asn1.RawValue
			if _, err := asn1.Unmarshal(rest, &outer); err != nil || outer.Class != asn1.ClassContextSpecific || outer.Tag != 0 {
				continue
			}
			var text string
			if _, err := asn1.Unmarshal(outer.Bytes, &text); err == nil {
				return text
			}
		}
	}
	return ""
}

// sha1Of is what Windows calls a certificate by.
func sha1Of(c *x509.Certificate) string {
	sum := sha1.Sum(c.Raw) //nolint:gosec // as above
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

// stored is a certificate in a store of the machine.
func stored(store string, c *x509.Certificate) wanted {
	return wanted{item{certificateKind, store, sha1Of(c)}, state{Type: windows.Certificate, Data: base64.StdEncoding.EncodeToString(c.Raw)}, false}
}

// issuer is who has signed the client's certificate: itself, perhaps.
func (l *LogOn) issuer() *x509.Certificate { return l.chain[min(1, len(l.chain)-1)] }

// certificates are those that the machine has to have, each in its store: the client's among the people that it trusts, the last
// issuer among its roots, and those between in the store for that.
func (l *LogOn) certificates() []wanted {
	root := len(l.chain) - 1
	all := []wanted{stored("Root", l.chain[root])}
	for n := root - 1; n > 0; n-- {
		all = append(all, stored("CA", l.chain[n]))
	}
	return append(all, stored("TrustedPeople", l.chain[0]))
}

// A mapping of certificates to a local account: Place is the issuer's SHA-1, Name the certificates' user principal name. It can be
// made, and removed; that of somebody else can't be brought back, since nobody is told its password, and is left alone.
const mappingKind = "certificate mapping"

func readMapping(item) windows.Call { return windows.Mappings() }

func stateOfMapping(i item, a windows.Answer) (state, error) {
	for _, m := range a.Objects {
		if strings.EqualFold(m["issuer"], i.Place) && strings.EqualFold(m["subject"], i.Name) && m["uri"] == "*" {
			return mappedTo(m["user"], strings.EqualFold(m["enabled"], "true")), nil
		}
	}
	return state{}, nil
}

func mappedTo(user string, enabled bool) state {
	s := state{Type: "Mapping", Data: strings.ToLower(strings.TrimPrefix(user, `.\`))}
	if !enabled {
		s.Data += ", disabled"
	}
	return s
}

func writeMapping(i item, _, to state) ([]windows.Call, error) {
	if to.Type == windows.Absent {
		return []windows.Call{windows.RemoveMapping(i.Place, i.Name)}, nil
	}
	return nil, fmt.Errorf("%s: nobody is told its password, without which it can't be made", i)
}

// certifiedSetting is that clients can log on by a certificate.
func certifiedSetting(l *LogOn) setting {
	return setting{
		name:   "client-certificate",
		why:    "a certificate instead of a password stays when NTLM is gone, and no password goes over the network",
		source: "[MS-WSMV] 2.2.4.3, CertMappingType; Microsoft, “How to use WSMan config provider for certificate authentication”",
		look: func(v *view) Finding {
			mapping := item{mappingKind, sha1Of(l.issuer()), l.subject}
			now := v.item(mapping)
			wants := append(l.certificates(), wanted{item{serviceKind, authentic, "Certificate"}, state{Type: windows.Text, Data: "true"}, false})
			changes := v.differing(wants...)
			if !v.opts.HTTPS { // else that is a matter of another setting
				changes = append(changes, v.overHTTPS()...)
			}
			to := mappedTo(l.user, true)
			byHand := fmt.Sprintf(`New-Item -Path WSMan:\localhost\ClientCertificate -Issuer %s -Subject %s -URI * -Credential (Get-Credential %s) -Force`, mapping.Place, l.subject, l.user)
			switch {
			case v.waitsFor(readMapping(mapping)) || now.same(to):
			case now.Type != windows.Absent:
				return Finding{Status: Blocked, Detail: fmt.Sprintf("the certificates of %s stand for the account %s, and what that was could not be brought back", l.subject, now), Fix: "remove that mapping on the machine (WSMan:\\localhost\\ClientCertificate), or use a certificate with another name"}
			case l.password == "":
				return Finding{Status: Blocked, Detail: "no account stands for the certificates of " + l.subject + ", and the password of " + l.user + ", which Windows wants for that, is not known here",
					Fix: "say --password-env NAME, with the name of a variable that has it; or on the machine: " + byHand}
			default:
				changes = append(changes, change{item: mapping, now: now, to: to, calls: []windows.Call{windows.AddMapping(mapping.Place, mapping.Name, l.user, l.password)}})
			}
			return differs(changes, l.subject+" logs on as "+l.user, byHand+"; the certificates in the stores Root, CA and TrustedPeople; winrm set winrm/config/service/auth @{Certificate=\"true\"}")
		},
	}
}
