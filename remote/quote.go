package remote

import (
	"errors"
	"fmt"
	"strings"
)

// CommandLine says what a command runs.
//
// Line is sent exactly as given. The server hands it to cmd.exe, so it may be anything that can be
// typed at a prompt, and its meaning is cmd's; with SkipShell it is the full path of a program,
// which is started without cmd (recorded from Windows: a name without a path is then "file not
// found").
//
// Args follow Line, each quoted so that a program that splits its command line as
// CommandLineToArgvW does (every C program) sees exactly these arguments. Without SkipShell an
// argument that cmd.exe would change although it is quoted (one with %, ", or a line break) is
// refused: use SkipShell, or write the line yourself.
type CommandLine struct {
	Line      string
	Args      []string
	SkipShell bool

	// ConsoleStdin makes the server treat the input as typed at a console. Leave it false for
	// data: bytes are then passed on as they are.
	ConsoleStdin bool
}

// String is the line as a person would type it.
func (c CommandLine) String() string {
	var b strings.Builder
	b.WriteString(c.Line)
	for _, a := range c.Args {
		b.WriteByte(' ')
		b.WriteString(QuoteArg(a))
	}
	return b.String()
}

func (c CommandLine) arguments() (string, error) {
	if strings.TrimSpace(c.Line) == "" {
		return "", errors.New("the command line is empty")
	}
	quoted := make([]string, len(c.Args))
	for i, a := range c.Args {
		if !c.SkipShell && strings.ContainsAny(a, "%\"\r\n") {
			return "", fmt.Errorf("argument %d (%.80q): cmd.exe would change %%, quotes and line breaks; set SkipShell", i+1, a)
		}
		quoted[i] = QuoteArg(a)
	}
	return strings.Join(quoted, " "), nil
}

// QuoteArg quotes one argument by the rules of CommandLineToArgvW (Microsoft, "Parsing C++
// command-line arguments"): backslashes are doubled only before a quote. Arguments with characters
// that mean something to cmd.exe are quoted too.
func QuoteArg(arg string) string {
	if arg != "" && !strings.ContainsAny(arg, " \t\n\v\r\"&|<>^()@,;=!%'`[]{}~+") {
		return arg
	}
	var b strings.Builder
	b.WriteByte('"')
	backslashes := 0
	for i := 0; i < len(arg); i++ {
		switch arg[i] {
		case '\\':
			backslashes++
			continue
		case '"':
			b.WriteString(strings.Repeat(`\`, 2*backslashes+1))
		default:
			b.WriteString(strings.Repeat(`\`, backslashes))
		}
		backslashes = 0
		b.WriteByte(arg[i])
	}
	b.WriteString(strings.Repeat(`\`, 2*backslashes))
	b.WriteByte('"')
	return b.String()
}
