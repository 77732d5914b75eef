package access

import (
	"errors"
	"regexp"
	"strings"

	"wskharness/remote"
	"wskharness/settings"
	"wskharness/strictyaml"
	"wskharness/vm"
)

// Login is as whom to log on, and what proves that the machine is the right one. It has references to secrets, and none: it
// may be kept in a file, as JSON.
type Login struct {
	User         string `json:"user"`
	PasswordEnv  string `json:"passwordEnv,omitempty"` // name of an environment variable
	PasswordFile string `json:"passwordFile,omitempty"`
	Auth         string `json:"auth"`                        // "basic", "ntlm" or "certificate"
	ClientCert   string `json:"clientCertificate,omitempty"` // PEM: who logs on, instead of a password
	ClientKey    string `json:"clientKey,omitempty"`         // PEM
	Certificate  string `json:"certificateSha256,omitempty"` // the only certificate that is accepted, in hexadecimal
	CAFile       string `json:"caFile,omitempty"`            // PEM, or one certificate in DER; empty: the system's
	ServerName   string `json:"serverName,omitempty"`        // that the certificate has to bear; empty: the host of the url
	AllowPlain   bool   `json:"allowPlain,omitempty"`        // Basic over HTTP: password and everything else in the clear
}

var thumbprint = regexp.MustCompile(`^([0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}$`)

// wantPassword: a configuration is checked in, printed and attached to bug reports.
const wantPassword = "password_env: NAME of an environment variable, or password_file: PATH"

// wantProof is what a login needs beside its user.
const wantProof = wantPassword + "; or auth: certificate, with client_certificate: PATH and client_key: PATH"

// Table is the keys, read into l.
func (l *Login) Table() settings.Table {
	l.Auth = "ntlm"
	return settings.Table{
		Keys: []settings.Key{
			{Name: "user", Must: "user: the account to log on with", Value: settings.Text(&l.User)},
			{Name: "password_env", Doc: "The environment variable that has the password.", Value: settings.Variable(&l.PasswordEnv)},
			{Name: "password_file", Doc: "The file that has the password; nobody else may read it.", Without: []settings.Rule{{Key: "password_env"}}, Value: settings.Path(&l.PasswordFile)},
			{Name: "password", Value: settings.Value{Read: func(r *settings.Reader, n *strictyaml.Node, what string) {
				r.At(n, wantPassword, "a password in the configuration itself")
			}}},
			{Name: "auth", Value: settings.Word(&l.Auth, "basic", "ntlm", "certificate")},
			{Name: "client_certificate", Doc: "With auth: certificate: the certificate that the machine maps to the account, PEM.", Value: settings.Path(&l.ClientCert),
				Beside: []settings.Rule{{Key: "client_key", Want: "client_key: PATH beside it"}}, Without: []settings.Rule{{Key: "password_env"}, {Key: "password_file"}}},
			{Name: "client_key", Doc: "Its private key, PEM; nobody else may read the file.", Value: settings.Path(&l.ClientKey),
				Beside: []settings.Rule{{Key: "client_certificate", Want: "client_certificate: PATH beside it"}}},
			{Name: "allow_plain", Doc: "Basic over http: the password goes over the network in the clear.", Value: settings.Bool(&l.AllowPlain)},
			{Name: "certificate_sha256", Doc: "The only certificate that is accepted.", Value: settings.Value{Schema: settings.Pattern(thumbprint.String()), Read: l.readCertificate}},
			{Name: "ca_file", Doc: "The authority to trust: PEM, or one certificate in DER.", Without: []settings.Rule{{Key: "certificate_sha256"}}, Value: settings.Path(&l.CAFile)},
			{Name: "server_name", Doc: "The name that the certificate bears, where that is not the address.", Value: settings.Text(&l.ServerName)},
		},
		Choice: &settings.Choice{Names: []string{"password_env", "password_file", "client_certificate", "password"}, Want: wantProof, Says: "password"},
	}
}

