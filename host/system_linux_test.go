package host

import "testing"

func TestPrettyName(t *testing.T) {
	for text, want := range map[string]string{
		"ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nX=1\n": "Debian GNU/Linux 12 (bookworm)",
		"PRETTY_NAME='Arch Linux'":   "Arch Linux",
		"PRETTY_NAME=Void":           "Void",
		"NAME=x\n":                   "Linux",
		"PRETTY_NAME=\"un\\\"even\"": "un\"even",
	} {
		if got := prettyName([]byte(text)); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// FuzzPrettyName reads whatever os-release there may be.
func FuzzPrettyName(f *testing.F) {
	f.Add([]byte("PRETTY_NAME=\"a\""))
	f.Fuzz(func(_ *testing.T, text []byte) { prettyName(text) })
}
