package access

import (
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"wskharness/strictyaml"
)

// FuzzURL: what is taken is one that Go's client takes for the same, with a host and a port; what is not has its place.
func FuzzURL(f *testing.F) {
	for _, seed := range []string{"https://h", "https://127.0.0.1:/wsman", "https://:5986/wsman", "https://[fe80::1%25e]:1/x%20", "http://a:b@c", "https://grün", "https://h/?#"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.ContainsAny(text, "\r\n") {
			return
		}
		r := strictyaml.NewReporter("f")
		whole, ok := splitURL(r, &strictyaml.Node{Text: text, Plain: true, Line: 1, Column: 1}, text)
		if ok != (r.Err() == nil) {
			t.Fatalf("%q: %v, %v", text, ok, r.Err())
		}
		for _, m := range r.Mistakes() {
			if m.Column < 1 || m.Column > utf8.RuneCountInString(text)+1 {
				t.Fatalf("%q: a mistake outside it: %v", text, m)
			}
		}
		if !ok {
			return
		}
		u, err := url.Parse(whole)
		if err != nil || u.Hostname() == "" || u.Port() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || !strings.HasPrefix(u.Path, "/") {
			t.Fatalf("%q is taken as %q: %v, %v", text, whole, u, err)
		}
	})
}
