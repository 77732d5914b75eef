package wsman

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Bounds on the shape of an envelope. The largest that Windows sends (an enumeration of 30 shells
// with their environments) has a depth of 8 and a few thousand elements.
const (
	maxDepth    = 32
	maxElements = 16384
	maxAttrs    = 64
	maxNameSize = 256
)

// Parse reads one XML document, in UTF-8. It refuses document type declarations (and with them
// every entity but the five that XML itself defines), processing instructions, undeclared
// prefixes, and documents that are too deep or have too many elements or attributes, so memory
// stays proportional to len(data) by a small factor.
//
// encoding/xml would do, but for its speed: it reads byte by byte, and most of an envelope that
// matters is one piece of text of half a megabyte.
func Parse(data []byte) (*Element, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("parse XML: not UTF-8")
	}
	p := &parser{data: bytes.TrimPrefix(data, []byte("\uFEFF"))}
	root, err := p.document()
	if err != nil {
		return nil, fmt.Errorf("parse XML at byte %d: %w", p.at, err)
	}
	return root, nil
}

type parser struct {
	data     []byte
	at       int
	open     []openElement
	bindings []binding // of prefixes to namespaces, the innermost last
	elements int
}

type openElement struct {
	*Element
	name     string // as written
	bindings int    // how many there were before it
	text     []string
}

type binding struct{ prefix, space string }

func (p *parser) document() (*Element, error) {
	if err := p.declaration(); err != nil {
		return nil, err
	}
	var root *Element
	for p.at < len(p.data) {
		if p.data[p.at] != '<' {
			if err := p.characters(); err != nil {
				return nil, err
			}
			continue
		}
		rest := p.data[p.at:]
		var err error
		switch {
		case bytes.HasPrefix(rest, []byte("</")):
			err = p.endTag()
		case bytes.HasPrefix(rest, []byte("<!--")):
			err = p.comment()
		case bytes.HasPrefix(rest, []byte("<![CDATA[")):
			err = p.cdata()
		case bytes.HasPrefix(rest, []byte("<!")):
			err = errors.New("a document type declaration is not allowed in SOAP")
		case bytes.HasPrefix(rest, []byte("<?")):
			err = errors.New("a processing instruction is not allowed in SOAP")
		case len(p.open) == 0 && root != nil:
			err = errors.New("a second root element")
		default:
			var e *Element
			if e, err = p.startTag(); root == nil {
				root = e
			}
		}
		if err != nil {
			return nil, err
		}
	}
	switch {
	case len(p.open) > 0:
		return nil, fmt.Errorf("the element %s does not end", p.open[len(p.open)-1].name)
	case root == nil:
		return nil, errors.New("no element at all")
	}
	return root, nil
}

var declarationForm = regexp.MustCompile(`^<\?xml\s+version\s*=\s*(?:"1\.0"|'1\.0')(?:\s+encoding\s*=\s*(?i:"utf-8"|'utf-8'))?(?:\s+standalone\s*=\s*(?:"yes"|"no"|'yes'|'no'))?\s*\?>`)

// declaration skips <?xml … ?>, if it is for XML 1.0 in UTF-8.
func (p *parser) declaration() error {
	if !bytes.HasPrefix(p.data, []byte("<?")) {
		return nil
	}
	found := declarationForm.Find(p.data[:min(len(p.data), 200)])
	if found == nil {
		return errors.New("the document does not begin as XML 1.0 in UTF-8 does")
	}
	p.at = len(found)
	return nil
}

