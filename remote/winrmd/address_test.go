//go:build linux

package winrmd_test

import (
	"bytes"
	"crypto/tls"
	"net/http"
	"strings"
	"testing"

	"wskharness/remote"
	"wskharness/remote/internal/wsman"
	"wskharness/remote/winrmd"
)

// ways are the endpoints of a server, for a client of ours.
func (e endpoint) ways() map[string]remote.Endpoint {
	basic := e.client()
	ntlm, sealed := basic, basic
	ntlm.Auth, sealed.Auth = remote.AuthNTLM, remote.AuthNTLM
	sealed.URL, sealed.PinSHA256 = "http://"+e.plain+"/wsman", ""
	return map[string]remote.Endpoint{"basic": basic, "ntlm": ntlm, "sealed": sealed}
}

// ends makes a shell and deletes it.
func ends(t *testing.T, ep remote.Endpoint) error {
	t.Helper()
	client, err := remote.New(ep, remote.Options{})
	if err != nil {
		return err
	}
	defer client.Close()
	shell, err := client.Shell(t.Context(), remote.ShellOptions{})
	if err != nil {
		return err
	}
	return shell.Close(t.Context())
}

// TestPaths holds that the endpoint is where http.sys would find it.
func TestPaths(t *testing.T) {
	e := serve(t, winrmd.Options{})
	for _, path := range []string{"/wsman", "/WSMAN", "/WsMan", "/wsman/", "/WSMAN/", "/wsman?PSVersion=5.1.17763.1", "/wsman/?x=y", "/WSMan?", "/%77sman"} {
		for way, ep := range e.ways() {
			ep.URL = strings.TrimSuffix(ep.URL, "/wsman") + path
			if err := ends(t, ep); err != nil {
				t.Errorf("%s at %s: %v", way, path, err)
			}
		}
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}
	post := func(path string) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+e.secure+path, bytes.NewReader(ask{action: wsman.ActionCreate, body: newShell}.envelope()))
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth(testUser, testPassword)
		resp, err := transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	for _, path := range []string{"", "/", "/wsmanx", "/wsman/x", "/wsman//", "//wsman", "/x/wsman", "/w\u017fman", "/wsman%20", "/wsman/../wsman/x"} {
		if status := post(path); status != http.StatusNotFound {
			t.Errorf("%s: HTTP %d, want 404", path, status)
		}
	}
	for _, path := range []string{"/wsman-anon/identify", "/WSMAN-ANON/Identify", "/wsman-anon/identify/"} {
		if status := post(path); status != http.StatusInternalServerError { // it is no Identify
			t.Errorf("%s: HTTP %d, want 500", path, status)
		}
	}
}

// TestUserNames holds that both sides take the names that Windows does, over each way.
func TestUserNames(t *testing.T) {
	for _, test := range []struct {
		account string // of the server
		right   []string
		wrong   []string
	}{
		{"tester",
			[]string{"tester", "Tester", `DOMAIN\tester`, `.\tester`, `.\TESTER`, `\tester`, "tester@example.org", "TESTER@EXAMPLE"},
			[]string{"nobody", `tester\nobody`, "nobody@tester", "@tester", "tester@", "tester@a@b.c", "testers@example.org", `tester\`, `a\b\c`}},
		{"tester@example.org",
			[]string{"tester@example.org", "Tester@Example.ORG"},
			[]string{"tester", "tester@other", `example.org\tester`}},
		{`LAB\tester`,
			[]string{`LAB\tester`, `lab\TESTER`},
			[]string{"tester", `.\tester`, `OTHER\tester`, "tester@lab"}},
		{"wörker", []string{"WÖRKER", `D\wörker`, "wörker@ü.org"}, []string{"worker"}},
	} {
		e := serveAs(t, test.account, winrmd.Options{})
		for way, ep := range e.ways() {
			for _, ep.User = range test.right {
				if err := ends(t, ep); err != nil {
					t.Errorf("%s, %s as %s: %v", test.account, way, ep.User, err)
				}
			}
			for _, ep.User = range test.wrong {
				if err := ends(t, ep); !denied(err) {
					t.Errorf("%s, %s as %s: %v, want a 401", test.account, way, ep.User, err)
				}
			}
		}
	}
}
