//go:build linux

package winrmd_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"wskharness/remote/internal/wsman"
	"wskharness/remote/winrmd"
	"wskharness/remote/winrmd/winrmdtest"
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
			t.Errorf("protocol version %q, want %v", v, wsman.NSManagement)
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
		t.Errorf("anonymous Create: code %q, want %q", code, "2150858753")
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
		t.Errorf("Receive after the end: code %s, want %q", code, "2150858843")
	}
	_, env = e.send(t, ask{action: wsman.ActionSend, shell: shell, body: sendInput(command, "x", "")})
	if code, _, _ := faultOf(env); code != "2150858843" {
		t.Errorf("Send after the end: code %s, want %q", code, "2150858843")
	}
	if status, _ := e.send(t, ask{action: wsman.ActionSignal, shell: shell, body: signal(command, wsman.SignalCtrlC)}); status != 200 {
		t.Errorf("Signal after the end: HTTP %d, want 200", status)
	}
	_, env = e.send(t, ask{action: wsman.ActionSignal, shell: shell, body: signal(command, wsman.SignalTerminate)})
	if code, _, _ := faultOf(env); code != "2150858843" {
		t.Errorf("Signal to a released command: code %s, want %q", code, "2150858843")
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

func TestOptionsAreChecked(t *testing.T) {
	for name, opts := range map[string]winrmd.Options{
		"no host":        {User: "u", Password: "p"},
		"no user":        {Host: winrmdtest.LocalHost{}, Password: "p"},
		"no password":    {Host: winrmdtest.LocalHost{}, User: "u"},
		"negative limit": {Host: winrmdtest.LocalHost{}, User: "u", Password: "p", Limits: winrmd.Limits{MaxShellsPerUser: -1}},
		"idle time-outs": {Host: winrmdtest.LocalHost{}, User: "u", Password: "p", Limits: winrmd.Limits{IdleTimeout: 48 * time.Hour}},
	} {
		if _, err := winrmd.New(opts); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
