package remote

import (
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestArgumentsForCmd(t *testing.T) {
	for _, test := range []struct {
		line string
		args []string
		want string
	}{
		{"x", []string{"a b", "c&d", ""}, `"a b" "c&d" ""`},
		{"cmd", []string{"/c", "echo 50%"}, `/c "echo 50%"`},
		{"x", []string{"50% 60%"}, `"50% 60%"`},
		{"x", []string{"%OS%"}, `^"%^"O^"S%^"`},
		{"x", []string{"%OS:~0,1%", "%_x%", "%1", "%*", "%=C:%"}, `^"%^"O^"S:~0,1%^" ^"%^"_^"x%^" ^"%^"1^"^" "%*" ^"%^"=^"C:%^"`},
		{"x", []string{"100%", "%PATH%"}, `"100%" ^"%^"P^"ATH%^"`},
		{"x", []string{`say "a&b" <c>`}, `^"say \^"a^&b\^" ^<c^>^"`},
		{"x", []string{`"`, "a&b", "^"}, `^"\^"^" "a&b" "^"`},
		{`"C:\a b\x"`, []string{"a&b"}, `"a&b"`},
		{"cmd", []string{"/c", "echo %OS%"}, `/c "echo %OS%"`},
		{`"C:\windows\System32\CMD.exe"`, []string{"/c", `echo "a&b" 50%`}, `/c ^"echo ^"a^&b^" 50%^"`},
		{"%ComSpec%", []string{"/c", "ver"}, `/c ver`},
		{"notcmd", []string{"/c", `"`}, `/c ^"\^"^"`},
		{"x", []string{"--", "-h", "--help", "/?"}, `-- -h --help /?`},
	} {
		got, err := CommandLine{Line: test.line, Args: test.args}.arguments()
		if got != test.want || err != nil {
			t.Errorf("%q: %s, %v; want %s", test.args, got, err, test.want)
		}
	}
	for _, arg := range []string{"a\nb", "\r", "a\r\n"} {
		if _, err := (CommandLine{Line: "x", Args: []string{"ok", arg}}).arguments(); err == nil || !strings.Contains(err.Error(), "argument 2") {
			t.Errorf("%q for cmd.exe: %v", arg, err)
		}
		if _, err := (CommandLine{Line: "x", Args: []string{arg}, SkipShell: true}).arguments(); err != nil {
			t.Errorf("%q without cmd.exe: %v", arg, err)
		}
	}
	if got, err := (CommandLine{Line: "x", Args: []string{`%OS% "a&b"`}, SkipShell: true}).arguments(); got != `"%OS% \"a&b\""` || err != nil {
		t.Errorf("without cmd.exe: %s, %v", got, err)
	}
	if _, err := (CommandLine{Line: " "}).arguments(); err == nil {
		t.Error("an empty line was accepted")
	}
}

// between finds what cmd.exe may take for a variable.
var between = regexp.MustCompile(`%([^%]*)%`)

// FuzzArgumentsForCmd reads what is written for cmd.exe as cmd.exe does, and splits the rest by the documented rules.
func FuzzArgumentsForCmd(f *testing.F) {
	for _, seed := range []string{``, `%OS%`, `"a&b" %x`, `50%" ^ | %%a%%`, `\%PATH:a=b%\`} {
		f.Add(seed, "x", "x")
	}
	f.Fuzz(func(t *testing.T, a, b, c string) {
		if strings.ContainsAny(a+b+c, "\x00\r\n") || !utf8.ValidString(a+b+c) {
			return
		}
		line, err := CommandLine{Line: "x", Args: []string{a, b, c}}.arguments()
		if err != nil {
			t.Fatal(err)
		}
		for at := 0; at < len(line); at++ { // every percent sign may be the first of a pair
			found := between.FindStringSubmatch(line[at:])
			if found == nil {
				break
			}
			name, _, _ := strings.Cut(found[1], ":")
			first, _ := utf8.DecodeRuneInString(name)
			if unicode.IsLetter(first) || unicode.IsDigit(first) || first == '_' || first == '=' {
				t.Errorf("%s: cmd.exe may look for the variable %q", line, name)
			}
		}
		if diff := cmp.Diff([]string{a, b, c}, splitCommandLine(afterCmd(t, line))); diff != "" {
			t.Errorf("%s\n%s", line, diff)
		}
	})
}

// afterCmd is what cmd.exe leaves of a line. It fails the test where cmd.exe would do something else than start a program.
func afterCmd(t *testing.T, line string) string {
	var b strings.Builder
	inside := false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '"':
			inside = !inside
		case inside:
		case c == '^' && i+1 < len(line):
			i++
		case strings.IndexByte("&|<>", c) >= 0:
			t.Errorf("%s: cmd.exe would act on the sign at %d", line, i)
		}
		b.WriteByte(line[i])
	}
	return b.String()
}
