package harness

import (
	"strings"

	"wskharness/strictyaml"
)

// static reads a machine that answers WinRM.
func (p *configParser) static(m *strictyaml.Mapping) *StaticTarget {
	t := &StaticTarget{Auth: "ntlm"}
	user := m.Need("user", "user: the account to log on with")
	p.into(user, "user", &t.User)
	address := m.Need("url", "url: such as https://10.0.0.5:5986/wsman")
	env, file := m.Take("password_env"), m.Take("password_file")
	p.password(m, t, env, file)
	auth := m.Take("auth")
	if auth != nil {
		t.Auth, _ = p.OneOf(auth, "auth", "basic", "ntlm")
	}
	plain := m.Take("allow_plain")
	if plain != nil {
		t.AllowPlain, _ = p.Bool(plain, "allow_plain")
	}
	certificate, ca := m.Take("certificate_sha256"), m.Take("ca_file")
	if certificate != nil && ca != nil {
		p.At(ca, "one of certificate_sha256 and ca_file", "%s has both", m.What)
	}
	if certificate != nil && p.Value(certificate, "certificate_sha256", "64 hexadecimal digits") {
		t.Certificate = strings.ToLower(strings.ReplaceAll(certificate.Text, ":", ""))
		if !thumbprint.MatchString(certificate.Text) {
			p.At(certificate, "64 hexadecimal digits, with or without colons", "certificate_sha256 is %s", certificate.Describe())
		}
	}
	if ca != nil {
		t.CAFile = p.filePath(ca, "ca_file")
	}
	if user != nil && t.Auth == "basic" && strings.Contains(t.User, ":") {
		p.At(user, "a name without a colon, or auth: ntlm", "basic authentication can't carry a user with a colon")
	}
	if reset := m.Take("reset"); reset != nil {
		t.Reset = p.command(reset, "reset")
	}
	if names := m.Take("reset_env"); names != nil {
		if len(t.Reset) == 0 {
			p.At(names, "reset: [the program, its arguments] beside it", "reset_env without reset")
		}
		t.ResetEnv = p.variables(names, "reset_env")
	}
	if limit := m.Take("reset_within"); limit != nil {
		t.ResetWithin, _ = p.Duration(limit, "reset_within", highestLimit)
	}
	if address != nil {
		if certificate == nil {
			certificate = ca
		}
		p.address(address, t, certificate)
	}
	return t
}

// password takes a reference to a secret, and refuses the secret itself: a configuration is
// checked in, printed and attached to bug reports.
func (p *configParser) password(m *strictyaml.Mapping, t *StaticTarget, env, file *strictyaml.Node) {
	const want = "password_env: NAME of an environment variable, or password_file: PATH"
	if inline := m.Take("password"); inline != nil {
		p.At(inline, want, "a password in the configuration itself")
		return
	}
	switch {
	case env == nil && file == nil:
		p.At(m.Node, want, "%s has no password", m.What)
	case env != nil && file != nil:
		p.At(file, "one of password_env and password_file", "%s has both", m.What)
	case env != nil:
		if p.into(env, "password_env", &t.PasswordEnv); t.PasswordEnv != "" && !envName.MatchString(t.PasswordEnv) {
			// The value is not repeated: it may be the password itself, in the wrong place.
			p.At(env, "the name of an environment variable", "password_env is not a name")
		}
	default:
		t.PasswordFile = p.filePath(file, "password_file")
	}
}

// address reads the url, and what does not go together with its scheme.
func (p *configParser) address(n *strictyaml.Node, t *StaticTarget, certificate *strictyaml.Node) {
	scheme, whole, ok := p.readURL(n)
	if ok {
		t.URL = whole
	}
	if scheme != "http" {
		return
	}
	if t.Auth == "basic" && !t.AllowPlain {
		p.At(n, "https, or auth: ntlm, or allow_plain: true in so many words", "basic over http sends the password in the clear")
	}
	if certificate != nil {
		p.At(certificate, "an https url", "a certificate of a server that has none: the url is http")
	}
}
