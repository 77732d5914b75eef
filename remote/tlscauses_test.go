//go:build linux

package remote_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wskharness/remote"
	"wskharness/testtime"
)

// TestTLSCauses meets servers with which a handshake fails: the message names the cause, and what to do on which side.
// Where it does not fail, the server's 401 is the proof of that.
func TestTLSCauses(t *testing.T) {
	noLeaks(t)
	own := issue(t, nil, func(c *x509.Certificate) {})
	authority := issue(t, nil, func(c *x509.Certificate) { c.Subject.CommonName = "lab authority" })
	issued := func(change func(c *x509.Certificate)) tls.Certificate { return issue(t, &authority, change) }
	expired := issued(func(c *x509.Certificate) { c.NotBefore, c.NotAfter = time.Unix(1e9, 0), time.Unix(1.1e9, 0) })
	duplicate := pkix.Extension{Id: []int{1, 3, 6, 1, 4, 1, 99999, 1}, Value: []byte{5, 0}}
	critical := duplicate
	critical.Critical = true
	twice := issued(func(c *x509.Certificate) { c.ExtraExtensions = []pkix.Extension{duplicate, duplicate} })
	negative := opensslCertificate(t, "-set_serial", "-81985529216486895")
	withCA := func(ep *remote.Endpoint) { ep.RootCAs = pool(t, authority) }
	pinned := func(cert tls.Certificate) func(*remote.Endpoint) {
		return func(ep *remote.Endpoint) { ep.PinSHA256 = remote.PinOf(&x509.Certificate{Raw: cert.Certificate[0]}) }
	}
	for name, test := range map[string]struct {
		url    string
		change func(*remote.Endpoint)
		want   []string // of the error; nil: the server's answer
	}{
		"trusted":                   {goServer(t, issued(nothing), nil), withCA, nil},
		"a negative serial":         {goServer(t, negative, nil), func(ep *remote.Endpoint) { ep.RootCAs = pool(t, negative) }, nil},
		"a negative serial, pinned": {goServer(t, negative, nil), pinned(negative), nil},
		"for itself":                {goServer(t, own, nil), nothingElse, []string{"vouches for itself", "put it into a ca_file, or if it is the machine's own, pin it: certificate_sha256: "}},
		"for itself, trusted":       {goServer(t, own, nil), func(ep *remote.Endpoint) { ep.RootCAs = pool(t, own) }, nil},
		"by an unknown authority":   {goServer(t, issued(nothing), nil), nothingElse, []string{`was issued by "CN=lab authority", which is not trusted here`, "name that authority's certificate as ca_file"}},
		"by one that is not read":   {goServer(t, issued(nothing), nil), func(ep *remote.Endpoint) { ep.RootsUnread = []error{errors.New("line 7")} }, []string{"of those in ca_file some can't be used, and it may be one of these: line 7"}},
		"another name":              {goServer(t, issued(func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"lab1", "lab1.example"} }), nil), withCA, []string{`is not for 127.0.0.1, but for "lab1", "lab1.example"`, "certificate_sha256: "}},
		"another name, pinned":      {goServer(t, own, nil), pinned(own), nil},
		"no alternative name":       {goServer(t, issued(func(c *x509.Certificate) { c.IPAddresses = nil }), nil), withCA, []string{"no subject alternative name", `"CN=127.0.0.1" does not count`}},
		"expired":                   {goServer(t, expired, nil), withCA, []string{"is valid from 2001-09-09 to 2004-11-09 only, and the clock of this machine says 20", "or set the clock right"}},
		"expired, pinned":           {goServer(t, expired, nil), pinned(expired), nil},
		"for clients":               {goServer(t, issued(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }), nil), withCA, []string{"is not for this", "incompatible key usage"}},
		"a critical extension":      {goServer(t, issued(func(c *x509.Certificate) { c.ExtraExtensions = []pkix.Extension{critical} }), nil), withCA, []string{"has a critical extension that is not known here"}},
		"one that Go does not read": {goServer(t, twice, nil), pinned(twice), []string{"can't be read here, though Windows may take it", "duplicate extension", "New-SelfSignedCertificate"}},
		"no TLS":                    {strings.Replace(plainServer(t), "http:", "https:", 1), nothingElse, []string{"does not speak TLS", "5986", "5985 is http"}},
		"closed at once":            {closingServer(t), nothingElse, []string{"the server broke it off", "winrm enumerate winrm/config/listener"}},
		"3DES only":                 {goServer(t, own, &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA, tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA}}, rsaToo), nothingElse, []string{"weak ones, such as TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA", "Enable-TlsCipherSuite TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"}},
		"RSA key exchange only":     {opensslServer(t, "-tls1_2", "-cipher", "AES256-GCM-SHA384"), nothingElse, []string{"the server takes RSA key exchange only, such as TLS_RSA_WITH_AES_256_GCM_SHA384", "Enable-TlsCipherSuite TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"}},
		"TLS 1.0":                   {opensslServer(t, "-tls1", "-cipher", "DEFAULT@SECLEVEL=0"), nothingElse, []string{"the server speaks TLS 1.0 at most", `Protocols\TLS 1.2\Server`}},
		"TLS 1.1":                   {opensslServer(t, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"), nothingElse, []string{"the server speaks TLS 1.1 at most"}},
		"weak CBC only":             {opensslServer(t, "-tls1_2", "-cipher", "ECDHE-RSA-AES128-SHA256"), nothingElse, []string{"weak ones, such as TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256"}},
		"DHE only":                  {opensslServer(t, "-tls1_2", "-cipher", "DHE-RSA-AES256-GCM-SHA384"), nothingElse, []string{"the server broke it off, also with all that is known here", "Get-TlsCipherSuite"}},
	} {
		for _, auth := range []remote.Auth{remote.AuthBasic, remote.AuthNTLM} {
			t.Run(name+" "+string(auth), func(t *testing.T) {
				ep := remote.Endpoint{URL: test.url + "/wsman", User: "u", Password: "geheim", Auth: auth}
				test.change(&ep)
				_, err := dial(t, ep, quick()).Shell(t.Context(), remote.ShellOptions{})
				var told *remote.TLSError
				if test.want == nil {
					answered := denied(err) || err != nil && strings.Contains(err.Error(), "the server gave no challenge")
					if !answered || errors.As(err, &told) {
						t.Errorf("got %v, want the server's answer", err)
					}
					return
				}
				if !errors.As(err, &told) || !strings.Contains(err.Error(), "(not sent)") {
					t.Fatalf("got %v, want a TLSError, and nothing sent", err)
				}
				for _, want := range test.want {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("got  %v\nwant %s", err, want)
					}
				}
			})
		}
	}
}

