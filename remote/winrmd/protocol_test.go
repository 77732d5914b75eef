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
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"wskharness/remote"
	"wskharness/remote/internal/wsman"
	"wskharness/remote/winrmd"
)

// ask is a request to be written.
type ask struct {
	action, resource string
	shell            string
	headers          string // more of them
	options          map[string]string
	body             string
}

func (a ask) envelope() []byte {
	if a.resource == "" {
		a.resource = wsman.ResourceCmd
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<s:Envelope xmlns:s="%s" xmlns:a="%s" xmlns:w="%s" xmlns:n="%s" xmlns:p="%s" xmlns:rsp="%s"><s:Header>`,
		wsman.NSEnvelope, wsman.NSAddressing, wsman.NSManagement, wsman.NSEnumeration, wsman.NSMicrosoft, wsman.NSShell)
	fmt.Fprintf(&b, `<a:Action s:mustUnderstand="true">%s</a:Action><a:MessageID>uuid:1</a:MessageID><a:To>http://h/wsman</a:To>`, a.action)
	fmt.Fprintf(&b, `<w:ResourceURI s:mustUnderstand="true">%s</w:ResourceURI>`, a.resource)
	if a.shell != "" {
		fmt.Fprintf(&b, `<w:SelectorSet><w:Selector Name="ShellId">%s</w:Selector></w:SelectorSet>`, a.shell)
	}
	if len(a.options) > 0 {
		b.WriteString("<w:OptionSet>")
		for name, value := range a.options {
			fmt.Fprintf(&b, `<w:Option Name="%s" MustComply="true">%s</w:Option>`, name, value)
		}
		b.WriteString("</w:OptionSet>")
	}
	fmt.Fprintf(&b, `%s</s:Header><s:Body>%s</s:Body></s:Envelope>`, a.headers, a.body)
	return []byte(b.String())
}

const newShell = "<rsp:Shell><rsp:InputStreams>stdin</rsp:InputStreams></rsp:Shell>"

// send asks, and gives the answer taken apart.
func (e endpoint) send(t testing.TB, a ask) (int, wsman.Envelope) {
	t.Helper()
	status, body := e.ask(t, a.envelope())
	env, err := wsman.ParseEnvelope(body)
	if err != nil {
		t.Fatalf("HTTP %d, %v\n%s", status, err, body)
	}
	return status, env
}

func faultOf(env wsman.Envelope) (code, subcode, value string) {
	f := env.Body.Child(wsman.NSEnvelope, "Fault")
	c := f.Child(wsman.NSEnvelope, "Code")
	return f.Child(wsman.NSEnvelope, "Detail").Child(wsman.NSFault, "WSManFault").Attr("", "Code"),
		c.Child(wsman.NSEnvelope, "Subcode").Child(wsman.NSEnvelope, "Value").Content(), c.Child(wsman.NSEnvelope, "Value").Content()
}

// open makes a shell, and gives its id.
func (e endpoint) open(t testing.TB) string {
	t.Helper()
	status, env := e.send(t, ask{action: wsman.ActionCreate, body: newShell})
	id := env.Body.Child(wsman.NSShell, "Shell").Child(wsman.NSShell, "ShellId").Content()
	if status != 200 || id == "" {
		t.Fatalf("Create: HTTP %d", status)
	}
	return id
}

// start starts a command, and gives its id.
func (e endpoint) start(t testing.TB, shell, line string, options map[string]string) string {
	t.Helper()
	escaped, err := wsman.Escape(line)
	if err != nil {
		t.Fatal(err)
	}
	status, env := e.send(t, ask{action: wsman.ActionCommand, shell: shell, options: options,
		body: "<rsp:CommandLine><rsp:Command>" + escaped + "</rsp:Command></rsp:CommandLine>"})
	id := env.Body.Child(wsman.NSShell, "CommandResponse").Child(wsman.NSShell, "CommandId").Content()
	if status != 200 || id == "" {
		code, _, _ := faultOf(env)
		t.Fatalf("Command: HTTP %d, fault %s", status, code)
	}
	return id
}

func receive(command string) string {
	return `<rsp:Receive><rsp:DesiredStream CommandId="` + command + `">stdout stderr</rsp:DesiredStream></rsp:Receive>`
}

func sendInput(command, data, more string) string {
	return `<rsp:Send><rsp:Stream Name="stdin" CommandId="` + command + `"` + more + `>` + base64.StdEncoding.EncodeToString([]byte(data)) + `</rsp:Stream></rsp:Send>`
}

func signal(command, code string) string {
	return `<rsp:Signal CommandId="` + command + `"><rsp:Code>` + code + `</rsp:Code></rsp:Signal>`
}

func TestFaults(t *testing.T) {
	e := serve(t, winrmd.Options{Limits: winrmd.Limits{MaxProcessesPerShell: 1, MaxTimeoutms: 50}})
	shell := e.open(t)
	running := e.start(t, shell, "cat", nil)
	nobody := "00000000-0000-0000-0000-000000000000"
	long := strings.Repeat("x", 5000)
	for _, test := range []struct {
		name                 string
		ask                  ask
		code, subcode, value string
	}{
		{"unknown header that must be understood", ask{action: wsman.ActionCreate, body: newShell, headers: `<x:New xmlns:x="u" s:mustUnderstand="true"/>`}, "2150858768", "", "s:MustUnderstand"},
		{"no action", ask{body: newShell}, "2150858769", "a:MessageInformationHeaderRequired", "s:Sender"},
		{"unknown action", ask{action: "urn:x", shell: shell}, "2150858753", "a:ActionNotSupported", "s:Sender"},
		{"unknown resource", ask{action: wsman.ActionCreate, resource: "urn:x"}, "2150858811", "a:DestinationUnreachable", "s:Sender"},
		{"time-out that is none", ask{action: wsman.ActionCreate, body: newShell, headers: "<w:OperationTimeout>soon</w:OperationTimeout>"}, "2150858767", "a:InvalidMessageInformationHeader", "s:Sender"},
		{"small envelope", ask{action: wsman.ActionCreate, body: newShell, headers: "<w:MaxEnvelopeSize>8191</w:MaxEnvelopeSize>"}, "2150858878", "w:EncodingLimit", "s:Sender"},
		{"unknown option", ask{action: wsman.ActionCreate, body: newShell, options: map[string]string{"X": "1"}}, "2150858834", "w:InvalidOptions", "s:Sender"},
		{"option without sense", ask{action: wsman.ActionCreate, body: newShell, options: map[string]string{"WINRS_NOPROFILE": "maybe"}}, "2150858835", "w:InvalidOptions", "s:Sender"},
		{"code page without sense", ask{action: wsman.ActionCreate, body: newShell, options: map[string]string{"WINRS_CODEPAGE": "-1"}}, "2150858835", "w:InvalidOptions", "s:Sender"},
		{"Create of nothing", ask{action: wsman.ActionCreate}, "2150858817", "w:SchemaValidationError", "s:Sender"},
		{"idle time-out without end", ask{action: wsman.ActionCreate, body: "<rsp:Shell><rsp:IdleTimeOut>P999D</rsp:IdleTimeOut></rsp:Shell>"}, "2150858817", "w:SchemaValidationError", "s:Sender"},
		{"long name", ask{action: wsman.ActionCreate, body: `<rsp:Shell Name="` + long + `"/>`}, "2150858817", "w:SchemaValidationError", "s:Sender"},
		{"variable without name", ask{action: wsman.ActionCreate, body: `<rsp:Shell><rsp:Environment><rsp:Variable>x</rsp:Variable></rsp:Environment></rsp:Shell>`}, "2150858817", "w:SchemaValidationError", "s:Sender"},
		{"no such shell", ask{action: wsman.ActionCommand, shell: nobody}, "2150858843", "w:InvalidSelectors", "s:Sender"},
		{"no shell named", ask{action: wsman.ActionCommand}, "2150858843", "w:InvalidSelectors", "s:Sender"},
		{"Delete of no such shell", ask{action: wsman.ActionDelete, shell: nobody}, "2150858843", "w:InvalidSelectors", "s:Sender"},
		{"another selector", ask{action: wsman.ActionCommand, headers: `<w:SelectorSet><w:Selector Name="X">1</w:Selector></w:SelectorSet>`}, "2150858843", "w:InvalidSelectors", "s:Sender"},
		{"Command of nothing", ask{action: wsman.ActionCommand, shell: shell}, "2150858817", "w:SchemaValidationError", "s:Sender"},
		{"one command too many", ask{action: wsman.ActionCommand, shell: shell, body: "<rsp:CommandLine><rsp:Command>true</rsp:Command></rsp:CommandLine>"}, "2150859241", "w:QuotaLimit", "s:Receiver"},
		{"nothing to receive", ask{action: wsman.ActionReceive, shell: shell, body: receive(running)}, "2150858793", "w:TimedOut", "s:Receiver"},
		{"Receive from no command", ask{action: wsman.ActionReceive, shell: shell, body: receive(nobody)}, "2150858843", "w:InvalidSelectors", "s:Sender"},
		{"Receive of nothing", ask{action: wsman.ActionReceive, shell: shell}, "2150858817", "w:SchemaValidationError", "s:Sender"},
		{"Receive of another stream", ask{action: wsman.ActionReceive, shell: shell, body: `<rsp:Receive><rsp:DesiredStream CommandId="` + running + `">pr</rsp:DesiredStream></rsp:Receive>`}, "2150858817", "w:SchemaValidationError", "s:Sender"},
		{"Send of nothing", ask{action: wsman.ActionSend, shell: shell, body: "<rsp:Send/>"}, "2150858817", "w:SchemaValidationError", "s:Sender"},
		{"Send to another stream", ask{action: wsman.ActionSend, shell: shell, body: strings.Replace(sendInput(running, "x", ""), "stdin", "pr", 1)}, "2150858817", "w:SchemaValidationError", "s:Sender"},
		{"Send of what is not base64", ask{action: wsman.ActionSend, shell: shell, body: strings.Replace(sendInput(running, "x", ""), "eA==", "!", 1)}, "2150858817", "w:SchemaValidationError", "s:Sender"},
		{"Signal that is none", ask{action: wsman.ActionSignal, shell: shell, body: signal(running, "urn:x")}, "2150858817", "w:SchemaValidationError", "s:Sender"},
		{"Signal to no command", ask{action: wsman.ActionSignal, shell: shell, body: signal(nobody, wsman.SignalTerminate)}, "2150858843", "w:InvalidSelectors", "s:Sender"},
		{"Pull of nothing", ask{action: wsman.ActionPull, resource: wsman.ResourceShell, body: "<n:Pull/>"}, "2150858817", "w:SchemaValidationError", "s:Sender"},
	} {
		t.Run(test.name, func(t *testing.T) {
			status, env := e.send(t, test.ask)
			code, subcode, value := faultOf(env)
			if status != 500 || code != test.code || subcode != test.subcode || value != test.value {
				t.Errorf("HTTP %d, code %s, %s, %s; want 500, %s, %s, %s", status, code, subcode, value, test.code, test.subcode, test.value)
			}
			want := wsman.ActionFault
			if strings.HasPrefix(test.subcode, "a:") {
				want = wsman.ActionAddressingFault
			}
			if env.Action() != want || env.RelatesTo() != "uuid:1" && test.name != "not SOAP" {
				t.Errorf("action %s, relates to %s", env.Action(), env.RelatesTo())
			}
		})
	}
}

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

func TestIdentify(t *testing.T) {
	e := serve(t, winrmd.Options{})
	envelope := `<s:Envelope xmlns:s="` + wsman.NSEnvelope + `" xmlns:i="` + wsman.NSIdentity + `"><s:Header/><s:Body><i:Identify/></s:Body></s:Envelope>`
	check := func(body []byte) {
		t.Helper()
		env, err := wsman.ParseEnvelope(body)
		if err != nil {
			t.Fatalf("%v\n%s", err, body)
		}
		if v := env.Body.Child(wsman.NSIdentity, "IdentifyResponse").Child(wsman.NSIdentity, "ProtocolVersion").Content(); v != wsman.NSManagement {
			t.Errorf("protocol version %q", v)
		}
	}
	_, body := e.ask(t, []byte(envelope))
	check(body)
	post := func(body string) []byte {
		resp, err := http.Post("http://"+e.plain+"/wsman-anon/identify", "application/soap+xml", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	check(post(envelope))
	env, err := wsman.ParseEnvelope(post(string(ask{action: wsman.ActionCreate, body: newShell}.envelope())))
	if err != nil {
		t.Fatal(err)
	}
	if code, _, _ := faultOf(env); code != "2150858753" {
		t.Errorf("anonymous Create: code %q", code)
	}
}

func TestEnumerateInPieces(t *testing.T) {
	e := serve(t, winrmd.Options{})
	var want, got []string
	for range 5 {
		want = append(want, e.open(t))
	}
	ids := func(items *wsman.Element) {
		for _, s := range items.All(wsman.NSShell, "Shell") {
			got = append(got, s.Child(wsman.NSShell, "ShellId").Content())
		}
	}
	_, env := e.send(t, ask{action: wsman.ActionEnumerate, resource: wsman.ResourceShell, body: "<n:Enumerate><w:OptimizeEnumeration/><w:MaxElements>2</w:MaxElements></n:Enumerate>"})
	list := env.Body.Child(wsman.NSEnumeration, "EnumerateResponse")
	ids(list.Child(wsman.NSManagement, "Items"))
	for range 10 {
		where := list.Child(wsman.NSEnumeration, "EnumerationContext").Content()
		if where == "" {
			break
		}
		_, env = e.send(t, ask{action: wsman.ActionPull, resource: wsman.ResourceShell, body: "<n:Pull><n:EnumerationContext>" + where + "</n:EnumerationContext><n:MaxElements>2</n:MaxElements></n:Pull>"})
		list = env.Body.Child(wsman.NSEnumeration, "PullResponse")
		ids(list.Child(wsman.NSEnumeration, "Items"))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("-made +listed:\n" + diff)
	}
	if list.Child(wsman.NSEnumeration, "EndOfSequence") == nil {
		t.Error("the enumeration does not end")
	}
}

// recorder is a host that only notes what it is asked for.
type recorder struct {
	mu   sync.Mutex
	spec winrmd.Spec
}

func (r *recorder) Start(ctx context.Context, spec winrmd.Spec) (winrmd.Process, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.spec = spec
	return nil, &winrmd.Error{Win32: 267, Message: "no"}
}

func TestSpec(t *testing.T) {
	host := &recorder{}
	e := serve(t, winrmd.Options{Host: host, ComSpec: `D:\cmd.exe`})
	_, env := e.send(t, ask{action: wsman.ActionCreate, options: map[string]string{"WINRS_NOPROFILE": "TRUE", "WINRS_CODEPAGE": "65001"},
		body: `<rsp:Shell Name="n"><rsp:Environment><rsp:Variable Name="A"> b </rsp:Variable></rsp:Environment><rsp:WorkingDirectory>C:\x</rsp:WorkingDirectory></rsp:Shell>`})
	shell := env.Body.Child(wsman.NSShell, "Shell").Child(wsman.NSShell, "ShellId").Content()
	for _, test := range []struct {
		name    string
		options map[string]string
		body    string
		want    winrmd.Spec
	}{
		{"through cmd", nil, `<rsp:Command>sc query "a b"</rsp:Command>`,
			winrmd.Spec{Line: `D:\cmd.exe /C "sc query "a b""`, Command: `sc query "a b"`, Program: `sc query "a b"`}},
		{"with arguments", map[string]string{"WINRS_SKIP_CMD_SHELL": "FALSE"}, `<rsp:Command>sc</rsp:Command><rsp:Arguments>query</rsp:Arguments><rsp:Arguments>"a b"</rsp:Arguments>`,
			winrmd.Spec{Line: `D:\cmd.exe /C "sc query "a b""`, Command: `sc query "a b"`, Program: "sc"}},
		{"without cmd, from a console", map[string]string{"WINRS_SKIP_CMD_SHELL": "True", "WINRS_CONSOLEMODE_STDIN": "TRUE"}, `<rsp:Command>C:\a.exe</rsp:Command><rsp:Arguments> x</rsp:Arguments>`,
			winrmd.Spec{Line: `C:\a.exe  x`, Command: `C:\a.exe  x`, Program: `C:\a.exe`, SkipShell: true, ConsoleStdin: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, env := e.send(t, ask{action: wsman.ActionCommand, shell: shell, options: test.options, body: "<rsp:CommandLine>" + test.body + "</rsp:CommandLine>"})
			if code, subcode, _ := faultOf(env); code != "2147942667" || subcode != "w:InternalError" {
				t.Errorf("the host's error became %s %s", code, subcode)
			}
			got := host.spec
			if got.ShellID != shell || got.CommandID == "" {
				t.Errorf("ids %q, %q", got.ShellID, got.CommandID)
			}
			got.ShellID, got.CommandID = "", ""
			test.want.Dir, test.want.Env, test.want.Codepage, test.want.NoProfile = `C:\x`, map[string]string{"A": " b "}, 65001, true
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error("-want +got:\n" + diff)
			}
		})
	}
}

func TestStreamsOneByOne(t *testing.T) {
	e := serve(t, winrmd.Options{})
	shell := e.open(t)
	command := e.start(t, shell, "echo out; echo err >&2; exit 2", nil)
	want := func(streams string) (string, string) {
		var data strings.Builder
		for range 10 {
			_, env := e.send(t, ask{action: wsman.ActionReceive, shell: shell,
				body: `<rsp:Receive><rsp:DesiredStream CommandId="` + command + `">` + streams + `</rsp:DesiredStream></rsp:Receive>`})
			body := env.Body.Child(wsman.NSShell, "ReceiveResponse")
			for _, s := range body.All(wsman.NSShell, "Stream") {
				piece, err := base64.StdEncoding.DecodeString(s.Content())
				if err != nil {
					t.Fatal(err)
				}
				data.WriteString(s.Attr("", "Name") + ":" + string(piece) + s.Attr("", "End"))
			}
			if exit := body.Child(wsman.NSShell, "CommandState").Child(wsman.NSShell, "ExitCode").Content(); exit != "" {
				return data.String(), exit
			}
		}
		t.Fatalf("%s does not end", streams)
		return "", ""
	}
	for _, stream := range []string{"stderr", "stdout"} {
		if data, exit := want(stream); data != stream+":"+stream[3:]+"\n"+stream+":true" || exit != "2" {
			t.Errorf("%s alone: %q, exit code %q", stream, data, exit)
		}
	}
	// Once all was given, only a signal is expected.
	_, env := e.send(t, ask{action: wsman.ActionReceive, shell: shell, body: receive(command)})
	if code, _, _ := faultOf(env); code != "2150858843" {
		t.Errorf("Receive after the end: code %s", code)
	}
	_, env = e.send(t, ask{action: wsman.ActionSend, shell: shell, body: sendInput(command, "x", "")})
	if code, _, _ := faultOf(env); code != "2150858843" {
		t.Errorf("Send after the end: code %s", code)
	}
	if status, _ := e.send(t, ask{action: wsman.ActionSignal, shell: shell, body: signal(command, wsman.SignalCtrlC)}); status != 200 {
		t.Errorf("Signal after the end: HTTP %d", status)
	}
	_, env = e.send(t, ask{action: wsman.ActionSignal, shell: shell, body: signal(command, wsman.SignalTerminate)})
	if code, _, _ := faultOf(env); code != "2150858843" {
		t.Errorf("Signal to a released command: code %s", code)
	}
}

func TestInputIsBounded(t *testing.T) {
	e := serve(t, winrmd.Options{Limits: winrmd.Limits{MaxTimeoutms: 50}})
	shell := e.open(t)
	command := e.start(t, shell, "sleep 60", nil)
	data := strings.Repeat("x", 300<<10)
	for range 20 {
		_, env := e.send(t, ask{action: wsman.ActionSend, shell: shell, body: sendInput(command, data, "")})
		if code, _, _ := faultOf(env); code != "" {
			if code != "1460" {
				t.Errorf("code %s, want 1460", code)
			}
			return
		}
	}
	t.Error("6 MB were taken for a command that reads nothing")
}

// still is a clock that only moves when it is told to.
type still struct {
	mu     sync.Mutex
	now    time.Time
	timers map[*stillTimer]struct{}
}

type stillTimer struct {
	at time.Time
	f  func()
}

func (c *still) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *still) AfterFunc(d time.Duration, f func()) func() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	timer := &stillTimer{c.now.Add(d), f}
	c.timers[timer] = struct{}{}
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		_, there := c.timers[timer]
		delete(c.timers, timer)
		return there
	}
}

