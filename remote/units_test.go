package remote

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"wskharness/remote/internal/wsman"
)

func TestSecretDoesNotShow(t *testing.T) {
	const password = "correct horse"
	ep := Endpoint{URL: "https://h/wsman", Password: password}
	data, err := json.Marshal(ep)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		fmt.Sprint(ep), fmt.Sprintf("%v %+v %#v", ep, ep, ep), fmt.Sprintf("%s %q %x %d %10s", ep.Password, ep.Password, ep.Password, ep.Password, ep.Password),
		string(data), ep.Password.String(), ep.Password.GoString(),
	} {
		if strings.Contains(text, "horse") || strings.Contains(text, fmt.Sprintf("%x", password)) || !strings.Contains(text, redacted) {
			t.Errorf("not redacted: %s", text)
		}
	}
	if ep.Password.Reveal() != password {
		t.Error("Reveal does not")
	}
}

func TestValidate(t *testing.T) {
	good := Endpoint{URL: "https://host:5986/wsman", User: `HOST\u`, Password: "p", Auth: AuthBasic}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		change func(*Endpoint)
		want   []string // parts of the message, for each mistake one
	}{
		{"everything", func(e *Endpoint) { *e = Endpoint{} }, []string{"url: missing", "user: missing", `auth ""`}},
		{"no URL", func(e *Endpoint) { e.URL = "::" }, []string{"endpoint url"}},
		{"scheme", func(e *Endpoint) { e.URL = "ftp://h/wsman" }, []string{`"ftp"`}},
		{"no host", func(e *Endpoint) { e.URL = "https:///wsman" }, []string{"no host"}},
		{"password in the URL", func(e *Endpoint) { e.URL = "https://u:secret@h/wsman" }, []string{"fields of their own"}},
		{"password in a bad URL", func(e *Endpoint) { e.URL = "https://u:secret@h:port/wsman" }, []string{"endpoint url"}},
		{"colon", func(e *Endpoint) { e.User = "a:b" }, []string{"colon"}},
		{"line break", func(e *Endpoint) { e.Password = "a\nb" }, []string{"line break"}},
		{"plain", func(e *Endpoint) { e.URL = "http://h/wsman" }, []string{"AllowPlain"}},
		{"pin", func(e *Endpoint) { e.PinSHA256 = "abc" }, []string{"64 hexadecimal digits"}},
		{"pin and plain", func(e *Endpoint) {
			e.URL, e.AllowPlain, e.PinSHA256 = "http://h/wsman", true, strings.Repeat("0", 64)
		}, []string{"http has none"}},
		{"authorities and plain", func(e *Endpoint) {
			e.URL, e.Auth, e.RootCAs = "http://h/wsman", AuthNTLM, x509.NewCertPool()
		}, []string{"http has none"}},
		{"kerberos", func(e *Endpoint) { e.Auth = "kerberos" }, []string{"cannot seal"}},
		{"certificate missing", func(e *Endpoint) { e.Auth = AuthCertificate }, []string{"no ClientCertificate"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := good
			test.change(&e)
			err := e.Validate()
			if err == nil {
				t.Fatal("accepted")
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the message shows the password: %v", err)
			}
			if got := strings.Count(err.Error(), "\n") + 1; got != len(test.want) {
				t.Errorf("%d mistakes, want %d: %v", got, len(test.want), err)
			}
			for _, part := range test.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%v\nlacks %q", err, part)
				}
			}
			if _, err := New(e, Options{}); err == nil {
				t.Error("New accepted it")
			}
		})
	}
}

