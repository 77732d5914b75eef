// Package access is how a machine is reached that somebody else has set up: the keys by which a target says where its WinRM
// answers, and as whom to log on, and the endpoint that comes of them. Kinds of machines add these keys to their own.
package access

import (
	"errors"
	"net/url"
	"regexp"
	"strings"

	"wskharness/remote"
	"wskharness/settings"
	"wskharness/strictyaml"
	"wskharness/vm"
)

// Access is what a target says. It has references to secrets, and none.
type Access struct {
	URL          string
	User         string
	PasswordEnv  string // name of an environment variable
	PasswordFile string
	Auth         string // "basic" or "ntlm"
	Certificate  string // SHA-256 of the only certificate that is accepted, in hexadecimal
	CAFile       string // PEM, or one certificate in DER; empty: the system's
	AllowPlain   bool   // Basic over HTTP: password and everything else in the clear
}

var thumbprint = regexp.MustCompile(`^([0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}$`)

// wantPassword: a configuration is checked in, printed and attached to bug reports.
const wantPassword = "password_env: NAME of an environment variable, or password_file: PATH"

// Table is the keys, read into a.
func (a *Access) Table() settings.Table {
	a.Auth = "ntlm"
	return settings.Table{
		Keys: []settings.Key{
			{Name: "user", Must: "user: the account to log on with", Value: settings.Text(&a.User)},
			{Name: "url", Doc: "https://HOST[:PORT][/wsman], or http; WinRM's own ports unless given.", Must: "url: such as https://10.0.0.5:5986/wsman",
				Value: settings.Value{Schema: settings.Pattern(`^[hH][tT][tT][pP][sS]?://[^@?# ]+$`), Read: a.readURL}},
			{Name: "password_env", Doc: "The environment variable that has the password.", Value: settings.Variable(&a.PasswordEnv)},
			{Name: "password_file", Doc: "The file that has the password; nobody else may read it.", Without: []settings.Rule{{Key: "password_env"}}, Value: settings.Path(&a.PasswordFile)},
			{Name: "password", Value: settings.Value{Read: func(r *settings.Reader, n *strictyaml.Node, what string) {
				r.At(n, wantPassword, "a password in the configuration itself")
			}}},
			{Name: "auth", Value: settings.Word(&a.Auth, "basic", "ntlm")},
			{Name: "allow_plain", Doc: "Basic over http: the password goes over the network in the clear.", Value: settings.Bool(&a.AllowPlain)},
			{Name: "certificate_sha256", Doc: "The only certificate that is accepted.", Value: settings.Value{Schema: settings.Pattern(thumbprint.String()), Read: a.readCertificate}},
			{Name: "ca_file", Doc: "The authority to trust: PEM, or one certificate in DER.", Without: []settings.Rule{{Key: "certificate_sha256"}}, Value: settings.Path(&a.CAFile)},
		},
		Choice: &settings.Choice{Names: []string{"password_env", "password_file", "password"}, Want: wantPassword, Says: "password"},
	}
}

func (a *Access) readURL(r *settings.Reader, n *strictyaml.Node, _ string) {
	if whole, ok := readURL(r.Reporter, n); ok {
		a.URL = whole
	}
}

func (a *Access) readCertificate(r *settings.Reader, n *strictyaml.Node, what string) {
	if !r.Value(n, what, "64 hexadecimal digits") {
		return
	}
	a.Certificate = strings.ToLower(strings.ReplaceAll(n.Text, ":", ""))
	if !thumbprint.MatchString(n.Text) {
		r.At(n, "64 hexadecimal digits, with or without colons", "%s is %s", what, n.Describe())
	}
}

// Check reports what does not go together.
func (a *Access) Check(r *settings.Reader, given settings.Given) {
	if user := given["user"]; user != nil && a.Auth == "basic" && strings.Contains(a.User, ":") {
		r.At(user, "a name without a colon, or auth: ntlm", "basic authentication can't carry a user with a colon")
	}
	where := given["url"]
	if where == nil || !strings.HasPrefix(strings.ToLower(where.Text), "http://") {
		return
	}
	if a.Auth == "basic" && !a.AllowPlain {
		r.At(where, "https, or auth: ntlm, or allow_plain: true in so many words", "basic over http sends the password in the clear")
	}
	for _, key := range []string{"certificate_sha256", "ca_file"} {
		if n := given[key]; n != nil {
			r.At(n, "an https url", "a certificate of a server that has none: the url is http")
			return
		}
	}
}

// Address is the host and the port, by which two targets are seen to be one machine.
func (a *Access) Address() string {
	u, err := url.Parse(a.URL)
	if err != nil {
		return a.URL
	}
	return strings.ToLower(u.Host)
}

// Secrets are the target's. A password that can't be read is not among them: whoever needs it says why.
func (a *Access) Secrets() vm.Secrets {
	s := vm.Secrets{Values: func(getenv func(string) string) []remote.Secret {
		if a.PasswordFile != "" {
			password, _, _ := readPassword(a.PasswordFile)
			return []remote.Secret{password}
		}
		password, _ := passwordText([]byte(getenv(a.PasswordEnv)))
		return []remote.Secret{password}
	}}
	if a.PasswordEnv != "" {
		s.Variables = []string{a.PasswordEnv}
	}
	return s
}

// Endpoint resolves the references. The secret itself is in no message.
func (a *Access) Endpoint(getenv func(string) string) (remote.Endpoint, error) {
	e := remote.Endpoint{URL: a.URL, User: a.User, Auth: remote.Auth(a.Auth), PinSHA256: a.Certificate, AllowPlain: a.AllowPlain}
	if a.PasswordEnv != "" {
		password, err := passwordText([]byte(getenv(a.PasswordEnv)))
		switch {
		case err != nil:
			return e, settings.Usagef("the password's environment variable %s %w", a.PasswordEnv, err)
		case password == "":
			return e, settings.Usagef("the password's environment variable %s is empty or not set: export it", a.PasswordEnv)
		}
		e.Password = password
	} else {
		password, exposed, err := readPassword(a.PasswordFile)
		if err = errors.Join(err, exposed); err != nil {
			return e, settings.Usagef("read the password: %w", err)
		}
		e.Password = password
	}
	if a.CAFile != "" {
		authorities, err := readAuthorities(a.CAFile)
		if err != nil {
			return e, settings.Usagef("read the certificate authority: %w", err)
		}
		e.RootCAs, e.RootsUnread = authorities.pool, authorities.unread
	}
	return e, e.Validate()
}
