// Package powershelltest plays PowerShell for tests: a function answers instead of a script, in the shape in which Windows
// PowerShell writes it. Behind an endpoint of winrmdtest it is a Windows machine, as far as scripts go:
//
//	server, err := winrmd.New(winrmd.Options{Host: powershelltest.Host{Answer: func(ctx context.Context, c powershelltest.Call) (any, error) {
//		switch c.Script {
//		case stateScript:
//			return map[string]any{"state": 2}, nil
//		}
//		return nil, &powershell.Error{ID: "CommandNotFoundException", Category: powershell.ObjectNotFound}
//	}}, …})
package powershelltest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode/utf16"

	"wskharness/remote/winrmd"
	"wskharness/vm/powershell"
)

// Call is a script that somebody has run.
type Call struct {
	Script     string          // its text
	Parameters json.RawMessage // what it was given
}

// Func answers a script: with what becomes JSON (a json.RawMessage is written as it is), with a *powershell.Error, of which ID,
// Category, Activity, Target, Line and Exceptions are written, or with an *Instead. ctx ends with the command.
type Func func(ctx context.Context, c Call) (answer any, err error)

// Instead is what PowerShell does instead of answering.
type Instead struct {
	Output powershell.Output
}

func (i *Instead) Error() string { return fmt.Sprintf("no answer, but %+v", i.Output) }

// Host is a winrmd.Host whose powershell.exe is a function.
type Host struct {
	Answer Func
	Else   winrmd.Host // what runs all other commands; nil: there are none
}

// Start is of winrmd.Host.
func (h Host) Start(ctx context.Context, spec winrmd.Spec) (winrmd.Process, error) {
	encoded, isPowerShell := command(spec)
	switch {
	case isPowerShell:
		if err := check(spec, encoded); err != nil {
			return nil, err
		}
		return h.play(ctx), nil
	case h.Else != nil:
		return h.Else.Start(ctx, spec)
	}
	return nil, fmt.Errorf("powershelltest: %q is no call of PowerShell", spec.Command)
}

// command finds PowerShell's last argument.
func command(spec winrmd.Spec) (encoded string, isPowerShell bool) {
	words := strings.Fields(spec.Command)
	if len(words) < 3 || !strings.EqualFold(words[0], "powershell.exe") || words[len(words)-2] != "-EncodedCommand" {
		return "", false
	}
	return strings.Trim(words[len(words)-1], `"`), true
}

// longestLine is what cmd.exe takes, in characters (Microsoft, "Command prompt line string limitation").
const longestLine = 8191

// check holds a call to what Windows takes.
func check(spec winrmd.Spec, encoded string) error {
	if len(spec.Line) > longestLine {
		return fmt.Errorf("powershelltest: a command line of %d characters, and cmd.exe takes %d", len(spec.Line), longestLine)
	}
	data, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(data)%2 != 0 {
		return fmt.Errorf("powershelltest: -EncodedCommand %.40q is no Base64 of UTF-16: %v", encoded, err)
	}
	units := make([]uint16, len(data)/2)
	for i := range units {
		units[i] = uint16(data[2*i]) | uint16(data[2*i+1])<<8
	}
	if text := string(utf16.Decode(units)); !strings.Contains(text, "$input") {
		return fmt.Errorf("powershelltest: a script that does not read its input: %q", text)
	}
	return nil
}

