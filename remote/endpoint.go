package remote

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Auth says how a client proves who it is.
type Auth string

const (
	AuthBasic Auth = "basic" // user and password in every request; over HTTPS
	AuthNTLM  Auth = "ntlm"  // NTLMv2 handshake per connection; messages are sealed when there is no TLS

	// AuthCertificate is a client certificate that the server maps to an account; over HTTPS.
	AuthCertificate Auth = "certificate"
)

// Endpoint says where WinRM answers, and how to authenticate there.
type Endpoint struct {
	URL      string // https://host:5986/wsman or http://host:5985/wsman
	User     string // name, DOMAIN\name, .\name or name@domain (Basic: local accounts only)
	Password Secret
	Auth     Auth

	// RootCAs verifies the server's certificate; nil means the system's. Only for https.
	RootCAs *x509.CertPool

	// RootsUnread are those that were to be among RootCAs and could not be read; who issued the server's certificate may be
	// one of them, and is told so.
	RootsUnread []error

	// PinSHA256 is the SHA-256 of the DER encoding of the server's own certificate, in hex. With
	// it the server must present exactly that certificate; who issued it and what name it bears is
	// then not asked, unless RootCAs is set too.
	PinSHA256 string

	// ServerName is the name that the server's certificate has to bear; empty: the URL's host. Only for https.
	ServerName string

	// ClientCertificate is for AuthCertificate; User and Password are then not used.
	ClientCertificate *tls.Certificate

	// AllowPlain permits Basic over http, which shows the password and everything else to whoever
	// listens. Without it such an endpoint is refused.
	AllowPlain bool
}

// Validate reports all mistakes of an endpoint at once.
func (e Endpoint) Validate() error {
	var mistakes []error
	wrong := func(format string, args ...any) {
		mistakes = append(mistakes, fmt.Errorf("endpoint "+format, args...))
	}
	u, err := url.Parse(e.URL)
	switch {
	case e.URL == "":
		wrong("url: missing; expected something like https://host:5986/wsman")
	case err != nil:
		wrong("url: %w", withoutURL(err))
	case u.Scheme != "https" && u.Scheme != "http":
		wrong("url %s: the scheme is %q; expected https or http", u.Redacted(), u.Scheme)
	case u.Hostname() == "":
		wrong("url %s: no host", u.Redacted())
	case u.User != nil:
		wrong("url %s: user and password belong in fields of their own, not in the address", u.Redacted())
	}
	if e.User == "" && e.Auth != AuthCertificate {
		wrong("user: missing")
	}
	if strings.ContainsAny(e.User, "\x00\r\n") || strings.ContainsAny(string(e.Password), "\x00\r\n") {
		wrong("user or password: contains a line break or a NUL")
	}
	plain := err == nil && u.Scheme == "http"
	switch e.Auth {
	case AuthBasic:
		if strings.Contains(e.User, ":") {
			wrong("user %q: Basic authentication cannot carry a name with a colon", e.User)
		}
		if plain && !e.AllowPlain {
			wrong("auth: Basic over http shows the password to the network; use https, or ntlm, or allow it in so many words (AllowPlain)")
		}
	case AuthNTLM:
	case AuthCertificate:
		if e.ClientCertificate == nil {
			wrong("auth certificate: no ClientCertificate")
		}
		if plain {
			wrong("url %s: a client certificate needs https", e.URL)
		}
	case "kerberos":
		wrong("auth kerberos: not available: the libraries in use cannot seal messages with it; use ntlm, or basic over https")
	default:
		wrong("auth %q: expected %q, %q or %q", e.Auth, AuthBasic, AuthNTLM, AuthCertificate)
	}
	if e.PinSHA256 != "" {
		if pin, err := hex.DecodeString(e.PinSHA256); err != nil || len(pin) != 32 {
			wrong("certificate pin %q: expected the SHA-256 of the certificate, 64 hexadecimal digits", e.PinSHA256)
		}
	}
	if plain && (e.PinSHA256 != "" || e.RootCAs != nil || e.ServerName != "") {
		wrong("url %s: a certificate was given, but http has none; use https", e.URL)
	}
	return errors.Join(mistakes...)
}

// withoutURL takes the address out of a parse error: it may hold a password.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
