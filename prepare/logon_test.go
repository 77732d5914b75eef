package prepare_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"strings"
	"testing"
	"time"

	"wskharness/prepare"
	"wskharness/prepare/windows"
	"wskharness/prepare/windowstest"
	"wskharness/remote"
)

// issued is a certificate with its key.
type issued struct {
	*x509.Certificate
	key *ecdsa.PrivateKey
}

// issue makes a certificate; by is nil where it issues itself.
func issue(t testing.TB, name string, by *issued, change func(*x509.Certificate)) issued {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
		BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	if change != nil {
		change(template)
	}
	signs := issued{template, key}
	if by != nil {
		signs = *by
	}
	der, err := x509.CreateCertificate(rand.Reader, template, signs.Certificate, key.Public(), signs.key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return issued{c, key}
}

// client makes a template one of a client's, with a user principal name.
func client(t testing.TB, name string) func(*x509.Certificate) {
	t.Helper()
	value, err := asn1.MarshalWithParams(name, "utf8")
	if err != nil {
		t.Fatal(err)
	}
	other, err := asn1.Marshal(struct {
		Kind  asn1.ObjectIdentifier
		Value asn1.RawValue
	}{asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 20, 2, 3}, asn1.RawValue{Class: asn1.ClassContextSpecific, IsCompound: true, Bytes: value}})
	if err != nil {
		t.Fatal(err)
	}
	var sequence asn1.RawValue
	if _, err := asn1.Unmarshal(other, &sequence); err != nil {
		t.Fatal(err)
	}
	mail := asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 1, Bytes: []byte("a@b")}
	names, err := asn1.Marshal([]asn1.RawValue{mail, {Class: asn1.ClassContextSpecific, IsCompound: true, Bytes: sequence.Bytes}})
	if err != nil {
		t.Fatal(err)
	}
	return func(c *x509.Certificate) {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Value: names}}
	}
}