func nothing(*x509.Certificate)          {}
func nothingElse(*remote.Endpoint)       {}
func rsaToo(c *tls.Config, t *testing.T) { c.Certificates = []tls.Certificate{opensslCertificate(t)} }

// issue makes a certificate for this machine, issued by an authority or by itself.
func issue(t *testing.T, by *tls.Certificate, change func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "127.0.0.1"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), BasicConstraintsValid: true, IsCA: by == nil,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	change(template)
	parent, signer := template, any(key)
	if by != nil {
		if parent, err = x509.ParseCertificate(by.Certificate[0]); err != nil {
			t.Fatal(err)
		}
		signer = by.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func pool(t *testing.T, cert tls.Certificate) *x509.CertPool {
	t.Helper()
	leaf, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	p := x509.NewCertPool()
	p.AddCert(leaf)
	return p
}

// opensslFiles has openssl make a certificate for this machine, with an RSA key.
func opensslFiles(t *testing.T, args ...string) (cert, key string) {
	t.Helper()
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	all := append([]string{"req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
		"-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert}, args...)
	if out, err := exec.CommandContext(t.Context(), "openssl", all...).CombinedOutput(); err != nil {
		t.Fatalf("openssl: %v\n%s", err, out)
	}
	return cert, key
}

func opensslCertificate(t *testing.T, args ...string) tls.Certificate {
	t.Helper()
	cert, key := opensslFiles(t, args...)
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// goServer answers 401 to everything.
func goServer(t *testing.T, cert tls.Certificate, config *tls.Config, more ...func(*tls.Config, *testing.T)) string {
	t.Helper()
	if config == nil {
		config = &tls.Config{}
	}
	config.Certificates = []tls.Certificate{cert}
	for _, change := range more {
		change(config, t)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{
		Handler:  http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }),
		ErrorLog: log.New(io.Discard, "", 0),
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.Serve(l) // until it is closed
	}()
	t.Cleanup(func() {
		_ = s.Close()
		<-ended
	})
	return "https://" + l.Addr().String()
}

func plainServer(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(s.Close)
	return s.URL
}

// closingServer takes connections and closes them, as Windows does where it can't use its certificate.
func closingServer(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-ended })
	return "https://" + l.Addr().String()
}

// opensslServer is openssl's, of which it is known what it offers.
func opensslServer(t *testing.T, args ...string) string {
	t.Helper()
	cert, key := opensslFiles(t)
	c := exec.CommandContext(testtime.Context(t), "openssl", append([]string{"s_server", "-accept", "127.0.0.1:0", "-cert", cert, "-key", key}, args...)...)
	in, err := c.StdinPipe() // it ends where there is nothing to read
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	t.Cleanup(func() {
		in.Close()
		_ = c.Process.Kill()
		for lines.Scan() {
		}
		_ = c.Wait() // killed
	})
	for lines.Scan() {
		if address, ok := strings.CutPrefix(lines.Text(), "ACCEPT "); ok {
			return "https://" + address
		}
	}
	t.Fatal("openssl s_server does not listen")
	return ""
}
