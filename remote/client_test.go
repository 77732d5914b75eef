//go:build linux

package remote_test

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"wskharness/remote"
	"wskharness/remote/internal/wsman"
	"wskharness/remote/winrmd"
)

func TestWhoAnswers(t *testing.T) {
	noLeaks(t)
	client := clientCertificate(t)
	clients := x509.NewCertPool()
	clients.AddCert(client.Leaf)
	m := serve(t, winrmd.Options{ClientCAs: clients})
	state := tlsOf(t, m.basic)
	pool := x509.NewCertPool()
	pool.AddCert(state)
	for _, test := range []struct {
		name   string
		change func(*remote.Endpoint)
		want   string // part of the error; none when empty
	}{
		{"pinned", func(ep *remote.Endpoint) {}, ""},
		{"pinned in capitals", func(ep *remote.Endpoint) { ep.PinSHA256 = strings.ToUpper(ep.PinSHA256) }, ""},
		{"authority", func(ep *remote.Endpoint) { ep.PinSHA256, ep.RootCAs = "", pool }, ""},
		{"both", func(ep *remote.Endpoint) { ep.RootCAs = pool }, ""},
		{"another pin", func(ep *remote.Endpoint) { ep.PinSHA256 = strings.Repeat("00", 32) }, "another machine answers"},
		{"unknown authority", func(ep *remote.Endpoint) { ep.PinSHA256 = "" }, "certificate"},
		{"pin of an unknown authority", func(ep *remote.Endpoint) { ep.RootCAs = x509.NewCertPool() }, "certificate"},
		{"another name", func(ep *remote.Endpoint) {
			ep.PinSHA256, ep.RootCAs = "", pool
			ep.URL = strings.Replace(ep.URL, "127.0.0.1", "localhost", 1)
		}, "certificate"},
		{"wrong password", func(ep *remote.Endpoint) { ep.Password = "falsch" }, "HTTP 401"},
		{"wrong user, NTLM", func(ep *remote.Endpoint) { ep.Auth, ep.User = remote.AuthNTLM, "nobody" }, "HTTP 401"},
		{"wrong password, sealed", func(ep *remote.Endpoint) { *ep = m.sealed; ep.Password = "falsch" }, "HTTP 401"},
		{"domain and case, sealed", func(ep *remote.Endpoint) { *ep = m.sealed; ep.User = `SOMEWHERE\Tester` }, ""},
		{"Basic over http where the server refuses it", func(ep *remote.Endpoint) {
			*ep = m.sealed
			ep.Auth, ep.AllowPlain = remote.AuthBasic, true
		}, "HTTP 401"},
		{"client certificate", func(ep *remote.Endpoint) {
			ep.Auth, ep.User, ep.Password, ep.ClientCertificate = remote.AuthCertificate, "", "", &client
		}, ""},
		{"nobody there", func(ep *remote.Endpoint) { ep.URL = "https://127.0.0.1:1/wsman" }, "not sent"},
	} {
		t.Run(test.name, func(t *testing.T) {
			ep := m.basic
			test.change(&ep)
			c := dial(t, ep, quick())
			shell, err := c.Shell(t.Context(), remote.ShellOptions{})
			if err == nil {
				err = shell.Close(t.Context())
			}
			if test.want == "" && err != nil {
				t.Error(err)
			}
			if test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, want something with %q", err, test.want)
			}
			if want := strings.Contains(test.want, "401"); want != denied(err) {
				t.Errorf("denied is %v for %v", denied(err), err)
			}
			if err != nil && strings.Contains(err.Error(), "geheim") {
				t.Errorf("the message shows the password: %v", err)
			}
		})
	}
}

// tlsOf is the certificate that the server shows.
func tlsOf(t *testing.T, ep remote.Endpoint) *x509.Certificate {
	t.Helper()
	var seen *x509.Certificate
	conn, err := tlsDial(ep.URL)
	if err != nil {
		t.Fatal(err)
	}
	seen = conn.ConnectionState().PeerCertificates[0]
	conn.Close()
	return seen
}

