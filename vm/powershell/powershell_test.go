package powershell_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"wskharness/remote"
	"wskharness/remote/winrmd"
	"wskharness/remote/winrmd/winrmdtest"
	"wskharness/vm/powershell"
	"wskharness/vm/powershell/powershelltest"
)

// serve is PowerShell behind a real endpoint.
func serve(t testing.TB, answer powershelltest.Func) powershell.Host {
	t.Helper()
	certificate, err := winrmd.NewCertificate("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	server, err := winrmd.New(winrmd.Options{
		Host: powershelltest.Host{Answer: answer}, User: "tester", Password: "secret", Certificate: certificate.TLS,
	})
	if err != nil {
		t.Fatal(err)
	}
	client, err := remote.New(remote.Endpoint{URL: "https://" + winrmdtest.Serve(t, server) + "/wsman", User: "tester",
		Password: "secret", Auth: remote.AuthBasic, PinSHA256: certificate.SHA256}, remote.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return powershell.Remote(client, "hv1")
}

// What a script gets, and what it answers, are the same at both ends: quotes, signs of cmd.exe and of PowerShell, line breaks and
// characters of any language are data.
func TestScriptParametersAndAnswerArriveAsTheyAre(t *testing.T) {
	type talk struct{ Text string }
	nasty := "it's \"50%\" & $(calc) `n ü 漢 \U0001F600\r\n<end/>"
	script := powershell.Script{Name: "echo", Text: "param($p)\n@{ text = $p.Text } # ü ' \" %PATH%"}
	host := serve(t, func(_ context.Context, c powershelltest.Call) (any, error) {
		if c.Script != script.Text {
			t.Errorf("got script %q, want %q", c.Script, script.Text)
		}
		return c.Parameters, nil
	})
	var got talk
	if err := powershell.Run(t.Context(), host, script, talk{nasty}, &got); err != nil || got.Text != nasty {
		t.Errorf("got %q, %v; want %q", got.Text, err, nasty)
	}
	if err := powershell.Run(t.Context(), host, script, talk{strings.Repeat("x", 300_000)}, &got); err != nil || len(got.Text) != 300_000 {
		t.Errorf("got %d bytes, %v; want 300000", len(got.Text), err)
	}
	if err := powershell.Run(t.Context(), host, script, nil, nil); err != nil {
		t.Errorf("without parameters and answer: %v", err)
	}
	if err := powershell.Run(t.Context(), host, script, func() {}, nil); err == nil {
		t.Error("parameters that are no JSON were taken")
	}
}

// An error is told apart by what is the same in every language.
func TestErrorsAreTyped(t *testing.T) {
	sent := &powershell.Error{
		ID: "OutOfMemory,Microsoft.HyperV.PowerShell.Commands.StartVM", Category: 25, Activity: "Start-VM", Line: 12,
		Exceptions: []powershell.Exception{
			{Type: "Microsoft.HyperV.PowerShell.VirtualizationException", HResult: -2146233088,
				Message: "„win11“ konnte nicht gestartet werden.\r\nNicht genügend Speicher. (0x8007000E).\x1b[31m"},
			{Type: "System.Exception", HResult: -2147024882, Message: strings.Repeat("x", 5000)},
		},
	}
	host := serve(t, func(context.Context, powershelltest.Call) (any, error) { return nil, sent })
	err := powershell.Run(t.Context(), host, powershell.Script{Name: "start win11"}, nil, nil)
	got, ok := errors.AsType[*powershell.Error](err)
	if !ok {
		t.Fatalf("got %v, want a *powershell.Error", err)
	}
	const message = "„win11“ konnte nicht gestartet werden. Nicht genügend Speicher. (0x8007000E).[31m"
	want := "start win11 on hv1: " + message + " (OutOfMemory,Microsoft.HyperV.PowerShell.Commands.StartVM)"
	if got.Error() != want || got.Word() != "OutOfMemory" || got.Message() != message || got.Line != 12 || got.Activity != "Start-VM" {
		t.Errorf("got %q, want %q", got.Error(), want)
	}
	if !got.Has(0x8007000E) || !got.Win32(14) || got.Has(0x80070005) || !got.Has(0x80131500) {
		t.Errorf("the numbers of %+v", got.Exceptions)
	}
	if n := len(got.Exceptions[1].Message); n > 2100 {
		t.Errorf("a message of %d bytes was kept", n)
	}
}

