// Package powershell runs a PowerShell script on a Windows machine, over WinRM or on this very machine, and reads what it
// answers: one JSON document, or one typed error.
//
//	host := powershell.Remote(client)
//	var answer struct{ State int }
//	err := powershell.Run(ctx, host, powershell.Script{Name: "state", Text: `
//		param($p)
//		@{ state = [int](Hyper-V\Get-VM -Id $p.vm).State }
//	`}, map[string]any{"vm": id}, &answer)
//	if failed, ok := errors.AsType[*powershell.Error](err); ok && failed.Word() == "ObjectNotFound" {
//
// A script is a block with one parameter, which has what Run was given as an object; its last output is the answer, best a
// hashtable of words, numbers and lists. Whatever a cmdlet complains of ends it, unless it says -ErrorAction itself.
//
// The script and its parameters go through the program's standard input, as data: nothing of them is in a command line, where
// its length is bounded, everybody can read it, and a quote may end it. The answer comes as Base64 between two marks that
// nobody can know before, so that neither what else the host prints, nor its language or code page, can be taken for it.
package powershell

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf16"
)

// Script is a script and what messages call it.
type Script struct {
	Name string // what it is for: "restore the checkpoint"
	Text string // a block with one parameter: param($p)
}

// Host is where PowerShell runs: see Remote and Local.
type Host interface {
	// Run starts PowerShell with these arguments, gives it the input, and waits for its end. What it prints is
	// bounded; an error says that its end is not known, or that it could not be started.
	Run(ctx context.Context, args []string, input string) (Output, error)
	// String names the host in messages.
	String() string
}

// Output is what PowerShell left.
type Output struct {
	ExitCode       uint32
	Stdout, Stderr []byte // hostile
}

//go:embed loader.ps1
var loader string

//go:embed wrapper.ps1
var wrapper string

// Run runs a script with its parameters, which become JSON, and decodes its answer into answer, which may be nil. What the script,
// or a cmdlet in it, failed with is an *Error; where PowerShell came to no answer at all, the error is a *NoAnswerError, and
// where it could not be asked, the host's own.
func Run(ctx context.Context, on Host, s Script, parameters, answer any) error {
	data, err := json.Marshal(parameters)
	if err != nil {
		return fmt.Errorf("%s: the script's parameters: %w", s.Name, err)
	}
	mark := "wskharness-" + rand.Text()
	var input strings.Builder
	for _, part := range []string{wrapper, s.Text, string(data)} {
		input.WriteString(base64.StdEncoding.EncodeToString([]byte(part)) + "\r\n")
	}
	input.WriteString(mark + "\r\n")
	output, err := on.Run(ctx, arguments(), input.String())
	if err != nil {
		return fmt.Errorf("%s: run PowerShell on %s: %w", s.Name, on, err)
	}
	return read(output, mark, s.Name, on.String(), answer)
}

// arguments are PowerShell's. They are well below the 8191 characters that cmd.exe takes, which is between WinRM and the program.
// The execution policy is about the formats and types of modules that are scripts: a block as ours needs no leave.
func arguments() []string {
	return []string{"-NoLogo", "-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-EncodedCommand", encode(loader)}
}

// encode is a script as -EncodedCommand takes it: Base64 of UTF-16, little endian.
func encode(text string) string {
	var data []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		data = binary.LittleEndian.AppendUint16(data, unit)
	}
	return base64.StdEncoding.EncodeToString(data)
}
