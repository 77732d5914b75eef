package access

import (
	"crypto/tls"
	"errors"

	"wskharness/textfile"
)

// maxPair bounds a certificate with those that issued it, and a key, in bytes.
const maxPair = 64 << 10

// readPair reads a certificate and its private key, both PEM; the key's file is one that nobody else may read. What is wrong with
// a key is told without any of it.
func readPair(certificate, key string) (*tls.Certificate, error) {
	public, _, err := textfile.Read(certificate, maxPair)
	if err != nil {
		return nil, err
	}
	private, exposed, err := readPrivate(key, maxPair)
	if err = errors.Join(err, exposed); err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(public, private)
	if err != nil {
		return nil, err
	}
	return &pair, nil
}
