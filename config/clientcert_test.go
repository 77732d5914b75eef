package config

import (
	"strings"
	"testing"
)

// A target logs on by a password or by a certificate, whole, over https.
func TestClientCertificateOfATarget(t *testing.T) {
	for rest, want := range map[string]string{
		"auth: certificate, client_certificate: c.pem, client_key: c.key":                  "",
		"client_certificate: c.pem, client_key: c.key":                                     "client_certificate with auth: ntlm (expected auth: certificate beside it)",
		"auth: certificate, client_certificate: c.pem":                                     "client_certificate without client_key (expected client_key: PATH beside it)",
		"auth: certificate, password_env: P":                                               "auth: certificate without a certificate",
		"auth: certificate, password_env: P, client_certificate: c.pem, client_key: c.key": "target box has both",
		"auth: certificate, client_key: c.key, password_file: p":                           "client_key without client_certificate",
		"auth: certificate": "client_certificate: PATH and client_key: PATH",
		"url: 'http://h', auth: certificate, client_certificate: c.pem, client_key: c.key, NOURL": "a certificate proves nothing over http (expected https)",
	} {
		url := "url: 'https://h', "
		if plain, ok := strings.CutSuffix(rest, ", NOURL"); ok {
			url, rest = "", plain
		}
		_, err := parseConfig([]byte("targets: {box: {provider: static, user: u, "+url+rest+"}}\n"), "c.yaml", "/etc")
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s:\ngot  %v\nwant %s", rest, err, want)
		}
	}
}