func (l *Login) readCertificate(r *settings.Reader, n *strictyaml.Node, what string) {
	if !r.Value(n, what, "64 hexadecimal digits") {
		return
	}
	l.Certificate = strings.ToLower(strings.ReplaceAll(n.Text, ":", ""))
	if !thumbprint.MatchString(n.Text) {
		r.At(n, "64 hexadecimal digits, with or without colons", "%s is %s", what, n.Describe())
	}
}

// check reports what does not go together, with plain where WinRM is spoken over http, as the node says.
func (l *Login) check(r *settings.Reader, given settings.Given, where *strictyaml.Node, plain bool) {
	if user := given["user"]; user != nil && l.Auth == "basic" && strings.Contains(l.User, ":") {
		r.At(user, "a name without a colon, or auth: ntlm", "basic authentication can't carry a user with a colon")
	}
	if n := given["client_certificate"]; n != nil && l.Auth != "certificate" {
		r.At(n, "auth: certificate beside it", "client_certificate with auth: %s", l.Auth)
	}
	if n := given["auth"]; n != nil && l.Auth == "certificate" && given["client_certificate"] == nil {
		r.At(n, "client_certificate: PATH and client_key: PATH beside it", "auth: certificate without a certificate")
	}
	if !plain {
		return
	}
	if n := given["client_certificate"]; n != nil {
		r.At(n, "https", "a certificate proves nothing over http")
		return
	}
	if l.Auth == "basic" && !l.AllowPlain {
		r.At(where, "https, or auth: ntlm, or allow_plain: true in so many words", "basic over http sends the password in the clear")
	}
	for _, key := range []string{"certificate_sha256", "ca_file", "server_name"} {
		if n := given[key]; n != nil {
			r.At(n, "https", "a certificate of a server that has none: WinRM is to be spoken over http")
			return
		}
	}
}

// Secrets are the login's. A password that can't be read is not among them: whoever needs it says why.
func (l *Login) Secrets() vm.Secrets {
	s := vm.Secrets{Values: func(getenv func(string) string) []remote.Secret {
		if l.PasswordFile != "" {
			password, _, _ := readPassword(l.PasswordFile)
			return []remote.Secret{password}
		}
		password, _ := passwordText([]byte(getenv(l.PasswordEnv)))
		return []remote.Secret{password}
	}}
	if l.PasswordEnv != "" {
		s.Variables = []string{l.PasswordEnv}
	}
	return s
}

// At resolves the references, for a machine whose WinRM answers at a URL. The secret itself is in no message; an error is a
// *settings.UsageError where somebody has to change something.
func (l *Login) At(url string, getenv func(string) string) (remote.Endpoint, error) {
	e := remote.Endpoint{
		URL: url, User: l.User, Auth: remote.Auth(l.Auth), PinSHA256: l.Certificate, ServerName: l.ServerName, AllowPlain: l.AllowPlain,
	}
	switch {
	case l.ClientCert != "":
		pair, err := readPair(l.ClientCert, l.ClientKey)
		if err != nil {
			return e, settings.Usagef("read the client certificate: %w", err)
		}
		e.ClientCertificate = pair
	case l.PasswordEnv != "":
		password, err := passwordText([]byte(getenv(l.PasswordEnv)))
		switch {
		case err != nil:
			return e, settings.Usagef("the password's environment variable %s %w", l.PasswordEnv, err)
		case password == "":
			return e, settings.Usagef("the password's environment variable %s is empty or not set: export it", l.PasswordEnv)
		}
		e.Password = password
	default:
		password, exposed, err := readPassword(l.PasswordFile)
		if err = errors.Join(err, exposed); err != nil {
			return e, settings.Usagef("read the password: %w", err)
		}
		e.Password = password
	}
	if l.CAFile != "" {
		authorities, err := readAuthorities(l.CAFile)
		if err != nil {
			return e, settings.Usagef("read the certificate authority: %w", err)
		}
		e.RootCAs, e.RootsUnread = authorities.pool, authorities.unread
	}
	return e, e.Validate()
}