// TestNoDowngrade: a server (or somebody in between) that gets sealed requests and answers in the
// clear is not believed.
func TestNoDowngrade(t *testing.T) {
	noLeaks(t)
	m := serve(t, winrmd.Options{})
	real := strings.TrimSuffix(m.sealed.URL, "/wsman")
	between := httptest.NewServer(nil)
	t.Cleanup(between.Close)
	// One connection outwards for all: NTLM needs that.
	var once sync.Mutex
	transport := &http.Transport{MaxConnsPerHost: 1}
	t.Cleanup(transport.CloseIdleConnections)
	between.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		once.Lock()
		defer once.Unlock()
		if wsman.IsSealed(r.Header.Get("Content-Type")) {
			w.Header().Set("Content-Type", "application/soap+xml")
			io.WriteString(w, `<s:Envelope xmlns:s="`+wsman.NSEnvelope+`"><s:Header/><s:Body/></s:Envelope>`)
			return
		}
		out, err := http.NewRequestWithContext(r.Context(), r.Method, real+r.URL.Path, r.Body)
		if err != nil {
			t.Error(err)
			return
		}
		out.Header, out.ContentLength = r.Header, r.ContentLength
		answer, err := transport.RoundTrip(out)
		if err != nil {
			t.Error(err)
			return
		}
		defer answer.Body.Close()
		for name, values := range answer.Header {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.StatusCode)
		io.Copy(w, answer.Body)
	})
	ep := m.sealed
	ep.URL = between.URL + "/wsman"
	_, err := dial(t, ep, quick()).Shell(t.Context(), remote.ShellOptions{})
	if err == nil || !strings.Contains(err.Error(), "not sealed") {
		t.Errorf("got %v", err)
	}
}

