//go:build linux

package libvirt

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	golibvirt "github.com/digitalocean/go-libvirt"

	"wskharness/remote/winrmd"
	"wskharness/testtime"
)

// ask asks a daemon something that it has an answer to.
func ask(t *testing.T, uri string) error {
	t.Helper()
	p, err := parsePlace(uri)
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(p, nil)
	defer c.close()
	return c.do(testtime.Context(t), callLimit, "look", func(lv *conn) error {
		if lv.version < 1_000_000 {
			t.Errorf("version %d", lv.version)
		}
		_, err := lv.DomainLookupByName("nobody")
		if !isCode(err, golibvirt.ErrNoDomain) {
			return fmt.Errorf("got %w, want that there is none", err)
		}
		return nil
	})
}

// A daemon is reached through a real ssh and sshd, by the user's configuration; what ssh says where it fails is told.
func TestSSH(t *testing.T) {
	for _, program := range []string{"/usr/sbin/sshd", "/usr/bin/ssh", "/usr/bin/ssh-keygen", "/usr/bin/nc"} {
		if _, err := os.Stat(program); err != nil {
			t.Skipf("%s is not installed: scripts/deps test", program)
		}
	}
	d := libvirtd(t)
	if os.Geteuid() == 0 { // sshd's folder for what it does without privileges
		if err := os.Mkdir("/run/sshd", 0o755); err == nil {
			t.Cleanup(func() { os.Remove("/run/sshd") })
		}
	}
	dir := t.TempDir()
	for _, key := range []string{"host", "user", "other"} {
		if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(dir, key)).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	host, err := os.ReadFile(filepath.Join(dir, "host.pub"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"known": "lab1 " + string(host),
		"sshd":  "HostKey " + dir + "/host\nAuthorizedKeysFile " + dir + "/user.pub\nStrictModes no\nUsePAM no\nPermitRootLogin yes\nPidFile none\n",
		"config": "UserKnownHostsFile " + dir + "/known\nGlobalKnownHostsFile none\nIdentitiesOnly yes\nIdentityAgent none\n" +
			"ProxyCommand /usr/sbin/sshd -i -f " + dir + "/sshd\n",
		"ssh": "#!/bin/sh\nexec /usr/bin/ssh -F " + dir + "/config \"$@\"\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	uri := func(host, key, socket string) string {
		return "qemu+ssh://" + host + "/session?command=" + dir + "/ssh&keyfile=" + dir + "/" + key + "&socket=" + socket
	}
	if err := ask(t, uri("lab1", "user", d.socket())); err != nil {
		t.Error(err)
	}
	for name, test := range map[string]struct {
		uri  string
		want []string
	}{
		"another key":  {uri("lab1", "other", d.socket()), []string{"Permission denied (publickey", "without a question"}},
		"unknown host": {uri("lab2", "user", d.socket()), []string{"Host key verification failed"}},
		"no daemon":    {uri("lab1", "user", "/nowhere/sock"), []string{"no libvirt daemon has a socket there: /nowhere/sock"}},
		"no ssh":       {"qemu+ssh://lab1/session?command=" + dir + "/nothing", []string{"no such file"}},
	} {
		err := ask(t, test.uri)
		for _, want := range test.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v; want %q", name, err, want)
			}
		}
	}
}

// A daemon is reached over TLS, by whoever has a certificate that it trusts.
func TestTLS(t *testing.T) {
	d := libvirtd(t)
	own, other := certificates(t), certificates(t)
	listen, err := tls.Listen("tcp", "127.0.0.1:0", own.server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listen.Close() })
	go func() {
		for {
			c, err := listen.Accept()
			if err != nil {
				return
			}
			go func() { // as libvirtd: a byte that says that the certificate is accepted
				defer c.Close()
				if c.(*tls.Conn).HandshakeContext(context.Background()) != nil {
					return
				}
				to, err := net.Dial("unix", d.socket())
				if err != nil {
					return
				}
				defer to.Close()
				_, _ = c.Write([]byte{1})
				go io.Copy(to, c)
				io.Copy(c, to)
			}()
		}
	}()
	uri := "qemu+tls://" + listen.Addr().String() + "/session?pkipath="
	if err := ask(t, uri+own.dir); err != nil {
		t.Error(err)
	}
	for name, test := range map[string]struct{ pki, want string }{
		"another authority": {other.dir, "cacert.pem"},
		"no certificates":   {t.TempDir(), "pkipath=FOLDER"},
	} {
		if err := ask(t, uri+test.pki); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v; want %q", name, err, test.want)
		}
	}
}

