//go:build linux

package guest

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"wskharness/remote"
	"wskharness/remote/winrmd"
)

// decodePowerShell is the script in a command line.
func decodePowerShell(t *testing.T, line string) string {
	t.Helper()
	_, encoded, ok := strings.Cut(line, "-EncodedCommand ")
	if !ok {
		t.Fatalf("no encoded command in %q; want ok", line)
	}
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(raw)%2 != 0 {
		t.Fatalf("%d bytes, %v; want no error and len(raw)%%2 == 0", len(raw), err)
	}
	var units []uint16
	for i := 0; i < len(raw); i += 2 {
		units = append(units, binary.LittleEndian.Uint16(raw[i:]))
	}
	return string(utf16.Decode(units))
}

// powerShell does what the script says with what the script was told: the parts of it that are
// looked for here are its statements, so a script that says something else fails the tests.
func powerShell(t *testing.T, f *fakeGuest, script string, in io.Reader, out io.Writer) uint32 {
	value := func(pattern string) string {
		m := regexp.MustCompile(pattern).FindStringSubmatch(script)
		if m == nil {
			t.Errorf("the script has nothing like %s", pattern)
			return ""
		}
		return m[1]
	}
	path, want := value(`(?m)^\$path = '(.*)'$`), value(`(?m)^\$want = '(.*)'$`)
	size, err := strconv.Atoi(value(`(?m)^\$size = \[long\](\d+)$`))
	if err != nil {
		t.Error(err)
	}
	var got []byte
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if len(lines.Text()) > 16<<10 {
			t.Errorf("a line of %d characters; want len(lines.Text()) <= 16<<10", len(lines.Text()))
		}
		b, err := base64.StdEncoding.DecodeString(lines.Text())
		if err != nil {
			t.Error(err)
		}
		got = append(got, b...)
	}
	sum := sha256.Sum256(got)
	if len(got) != size || hex.EncodeToString(sum[:]) != want {
		fmt.Fprintf(out, "%s failed: %d bytes with SHA-256 %x came\r\n", receiveWord, len(got), sum)
		return 1
	}
	f.write(path, got)
	fmt.Fprintf(out, "%s done: %x\r\n", receiveWord, sum)
	return 0
}

// bareWindows is a guest that is Windows as far as cmd.exe can tell, without an agent.
func bareWindows(t *testing.T, f *fakeGuest, damage func(io.Reader) io.Reader) {
	f.info = func(s string) string { return strings.Replace(s, `"wine":"8.0"`, `"wine":""`, 1) }
	f.special = func(spec winrmd.Spec, in io.Reader, out, errs io.Writer) (uint32, bool) {
		switch {
		case spec.Command == surveyLine:
			fmt.Fprint(out, "junk\r\nkind=windows \r\n")
			return 0, true
		case strings.HasPrefix(spec.Command, "powershell.exe "):
			return powerShell(t, f, decodePowerShell(t, spec.Command), damage(in), out), true
		}
		return 0, false
	}
}

func TestBootstrapByPowerShell(t *testing.T) {
	f := newFakeGuest(t)
	f.agent = randomBytes(100<<10 + 1)
	bareWindows(t, f, func(r io.Reader) io.Reader { return r })
	g, err := Connect(t.Context(), f.client, f.options(f.Agent()))
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close(t.Context())
	if g.Facts().Kind() != KindWindows {
		t.Errorf("got %s; want g.Facts().Kind() == KindWindows", g.Facts().Describe())
	}
}

