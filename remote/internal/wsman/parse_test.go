package wsman

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	for _, test := range []struct {
		name, in, want string
	}{
		{"plain", `<a/>`, `{}a`},
		{"declaration", "\uFEFF<?xml version=\"1.0\" encoding='utf-8' ?>\n<a></a>\n", `{}a`},
		{"text", "<a> x&lt;&#65;&#x42;\r\ny<![CDATA[<&>]]><!-- no -->z</a>", "{}a \" x<AB\\ny<&>z\""},
		{"namespaces", `<p:a xmlns:p="u" xmlns="d"><b p:c="1" c="2" xml:lang="en"/><p:b xmlns:p="v"/><p:d/></p:a>`,
			`{u}a({d}b{u}c="1"{}c="2"{` + nsXML + `}lang="en",{v}b,{u}d)`},
		{"default undeclared again", `<a xmlns="d"><b xmlns=""/></a>`, `{d}a({}b)`},
		{"outer text", `<a>x<b>y</b>z</a>`, `{}a "xz"({}b "y")`},
		{"long text", "<a>" + strings.Repeat("QUJD", 1000) + "</a>", fmt.Sprintf("{}a %q", strings.Repeat("QUJD", 1000))},
	} {
		t.Run(test.name, func(t *testing.T) {
			e, err := Parse([]byte(test.in))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, render(e)); diff != "" {
				t.Error("-want +got:\n" + diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	bomb := `<!DOCTYPE a [<!ENTITY b "` + strings.Repeat("x", 100) + `"><!ENTITY c "&b;&b;&b;&b;">]><a>&c;</a>`
	for name, in := range map[string]string{
		"nothing":                      "",
		"no element":                   " \n",
		"entity bomb":                  bomb,
		"unknown entity":               `<a>&nbsp;</a>`,
		"processing instruction":       `<a><?php ?></a>`,
		"external entity":              `<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>`,
		"second root":                  `<a/><b/>`,
		"text after the root":          `<a/>x`,
		"not closed":                   `<a><b></b>`,
		"crossed":                      `<a><b></a></b>`,
		"undeclared prefix":            `<p:a/>`,
		"attribute twice":              `<a x="1" x="2"/>`,
		"attribute twice by namespace": `<a xmlns:p="u" xmlns:q="u" p:x="1" q:x="2"/>`,
		"too deep":                     strings.Repeat("<a>", maxDepth+1) + strings.Repeat("</a>", maxDepth+1),
		"too many elements":            "<a>" + strings.Repeat("<b/>", maxElements) + "</a>",
		"too many attributes":          "<a " + manyAttributes(maxAttrs+1) + "/>",
		"control character":            "<a>\x01</a>",
		"control by reference":         "<a>&#1;</a>",
		"surrogate":                    "<a>&#xD800;</a>",
		"not UTF-8":                    "<a>\xFF</a>",
		"UTF-16":                       `<?xml version="1.0" encoding="UTF-16"?><a/>`,
		"name with two colons":         `<a:b:c/>`,
		"unquoted attribute":           `<a b=c/>`,
		"less in attribute":            `<a b="<"/>`,
		"end of CDATA in text":         `<a>]]></a>`,
		"cut off":                      `<a b="`,
	} {
		t.Run(name, func(t *testing.T) {
			if e, err := Parse([]byte(in)); err == nil {
				t.Errorf("accepted as %s", render(e))
			}
		})
	}
}

func manyAttributes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `a%d="" `, i)
	}
	return b.String()
}

func render(e *Element) string {
	var b strings.Builder
	fmt.Fprintf(&b, "{%s}%s", e.Space, e.Local)
	for _, a := range e.Attrs {
		fmt.Fprintf(&b, "{%s}%s=%q", a.Space, a.Local, a.Value)
	}
	if e.Text != "" {
		fmt.Fprintf(&b, " %q", e.Text)
	}
	for i, c := range e.Children {
		b.WriteString([]string{"(", ","}[min(i, 1)] + render(c))
	}
	if len(e.Children) > 0 {
		b.WriteByte(')')
	}
	return b.String()
}

