package windows

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"

	"wskharness/guest/untrusted"
	"wskharness/remote"
)

// Host is a Windows that executes calls.
type Host interface {
	// Do executes calls in their order, in one conversation, and gives an answer for each. A call that failed is an answer; what
	// changes something is skipped behind a change that failed. An error is about the conversation, of which nobody knows how
	// far it got. Reading again, and executing again, does no harm.
	Do(ctx context.Context, calls []Call) ([]Answer, error)
}

// WinRM is a host that is reached over WinRM. PowerShell 5.1 has to be there, as it is on Windows 10 and Server 2016, and later.
type WinRM struct{ Client remote.Client }

//go:embed calls.ps1
var script string

const answerWord = "wskharness-answer "

// bootstrap reads script and calls from standard input: lines of base64, a dot between the two. The command line has room for
// neither, and PowerShell reads a redirected input as text in some code page.
const bootstrap = `$a=([string]::Join('',@($input))).Split('.');$d={[Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($args[0]))};` +
	`& ([scriptblock]::Create((& $d $a[0]))) (& $d $a[1])`

// Do is of Host.
func (w WinRM) Do(ctx context.Context, calls []Call) ([]Answer, error) {
	input, err := encode(calls)
	if err != nil {
		return nil, err
	}
	var out, complaint bytes.Buffer
	code, err := remote.Exec(ctx, w.Client, remote.CommandLine{Line: commandLine()}, remote.ShellOptions{Name: "wskharness prepare"},
		bytes.NewReader(input), &bounded{to: &out}, &bounded{to: &complaint})
	if err != nil {
		return nil, fmt.Errorf("ask Windows by PowerShell: %w", err)
	}
	answers, err := decode(out.Bytes(), calls)
	if err != nil {
		said := untrusted.Clip(untrusted.Printable(append(out.Bytes(), complaint.Bytes()...)), 500)
		return nil, fmt.Errorf("ask Windows by PowerShell: it ended with exit code %d: %w; it said %q", code, err, said)
	}
	return answers, nil
}

// commandLine starts PowerShell with the bootstrap: in base64 of UTF-16, as -EncodedCommand wants it.
func commandLine() string {
	var raw []byte
	for _, u := range utf16.Encode([]rune(bootstrap)) {
		raw = binary.LittleEndian.AppendUint16(raw, u)
	}
	return "powershell.exe -NoLogo -NoProfile -NonInteractive -ExecutionPolicy Bypass -InputFormat Text -EncodedCommand " + base64.StdEncoding.EncodeToString(raw)
}

// lineLength of base64: what other programs send to PowerShell, too.
const lineLength = 4096

// encode is what PowerShell reads.
func encode(calls []Call) ([]byte, error) {
	type call struct {
		Call
		Reads bool `json:"reads"`
	}
	all := make([]call, len(calls))
	for i, c := range calls {
		all[i] = call{c, c.Reads()}
	}
	list, err := json.Marshal(map[string]any{"calls": all})
	if err != nil {
		return nil, err
	}
	text := base64.StdEncoding.EncodeToString([]byte(script)) + "." + base64.StdEncoding.EncodeToString(list)
	var lines strings.Builder
	for len(text) > 0 {
		n := min(lineLength, len(text))
		lines.WriteString(text[:n] + "\r\n")
		text = text[n:]
	}
	return []byte(lines.String()), nil
}

// ErrNoAnswer is a PowerShell that ended without a word, as it does when the machine goes down under it.
var ErrNoAnswer = errors.New("no answer")

// decode reads what PowerShell printed.
func decode(out []byte, calls []Call) ([]Answer, error) {
	_, said, found := strings.Cut(string(out), answerWord)
	if !found {
		return nil, ErrNoAnswer
	}
	said, _, _ = strings.Cut(said, "\n")
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(said))
	if err != nil {
		return nil, fmt.Errorf("the answer is cut or damaged: %w", err)
	}
	var whole struct {
		Answers []Answer `json:"answers"`
	}
	if err := untrusted.DecodeOne(raw, &whole); err != nil {
		return nil, err
	}
	if len(whole.Answers) != len(calls) {
		return nil, fmt.Errorf("%d answers to %d calls", len(whole.Answers), len(calls))
	}
	for i, a := range whole.Answers {
		if err := a.check(0); err != nil {
			return nil, fmt.Errorf("the answer to %q can't be: %w", calls[i].describe(), err)
		}
	}
	return whole.Answers, nil
}

// bounded keeps what is written, up to a bound.
type bounded struct {
	to *bytes.Buffer
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.to.Len()+len(p) > 4*maxData {
		return 0, io.ErrShortBuffer
	}
	return b.to.Write(p)
}
