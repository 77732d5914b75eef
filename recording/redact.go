package recording

import (
	"bytes"
	"encoding/base64"
	"io"
	"strings"
	"unicode/utf8"

	"wskharness/remote"
)

// maxStreams bounds how many streams are followed at a time: of a command that never ends nobody hears the end.
const maxStreams = 4096

// redaction takes secrets out of envelopes: out of their text, and out of what their streams have in base64, in which a
// secret may begin in one envelope and end in the next.
type redaction struct {
	known   *remote.Redactor
	shorten func(string) string // nil, or what texts go through as well
	streams map[string]*stream
}

type stream struct {
	out  bytes.Buffer
	pass io.WriteCloser
}

func newRedaction(known *remote.Redactor) *redaction {
	return &redaction{known: known.Disguised(), streams: map[string]*stream{}}
}

// body is an envelope without secrets, of a client: no two of those have the same commands.
func (r *redaction) body(envelope []byte, client string) string {
	var out, text strings.Builder
	flush := func() {
		out.WriteString(r.text(text.String()))
		text.Reset()
	}
	rest := string(envelope)
	for {
		begin, end, tag := nextStream(rest)
		if tag == "" {
			break
		}
		data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(rest[begin:end]), ""))
		text.WriteString(rest[:begin])
		if err != nil {
			text.WriteString(rest[begin:end])
		} else {
			flush()
			out.WriteString(base64.StdEncoding.EncodeToString(r.piece(client, tag, data)))
		}
		rest = rest[end:]
	}
	text.WriteString(rest)
	flush()
	return strings.ToValidUTF8(out.String(), "\uFFFD")
}

// text is a text without secrets.
func (r *redaction) text(text string) string {
	if r.shorten != nil {
		text = r.shorten(text)
	}
	return r.known.Text(text)
}

// piece is a piece of a stream without secrets. What may be the beginning of one is kept back for the next piece.
func (r *redaction) piece(client, tag string, data []byte) []byte {
	key := client + " " + attribute(tag, "CommandId") + " " + attribute(tag, "Name")
	s := r.streams[key]
	if s == nil {
		if len(r.streams) == maxStreams {
			clear(r.streams)
		}
		s = &stream{}
		s.pass = r.known.Writer(&s.out)
		r.streams[key] = s
	}
	s.out.Reset()
	if r.shorten != nil && utf8.Valid(data) {
		data = []byte(r.shorten(string(data)))
	}
	_, _ = s.pass.Write(data) // a buffer takes all
	if end := attribute(tag, "End"); strings.EqualFold(end, "true") || end == "1" {
		_ = s.pass.Close()
		delete(r.streams, key)
	}
	return s.out.Bytes()
}

// nextStream finds the content of the first element Stream, which may be empty, and its tag; "" where there is none.
func nextStream(text string) (begin, end int, tag string) {
	for at := 0; ; {
		open := strings.IndexByte(text[at:], '<')
		if open < 0 {
			return 0, 0, ""
		}
		open += at
		length := strings.IndexByte(text[open:], '>')
		if length < 0 {
			return 0, 0, ""
		}
		at = open + length + 1
		tag = text[open+1 : at-1]
		name, _, _ := strings.Cut(tag, " ")
		_, local, prefixed := strings.Cut(name, ":")
		if !prefixed {
			local = name
		}
		if local != "Stream" || strings.HasPrefix(tag, "/") || strings.HasSuffix(tag, "/") {
			continue
		}
		length = strings.IndexByte(text[at:], '<')
		if length < 0 {
			length = len(text) - at
		}
		return at, at + length, tag
	}
}

// attribute is the value of an attribute in a tag.
func attribute(tag, name string) string {
	for _, quote := range []string{`"`, `'`} {
		if _, value, ok := strings.Cut(tag, " "+name+"="+quote); ok {
			value, _, _ = strings.Cut(value, quote)
			return value
		}
	}
	return ""
}
