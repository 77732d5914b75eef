package windows

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"wskharness/vm/powershell"
)

// The script executes every call that there is.
func TestScriptKnowsAllCalls(t *testing.T) {
	for _, c := range []Call{
		Value("k", "n"), Values("k", "n"), SetValue("k", "n", DWord, "1"), DeleteValue("k", "n", ""), Element(CurrentLoader, "16000049"), Program("a"), Ask("a"),
		HasCertificate("Root", "t"), AddCertificate("Root", nil), RemoveCertificate("Root", "t"), ReadFile("p"), ReplaceFile("p", nil, nil), DeleteFile("p", ""), CopyFile("p", "q"),
		Exists("p"), Objects("n", "q"), Account(), BootID(), WSMan("r"), SetWSMan("r", "n", "v"), HTTPS(), OpenHTTPS(), CloseHTTPS(),
		Mappings(), AddMapping("i", "s", "u", "p"), RemoveMapping("i", "s"),
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

func TestCheckRefuses(t *testing.T) {
	for name, answers := range map[string][]Answer{
		"too few": {}, "too many": {{}, {}}, "an exit code": {{Type: exit, Exit: 1 << 40}}, "no file": {{Type: File, Data: "!"}},
		"deep": {{Values: []Answer{{Values: []Answer{{}}}}}}, "two accounts": {{Type: "Account", Objects: make([]map[string]string, 2)}},
	} {
		if err := check(answers, []Call{Account()}); err == nil {
			t.Errorf("%s: got no error; want one", name)
		}
	}
}

// What the script gets says of each call whether it changes something.
func TestParameters(t *testing.T) {
	text, err := json.Marshal(parameters([]Call{Program("bcdedit.exe", "/set", CurrentLoader, "testsigning", "on").Allow(2), Ask("whoami.exe")}))
	want := `{"calls":[{"do":"run","program":"bcdedit.exe","line":"/set \"{current}\" testsigning on","expect":[0,2],"reads":false},{"do":"run","program":"whoami.exe","reads":true}]}`
	if err != nil || string(text) != want {
		t.Errorf("got %s, %v\nwant %s", text, err, want)
	}
}

// A password is in what the script gets, and in nothing that is printed, or kept, of a call.
func TestSecretOfACall(t *testing.T) {
	c := AddMapping("AB", "tester@box", "tester", "s3cret")
	text, err := json.Marshal(parameters([]Call{c}))
	if err != nil || !strings.Contains(string(text), `"password":"s3cret"`) {
		t.Errorf("got %s, %v", text, err)
	}
	kept, err := json.Marshal(c)
	failed := &CallError{Call: c, Text: "refused"}
	if all := fmt.Sprintf("%s %v %+v %#v %s", kept, c, c, c, failed); err != nil || strings.Contains(all, "s3cret") {
		t.Errorf("got %s, %v", all, err)
	}
}

// FuzzAnswers: whatever comes is refused, or within bounds.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte(`[{"type":"DWord","data":"1"}]`))
	f.Add([]byte(`[{"type":"Failed","error":"Zugriff verweigert","code":5,"objects":{"value":[{"a":"b"}],"Count":1}}]`))
	f.Fuzz(func(t *testing.T, said []byte) {
		var answers powershell.List[Answer]
		if json.Unmarshal(said, &answers) != nil || check(answers, []Call{Account()}) != nil {
			return
		}
		for _, a := range answers {
			_ = a.Err(Account())
			_ = a.Output()
			_ = a.First()
		}
	})
}
