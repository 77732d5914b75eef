package remote

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// CommandLine says what a command runs.
//
// Line is sent exactly as given. The server hands it to cmd.exe, so it may be anything that can be
// typed at a prompt, and its meaning is cmd's; with SkipShell it is the full path of a program,
// which is started without cmd (recorded from Windows: a name without a path is then "file not
// found").
//
// Args follow Line, each quoted so that a program that splits its command line as
// CommandLineToArgvW does (every C program) sees exactly these arguments, whatever cmd.exe makes of
// what stands in them: percent signs, quotes, ampersands. Only a line break it can't be given: without
// SkipShell an argument with one is refused.
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
		switch {
		case c.SkipShell:
			quoted[i] = QuoteArg(a)
		case strings.ContainsAny(a, "\r\n"):
			return "", fmt.Errorf("argument %d (%.80q): it has a line break, where cmd.exe would end the command", i+1, a)
		case c.startsCmd():
			quoted[i] = shielded(quoteForCmd(a))
		default:
			quoted[i] = shielded(withoutVariables(QuoteArg(a)))
		}
	}
	return strings.Join(quoted, " "), nil
}

// startsCmd reports whether the program is cmd.exe once more. It does not split its command line, but takes one pair of
// quotes off it (cmd /?) and reads the rest as a line.
func (c CommandLine) startsCmd() bool {
	program := strings.ToLower(strings.Trim(strings.TrimSpace(c.Line), `"`))
	program = program[strings.LastIndexAny(program, `\/`)+1:]
	return program == "cmd" || program == "cmd.exe" || program == "%comspec%"
}

// quoteForCmd quotes an argument of cmd.exe: quotes in it stay as they are, and a variable is one, which of the two
// cmd.exe ever puts its value there.
func quoteForCmd(arg string) string {
	if QuoteArg(arg) == arg {
		return arg
	}
	return `"` + arg + `"`
}

// withoutVariables keeps cmd.exe from taking what is between two percent signs for a variable, in an argument that is
// quoted: what could be the first letter of a name is put between two quotes of its own, where the program that is
// started does not see them, while cmd.exe looks for a variable that has them in its name. There is no sign that does the
// same: a caret is kept within quotes, and Wine's cmd.exe takes it away too early elsewhere.
func withoutVariables(quoted string) string {
	var b strings.Builder
	after := false // a percent sign
	for len(quoted) > 0 {
		r, size := utf8.DecodeRuneInString(quoted)
		if after && (r == '_' || r == '=' || unicode.IsLetter(r) || unicode.IsDigit(r)) {
			b.WriteString(`"` + quoted[:size] + `"`)
		} else {
			b.WriteString(quoted[:size])
		}
		after = r == '%'
		quoted = quoted[size:]
	}
	return b.String()
}

// shielded puts a caret before each sign that cmd.exe would act on, in an argument that has quotes in it: for cmd.exe
// each of them begins or ends a quoted part, also one behind a backslash. With carets none does. In others nothing has to
// be shielded, since they are in quotes.
func shielded(quoted string) string {
	if strings.Count(quoted, `"`) <= 2 {
		return quoted
	}
	var b strings.Builder
	for i := range len(quoted) {
		if strings.IndexByte("\"&|<>^", quoted[i]) >= 0 {
			b.WriteByte('^')
		}
		b.WriteByte(quoted[i])
	}
	return b.String()
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