// What is no answer is told as such, with what was printed instead.
func TestNoAnswer(t *testing.T) {
	for name, test := range map[string]struct {
		output powershell.Output
		want   string
	}{
		"nothing":  {powershell.Output{}, "there is no answer in what it printed"},
		"exits":    {powershell.Output{ExitCode: 3, Stdout: []byte("bye")}, "exit code 3, and there is no answer in what it printed: bye"},
		"no shell": {powershell.Output{ExitCode: 9009, Stderr: []byte("'powershell.exe' is not recognized")}, "is powershell.exe in the PATH there?"},
		"an error": {powershell.Output{ExitCode: 1, Stderr: []byte(powershelltest.CLIXML("At line:1 char:3", "Access <denied> & more"))},
			"exit code 1, and there is no answer in what it printed: At line:1 char:3 Access <denied> & more"},
		"constrained": {powershell.Output{ExitCode: 1, Stderr: []byte(powershelltest.CLIXML("FullyQualifiedErrorId : MethodInvocationNotSupportedInConstra", "inedLanguage"))},
			"log on with one that it does not bind"},
	} {
		t.Run(name, func(t *testing.T) {
			host := serve(t, func(context.Context, powershelltest.Call) (any, error) {
				return nil, &powershelltest.Instead{Output: test.output}
			})
			err := powershell.Run(t.Context(), host, powershell.Script{Name: "look"}, nil, nil)
			if got, ok := errors.AsType[*powershell.NoAnswerError](err); !ok || !strings.Contains(err.Error(), test.want) || got.ExitCode != test.output.ExitCode {
				t.Errorf("got %v, want a NoAnswerError with %q", err, test.want)
			}
		})
	}
	t.Run("of another kind", func(t *testing.T) {
		host := serve(t, func(context.Context, powershelltest.Call) (any, error) { return "a text", nil })
		var answer struct{ State int }
		err := powershell.Run(t.Context(), host, powershell.Script{Name: "look"}, nil, &answer)
		if err == nil || !strings.Contains(err.Error(), "the answer is another than was asked for") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("null", func(t *testing.T) {
		host := serve(t, func(context.Context, powershelltest.Call) (any, error) { return nil, nil })
		var answer struct{ State int }
		err := powershell.Run(t.Context(), host, powershell.Script{Name: "look"}, nil, &answer)
		if err == nil || !strings.Contains(err.Error(), "has answered nothing") {
			t.Errorf("got %v", err)
		}
	})
}

// A script ends with its context, and so does what waits for it.
func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	host := serve(t, func(ctx context.Context, _ powershelltest.Call) (any, error) {
		defer close(ended)
		cancel()
		<-ctx.Done()
		return nil, ctx.Err()
	})
	if err := powershell.Run(ctx, host, powershell.Script{Name: "wait"}, nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	<-ended
}

// A list is one, whichever way Windows PowerShell 5.1 has written it.
func TestList(t *testing.T) {
	type vm struct{ Name string }
	for text, want := range map[string]powershell.List[vm]{
		`[{"name":"a"},{"name":"b"}]`:        {{"a"}, {"b"}},
		`[]`:                                 {},
		`null`:                               nil,
		`{}`:                                 nil,
		`{"name":"a"}`:                       {{"a"}},
		`{"value":[{"name":"a"}],"Count":1}`: {{"a"}},
		" {\"value\":\r\n[],  \"Count\":0}":  {},
		`{"name":"a","value":[],"Count":0}`:  {{"a"}},
		`{"value":{"name":"a"},"Count":"a thing"}`: {{}},
	} {
		var got powershell.List[vm]
		if err := json.Unmarshal([]byte(text), &got); err != nil || !cmp.Equal(got, want) {
			t.Errorf("%s: got %v, %v; want %v", text, got, err, want)
		}
	}
	var numbers powershell.List[int]
	if err := json.Unmarshal([]byte("7"), &numbers); err != nil || !cmp.Equal(numbers, powershell.List[int]{7}) {
		t.Errorf("7: got %v, %v", numbers, err)
	}
	if err := json.Unmarshal([]byte(`"x"`), &numbers); err == nil {
		t.Errorf("a text was taken for a list of numbers: %v", numbers)
	}
}