// FuzzParse holds the parser to the standard library's: what it accepts, that accepts too, and
// understands in the same way.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`<a/>`, `<p:a xmlns:p="u" xmlns="d"><b p:c="1" c='2'>x&amp;y</b><![CDATA[z]]></p:a>`,
		"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<a>\r\n&#x41;<!--c--></a>", `<!DOCTYPE a><a/>`,
		`<s:Envelope xmlns:s="` + NSEnvelope + `"><s:Header/><s:Body/></s:Envelope>`, `<a xmlns:a="u" a:b=""></a >`,
		`<?xml version="0"?><a></a>`, // found by fuzzing
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		ours, err := Parse(data)
		if err != nil {
			return
		}
		theirs, err := parseStandard(data)
		if err != nil {
			t.Fatalf("accepted %q, which encoding/xml refuses: %v", data, err)
		}
		if diff := cmp.Diff(render(theirs), render(ours)); diff != "" {
			t.Fatalf("%q (-encoding/xml +ours):\n%s", data, diff)
		}
	})
}

func parseStandard(data []byte) (*Element, error) {
	d := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, []byte("\uFEFF"))))
	var root *Element
	var open []*Element
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return root, nil
		}
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			e := &Element{Space: t.Name.Space, Local: t.Name.Local}
			for _, a := range t.Attr {
				if a.Name.Space == "xmlns" || a.Name.Local == "xmlns" && a.Name.Space == "" {
					continue
				}
				e.Attrs = append(e.Attrs, Attr{a.Name.Space, a.Name.Local, a.Value})
			}
			if len(open) > 0 {
				open[len(open)-1].Children = append(open[len(open)-1].Children, e)
			} else {
				root = e
			}
			open = append(open, e)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				open[len(open)-1].Text += string(t)
			}
		}
	}
}

func TestEscape(t *testing.T) {
	for _, text := range []string{"", "plain", "a&b<c>\"d'\r\n\t", "wörld \U0001F4A9 \uFFFD"} {
		escaped, err := Escape(text)
		if err != nil {
			t.Fatal(err)
		}
		e, err := Parse([]byte(`<a b="` + escaped + `">` + escaped + `</a>`))
		if err != nil {
			t.Fatalf("%q became %q: %v", text, escaped, err)
		}
		if e.Text != text || e.Attr("", "b") != text {
			t.Errorf("%q came back as %q and %q", text, e.Text, e.Attr("", "b"))
		}
	}
	for _, text := range []string{"\x00", "\x1b[0m", "\xff", "\uFFFF"} {
		if escaped, err := Escape(text); err == nil {
			t.Errorf("%q was escaped as %q", text, escaped)
		}
	}
}

func TestDuration(t *testing.T) {
	for text, want := range map[string]string{
		"PT20S": "PT20.000S", "PT0.25S": "PT0.250S", "PT1M": "PT60.000S", "P1DT1H1M1S": "PT90061.000S", "PT7200.000S": "PT7200.000S",
	} {
		d, err := ParseDuration(text)
		if err != nil {
			t.Error(err)
		} else if got := FormatDuration(d); got != want {
			t.Errorf("%s came back as %s, want %s", text, got, want)
		}
	}
	for _, text := range []string{"", "P", "PT", "20", "PT20", "P1Y", "-PT1S", "PT1S ", "P999999999DT999999999H", "P1M"} {
		if d, err := ParseDuration(text); err == nil {
			t.Errorf("%q was read as %s", text, d)
		}
	}
}

// The quick look at eight bytes finds the same end of what is plain as the look at each.
func TestPlainPrefix(t *testing.T) {
	for b := range 256 {
		for at := range 17 {
			raw := []byte("QUJDREVGR0hJSktM+")
			raw[at] = byte(b)
			want := len(raw)
			if !plain(byte(b)) {
				want = at
			}
			if got := plainPrefix(raw); got != want {
				t.Errorf("%q: %d plain bytes, not %d", raw, got, want)
			}
		}
	}
}