func (p *parser) startTag() (*Element, error) {
	p.at++ // <
	name, err := p.name()
	if err != nil {
		return nil, err
	}
	p.elements++
	switch {
	case len(p.open) == maxDepth:
		return nil, fmt.Errorf("elements nested deeper than %d", maxDepth)
	case p.elements > maxElements:
		return nil, fmt.Errorf("more than %d elements", maxElements)
	}
	e := openElement{Element: new(Element), name: name, bindings: len(p.bindings)}
	attrs, closed, err := p.attributes()
	if err != nil {
		return nil, err
	}
	if e.Space, e.Local, err = p.resolve(name, true); err != nil {
		return nil, err
	}
	for _, a := range attrs {
		space, local, err := p.resolve(a.name, false)
		if err != nil {
			return nil, err
		}
		for _, b := range e.Attrs {
			if b.Space == space && b.Local == local {
				return nil, fmt.Errorf("the attribute %s twice", a.name)
			}
		}
		e.Attrs = append(e.Attrs, Attr{space, local, a.value})
	}
	if len(p.open) > 0 {
		parent := p.open[len(p.open)-1]
		parent.Children = append(parent.Children, e.Element)
	}
	if closed {
		p.bindings = p.bindings[:e.bindings]
	} else {
		p.open = append(p.open, e)
	}
	return e.Element, nil
}

type rawAttr struct{ name, value string }

// attributes reads up to the end of a start tag. Namespace declarations take effect at once.
func (p *parser) attributes() (attrs []rawAttr, closed bool, err error) {
	for n := 0; ; n++ {
		spaced := p.space()
		switch {
		case p.at >= len(p.data):
			return nil, false, errors.New("a tag does not end")
		case p.data[p.at] == '>':
			p.at++
			return attrs, false, nil
		case p.data[p.at] == '/':
			if p.at+1 >= len(p.data) || p.data[p.at+1] != '>' {
				return nil, false, errors.New("a slash inside of a tag")
			}
			p.at += 2
			return attrs, true, nil
		case !spaced:
			return nil, false, errors.New("no space before an attribute")
		case n == maxAttrs:
			return nil, false, fmt.Errorf("more than %d attributes in one element", maxAttrs)
		}
		a, err := p.attribute()
		if err != nil {
			return nil, false, err
		}
		prefix, local, found := strings.Cut(a.name, ":")
		switch {
		case a.name == "xmlns":
			p.bindings = append(p.bindings, binding{"", a.value})
		case found && prefix == "xmlns":
			if a.value == "" || local == "xmlns" || local == "xml" {
				return nil, false, fmt.Errorf("a declaration of the prefix %s that is not allowed", local)
			}
			p.bindings = append(p.bindings, binding{local, a.value})
		default:
			attrs = append(attrs, a)
		}
	}
}

func (p *parser) attribute() (rawAttr, error) {
	name, err := p.name()
	if err != nil {
		return rawAttr{}, err
	}
	p.space()
	if p.at >= len(p.data) || p.data[p.at] != '=' {
		return rawAttr{}, fmt.Errorf("the attribute %s has no value", name)
	}
	p.at++
	p.space()
	if p.at >= len(p.data) || p.data[p.at] != '"' && p.data[p.at] != '\'' {
		return rawAttr{}, fmt.Errorf("the value of the attribute %s is not quoted", name)
	}
	quote := p.data[p.at]
	p.at++
	end := bytes.IndexByte(p.data[p.at:], quote)
	if end < 0 {
		return rawAttr{}, fmt.Errorf("the value of the attribute %s does not end", name)
	}
	raw := p.data[p.at : p.at+end]
	if bytes.IndexByte(raw, '<') >= 0 {
		return rawAttr{}, fmt.Errorf("a < in the value of the attribute %s", name)
	}
	value, err := unescape(raw)
	p.at += end + 1
	return rawAttr{name, value}, err
}

func (p *parser) endTag() error {
	p.at += 2 // </
	name, err := p.name()
	if err != nil {
		return err
	}
	p.space()
	if p.at >= len(p.data) || p.data[p.at] != '>' {
		return fmt.Errorf("the end tag of %s does not end", name)
	}
	p.at++
	last := len(p.open) - 1
	if last < 0 || p.open[last].name != name {
		return fmt.Errorf("the end of an element %s that is not open", name)
	}
	e := p.open[last]
	if len(e.text) == 1 {
		e.Text = e.text[0]
	} else {
		e.Text = strings.Join(e.text, "")
	}
	p.bindings = p.bindings[:e.bindings]
	p.open = p.open[:last]
	return nil
}

