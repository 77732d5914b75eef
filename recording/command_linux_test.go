package recording

import (
	"bytes"
	"encoding/base64"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"wskharness/disk"
	"wskharness/remote"
	"wskharness/remote/winrmd"
	"wskharness/remote/winrmd/winrmdtest"
	"wskharness/testtime"
)

// serve gives a WinRM endpoint in front of this machine.
func serve(t *testing.T, auth remote.Auth) remote.Endpoint {
	t.Helper()
	cert, err := winrmd.NewCertificate("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	server, err := winrmd.New(winrmd.Options{Host: winrmdtest.LocalHost{}, User: "tester", Password: "secret", Certificate: cert.TLS})
	if err != nil {
		t.Fatal(err)
	}
	return remote.Endpoint{
		URL: "https://" + winrmdtest.Serve(t, server) + "/wsman", User: "tester", Password: "secret", Auth: auth, PinSHA256: cert.SHA256,
	}
}

// TestRecordingOfACommand records what a real client says to a real endpoint, and looks for the password that the command
// was given, has written, and was asked for by name.
func TestRecordingOfACommand(t *testing.T) {
	const secret = "t0p-secret-77"
	for _, auth := range []remote.Auth{remote.AuthBasic, remote.AuthNTLM} {
		dir := t.TempDir()
		r := Start(disk.OS(), dir, remote.NewRedactor(secret), never(t))
		endpoint := serve(t, auth)
		client, err := remote.New(endpoint, remote.Options{Record: r.Client()})
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		code, err := remote.Exec(testtime.Context(t), client, remote.CommandLine{Line: "cat; echo " + secret + " | base64; exit 3"}, remote.ShellOptions{},
			strings.NewReader("given: "+secret+"\n"), &out, io.Discard)
		if err != nil || code != 3 || !strings.Contains(out.String(), "given: "+secret) {
			t.Fatalf("%d, %v: %s", code, err, out.String())
		}
		if err := client.Close(); err != nil {
			t.Error(err)
		}
		r.Close()
		lines := read(t, filepath.Join(dir, FileName))
		var actions []string
		for _, l := range lines {
			actions = append(actions, l.Action)
			if l.Client != 1 || l.Connection < 1 || l.Status != 200 || l.Method != "POST" || l.Took <= 0 || !strings.Contains(l.Answer, "Envelope") || l.Note != "" {
				t.Errorf("%s: %+v", auth, l)
			}
			for _, text := range []string{l.Request, l.Answer} {
				begin, end, tag := nextStream(text)
				data, _ := base64.StdEncoding.DecodeString(text[begin:end])
				if strings.Contains(text+string(data), secret) || strings.Contains(string(data), base64.StdEncoding.EncodeToString([]byte(secret))[:14]) {
					t.Errorf("%s: %s has the secret: %s %s", auth, l.Action, tag, data)
				}
			}
		}
		for _, want := range []string{"Create", "Command", "Send", "Receive", "Delete"} {
			if !slices.Contains(actions, want) {
				t.Errorf("%s: no %s was recorded: %v", auth, want, actions)
			}
		}
	}
}
