package guest

import (
	"strings"
	"testing"
)

// What a guest says of what is left in it is checked: it goes back to it as arguments.
func TestParseLeft(t *testing.T) {
	for said, want := range map[string]string{
		`{"services":["a"],"devices":[],"files":["runs\\x"],"certificates":[],"more":false}`: "",
		`{"more":false}`:                       "",
		`{}`:                                   "it does not say whether that is all",
		`{"more":true}`:                        "things of a kind beyond the limit of 1000",
		`[]`:                                   "agent left",
		`{"more":false,"files":["a\"b"]}`:      "it names",
		`{"more":false,"files":["a\nb"]}`:      "it names",
		`{"more":false,"services":[""]}`:       "it names",
		`{"more":false,"services":["%PATH%"]}`: "it names",
		`{"more":false,"services":["` + strings.Repeat("x", 2000) + `"]}`:     "it names",
		`{"more":false,"files":[` + strings.Repeat(`"x",`, maxLeft) + `"x"]}`: "things",
	} {
		_, err := parseLeft([]byte(said))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%.80s: got %v, want %q", said, err, want)
		}
	}
}

// FuzzLeft: whatever a guest says, what is taken of it can be an argument.
func FuzzLeft(f *testing.F) {
	f.Add([]byte(`{"services":["a"],"devices":["ROOT\\X\\0"],"files":["runs\\x"],"certificates":["ROOT\\0"],"more":false}`))
	f.Fuzz(func(t *testing.T, said []byte) {
		left, err := parseLeft(said)
		if err != nil {
			return
		}
		for _, thing := range left.since(Left{}) {
			if thing.name == "" || strings.ContainsAny(thing.name, "\r\n\"%\x00") {
				t.Errorf("it names %q", thing.name)
			}
		}
	})
}
