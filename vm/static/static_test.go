//go:build linux

package static_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"wskharness/remote"
	"wskharness/remote/winrmd"
	"wskharness/remote/winrmd/winrmdtest"
	"wskharness/vm"
	"wskharness/vm/static"
	"wskharness/vm/vmtest"
)

// endpoint serves this machine over WinRM, and says where.
func endpoint(t *testing.T) remote.Endpoint {
	t.Helper()
	certificate, err := winrmd.NewCertificate("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	server, err := winrmd.New(winrmd.Options{
		Host: winrmdtest.LocalHost{}, User: "tester", Password: "secret", Certificate: certificate.TLS,
	})
	if err != nil {
		t.Fatal(err)
	}
	return remote.Endpoint{
		URL: "https://" + winrmdtest.Serve(t, server) + "/wsman", User: "tester", Password: "secret",
		Auth: remote.AuthBasic, PinSHA256: certificate.SHA256,
	}
}

func TestConformance(t *testing.T) {
	p, err := static.New(static.Options{Endpoint: endpoint(t)})
	if err != nil {
		t.Fatal(err)
	}
	vmtest.Run(t, p, vmtest.Expect{Command: "echo up", Output: "up", Shared: true})
}

func TestNewRefusesAnInvalidEndpoint(t *testing.T) {
	_, err := static.New(static.Options{Endpoint: remote.Endpoint{
		URL: "http://win11:5985/wsman", User: "tester", Password: "secret", Auth: remote.AuthBasic,
	}})
	if err == nil || !strings.Contains(err.Error(), "Basic over http") {
		t.Errorf("New: %v; want a refusal of Basic over http", err)
	}
}

// A machine that is off is told from one whose WinRM fails, with what to look at.
func TestAcquireOfAMachineThatIsOff(t *testing.T) {
	e := remote.Endpoint{User: "tester", Password: "secret", Auth: remote.AuthBasic}
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e.URL = "https://" + closed.Addr().String() + "/wsman"
	closed.Close()
	p, err := static.New(static.Options{Endpoint: e, Wait: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Acquire(t.Context(), vm.Target{Name: "lab1"})
	if err == nil {
		t.Fatal("Acquire succeeded where nothing listens")
	}
	for _, part := range []string{"lab1", closed.Addr().String(), "winrm quickconfig", "firewall"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("Acquire: %v; want it to name %q", err, part)
		}
	}
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("Acquire: %v tells the password", err)
	}
}

// A host that swallows packets does not hold a run up for longer than Wait.
func TestAcquireIsBounded(t *testing.T) {
	p, err := static.New(static.Options{
		Endpoint: remote.Endpoint{
			URL:  "https://192.0.2.1:5986/wsman", // TEST-NET-1: nobody is there (RFC 5737)
			User: "tester", Password: "secret", Auth: remote.AuthBasic,
		},
		Wait: 50 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	if _, err := p.Acquire(t.Context(), vm.Target{Name: "lab1"}); err == nil {
		t.Error("Acquire succeeded with an address that nobody has")
	}
	if took := time.Since(begun); took >= 10*time.Second { // the client's own limit, to connect
		t.Errorf("Acquire took %s with a limit of 50 ms", took)
	}
}
