package libvirt

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

const (
	tlsPort     = "16514" // libvirt's own
	dialTimeout = 20 * time.Second
)

// dial connects to a place. never are environment variables that no program gets. A connection by ssh is there before ssh
// knows whether it comes about: what goes wrong then, the connection's end tells.
func dial(ctx context.Context, p place, never []string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	switch p.transport {
	case "ssh":
		return dialSSH(p, never)
	case "tls":
		return dialTLS(ctx, p)
	}
	return dialUnix(ctx, p)
}

// dialUnix connects to the first of the sockets that is there.
func dialUnix(ctx context.Context, p place) (net.Conn, error) {
	var err error
	for _, socket := range p.sockets {
		var c net.Conn
		if c, err = new(net.Dialer).DialContext(ctx, "unix", socket); err == nil {
			return c, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	switch {
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("%w: be a member of the group that may (as root: usermod -aG libvirt USER, and log in anew), or use qemu:///session", err)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return nil, fmt.Errorf("%w: no libvirt daemon answers on this machine: install it (libvirt-daemon-system) and start it (systemctl start libvirtd, or virtqemud.socket); "+
			"one on another machine is reached by qemu+ssh://HOST/system", err)
	}
	return nil, err
}

// dialTLS connects with the certificates that libvirt's own tools use, or those of the place.
func dialTLS(ctx context.Context, p place) (net.Conn, error) {
	config, err := tlsConfig(p)
	if err != nil {
		return nil, err
	}
	port := p.port
	if port == "" {
		port = tlsPort
	}
	c, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", net.JoinHostPort(p.host, port))
	if err != nil {
		return nil, fmt.Errorf("%w: does the daemon there listen for TLS (virtproxyd-tls.socket, or libvirtd --listen), and is its certificate of the authority in cacert.pem?", err)
	}
	// The daemon sends one byte, 1, when it has accepted our certificate, and ends the connection else.
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	verdict := make([]byte, 1)
	if _, err := io.ReadFull(c, verdict); err != nil || verdict[0] != 1 {
		c.Close()
		return nil, fmt.Errorf("the daemon refuses our certificate (%w): is it of its authority, and is its name among tls_allowed_dn_list?", cmp.Or(err, context.Cause(ctx), errors.New("it says no")))
	}
	return c, nil
}

// tlsConfig reads the certificates: of the user's folder, else of the machine's, as libvirt's own tools do
// (https://libvirt.org/kbase/tlscerts.html).
func tlsConfig(p place) (*tls.Config, error) {
	type folders struct{ authority, certificate, key string }
	where := []folders{{p.pki, p.pki, p.pki}}
	if p.pki == "" {
		where = []folders{{"/etc/pki/CA", "/etc/pki/libvirt", "/etc/pki/libvirt/private"}}
		if home, err := os.UserHomeDir(); err == nil {
			own := filepath.Join(home, ".pki", "libvirt")
			where = append([]folders{{own, own, own}}, where...)
		}
	}
	var errs []error
	for _, dir := range where {
		pem, err := os.ReadFile(filepath.Join(dir.authority, "cacert.pem"))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s has no certificate in PEM", filepath.Join(dir.authority, "cacert.pem"))
		}
		pair, err := tls.LoadX509KeyPair(filepath.Join(dir.certificate, "clientcert.pem"), filepath.Join(dir.key, "clientkey.pem"))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		return &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: pool, ServerName: p.host, MinVersion: tls.VersionTLS12}, nil
	}
	return nil, fmt.Errorf("the certificates for TLS: %w (pkipath=FOLDER names the folder of cacert.pem, clientcert.pem and clientkey.pem)", errors.Join(errs...))
}
