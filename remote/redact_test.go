package remote

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestRedactor(t *testing.T) {
	r := NewRedactor("hunter22", "hunter", "", "abc", "tic-tac-toe", "hunter").With("tic-tac-tic")
	for text, want := range map[string]string{
		"":                                "",
		"nothing":                         "nothing",
		"hunter22":                        "[redacted]",
		"it is hunter22, not hunter":      "it is [redacted], not [redacted]",
		"hunter2":                         "[redacted]2",
		"hunterhunter22hunter":            "[redacted][redacted][redacted]",
		"hunte":                           "hunte",
		"tic-tac-tic-tac-toe":             "[redacted]-tac-toe",
		"tic-tic-tac-toe":                 "tic-[redacted]",
		"abc is shorter than is redacted": "abc is shorter than is redacted",
	} {
		if got := r.Text(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
		for name, read := range map[string]func(io.Reader) io.Reader{
			"whole": func(r io.Reader) io.Reader { return r }, "bytes": iotest.OneByteReader, "halves": iotest.HalfReader,
		} {
			var out strings.Builder
			w := r.Writer(&out)
			_, err := io.CopyBuffer(struct{ io.Writer }{w}, read(strings.NewReader(text)), make([]byte, 8))
			if err != nil || w.Close() != nil || out.String() != want {
				t.Errorf("%q in %s became %q, want %q (%v)", text, name, out.String(), want, err)
			}
		}
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if got := fmt.Sprintf(verb, r); strings.Contains(got, "hunter") {
			t.Errorf("%s prints %s", verb, got)
		}
	}
	var none *Redactor
	if got := none.Text("hunter22") + none.With("hunter22").Text("hunter22") + strings.Join(none.Texts([]string{"a"}), ""); got != "hunter22[redacted]a" {
		t.Errorf("nil: %s, want %q", got, "hunter22[redacted]a")
	}
}
