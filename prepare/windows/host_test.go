package windows

import (
	"encoding/base64"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
)

// The command line and each line of the input are as long as cmd.exe and PowerShell take them.
func TestInput(t *testing.T) {
	if n := len(commandLine()); n > 8000 {
		t.Errorf("the command line has %d characters; want at most 8000", n)
	}
	calls := []Call{Program("bcdedit.exe", "/set", CurrentLoader, "testsigning", "on")}
	input, err := encode(calls)
	if err != nil {
		t.Fatal(err)
	}
	first, second, _ := strings.Cut(strings.ReplaceAll(string(input), "\r\n", ""), ".")
	for line := range strings.Lines(string(input)) {
		if len(line) > lineLength+2 {
			t.Errorf("got a line of %d characters", len(line))
		}
	}
	sent, err := base64.StdEncoding.DecodeString(first)
	if err != nil || string(sent) != script {
		t.Errorf("got another script, %v", err)
	}
	list, err := base64.StdEncoding.DecodeString(second)
	if err != nil || !strings.Contains(string(list), `"line":"/set \"{current}\" testsigning on"`) {
		t.Errorf("got %s, %v", list, err)
	}
}

// The script executes every call that there is.
func TestScriptKnowsAllCalls(t *testing.T) {
	for _, c := range []Call{
		Value("k", "n"), Values("k", "n"), SetValue("k", "n", DWord, "1"), DeleteValue("k", "n", ""), Element(CurrentLoader, "16000049"), Program("a"), Ask("a"),
		HasCertificate("Root", "t"), AddCertificate("Root", nil), RemoveCertificate("Root", "t"), ReadFile("p"), WriteFile("p", nil), DeleteFile("p", ""), CopyFile("p", "q"),
		Exists("p"), Objects("n", "q"), Account(), BootID(), WSMan("r"), SetWSMan("r", "n", "v"), HTTPS(), OpenHTTPS(), CloseHTTPS(),
	} {
		if !strings.Contains(script, "    '"+c.Do+"' {") {
			t.Errorf("the script does not know %s", c.Do)
		}
		if c.describe() == "" {
			t.Errorf("%s is not described", c.Do)
		}
	}
}

// The script is ASCII, and what is opened in it is closed. No PowerShell is here to read it.
func TestScriptText(t *testing.T) {
	depth := map[rune]int{}
	for _, r := range script {
		if r > 126 {
			t.Errorf("got %q; want ASCII", r)
		}
		depth[r]++
	}
	for _, pair := range []string{"{}", "()", "[]"} {
		open, closed := depth[rune(pair[0])], depth[rune(pair[1])]
		if pair == "{}" { // two more are opened, and closed, in the pattern of a GUID
			open, closed = open-5, closed-5
		}
		if open != closed {
			t.Errorf("got %d of %c and %d of %c", open, pair[0], closed, pair[1])
		}
	}
	if path, err := exec.LookPath("pwsh"); err == nil {
		out, err := exec.Command(path, "-NoProfile", "-Command", "$null = [scriptblock]::Create([Console]::In.ReadToEnd())").CombinedOutput()
		if err != nil {
			t.Errorf("%v: %s", err, out)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, said := range map[string]string{
		"nothing": "", "another word": "hello", "no base64": answerWord + "!", "no JSON": answerWord + base64.StdEncoding.EncodeToString([]byte("[")),
		"too few": answer(t), "too many": answer(t, Answer{}, Answer{}), "an exit code": answer(t, Answer{Type: exit, Exit: 1 << 40}), "no file": answer(t, Answer{Type: File, Data: "!"}),
		"deep": answer(t, Answer{Values: []Answer{{Values: []Answer{{}}}}}), "two accounts": answer(t, Answer{Type: "Account", Objects: make([]map[string]string, 2)}),
	} {
		if got, err := decode([]byte(said), []Call{Account()}); err == nil {
			t.Errorf("%s: got %+v; want an error", name, got)
		}
	}
}

// answer is what the script prints.
func answer(t testing.TB, all ...Answer) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{"answers": all})
	if err != nil {
		t.Fatal(err)
	}
	return "noise\r\n" + answerWord + base64.StdEncoding.EncodeToString(text) + "\r\n"
}

// FuzzDecode: whatever comes is refused, or within bounds.
func FuzzDecode(f *testing.F) {
	f.Add(answer(f, Answer{Type: DWord, Data: "1"}))
	f.Add(answer(f, Answer{Type: failed, Error: "Zugriff verweigert", Code: 5}))
	f.Fuzz(func(t *testing.T, said string) {
		answers, err := decode([]byte(said), []Call{Account()})
		if err == nil && len(answers) != 1 {
			t.Errorf("got %d answers to a call; want 1", len(answers))
		}
		for _, a := range answers {
			_ = a.Err(Account())
			_ = a.Output()
		}
	})
}