func TestBootstrapThatFails(t *testing.T) {
	type attempt struct {
		options func(*Options)
		guest   func(*fakeGuest)
		want    []string
	}
	for name, tc := range map[string]attempt{
		"damaged on the way": {nil, func(f *fakeGuest) {
			bareWindows(f.t, f, func(r io.Reader) io.Reader { return io.MultiReader(strings.NewReader("AAAA\r\n"), r) })
		}, []string{"let PowerShell receive it", "came", "by hand"}},
		"PowerShell is not there": {nil, func(f *fakeGuest) {
			bareWindows(f.t, f, nil)
			survey := f.special
			f.special = func(spec winrmd.Spec, in io.Reader, out, errs io.Writer) (uint32, bool) {
				if spec.Command == surveyLine {
					return survey(spec, in, out, errs)
				}
				return 0, false
			}
		}, []string{"exit code 9009"}},
		"no cmd.exe":    {nil, func(*fakeGuest) {}, []string{"look around", "did not say what kind of guest"}},
		"no agent":      {func(o *Options) { o.Agent.Path = "/nonexistent" }, func(*fakeGuest) {}, []string{"/nonexistent"}},
		"another agent": {func(o *Options) { os.WriteFile(o.Agent.Path, []byte("other"), 0o600) }, func(*fakeGuest) {}, []string{"build it again"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeGuest(t)
			tc.guest(f)
			o := f.options(f.Agent())
			if tc.options != nil {
				tc.options(&o)
			}
			_, err := Connect(t.Context(), f.client, o)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error does not say %q: %v", want, err)
				}
			}
			if failed, ok := errors.AsType[*bootstrapError](err); ok && len(failed.tried) == 0 {
				t.Error("nothing was tried")
			}
		})
	}
}

func TestConnectWithoutAHash(t *testing.T) {
	if _, err := Connect(t.Context(), nil, Options{}); err == nil || !strings.Contains(err.Error(), "no SHA-256") {
		t.Errorf("error %v; want an error and strings.Contains(err.Error(), \"no SHA-256\")", err)
	}
}

// An agent that is in the guest brings the new one there, and one that lies about it is not believed.
func TestBootstrapByAnotherAgent(t *testing.T) {
	f := newFakeGuest(t)
	old := f.agent
	f.write(Home+`\agent\aaaaaaaaaaaaaaaa\wskagent.exe`, old)
	f.agent = randomBytes(70 << 10)
	f.special = func(spec winrmd.Spec, in io.Reader, out, errs io.Writer) (uint32, bool) {
		fmt.Fprint(out, "..\\evil\r\naaaaaaaaaaaaaaaa\r\nkind=wine\r\n")
		return 0, spec.Command == surveyLine
	}
	g, err := Connect(t.Context(), f.client, f.options(f.Agent()))
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close(t.Context())
	for _, c := range f.ran() {
		if strings.Contains(c, "evil") {
			t.Errorf("%q was run; want not strings.Contains(c, \"evil\")", c)
		}
	}
}

// The agent in its place is another one than its folder says.
func TestConnectReplacesAWrongAgent(t *testing.T) {
	f := newFakeGuest(t)
	a := f.Agent()
	bareWindows(t, f, func(r io.Reader) io.Reader { return r })
	f.write(AgentPath(a.SHA256), []byte("somebody else's"))
	g, err := Connect(t.Context(), f.client, f.options(a))
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close(t.Context())
	if g.Facts().SHA256 != a.SHA256 {
		t.Errorf("got %+v; want g.Facts().SHA256 == a.SHA256", g.Facts())
	}
}

func TestPowerShellLine(t *testing.T) {
	path := AgentPath(testSHA)
	script, err := receiveScriptFor(path, bootstrapLimit, testSHA)
	if err != nil {
		t.Fatal(err)
	}
	line, err := powerShellLine(script)
	if err != nil {
		t.Fatal(err)
	}
	if len(line) > cmdLineMax-200 {
		t.Errorf("%d characters do not fit cmd.exe's %d", len(line), cmdLineMax)
	}
	if strings.ContainsAny(line, "%&|<>^\"!\r\n") {
		t.Error("cmd.exe would change something in it")
	}
	back := decodePowerShell(t, line)
	if back != squeeze(script) || strings.Contains(back, "@") {
		t.Errorf("what PowerShell sees is not the script:\n%s; want back == squeeze(script) and not strings.Contains(back, \"@\")", back)
	}
	for _, pair := range []string{"{}", "()", "[]"} {
		if strings.Count(back, pair[:1]) != strings.Count(back, pair[1:]) {
			t.Errorf("unbalanced %s; want strings.Count(back, pair[:1]) == strings.Count(back, pair[1:])", pair)
		}
	}
	if strings.Count(back, "'")%2 != 0 || strings.IndexFunc(back, func(r rune) bool { return r > 126 }) >= 0 {
		t.Error("a quote is open, or there is a character beyond ASCII")
	}
	for _, bad := range []string{`C:\a'b`, "C:\\a\nb", "C:\\a\u2019b"} {
		if _, err := receiveScriptFor(bad, 1, testSHA); err == nil {
			t.Errorf("the path %q was put into a script; want an error", bad)
		}
	}
}