func TestQuoteArg(t *testing.T) {
	for arg, want := range map[string]string{
		``: `""`, `a`: `a`, `a b`: `"a b"`, `a"b`: `"a\"b"`, `a\`: `a\`, `a b\`: `"a b\\"`, `a\"b`: `"a\\\"b"`,
		`C:\x\y`: `C:\x\y`, `a\\b c`: `"a\\b c"`, `a&b`: `"a&b"`, "\t": "\"\t\"", `50%`: `"50%"`,
	} {
		if got := QuoteArg(arg); got != want {
			t.Errorf("QuoteArg(%q) = %s, want %s", arg, got, want)
		}
	}
}

// FuzzQuoteArg splits what was quoted by the documented rules.
func FuzzQuoteArg(f *testing.F) {
	for _, seed := range []string{``, `a b`, `\"`, `a\\" "`, `\\\`} {
		f.Add(seed, "x")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if strings.ContainsRune(a+b, 0) {
			return
		}
		line := QuoteArg(a) + " " + QuoteArg(b)
		if diff := cmp.Diff([]string{a, b}, splitCommandLine(line)); diff != "" {
			t.Errorf("%s\n%s", line, diff)
		}
	})
}

// splitCommandLine splits as CommandLineToArgvW does after the program's name.
func splitCommandLine(line string) []string {
	var args []string
	var arg strings.Builder
	inside, begun := false, false
	for i := 0; i < len(line); {
		slashes := 0
		for i < len(line) && line[i] == '\\' {
			slashes, i = slashes+1, i+1
		}
		quote := i < len(line) && line[i] == '"'
		if slashes > 0 {
			begun = true
		}
		if quote {
			arg.WriteString(strings.Repeat(`\`, slashes/2))
			begun = true
			if slashes%2 == 1 {
				arg.WriteByte('"')
			} else {
				inside = !inside
			}
			i++
			continue
		}
		arg.WriteString(strings.Repeat(`\`, slashes))
		if i >= len(line) {
			break
		}
		if !inside && (line[i] == ' ' || line[i] == '\t') {
			if begun {
				args = append(args, arg.String())
			}
			arg.Reset()
			begun = false
		} else {
			arg.WriteByte(line[i])
			begun = true
		}
		i++
	}
	if begun {
		args = append(args, arg.String())
	}
	return args
}

func TestExitCode(t *testing.T) {
	for text, want := range map[string]uint32{"0": 0, "1": 1, "3221225477": 0xC0000005, "-1073741819": 0xC0000005, "4294967295": 0xFFFFFFFF} {
		if got, err := exitCode(text); got != want || err != nil {
			t.Errorf("%s: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "x", "4294967296", "1.5", "-2147483649"} {
		if got, err := exitCode(text); err == nil {
			t.Errorf("%q passed for %d", text, got)
		}
	}
}

func TestClassification(t *testing.T) {
	is := func(err error) string {
		var names []string
		for _, c := range []struct {
			name string
			is   func(error) bool
		}{{"timeout", isTimeout}, {"gone", IsGone}, {"quota", IsQuota}, {"envelope", isEnvelopeLimit}, {"pipe", isBrokenPipe}} {
			if c.is(err) {
				names = append(names, c.name)
			}
		}
		return strings.Join(names, " ")
	}
	for _, test := range []struct {
		fault Fault
		want  string
	}{
		{Fault{Code: 2150858793}, "timeout"},
		{Fault{Code: 2150858843}, "gone"}, {Fault{Code: 2147943418}, "gone"}, {Fault{Code: 995}, "gone"}, {Fault{Code: 2147943395}, "gone"},
		{Fault{Code: 2150859173}, "quota"}, {Fault{Code: 2150859174}, "quota"}, {Fault{Code: 2150859175}, "quota"}, {Fault{Code: 2150859176}, "quota"},
		{Fault{Code: 2150859179}, "quota"}, {Fault{Code: 2150859241}, "quota"},
		{Fault{Code: 2150858823}, "envelope"}, {Fault{Code: 2150858824}, "envelope"}, {Fault{HTTPStatus: 413}, "envelope"},
		{Fault{Code: 109}, "pipe"}, {Fault{Code: 2147942509}, "pipe"},
		{Fault{Code: 5}, ""}, {Fault{Code: 2147942405}, ""}, {Fault{HTTPStatus: 401}, ""},
		{Fault{Code: 2}, ""}, {Fault{HTTPStatus: 500}, ""},
	} {
		wrapped := fmt.Errorf("create shell: %w", &test.fault)
		if got := is(wrapped); got != test.want {
			t.Errorf("%+v is %q, want %q", test.fault, got, test.want)
		}
	}
	if got := is(errors.New("something else")); got != "" {
		t.Errorf("another error is %q, want %q", got, "")
	}
}

func TestHostileText(t *testing.T) {
	if got := oneLine("a\x1b[2J\n\tb" + strings.Repeat("x", 5000)); len(got) > maxReason+8 || strings.ContainsAny(got, "\x1b\n\t") {
		t.Errorf("got %q, want one line of at most %d bytes, without control characters", got, maxReason+8)
	}
}

// FuzzAnswers feeds anything to everything that reads a server's answer.
func FuzzAnswers(f *testing.F) {
	envelope := func(body string) string {
		return `<s:Envelope xmlns:s="` + wsman.NSEnvelope + `" xmlns:a="` + wsman.NSAddressing + `" xmlns:rsp="` + wsman.NSShell + `"><s:Header><a:Action>` +
			wsman.ActionReceive + `Response</a:Action><a:RelatesTo>uuid:1</a:RelatesTo></s:Header><s:Body>` + body + `</s:Body></s:Envelope>`
	}
	f.Add(200, envelope(`<rsp:ReceiveResponse><rsp:Stream Name="stdout" CommandId="c">aGk=</rsp:Stream><rsp:CommandState State="`+wsman.StateDone+`"><rsp:ExitCode>0</rsp:ExitCode></rsp:CommandState></rsp:ReceiveResponse>`))
	f.Add(500, envelope(`<s:Fault><s:Code><s:Value>s:Sender</s:Value></s:Code><s:Detail><f:WSManFault xmlns:f="`+wsman.NSFault+`" Code="1"><f:Message><f:ProviderFault provider="p">x</f:ProviderFault></f:Message></f:WSManFault></s:Detail></s:Fault>`))
	f.Add(401, "")
	client, err := New(Endpoint{URL: "https://h/wsman", User: "u", Password: "p", Auth: AuthBasic}, Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		for _, soap := range []bool{true, false} {
			env, err := client.open(opReceive(), message{id: "uuid:1"}, answer{status: status, isSOAP: soap, body: []byte(body)})
			if err != nil {
				fault, isFault := errors.AsType[*Fault](err)
				_, isConn := errors.AsType[*ConnError](err)
				if !isFault && !isConn {
					t.Errorf("%v is neither a Fault nor a ConnError", err)
				}
				if strings.ContainsAny(err.Error(), "\n\x1b") {
					t.Errorf("a message of more than one line: %q", err)
				}
				_ = fault
				continue
			}
			if status != 200 {
				t.Errorf("HTTP %d passed for a success", status)
			}
			if r, err := receivedOutput(env, "c"); err == nil && r.done && !strings.Contains(body, "ExitCode") {
				t.Errorf("done without an exit code: %+v", r)
			}
			createdShell(env)
			startedCommand(env)
			shellsIn(env.Body)
		}
	})
}

// Where a certificate logs on, no TLS is offered in which http.sys would ask for it in a way that this client does not have.
func TestTLSWithClientCertificate(t *testing.T) {
	for auth, want := range map[Auth]uint16{AuthCertificate: tls.VersionTLS12, AuthBasic: 0, AuthNTLM: 0} {
		config := TLSConfig(Endpoint{Auth: auth, ClientCertificate: &tls.Certificate{}})
		if config.MaxVersion != want || config.MinVersion != tls.VersionTLS12 || (config.Renegotiation == tls.RenegotiateOnceAsClient) != (want != 0) {
			t.Errorf("%s: got TLS up to 0x%x from 0x%x, renegotiation %d; want up to 0x%x", auth, config.MaxVersion, config.MinVersion, config.Renegotiation, want)
		}
	}
}
