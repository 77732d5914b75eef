//go:build linux

package winrmd_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"wskharness/remote/internal/wsman"
	"wskharness/remote/winrmd"
)

func TestHostileBodies(t *testing.T) {
	e := serve(t, winrmd.Options{Limits: winrmd.Limits{MaxEnvelopeSizekb: 16}})
	for name, test := range map[string]struct {
		body   string
		status int
		code   string
	}{
		"not XML":       {"GET / HTTP/1.0", 500, "2150858819"},
		"not SOAP":      {"<a/>", 500, "2150858819"},
		"entity bomb":   {`<!DOCTYPE a [<!ENTITY b "xxxx">]><a>&b;</a>`, 500, "2150858819"},
		"deep":          {strings.Repeat("<a>", 3000), 500, "2150858819"},
		"too large":     {strings.Repeat("x", 16<<10+1), 413, ""},
		"no body":       {"", 200, ""},
		"NUL bytes":     {strings.Repeat("\x00", 1000), 500, "2150858819"},
		"no header":     {`<s:Envelope xmlns:s="` + wsman.NSEnvelope + `"><s:Body/></s:Envelope>`, 500, "2150858819"},
		"empty headers": {`<s:Envelope xmlns:s="` + wsman.NSEnvelope + `"><s:Header/><s:Body/></s:Envelope>`, 500, "2150858769"},
	} {
		t.Run(name, func(t *testing.T) {
			status, answer := e.ask(t, []byte(test.body))
			if status != test.status {
				t.Errorf("HTTP %d, want %d", status, test.status)
			}
			if test.code == "" {
				return
			}
			env, err := wsman.ParseEnvelope(answer)
			if err != nil {
				t.Fatal(err)
			}
			if code, _, _ := faultOf(env); code != test.code {
				t.Errorf("code %s, want %s", code, test.code)
			}
		})
	}
}

// TestEndlessBody: what does not announce its length is cut off at the limit.
func TestEndlessBody(t *testing.T) {
	e := serve(t, winrmd.Options{Limits: winrmd.Limits{MaxEnvelopeSizekb: 16}})
	conn, err := tls.Dial("tcp", e.secure, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /wsman HTTP/1.1\r\nHost: h\r\nAuthorization: Basic %s\r\nTransfer-Encoding: chunked\r\n\r\n",
		base64.StdEncoding.EncodeToString([]byte(testUser+":"+testPassword)))
	go func() {
		for range 1 << 20 {
			if _, err := fmt.Fprintf(conn, "1000\r\n%s\r\n", strings.Repeat("x", 0x1000)); err != nil {
				return
			}
		}
	}()
	answer, _ := io.ReadAll(conn)
	if !strings.HasPrefix(string(answer), "HTTP/1.1 413") {
		t.Errorf("answered %.100q", answer)
	}
}

func TestWhoMayAsk(t *testing.T) {
	e := serve(t, winrmd.Options{})
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	t.Cleanup(client.CloseIdleConnections)
	ntlm := func(message string) string { return "Negotiate " + base64.StdEncoding.EncodeToString([]byte(message)) }
	for _, test := range []struct {
		name, url, method, authorization string
		status                           int
	}{
		{"nobody", "https://" + e.secure + "/wsman", "POST", "", 401},
		{"wrong password", "https://" + e.secure + "/wsman", "POST", "Basic dGVzdGVyOngK", 401},
		{"garbled", "https://" + e.secure + "/wsman", "POST", "Basic ?", 401},
		{"bearer", "https://" + e.secure + "/wsman", "POST", "Bearer x", 401},
		{"client certificate without one", "https://" + e.secure + "/wsman", "POST", "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual", 401},
		{"Basic in the clear", "http://" + e.plain + "/wsman", "POST", "Basic " + base64.StdEncoding.EncodeToString([]byte(testUser+":"+testPassword)), 401},
		{"NTLM that is none", "http://" + e.plain + "/wsman", "POST", ntlm("hello"), 401},
		{"NTLM without base64", "http://" + e.plain + "/wsman", "POST", "Negotiate ?", 401},
		{"NTLM version 1", "http://" + e.plain + "/wsman", "POST", ntlm("NTLMSSP\x00\x01\x00\x00\x00\x07\x02\x00\x00"), 401},
		{"GET", "https://" + e.secure + "/wsman", "GET", "", 405},
		{"elsewhere", "https://" + e.secure + "/", "POST", "", 404},
	} {
		t.Run(test.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), test.method, test.url, strings.NewReader("x"))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", test.authorization)
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != test.status {
				t.Errorf("HTTP %d, want %d", resp.StatusCode, test.status)
			}
			if got := strings.Join(resp.Header.Values("WWW-Authenticate"), ", "); test.status == 401 && !strings.Contains(got, "Negotiate") {
				t.Errorf("the challenge offers %q", got)
			} else if strings.HasPrefix(test.url, "http:") && strings.Contains(got, "Basic") {
				t.Errorf("offers Basic in the clear: %q", got)
			}
		})
	}
}

