package winrmd

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/bodgit/ntlmssp"
)

// logon performs a handshake with the client of another implementation.
func logon(t testing.TB, user, domain, password string, account ntlmAccount, tamper func(step int, message []byte) []byte, bindings []byte) (*ntlmssp.Client, *ntlmSession, error) {
	t.Helper()
	if tamper == nil {
		tamper = func(_ int, m []byte) []byte { return m }
	}
	client, err := ntlmssp.NewClient(ntlmssp.SetUserInfo(user, password), ntlmssp.SetDomain(domain), ntlmssp.SetVersion(ntlmssp.DefaultVersion()))
	if err != nil {
		t.Fatal(err)
	}
	negotiate, err := client.Authenticate(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	h, err := ntlmChallenge(tamper(1, negotiate), "machine", time.Now())
	if err != nil {
		return client, nil, err
	}
	var cbt *ntlmssp.ChannelBindings
	if bindings != nil {
		cbt = &ntlmssp.ChannelBindings{ApplicationData: bindings}
	}
	authenticate, err := client.Authenticate(tamper(2, bytes.Clone(h.challenge)), cbt)
	if err != nil {
		t.Fatal(err)
	}
	session, err := h.verify(tamper(3, authenticate), account)
	return client, session, err
}

func someone(password string) ntlmAccount {
	return ntlmAccount{isUser: func(name, _ string) bool { return strings.EqualFold(name, "wörker") }, password: password}
}

func TestNTLM(t *testing.T) {
	const password = "pässword"
	for _, test := range []struct {
		name, user, domain, password string
		tamper                       func(int, []byte) []byte
		want                         string // part of the error
	}{
		{name: "right", user: "wörker", password: password},
		{name: "with a domain", user: "WÖRKER", domain: "Somewhere", password: password},
		{name: "wrong password", user: "wörker", password: "x", want: "wrong user or password"},
		{name: "wrong user", user: "nobody", password: password, want: "wrong user or password"},
		{name: "client without 128 bits", user: "wörker", password: password, want: "128 bits",
			tamper: onStep(1, func(m []byte) { m[15] &^= 1 << 5 })},
		// The check value over all three messages shows what somebody in between changed.
		{name: "negotiation changed on the way", user: "wörker", password: password, want: "tampered",
			tamper: onStep(1, func(m []byte) { m[12] ^= 1 << 7 })},
		{name: "flags changed on the way", user: "wörker", password: password, want: "tampered",
			tamper: onStep(3, func(m []byte) { m[60] ^= 1 << 7 })},
		{name: "session key changed on the way", user: "wörker", password: password, want: "tampered",
			tamper: onStep(3, func(m []byte) { m[len(m)-1] ^= 1 })},
		{name: "field outside", user: "wörker", password: password, want: "outside",
			tamper: onStep(3, func(m []byte) { binary.LittleEndian.PutUint32(m[24:], 1<<31) })},
		{name: "old response", user: "wörker", password: password, want: "NTLMv2",
			tamper: onStep(3, func(m []byte) { m[20], m[21] = 24, 0 })},
		{name: "not a message", user: "wörker", password: password, want: "not an NTLM",
			tamper: onStep(3, func(m []byte) { m[0] = 'X' })},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, session, err := logon(t, test.user, test.domain, test.password, someone(password), test.tamper, nil)
			if test.want == "" {
				if err != nil || !session.sealing {
					t.Errorf("got %v, want a session that seals", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want something with %q", err, test.want)
			}
		})
	}
}

func onStep(step int, change func([]byte)) func(int, []byte) []byte {
	return func(at int, message []byte) []byte {
		message = bytes.Clone(message)
		if at == step {
			change(message)
		}
		return message
	}
}

func TestNTLMChannelBindings(t *testing.T) {
	cert, err := NewCertificate("h")
	if err != nil {
		t.Fatal(err)
	}
	other, err := NewCertificate("h")
	if err != nil {
		t.Fatal(err)
	}
	account := someone("p")
	account.bindings = bindingsOf(cert.TLS.Certificate[0])
	for _, test := range []struct {
		name string
		sent []byte
		ok   bool
	}{
		{"none", nil, true},
		{"ours", endPoint(cert), true},
		{"another connection's", endPoint(other), false},
	} {
		if _, _, err := logon(t, "wörker", "", "p", account, nil, test.sent); (err == nil) != test.ok {
			t.Errorf("%s: got %v, want success %t", test.name, err, test.ok)
		}
	}
}

func endPoint(c Certificate) []byte {
	sum := make([]byte, 32)
	for i := range sum {
		var b byte
		for _, d := range c.SHA256[2*i : 2*i+2] {
			b = b<<4 | byte(strings.IndexRune("0123456789abcdef", d))
		}
		sum[i] = b
	}
	return append([]byte("tls-server-end-point:"), sum...)
}

func TestSealingIsInOrder(t *testing.T) {
	talk := func(t *testing.T) (*ntlmssp.SecuritySession, *ntlmSession) {
		client, server, err := logon(t, "wörker", "", "p", someone("p"), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		return client.SecuritySession(), server
	}
	wrap := func(t *testing.T, c *ntlmssp.SecuritySession, text string) (signature, sealed []byte) {
		sealed, signature, err := c.Wrap([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return signature, sealed
	}
	t.Run("both ways", func(t *testing.T) {
		client, server := talk(t)
		for _, text := range []string{"one", "", "three", strings.Repeat("x", 1<<20)} {
			got, err := server.open(wrap(t, client, text))
			if err != nil || string(got) != text {
				t.Fatalf("to the server: %.20q, %v", got, err)
			}
			signature, sealed := server.seal([]byte(text))
			back, err := client.Unwrap(sealed, signature)
			if err != nil || string(back) != text {
				t.Fatalf("to the client: %.20q, %v", back, err)
			}
		}
	})
	t.Run("replayed", func(t *testing.T) {
		client, server := talk(t)
		signature, sealed := wrap(t, client, "one")
		if _, err := server.open(signature, sealed); err != nil {
			t.Fatal(err)
		}
		if _, err := server.open(signature, sealed); err == nil {
			t.Error("accepted twice")
		}
	})
	t.Run("left out", func(t *testing.T) {
		client, server := talk(t)
		wrap(t, client, "one")
		if _, err := server.open(wrap(t, client, "two")); err == nil {
			t.Error("accepted with a gap")
		}
	})
	t.Run("changed", func(t *testing.T) {
		client, server := talk(t)
		signature, sealed := wrap(t, client, "one")
		sealed[0] ^= 1
		if _, err := server.open(signature, sealed); err == nil {
			t.Error("accepted")
		}
	})
}

// FuzzNTLM feeds anything to both steps of the server's handshake.
func FuzzNTLM(f *testing.F) {
	client, err := ntlmssp.NewClient(ntlmssp.SetUserInfo("wörker", "p"), ntlmssp.SetVersion(ntlmssp.DefaultVersion()))
	if err != nil {
		f.Fatal(err)
	}
	negotiate, err := client.Authenticate(nil, nil)
	if err != nil {
		f.Fatal(err)
	}
	h, err := ntlmChallenge(negotiate, "machine", time.Unix(1e9, 0))
	if err != nil {
		f.Fatal(err)
	}
	authenticate, err := client.Authenticate(h.challenge, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(negotiate, authenticate)
	f.Add([]byte("NTLMSSP\x00\x01\x00\x00\x00"), []byte("NTLMSSP\x00\x03\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		handshake, err := ntlmChallenge(first, "machine", time.Unix(1e9, 0))
		if err != nil {
			handshake = h
		}
		// The challenge is fresh each time, so nothing that is fed in can be right.
		if handshake != h {
			if _, err := handshake.verify(second, someone("p")); err == nil {
				t.Error("somebody got in")
			}
			return
		}
		handshake.verify(second, someone("p"))
	})
}
