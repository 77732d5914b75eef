//go:build linux

package remote_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hashicorp/go-hclog"

	"wskharness/remote"
	"wskharness/remote/winrmd"
	"wskharness/remote/winrmd/winrmdtest"
	"wskharness/winerr"
)

// machine is an endpoint in front of this machine, and the ways to reach it.
type machine struct {
	*winrmd.Server
	basic, sealed, ntlm remote.Endpoint // Basic over HTTPS, NTLM sealed over HTTP, NTLM over HTTPS
	connections         *atomic.Int64   // that were made to it
}

// ways are all that there are to reach it.
func (m machine) ways() map[string]remote.Endpoint {
	return map[string]remote.Endpoint{"basic": m.basic, "sealed": m.sealed, "ntlm": m.ntlm}
}

// counting counts connections.
type counting struct {
	net.Listener
	count *atomic.Int64
}

func (c counting) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err == nil {
		c.count.Add(1)
	}
	return conn, err
}

func serve(t testing.TB, opts winrmd.Options) machine {
	t.Helper()
	cert, err := winrmd.NewCertificate("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	opts.User, opts.Certificate = "tester", cert.TLS
	if opts.Password == "" {
		opts.Password = "geheim"
	}
	if opts.Host == nil {
		opts.Host = winrmdtest.LocalHost{}
	}
	server, err := winrmd.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 2)
	connections := new(atomic.Int64)
	listen := func(serve func(net.Listener) error) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() { served <- serve(counting{l, connections}) }()
		return l.Addr().String()
	}
	secure, plain := listen(server.Serve), listen(server.ServePlain)
	t.Cleanup(func() {
		if err := server.Shutdown(context.Background()); err != nil { // one that hangs is shown when the time of all tests is up
			t.Error(err)
		}
		for range 2 {
			if err := <-served; err != nil {
				t.Error(err)
			}
		}
	})
	basic := remote.Endpoint{URL: "https://" + secure + "/wsman", User: "tester", Password: "geheim", Auth: remote.AuthBasic, PinSHA256: cert.SHA256}
	m := machine{Server: server, basic: basic, sealed: basic, ntlm: basic, connections: connections}
	m.ntlm.Auth, m.sealed.Auth = remote.AuthNTLM, remote.AuthNTLM
	m.sealed.URL, m.sealed.PinSHA256 = "http://"+plain+"/wsman", ""
	return m
}

// dial makes a client.
func dial(t testing.TB, ep remote.Endpoint, opts remote.Options) *remote.WinRM {
	t.Helper()
	if testing.Verbose() {
		opts.Logger = hclog.New(&hclog.LoggerOptions{Level: hclog.Trace, Output: testWriter{t}})
	}
	client, err := remote.New(ep, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	return client
}

type testWriter struct{ t testing.TB }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Log(strings.TrimSuffix(string(p), "\n"))
	return len(p), nil
}

func openShell(t testing.TB, client *remote.WinRM, opts remote.ShellOptions) *remote.Shell {
	t.Helper()
	shell, err := client.Shell(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	return shell
}

func TestRun(t *testing.T) {
	m := serve(t, winrmd.Options{})
	for _, way := range []struct {
		name string
		ep   remote.Endpoint
	}{{"basic https", m.basic}, {"ntlm http", m.sealed}, {"ntlm https", m.ntlm}} {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			testRun(t, way.ep)
		})
	}
}

func testRun(t *testing.T, ep remote.Endpoint) {
	client := dial(t, ep, remote.Options{})
	dir := t.TempDir()
	shell := openShell(t, client, remote.ShellOptions{Name: "t", Dir: dir, Env: map[string]string{"WSK": "a & <b> \"c\""}})
	random := make([]byte, 1<<20)
	rand.Read(random)
	for _, test := range []struct {
		name, line     string
		stdin          string
		exit           uint32
		stdout, stderr string
	}{
		{name: "nothing", line: "true"},
		{name: "exit code", line: "exit 7", exit: 7},
		{name: "both outputs", line: "echo out; echo err >&2", stdout: "out\n", stderr: "err\n"},
		{name: "environment", line: `printf '%s' "$WSK"`, stdout: `a & <b> "c"`},
		{name: "directory", line: "pwd", stdout: dir + "\n"},
		{name: "input", line: "cat", stdin: "hello", stdout: "hello"},
		{name: "no input at all", line: "cat", stdin: ""},
		{name: "bytes", line: "cat", stdin: "\x00\xff\r\n\n\xc3\x28", stdout: "\x00\xff\r\n\n\xc3\x28"},
		{name: "much input", line: "cat; exit 3", stdin: string(random), stdout: string(random), exit: 3},
		{name: "input not taken", line: "exec <&-; exit 4", stdin: string(random), exit: 4},
		{name: "exactly as given", line: `printf "%s|%s|" 'a  "b"' "\\c"  `, stdout: `a  "b"|\c|`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := shell.Run(t.Context(), remote.CommandLine{Line: test.line}, strings.NewReader(test.stdin))
			if err != nil {
				t.Fatal(err)
			}
			if got.ExitCode != test.exit {
				t.Errorf("exit code %d, want %d", got.ExitCode, test.exit)
			}
			if !bytes.Equal(got.Stdout, []byte(test.stdout)) {
				t.Errorf("standard output %.100q (%d bytes), want %.100q (%d bytes)", got.Stdout, len(got.Stdout), test.stdout, len(test.stdout))
			}
			if !bytes.Equal(got.Stderr, []byte(test.stderr)) {
				t.Errorf("standard error %.100q, want %.100q", got.Stderr, test.stderr)
			}
		})
	}
	if err := shell.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := shell.Close(t.Context()); err != nil {
		t.Fatal("closing again:", err)
	}
}

// answers reports whether a shell can be made.
func answers(t testing.TB, client *remote.WinRM) bool {
	shell, err := client.Shell(t.Context(), remote.ShellOptions{})
	return err == nil && shell.Close(t.Context()) == nil
}

// denied reports whether err says that the server did not accept who was asking.
func denied(err error) bool {
	f, ok := errors.AsType[*remote.Fault](err)
	return ok && (f.HTTPStatus == http.StatusUnauthorized || f.Win32() == winerr.ErrorAccessDenied)
}