func TestBase64Lines(t *testing.T) {
	for _, n := range []int{0, 1, base64Line - 1, base64Line, base64Line + 1, 3*base64Line + 7} {
		data := randomBytes(n)
		if err := iotest.TestReader(base64Lines(data), expectedLines(data)); err != nil {
			t.Errorf("%d bytes: %v; want no error", n, err)
		}
	}
}

func expectedLines(data []byte) []byte {
	var out bytes.Buffer
	for len(data) > 0 {
		n := min(base64Line, len(data))
		fmt.Fprintf(&out, "%s\r\n", base64.StdEncoding.EncodeToString(data[:n]))
		data = data[n:]
	}
	return out.Bytes()
}

// That the commands work on Wine TestRealAgent shows; that cmd.exe does not change them, this.
func TestDecodeCommands(t *testing.T) {
	image := randomBytes(10<<10 + 1)
	lines := decodeCommands(AgentPath(testSHA), image)
	var back []byte
	for _, l := range lines {
		if len(l) > cmdLineMax-200 || strings.ContainsAny(l, "%^|<\"\r\n") {
			t.Errorf("cmd.exe would change or refuse %q", l)
		}
		if strings.HasPrefix(l, "echo ") && strings.Count(l, ">") != 2*(strings.Count(l, "&echo ")+1) {
			t.Errorf("cmd.exe would redirect something else in %q", l)
		}
		text, to, _ := strings.Cut(strings.TrimPrefix(l, "echo "), ">>")
		if strings.HasSuffix(to, ".hex") {
			piece, err := hex.DecodeString(text)
			if err != nil {
				t.Error(err)
			}
			back = append(back, piece...)
		}
	}
	if !bytes.Equal(back, image) {
		t.Error("the pieces are not the agent")
	}
}

func TestSurvey(t *testing.T) {
	s, err := parseSurvey([]byte("0123456789abcdef\r\n..\r\nABCDEF0123456789\r\n1123456789abcdef\r\n2123456789abcdef\r\n3123456789abcdef\r\nkind=wine\r\n"))
	if err != nil || s.kind != KindWine || len(s.agents) != maxOldAgents || s.agents[0] != "0123456789abcdef" {
		t.Errorf("got %+v, %v; want no error and s.kind == KindWine and len(s.agents) == maxOldAgents and s.agents[0] == \"0123456789abcdef\"", s, err)
	}
	if _, err := parseSurvey([]byte("kind=beos\r\n\x1b[2J")); err == nil || strings.Contains(err.Error(), "\x1b") {
		t.Errorf("error %q", err)
	}
}

func TestAgentMissing(t *testing.T) {
	for _, code := range []uint32{2, 3, 193, 216, 0x80070002, 0x80070003, 0x800700C1} {
		if agentMissing(fmt.Errorf("start: %w", &remote.Fault{Code: code})) == nil {
			t.Errorf("code %d does not mean that the agent is missing", code)
		}
	}
	if agentMissing(&remote.Fault{Code: 5}) != nil || agentMissing(errors.New("x")) != nil || agentMissing(nil) != nil {
		t.Error("something else means that the agent is missing")
	}
}
