package remote

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"
	"time"
)

// probeTimeout bounds the look at a server that wants another TLS than is offered here.
const probeTimeout = 10 * time.Second

// offer is what a server agrees to when everything is offered to it that crypto/tls knows.
type offer struct {
	version, suite uint16
	cert           *x509.Certificate
}

var errProbed = errors.New("seen enough")

// probe looks what a server would agree to, and breaks off before anything is agreed on: nothing is ever sent over such a
// connection. It is for the message alone, and no way to a connection.
func (d dialer) probe(ctx context.Context, host, address string) (found offer, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	conn, err := d.dial(ctx, "tcp", address)
	if err != nil {
		return offer{}, false
	}
	defer conn.Close()
	config := &tls.Config{
		ServerName: host, MinVersion: tls.VersionTLS10, CipherSuites: allSuites(),
		InsecureSkipVerify: true, // the connection ends before its certificate would matter
		VerifyConnection: func(state tls.ConnectionState) error {
			found, ok = offer{version: state.Version, suite: state.CipherSuite}, true
			if len(state.PeerCertificates) > 0 {
				found.cert = state.PeerCertificates[0]
			}
			return errProbed
		},
	}
	_ = tls.Client(conn, config).HandshakeContext(ctx) // it always fails
	return found, ok
}

func allSuites() []uint16 {
	var ids []uint16
	for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		ids = append(ids, suite.ID)
	}
	return ids
}

// explain says by what a server agrees to why a handshake failed.
func (o offer) explain(err error, probed bool) error {
	const alike = "TLS 1.2 or 1.3 with ephemeral keys (ECDHE) is needed"
	switch {
	case !probed:
		return &TLSError{Why: "the server broke it off, also with all that is known here being offered to it", Advice: alike +
			": see which protocols and cipher suites it has (Get-TlsCipherSuite), and that its listener has a certificate with its key (winrm enumerate winrm/config/listener)", Err: err}
	case o.version < tls.VersionTLS12:
		return &TLSError{Why: "the server speaks " + tls.VersionName(o.version) + " at most", Advice: alike +
			`: enable TLS 1.2 on it (HKLM\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL\Protocols\TLS 1.2\Server: Enabled 1, DisabledByDefault 0; then a reboot)`, Err: err}
	case o.version == tls.VersionTLS12 && !offered(o.suite):
		name := tls.CipherSuiteName(o.suite)
		why := "of the cipher suites known here the server takes none but weak ones, such as " + name
		if strings.HasPrefix(name, "TLS_RSA_") {
			why = "the server takes RSA key exchange only, such as " + name + ": whoever gets its key can read what was recorded"
		}
		return &TLSError{Why: why, Advice: alike + ": enable such a cipher suite on it, with Enable-TlsCipherSuite " + o.better(), Err: err}
	}
	return err
}

// better is a cipher suite that Windows has since Server 2012 R2 with this kind of certificate, or 2016.
func (o offer) better() string {
	if o.cert != nil && o.cert.PublicKeyAlgorithm == x509.ECDSA {
		return "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
	}
	return "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
}

// offered reports whether a cipher suite of TLS 1.2 is among those that crypto/tls offers by itself.
func offered(suite uint16) bool {
	for _, s := range tls.CipherSuites() {
		if s.ID == suite {
			return !strings.HasPrefix(s.Name, "TLS_RSA_")
		}
	}
	return false
}