func (c *still) advance(d time.Duration) {
	c.mu.Lock()
	c.now = c.now.Add(d)
	var due []func()
	for timer := range c.timers {
		if !timer.at.After(c.now) {
			due = append(due, timer.f)
			delete(c.timers, timer)
		}
	}
	c.mu.Unlock()
	for _, f := range due {
		f()
	}
}

func TestIdleShellsEnd(t *testing.T) {
	clock := &still{now: time.Unix(1e9, 0), timers: make(map[*stillTimer]struct{})}
	e := serve(t, winrmd.Options{Clock: clock, Limits: winrmd.Limits{IdleTimeout: time.Hour}})
	count := func() int {
		_, env := e.send(t, ask{action: wsman.ActionEnumerate, resource: wsman.ResourceShell, body: "<n:Enumerate><w:OptimizeEnumeration/></n:Enumerate>"})
		return len(env.Body.Child(wsman.NSEnumeration, "EnumerateResponse").Child(wsman.NSManagement, "Items").All(wsman.NSShell, "Shell"))
	}
	used := e.open(t)
	e.open(t)
	_, env := e.send(t, ask{action: wsman.ActionCreate, body: "<rsp:Shell><rsp:IdleTimeOut>PT7200S</rsp:IdleTimeOut></rsp:Shell>"})
	if got := env.Body.Child(wsman.NSShell, "Shell").Child(wsman.NSShell, "IdleTimeOut").Content(); got != "PT7200.000S" {
		t.Errorf("the longer idle time-out became %q", got)
	}
	clock.advance(59 * time.Minute)
	e.start(t, used, "true", nil)
	if n := count(); n != 3 {
		t.Fatalf("%d shells before any is idle for long", n)
	}
	clock.advance(time.Minute)
	if n := count(); n != 2 {
		t.Errorf("%d shells, want the used one and the one with the longer time-out", n)
	}
	clock.advance(time.Hour)
	if n := count(); n != 0 {
		t.Errorf("%d shells, want none", n)
	}
}

