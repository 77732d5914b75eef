package remote

import (
	"context"
	"crypto/tls"
	"net"
)

// dialFunc opens a connection, as net.Dialer.DialContext does.
type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// secured is a dial with a TLS handshake behind it. The handshake is made here, and not by net/http, so that what
// goes wrong in it can be told from what goes wrong later, and its cause be found.
func (d dialer) secured(dial dialFunc) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		plain, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		config := d.tls.Clone()
		if config.ServerName == "" {
			if config.ServerName, _, err = net.SplitHostPort(address); err != nil {
				plain.Close()
				return nil, err
			}
		}
		conn := tls.Client(plain, config)
		limited, cancel := context.WithTimeout(ctx, dialTimeout)
		defer cancel()
		if err := conn.HandshakeContext(limited); err != nil {
			plain.Close()
			return nil, d.explain(ctx, config.ServerName, address, err)
		}
		return conn, nil
	}
}