func (p *parser) comment() error {
	p.at += len("<!--")
	end := bytes.Index(p.data[p.at:], []byte("--"))
	if end < 0 || !bytes.HasPrefix(p.data[p.at+end:], []byte("-->")) {
		return errors.New("a comment does not end")
	}
	if _, err := unescapeNot(p.data[p.at : p.at+end]); err != nil {
		return err
	}
	p.at += end + len("-->")
	return nil
}

func (p *parser) cdata() error {
	p.at += len("<![CDATA[")
	end := bytes.Index(p.data[p.at:], []byte("]]>"))
	if end < 0 {
		return errors.New("a CDATA section does not end")
	}
	if len(p.open) == 0 {
		return errors.New("text outside of the root element")
	}
	text, err := unescapeNot(p.data[p.at : p.at+end])
	if err != nil {
		return err
	}
	p.at += end + len("]]>")
	p.addText(text)
	return nil
}

func (p *parser) characters() error {
	end := bytes.IndexByte(p.data[p.at:], '<')
	if end < 0 {
		end = len(p.data) - p.at
	}
	raw := p.data[p.at : p.at+end]
	if len(p.open) == 0 {
		if len(bytes.TrimLeft(raw, " \t\r\n")) > 0 {
			return errors.New("text outside of the root element")
		}
		p.at += end
		return nil
	}
	if bytes.Contains(raw, []byte("]]>")) {
		return errors.New("a ]]> in text")
	}
	text, err := unescape(raw)
	if err != nil {
		return err
	}
	p.at += end
	p.addText(text)
	return nil
}

func (p *parser) addText(text string) {
	if text != "" {
		last := len(p.open) - 1
		p.open[last].text = append(p.open[last].text, text)
	}
}

// name reads a qualified name.
func (p *parser) name() (string, error) {
	start := p.at
	for p.at < len(p.data) && isNameByte(p.data[p.at]) {
		p.at++
	}
	name := string(p.data[start:p.at])
	switch first := byte(0); {
	case name == "":
		return "", errors.New("a name is missing")
	case len(name) > maxNameSize:
		return "", fmt.Errorf("a name longer than %d bytes", maxNameSize)
	default:
		prefix, local, found := strings.Cut(name, ":")
		if !found {
			local = prefix
		}
		if prefix == "" || local == "" || strings.Contains(local, ":") {
			return "", fmt.Errorf("the name %.40q", name)
		}
		for _, part := range []string{prefix, local} {
			if first = part[0]; first == '-' || first == '.' || '0' <= first && first <= '9' {
				return "", fmt.Errorf("the name %.40q", name)
			}
		}
	}
	return name, nil
}

// isNameByte says whether a byte may be in a name. Names in SOAP are plain ASCII.
func isNameByte(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || b == '_' || b == '-' || b == '.' || b == ':'
}

func isSpace(b byte) bool { return b == ' ' || b == '\t' || b == '\r' || b == '\n' }

func (p *parser) space() (any bool) {
	for p.at < len(p.data) && isSpace(p.data[p.at]) {
		p.at++
		any = true
	}
	return any
}

func (p *parser) resolve(name string, element bool) (space, local string, err error) {
	prefix, local, found := strings.Cut(name, ":")
	if !found {
		prefix, local = "", name
		if !element {
			return "", local, nil
		}
	}
	for i := len(p.bindings) - 1; i >= 0; i-- {
		if p.bindings[i].prefix == prefix {
			return p.bindings[i].space, local, nil
		}
	}
	switch prefix {
	case "":
		return "", local, nil
	case "xml":
		return nsXML, local, nil
	}
	return "", "", fmt.Errorf("the prefix %s is not declared", prefix)
}
