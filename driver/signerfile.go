package driver

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"

	"wskharness/textfile"
)

// readSigner finds an RSA key and its certificate in PEM: as they are made here, or as people put them there who have a
// certificate of their own. why is empty, or says what is wrong with them.
func readSigner(data []byte) (signer *Signer, why string) {
	text, err := textfile.Decode(data)
	if err != nil {
		return nil, "it " + err.Error()
	}
	signer = &Signer{}
	rest := []byte(text)
	for len(rest) > 0 {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		err = errors.Join(err, signer.take(block))
	}
	switch {
	case err != nil:
		return nil, err.Error()
	case signer.key == nil || signer.Certificate == nil:
		return nil, "it does not hold an RSA key and a certificate"
	case !signer.key.PublicKey.Equal(signer.Certificate.PublicKey):
		return nil, "the key is not the certificate's"
	}
	cert, err := readCertificate(signer.Certificate.Raw)
	if err != nil {
		return nil, err.Error()
	}
	if !cert.forCodeSigning() {
		return nil, "the certificate is not for code signing"
	}
	return signer, ""
}

// take takes a key or a certificate. Of several certificates the first is the signer's: its issuers follow it.
func (s *Signer) take(block *pem.Block) (err error) {
	var key any
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "ENCRYPTED PRIVATE KEY":
		return errors.New("its key has a password: take that off with openssl rsa")
	case "CERTIFICATE":
		if s.Certificate == nil {
			s.Certificate, err = x509.ParseCertificate(block.Bytes)
		}
		return err
	}
	if rsaKey, ok := key.(*rsa.PrivateKey); ok {
		s.key = rsaKey
	}
	return err
}