func TestReset(t *testing.T) {
	e := serve(t, winrmd.Options{})
	shell := e.open(t)
	conn, err := net.Dial("tcp", e.plain)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST /wsman HTTP/1.1\r\n"); err != nil { // so that it was accepted
		t.Fatal(err)
	}
	accepted(t, conn)
	e.Reset()
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("an open connection: %v, want a reset", err)
	}
	again, err := net.Dial("tcp", e.plain)
	if err == nil {
		_, err = again.Read(make([]byte, 1))
		again.Close()
	}
	if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.EOF) {
		t.Errorf("a new connection: %v, want a reset", err)
	}
	e.Resume()
	_, env := e.send(t, ask{action: wsman.ActionCommand, shell: shell})
	if code, _, _ := faultOf(env); code != "2150858843" {
		t.Errorf("a shell of before: code %s", code)
	}
	e.open(t)
}

// accepted waits until the server has the connection: it answers what is no HTTP.
func accepted(t *testing.T, conn net.Conn) {
	t.Helper()
	if _, err := io.WriteString(conn, "Host: h\r\nContent-Length: 1\r\n\r\nx"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 4096)); err != nil {
		t.Fatal(err)
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
		conn.SetReadDeadline(time.Now().Add(5 * time.Second))
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

func TestOptionsAreChecked(t *testing.T) {
	for name, opts := range map[string]winrmd.Options{
		"no host":        {User: "u", Password: "p"},
		"no user":        {Host: winrmd.LocalHost{}, Password: "p"},
		"no password":    {Host: winrmd.LocalHost{}, User: "u"},
		"negative limit": {Host: winrmd.LocalHost{}, User: "u", Password: "p", Limits: winrmd.Limits{MaxShellsPerUser: -1}},
		"idle time-outs": {Host: winrmd.LocalHost{}, User: "u", Password: "p", Limits: winrmd.Limits{IdleTimeout: 48 * time.Hour}},
	} {
		if _, err := winrmd.New(opts); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestShutdownKills(t *testing.T) {
	cert, err := winrmd.NewCertificate("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	server, err := winrmd.New(winrmd.Options{Host: winrmd.LocalHost{}, User: testUser, Password: testPassword, Certificate: cert.TLS})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	e := endpoint{Server: server, cert: cert, secure: l.Addr().String()}
	client, err := remote.New(e.client(), remote.Options{CleanupTimeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	shell, err := client.Shell(t.Context(), remote.ShellOptions{})
	if err != nil {
		t.Fatal(err)
	}
	// A child that leaves its process group must not keep the endpoint from shutting down.
	command, err := shell.Start(t.Context(), remote.CommandLine{Line: "setsid sleep 5 & echo $$; sleep 60"})
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscan(command.Stdout, &pid); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	start := time.Now()
	if err := server.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if d := time.Since(start); d > 3*time.Second {
		t.Errorf("took %s", d)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process %d is still there: %v", pid, err)
	}
	if err := server.Serve(l); err == nil {
		t.Error("serves after Shutdown")
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