// Play is one call of PowerShell: it reads the whole input, and says what is printed.
func Play(ctx context.Context, input io.Reader, answer Func) powershell.Output {
	text, err := io.ReadAll(input)
	if err != nil {
		return complaint(err)
	}
	lines := strings.Split(string(text), "\r\n")
	if len(lines) != 5 || lines[4] != "" {
		return complaint(fmt.Errorf("the input has %d lines, and not four", len(lines)-1))
	}
	var parts [3][]byte
	for i := range parts {
		if parts[i], err = base64.StdEncoding.DecodeString(lines[i]); err != nil {
			return complaint(fmt.Errorf("line %d is no Base64: %w", i+1, err))
		}
	}
	value, err := answer(ctx, Call{Script: string(parts[1]), Parameters: parts[2]})
	document := map[string]any{"version": "5.1.20348.2849"}
	if instead, ok := errors.AsType[*Instead](err); ok {
		return instead.Output
	} else if failed, ok := errors.AsType[*powershell.Error](err); ok {
		document["error"] = map[string]any{"id": failed.ID, "category": failed.Category, "activity": failed.Activity,
			"target": failed.Target, "line": failed.Line, "exceptions": failed.Exceptions}
	} else if err != nil {
		return complaint(err)
	} else {
		document["answer"] = value
	}
	data, err := json.Marshal(document)
	if err != nil {
		return complaint(err)
	}
	var out strings.Builder
	out.WriteString("\r\n" + lines[3] + " begins\r\n")
	for encoded := base64.StdEncoding.EncodeToString(data); encoded != ""; { // InsertLineBreaks: 76 characters in a line
		n := min(76, len(encoded))
		out.WriteString(encoded[:n] + "\r\n")
		encoded = encoded[n:]
	}
	out.WriteString(lines[3] + " ends\r\n")
	return powershell.Output{Stdout: []byte(out.String())}
}

// complaint is what PowerShell prints of a mistake of the test's own.
func complaint(err error) powershell.Output {
	return powershell.Output{ExitCode: 1, Stderr: []byte(CLIXML("powershelltest: " + err.Error()))}
}

// CLIXML is an error as PowerShell writes it to an output that is no console.
func CLIXML(lines ...string) string {
	var b strings.Builder
	b.WriteString("#< CLIXML\r\n<Objs Version=\"1.1.0.1\" xmlns=\"http://schemas.microsoft.com/powershell/2004/04\">" +
		"<Obj S=\"progress\" RefId=\"0\"><TN RefId=\"0\"><T>System.Management.Automation.PSCustomObject</T><T>System.Object</T></TN>" +
		"<MS><I64 N=\"SourceId\">1</I64><PR N=\"Record\"><AV>Preparing modules for first use.</AV><AI>0</AI><Nil /><PI>-1</PI><PC>-1</PC><T>Completed</T><SR>-1</SR><SD> </SD></PR></MS></Obj>")
	for _, line := range lines {
		line = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(line)
		b.WriteString(`<S S="Error">` + line + `_x000D__x000A_</S>`)
	}
	b.WriteString("</Objs>")
	return b.String()
}

// process is a call of PowerShell.
type process struct {
	in       *io.PipeWriter
	out, err *io.PipeReader
	exit     chan uint32
	end      context.CancelFunc
}

func (h Host) play(ctx context.Context) *process {
	ctx, end := context.WithCancel(ctx)
	in, input := io.Pipe()
	stdout, outputs := io.Pipe()
	stderr, errs := io.Pipe()
	p := &process{in: input, out: stdout, err: stderr, exit: make(chan uint32, 1), end: end}
	context.AfterFunc(ctx, func() {
		in.CloseWithError(io.ErrClosedPipe)
		outputs.Close()
		errs.Close()
	})
	go func() {
		defer end()
		o := Play(ctx, in, h.Answer)
		var writing sync.WaitGroup
		writing.Go(func() { outputs.Write(o.Stdout); outputs.Close() })
		writing.Go(func() { errs.Write(o.Stderr); errs.Close() })
		writing.Wait()
		p.exit <- o.ExitCode
	}()
	return p
}

func (p *process) Stdin() io.WriteCloser { return p.in }
func (p *process) Stdout() io.Reader     { return p.out }
func (p *process) Stderr() io.Reader     { return p.err }

func (p *process) Signal(context.Context, winrmd.Signal) error {
	p.end()
	return nil
}

func (p *process) Wait() (uint32, error) {
	p.end()
	return <-p.exit, nil
}
