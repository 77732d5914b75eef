package winrmd

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"time"

	"github.com/hashicorp/go-hclog"

	"wskharness/remote"
)

// Options say what a server is.
type Options struct {
	Host     Host
	User     string // compared without regard to case, as Windows does; without a domain in it a client's is ignored
	Password remote.Secret

	// Certificate makes the server speak HTTPS. Without one it speaks HTTP, where Basic
	// authentication is refused unless AllowUnencrypted is set.
	Certificate      tls.Certificate
	AllowUnencrypted bool

	// ClientCAs, if set, are the authorities whose client certificates authenticate as User, over
	// HTTPS.
	ClientCAs *x509.CertPool

	// ComSpec is the path of the command interpreter in Spec.Line.
	// C:\Windows\system32\cmd.exe when empty.
	ComSpec string

	// Machine is the name that faults give. "localhost" when empty.
	Machine string

	Limits Limits
	Logger hclog.Logger // nil is silent
	Clock  Clock        // for idle time-outs; nil is the real one

	// Inject, if set, decides for each authenticated request what is to go wrong with it. It is
	// for tests of clients, and is called by several goroutines.
	Inject func(Request) InjectedFault
}

// Limits are Windows' own, under their names in winrm/config where they have one. Zero means
// Windows' default.
type Limits struct {
	MaxEnvelopeSizekb    int           // requests, in KiB; 500
	MaxTimeoutms         int           // cap of a request's OperationTimeout, in ms; 60000
	MaxConnections       int           // 300
	MaxShellsPerUser     int           // 30
	MaxProcessesPerShell int           // commands that were not released with a signal; 25
	MaxBatchItems        int           // shells in one answer to Enumerate or Pull; 32000
	IdleTimeout          time.Duration // after which an unused shell is deleted; 2 h
	MaxIdleTimeout       time.Duration // the longest that a client may ask for; 24 h
}

func (l *Limits) fill() error {
	for _, f := range []struct {
		name     string
		value    *int
		fallback int
	}{
		{"MaxEnvelopeSizekb", &l.MaxEnvelopeSizekb, 500},
		{"MaxTimeoutms", &l.MaxTimeoutms, 60000},
		{"MaxConnections", &l.MaxConnections, 300},
		{"MaxShellsPerUser", &l.MaxShellsPerUser, 30},
		{"MaxProcessesPerShell", &l.MaxProcessesPerShell, 25},
		{"MaxBatchItems", &l.MaxBatchItems, 32000},
	} {
		if *f.value == 0 {
			*f.value = f.fallback
		}
		if *f.value < 0 {
			return fmt.Errorf("limit %s %d: expected a positive number", f.name, *f.value)
		}
	}
	if l.IdleTimeout == 0 {
		l.IdleTimeout = 2 * time.Hour
	}
	if l.MaxIdleTimeout == 0 {
		l.MaxIdleTimeout = 24 * time.Hour
	}
	if l.IdleTimeout < 0 || l.MaxIdleTimeout < l.IdleTimeout {
		return fmt.Errorf("limit IdleTimeout %s: expected something between 0 and MaxIdleTimeout, %s", l.IdleTimeout, l.MaxIdleTimeout)
	}
	return nil
}

func (o *Options) fill() error {
	var mistakes []error
	if o.Host == nil {
		mistakes = append(mistakes, errors.New("no Host to run commands"))
	}
	if o.User == "" || o.Password == "" {
		mistakes = append(mistakes, errors.New("no User or no Password: a server without either would run anybody's commands"))
	}
	mistakes = append(mistakes, o.Limits.fill())
	if o.ComSpec == "" {
		o.ComSpec = `C:\Windows\system32\cmd.exe`
	}
	if o.Machine == "" {
		o.Machine = "localhost"
	}
	if o.Logger == nil {
		o.Logger = hclog.NewNullLogger()
	}
	if o.Clock == nil {
		o.Clock = realClock{}
	}
	if err := errors.Join(mistakes...); err != nil {
		return fmt.Errorf("WinRM endpoint: %w", err)
	}
	return nil
}

// Clock is the time that idle shells are measured by.
type Clock interface {
	Now() time.Time
	// AfterFunc calls f in a goroutine of its own after d, unless stop is called before; stop says
	// whether it prevented the call.
	AfterFunc(d time.Duration, f func()) (stop func() bool)
}

type realClock struct{}

func (realClock) Now() time.Time { return time.Now() }

func (realClock) AfterFunc(d time.Duration, f func()) func() bool { return time.AfterFunc(d, f).Stop }

// Certificate is a certificate in the forms that are needed.
type Certificate struct {
	TLS    tls.Certificate // for Options.Certificate
	PEM    []byte          // the certificate alone: for a client's list of trusted authorities
	SHA256 string          // for remote.Endpoint.PinSHA256
}

// lifetime of certificates: a guest is gone long before
const certificateLifetime = 30 * 24 * time.Hour

// NewCertificate makes a self-signed certificate (ECDSA P-256) for host names and addresses. Its key
// exists only in memory.
func NewCertificate(hosts ...string) (Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Certificate{}, fmt.Errorf("make certificate: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return Certificate{}, fmt.Errorf("make certificate: %w", err)
	}
	name := "winrmd"
	if len(hosts) > 0 {
		name = hosts[0]
	}
	now := time.Now()
	template := x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             now.Add(-time.Hour), // clocks differ
		NotAfter:              now.Add(certificateLifetime),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		IsCA:                  true, // so that it can be its own authority
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	if err != nil {
		return Certificate{}, fmt.Errorf("make certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return Certificate{}, fmt.Errorf("make certificate: %w", err)
	}
	return Certificate{
		TLS:    tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf},
		PEM:    pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		SHA256: remote.PinOf(leaf),
	}, nil
}