// pki is a certificate that is its own authority, for a daemon and its clients.
type pki struct {
	dir    string
	server *tls.Config
}

func certificates(t *testing.T) pki {
	t.Helper()
	c, err := winrmd.NewCertificate("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(c.TLS.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.TLS.Certificate[0]})
	dir := t.TempDir()
	for name, text := range map[string][]byte{"cacert.pem": certificate, "clientcert.pem": certificate, "clientkey.pem": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return pki{dir: dir, server: &tls.Config{Certificates: []tls.Certificate{c.TLS}, ClientAuth: tls.RequireAnyClientCert}}
}

// A daemon that takes a connection and says nothing holds nobody up, and what answers in its place is told.
func TestSilentAndStrangeDaemons(t *testing.T) {
	for name, test := range map[string]struct{ says, want string }{
		"silent": {"", "deadline"},
		"http":   {"HTTP/1.1 400 Bad Request\r\n\r\n", "no libvirt daemon"},
	} {
		socket := filepath.Join(t.TempDir(), "s")
		listen, err := net.Listen("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for {
				c, err := listen.Accept()
				if err != nil {
					return
				}
				_, _ = io.WriteString(c, test.says)
			}
		}()
		p, err := parsePlace("qemu+unix:///system?socket=" + socket)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(testtime.Context(t), time.Second)
		err = newClient(p, nil).do(ctx, callLimit, "look", func(*conn) error { return errors.New("it was reached") })
		cancel()
		listen.Close()
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v; want %q", name, err, test.want)
		}
	}
}

// What a daemon says is passed on with what to do about it.
func TestAdvice(t *testing.T) {
	for _, test := range []struct {
		code  golibvirt.ErrorNumber
		words string
		want  string
	}{
		{golibvirt.ErrInternalError, "child process (qemu-img create) unexpected exit status 1: No space left on device", "the disk of that host is full"},
		{golibvirt.ErrAuthUnavailable, "authentication unavailable: no polkit agent available to authenticate action 'org.libvirt.unix.manage'", "usermod -aG libvirt"},
		{golibvirt.ErrInternalError, "process exited while connecting to monitor: Failed to get \"write\" lock", "somebody else has that image open"},
		{golibvirt.ErrSystemError, "Failed to connect socket to '/var/run/libvirt/virtlogd-sock': No such file or directory", "start virtlogd"},
		{golibvirt.ErrAccessDenied, "access denied: 'QEMU' denied access", "access rules"},
		{golibvirt.ErrInternalError, "Could not open '/images/x.qcow2': Permission denied", "/var/lib/libvirt/images"},
	} {
		err := explain(golibvirt.Error{Code: uint32(test.code), Message: test.words})
		if !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), test.words) {
			t.Errorf("%v; want %q", err, test.want)
		}
	}
	if err := errors.New("x"); explain(err) != err {
		t.Error("what no daemon said is explained")
	}
}

// The stop code of a crash, as QEMU has it of a guest that gives it.
func TestPanicCode(t *testing.T) {
	code, args := panicCode([]byte(`{"action":"pause","info":{"type":"hyper-v","arg1":209,"arg2":18446744073709551615,"arg3":2,"arg4":0,"arg5":-8796093022208}}`))
	if code != 0xd1 || args != [4]uint64{1<<64 - 1, 2, 0, 0xfffff80000000000} {
		t.Errorf("%x %x", code, args)
	}
	if code, _ := panicCode([]byte(`{"action":"pause"}`)); code != 0 {
		t.Errorf("%x; want none", code)
	}
}

func FuzzPanicCode(f *testing.F) {
	f.Add([]byte(`{"action":"pause","info":{"type":"hyper-v","arg1":209}}`))
	f.Fuzz(func(t *testing.T, details []byte) { panicCode(details) })
}