func TestManyConnections(t *testing.T) {
	e := serve(t, winrmd.Options{Limits: winrmd.Limits{MaxConnections: 10}})
	var open []net.Conn
	refused := 0
	for range 50 {
		conn, err := net.Dial("tcp", e.plain)
		if err != nil {
			refused++
			continue
		}
		defer conn.Close()
		open = append(open, conn)
	}
	for _, conn := range open[10:] {
		conn.SetReadDeadline(time.Now().Add(time.Minute))
		if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a connection beyond the limit: %v", err)
		} else {
			refused++
		}
	}
	if refused != 40 {
		t.Errorf("%d of 50 connections refused, want 40", refused)
	}
	for _, conn := range open {
		conn.Close()
	}
	if shell, err := net.Dial("tcp", e.secure); err != nil {
		t.Error(err)
	} else {
		shell.Close()
	}
}

// FuzzEnvelope feeds anything to the endpoint, as an authenticated client would.
func FuzzEnvelope(f *testing.F) {
	for _, a := range []ask{
		{action: wsman.ActionCreate, body: newShell}, {action: wsman.ActionCommand, shell: "X", body: "<rsp:CommandLine><rsp:Command>x</rsp:Command></rsp:CommandLine>"},
		{action: wsman.ActionReceive, body: receive("x")}, {action: wsman.ActionSend, body: sendInput("x", "y", ` End="true"`)},
		{action: wsman.ActionSignal, body: signal("x", wsman.SignalCtrlC)}, {action: wsman.ActionEnumerate, resource: wsman.ResourceShell, body: "<n:Enumerate/>"},
		{action: wsman.ActionGet, resource: wsman.ResourceConfig}, {action: wsman.ActionDelete, shell: "x"},
	} {
		f.Add(a.envelope())
	}
	server, err := winrmd.New(winrmd.Options{Host: &recorder{}, User: "u", Password: "p", AllowUnencrypted: true, Limits: winrmd.Limits{MaxTimeoutms: 1}})
	if err != nil {
		f.Fatal(err)
	}
	handler := server.Handler()
	f.Fuzz(func(t *testing.T, body []byte) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://h/wsman", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.RemoteAddr = "192.0.2.1:1"
		req.SetBasicAuth("u", "p")
		w := &memory{header: make(http.Header)}
		handler.ServeHTTP(w, req)
		if len(body) == 0 || w.status == http.StatusRequestEntityTooLarge {
			return
		}
		env, err := wsman.ParseEnvelope(w.body.Bytes())
		if err != nil {
			t.Fatalf("HTTP %d with an answer that is not SOAP: %v\n%s", w.status, err, w.body.Bytes())
		}
		code, _, _ := faultOf(env)
		if (code != "") != (w.status == 500) {
			t.Errorf("HTTP %d with fault code %q", w.status, code)
		}
	})
}

// memory is a response writer.
type memory struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (m *memory) Header() http.Header         { return m.header }
func (m *memory) WriteHeader(status int)      { m.status = status }
func (m *memory) Write(p []byte) (int, error) { return m.body.Write(p) }