func TestOneOutputAfterTheOther(t *testing.T) {
	noLeaks(t)
	m := serve(t, winrmd.Options{})
	shell := openShell(t, dial(t, m.basic, remote.Options{}), remote.ShellOptions{})
	start := func() *remote.Command {
		c, err := shell.Start(t.Context(), remote.CommandLine{Line: "head -c 3000000 /dev/zero >&2; echo done"})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := start()
	out, err := io.ReadAll(c.Stdout)
	if string(out) != "done\n" || err != nil {
		t.Errorf("standard output %q, %v", out, err)
	}
	n, err := io.Copy(io.Discard, c.Stderr)
	if n != 3000000 || err != nil {
		t.Errorf("standard error: %d bytes, %v", n, err)
	}
	c = start()
	if code, err := c.Wait(t.Context()); code != 0 || err != nil {
		t.Errorf("Wait before reading: %d, %v", code, err)
	}
	if n, err := io.Copy(io.Discard, c.Stderr); n != 3000000 || err != nil {
		t.Errorf("standard error after the end: %d bytes, %v", n, err)
	}
}

func TestOutputLimit(t *testing.T) {
	noLeaks(t)
	m := serve(t, winrmd.Options{})
	opts := quick()
	opts.MaxOutput = 1000
	shell := openShell(t, dial(t, m.basic, opts), remote.ShellOptions{})
	got, err := shell.Run(t.Context(), remote.CommandLine{Line: "yes"}, nil)
	if !errors.Is(err, remote.ErrOutputLimit) || len(got.Stdout) != 1000 {
		t.Errorf("%d bytes, %v", len(got.Stdout), err)
	}
}

func TestInputFails(t *testing.T) {
	noLeaks(t)
	m := serve(t, winrmd.Options{})
	shell := openShell(t, dial(t, m.basic, quick()), remote.ShellOptions{})
	broken := errors.New("the disk is on fire")
	_, err := shell.Run(t.Context(), remote.CommandLine{Line: "cat"}, io.MultiReader(strings.NewReader("x"), failing{broken}))
	if !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestSignals(t *testing.T) {
	noLeaks(t)
	// A script's background jobs ignore Ctrl-C, and so does what they start, unless it is caught in between.
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, os.Interrupt, syscall.SIGQUIT)
	defer signal.Stop(caught)
	m := serve(t, winrmd.Options{})
	shell := openShell(t, dial(t, m.basic, quick()), remote.ShellOptions{})
	for _, test := range []struct {
		signal remote.Signal
		want   uint32
	}{{remote.SignalCtrlC, 130}, {remote.SignalCtrlBreak, 131}} {
		c, err := shell.Start(t.Context(), remote.CommandLine{Line: "echo up; exec sleep 60"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c.Stdout, make([]byte, 3)); err != nil {
			t.Fatal(err)
		}
		if err := c.Signal(t.Context(), test.signal); err != nil {
			t.Fatal(err)
		}
		if code, err := c.Wait(t.Context()); code != test.want || err != nil {
			t.Errorf("exit code %d, %v; want %d", code, err, test.want)
		}
	}
	c, err := shell.Start(t.Context(), remote.CommandLine{Line: "sleep 60"})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Signal(t.Context(), remote.SignalTerminate); err != nil {
		t.Fatal(err)
	}
	// Whoever is being answered in that moment hears of the command's end, and who asks later, that there is no such command.
	if _, err := c.Wait(t.Context()); err != nil && !remote.IsGone(err) {
		t.Errorf("Wait after terminate: %v, want a fault for which IsGone holds, or the end", err)
	}
}

func TestClosed(t *testing.T) {
	noLeaks(t)
	m := serve(t, winrmd.Options{})
	client := dial(t, m.basic, quick())
	shell := openShell(t, client, remote.ShellOptions{})
	running, err := shell.Start(t.Context(), remote.CommandLine{Line: "sleep 60"})
	if err != nil {
		t.Fatal(err)
	}
	late, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := running.Wait(late); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait with an ended context: %v", err)
	}
	if err := shell.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := running.Wait(t.Context()); !errors.Is(err, remote.ErrShellClosed) {
		t.Errorf("a command whose shell was closed: %v", err)
	}
	if _, err := io.ReadAll(running.Stdout); !errors.Is(err, remote.ErrShellClosed) {
		t.Errorf("its output: %v", err)
	}
	if _, err := shell.Start(t.Context(), remote.CommandLine{Line: "true"}); !errors.Is(err, remote.ErrShellClosed) {
		t.Errorf("Start in a closed shell: %v", err)
	}
	// Close of the client takes along what was forgotten.
	openShell(t, client, remote.ShellOptions{})
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	infos, err := dial(t, m.basic, quick()).Shells(t.Context())
	if err != nil || len(infos) != 0 {
		t.Errorf("left after Close: %v, %v", infos, err)
	}
	if _, err := client.Shell(t.Context(), remote.ShellOptions{}); !errors.Is(err, remote.ErrClosed) {
		t.Errorf("Shell of a closed client: %v", err)
	}
}

func TestSideBySide(t *testing.T) {
	noLeaks(t)
	m := serve(t, winrmd.Options{Host: result{exit: 9}, Limits: winrmd.Limits{MaxProcessesPerShell: 250}})
	client := dial(t, m.basic, remote.Options{})
	shell := openShell(t, client, remote.ShellOptions{})
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() {
			got, err := shell.Run(t.Context(), remote.CommandLine{Line: "x"}, nil)
			if err != nil || got.ExitCode != 9 {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
	all.Wait()
	if err := shell.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := client.Stats().Requests; n > 200*3+2 {
		t.Errorf("%d requests for 200 commands, want at most 3 each", n)
	}
}

func TestServerConfig(t *testing.T) {
	m := serve(t, winrmd.Options{Limits: winrmd.Limits{MaxEnvelopeSizekb: 150, MaxTimeoutms: 1000, MaxShellsPerUser: 3, MaxProcessesPerShell: 4, IdleTimeout: time.Minute}})
	got, err := dial(t, m.basic, quick()).ServerConfig(t.Context())
	want := remote.ServerConfig{MaxEnvelope: 150 << 10, MaxTimeout: time.Second, MaxShellsPerUser: 3, MaxProcessesPerShell: 4, IdleTimeout: time.Minute}
	if err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}