// logOn is a client's certificate with two above it.
func logOn(t testing.TB, password remote.Secret) *prepare.LogOn {
	t.Helper()
	root := issue(t, "root", nil, nil)
	between := issue(t, "between", &root, nil)
	leaf := issue(t, "tester", &between, client(t, "tester@localhost"))
	l, err := prepare.NewLogOn([]*x509.Certificate{leaf.Certificate, root.Certificate, between.Certificate}, "tester", password, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// What Windows would not take is told, all of it.
func TestNewLogOnRefuses(t *testing.T) {
	root := issue(t, "root", nil, nil)
	old := func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }
	own := issue(t, "tester", nil, client(t, "tester@localhost"))
	for name, test := range map[string]struct {
		certificate issued
		user        string
		want        []string
	}{
		"one that issues itself": {own, `.\tester`, nil},
		"no issuer":              {issue(t, "tester", &root, client(t, "t@l")), "tester", []string{"the certificate of CN=root, who has issued that of CN=tester, is not there"}},
		"a plain one, too old":   {issue(t, "tester", nil, old), "", []string{"no user principal name", "clientAuth", "it is valid from", `the account is ""`}},
		"a pattern":              {issue(t, "tester", nil, client(t, "*@l")), "tester", []string{"a * in it"}},
		"control characters":     {issue(t, "tester", nil, client(t, "a\x1b[2Jb")), "tester", []string{"user principal name is"}},
		"a domain's account":     {own, `CORP\tester`, []string{"local accounts only"}},
	} {
		l, err := prepare.NewLogOn([]*x509.Certificate{test.certificate.Certificate}, test.user, "p", time.Now())
		if (err == nil) != (test.want == nil) || (l == nil) != (err != nil) {
			t.Errorf("%s: got %v, %v", name, l, err)
			continue
		}
		for _, text := range test.want {
			if !strings.Contains(err.Error(), text) || strings.Contains(err.Error(), "\x1b") {
				t.Errorf("%s: got %v; want %s", name, err, text)
			}
		}
	}
}

// A client that has a certificate is let in: its issuers and itself are in their stores, certificates are taken, and stand for the
// account; and all of that goes again. Only its own password makes the account that of a certificate.
func TestLogOnByCertificate(t *testing.T) {
	w := windowstest.New()
	before := w.Snapshot()
	o := prepare.Options{LogOn: logOn(t, "secret"), Keep: []string{"test-signing"}}
	status := func(o prepare.Options) prepare.Finding {
		t.Helper()
		findings, err := preparation(w, o).Look(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range findings {
			if f.Setting == "client-certificate" {
				return f
			}
		}
		t.Fatal("nothing is said of it")
		return prepare.Finding{}
	}
	if f := status(o); f.Status != prepare.Change || strings.Contains(f.Detail+f.Fix, "secret") || !strings.Contains(f.Detail, "TrustedPeople") {
		t.Errorf("got %s: %s; want that it is changed, without the password", f.Status, f.Detail)
	}
	unknown := o
	unknown.LogOn = logOn(t, "")
	if f := status(unknown); f.Status != prepare.Blocked || !strings.Contains(f.Fix, "--password-env") {
		t.Errorf("got %s: %s; want that the password is asked for", f.Status, f.Fix)
	}
	if err := preparation(w, o).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if f := status(o); f.Status != prepare.OK || f.Detail != "tester@localhost logs on as tester" {
		t.Errorf("got %s: %s", f.Status, f.Detail)
	}
	findings, err := preparation(w, prepare.Options{}).Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		if f.Setting == "winrm" && (f.Status != prepare.OK || !strings.Contains(f.Detail, "Certificate (as tester)")) {
			t.Errorf("got %s: %s; want that certificates are let in, as whom", f.Status, f.Detail)
		}
	}
	for _, file := range w.Files {
		if strings.Contains(string(file), "secret") {
			t.Errorf("the password is in a file: %s", file)
		}
	}
	if stores := w.Certificates; len(stores["Root"]) != 2 || len(stores["CA"]) != 1 || len(stores["TrustedPeople"]) != 1 {
		t.Errorf("got %d, %d, %d certificates in Root, CA, TrustedPeople; want 2 (one was there), 1, 1", len(stores["Root"]), len(stores["CA"]), len(stores["TrustedPeople"]))
	}
	if err := preparation(w, o).Undo(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := w.Snapshot(); after != before {
		t.Errorf("it was not brought back:\n%s", difference(before, after))
	}
}

// The account of somebody else's certificates stays theirs.
func TestMappingOfAnother(t *testing.T) {
	w := windowstest.New()
	o := prepare.Options{LogOn: logOn(t, "secret")}
	if err := preparation(w, o).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for place, m := range w.Managed {
		if strings.Contains(place, "certmapping") {
			m["UserName"] = "other"
		}
	}
	findings, err := preparation(w, o).Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		if f.Setting == "client-certificate" && (f.Status != prepare.Blocked || !strings.Contains(f.Detail, "stand for the account other")) {
			t.Errorf("got %s: %s", f.Status, f.Detail)
		}
	}
}

// Basic over HTTPS: nothing goes in the clear any more, unless whoever asks is himself in the clear, or a policy wants it.
func TestBasicOverHTTPS(t *testing.T) {
	const service, policy = "winrm/config/service", `SOFTWARE\Policies\Microsoft\Windows\WinRM\Service`
	for name, test := range map[string]struct {
		set     func(*windowstest.Windows)
		reached prepare.Reached
		blocked string
	}{
		"a plain one":  {func(*windowstest.Windows) {}, prepare.Reached{By: remote.AuthNTLM}, ""},
		"in the clear": {func(w *windowstest.Windows) { w.Managed[service]["AllowUnencrypted"] = "true" }, prepare.Reached{By: remote.AuthNTLM}, ""},
		"himself":      {func(w *windowstest.Windows) { w.Managed[service]["AllowUnencrypted"] = "true" }, prepare.Reached{By: remote.AuthBasic}, "auth: ntlm"},
		"a policy wants it": {func(w *windowstest.Windows) {
			w.Managed[service]["AllowUnencrypted"] = "true"
			w.Set(policy, "AllowUnencryptedTraffic", windows.DWord, "1")
		}, prepare.Reached{}, "Allow unencrypted traffic"},
		"no Basic": {func(w *windowstest.Windows) { w.Set(policy, "AllowBasic", windows.DWord, "0") }, prepare.Reached{}, "--client-certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			w := windowstest.New()
			test.set(w)
			before := w.Snapshot()
			o := prepare.Options{HTTPS: true, Reached: test.reached}
			if err := preparation(w, o).Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			findings, err := preparation(w, o).Look(t.Context())
			for _, f := range findings {
				want := prepare.OK
				if test.blocked != "" {
					want = prepare.Blocked
				}
				if f.Setting == "winrm" && (f.Status != want || !strings.Contains(f.Fix, test.blocked)) {
					t.Errorf("got %s: %s: %s; want %s, %s", f.Status, f.Detail, f.Fix, want, test.blocked)
				}
			}
			if clear := w.Managed[service]["AllowUnencrypted"]; clear != "false" && test.blocked == "" || err != nil {
				t.Errorf("requests in the clear: %s, %v", clear, err)
			}
			if err := preparation(w, o).Undo(t.Context()); err != nil {
				t.Fatal(err)
			}
			if after := w.Snapshot(); after != before {
				t.Errorf("it was not brought back:\n%s", difference(before, after))
			}
		})
	}
}

// Nobody is put out by what he brings back himself.
func TestUndoOfOnesOwnLogOn(t *testing.T) {
	for _, test := range []struct {
		reached prepare.Reached
		want    string // part of the refusal
	}{
		{prepare.Reached{By: remote.AuthBasic, HTTPS: true}, "Basic (winrm)"}, {prepare.Reached{By: remote.AuthNTLM, HTTPS: true}, "WinRM over HTTPS (winrm)"},
		{prepare.Reached{By: remote.AuthCertificate, HTTPS: true}, "account of the certificates of tester@localhost"}, {prepare.Reached{By: remote.AuthNTLM}, ""},
	} {
		w := windowstest.New()
		before := w.Snapshot()
		o := prepare.Options{HTTPS: true, LogOn: logOn(t, "secret")}
		if test.reached.By == remote.AuthBasic {
			o.LogOn = nil
		}
		if err := preparation(w, o).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		prepared := w.Snapshot()
		o.Reached = test.reached
		_, planned := preparation(w, o).PlanUndo(t.Context())
		err := preparation(w, o).Undo(t.Context())
		after := w.Snapshot()
		switch {
		case test.want == "" && (planned != nil || err != nil || after != before):
			t.Errorf("%+v: got %v, %v\n%s", test.reached, planned, err, difference(before, after))
		case test.want == "":
		case planned == nil || err == nil || !strings.Contains(err.Error(), test.want) || after != prepared:
			t.Errorf("%+v: got %v, %v; want %s, and nothing changed\n%s", test.reached, planned, err, test.want, difference(prepared, after))
		}
	}
}
