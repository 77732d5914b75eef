package remote

import (
	"bytes"
	"io"
	"slices"
	"strings"
)

// shortestRedacted is the length in bytes from which a secret is looked for: a shorter one is found by chance all over
// a text, and the marks in its place would spell it out.
const shortestRedacted = 4

// Redactor puts a mark in the place of secrets in what others say. The zero one, and nil, know none.
type Redactor struct {
	secrets []string      // longest first, so that the whole of one is found that begins with another
	by      [256][]string // the same by their first byte: texts are long, and most bytes begin no secret
	blank   bool          // secrets are blotted out to their length, and not replaced by a mark
}

// NewRedactor makes one that knows these secrets.
func NewRedactor(secrets ...Secret) *Redactor {
	r := &Redactor{}
	for _, s := range secrets {
		if len(s) >= shortestRedacted && !slices.Contains(r.secrets, s.Reveal()) {
			r.secrets = append(r.secrets, s.Reveal())
		}
	}
	slices.SortFunc(r.secrets, func(a, b string) int { return len(b) - len(a) })
	for _, s := range r.secrets {
		r.by[s[0]] = append(r.by[s[0]], s)
	}
	return r
}

// With is one that knows more secrets.
func (r *Redactor) With(more ...Secret) *Redactor {
	var all []Secret
	if r != nil {
		for _, s := range r.secrets {
			all = append(all, Secret(s))
		}
	}
	return NewRedactor(append(all, more...)...)
}

// String keeps what it knows to itself.
func (r *Redactor) String() string { return redacted }

// GoString is for %#v.
func (r *Redactor) GoString() string { return redacted }

// Text is a text without the secrets.
func (r *Redactor) Text(text string) string {
	if r == nil {
		return text
	}
	done, _ := r.redact([]byte(text), true)
	return string(done)
}

// Texts are texts without the secrets.
func (r *Redactor) Texts(texts []string) []string {
	var done []string
	for _, text := range texts {
		done = append(done, r.Text(text))
	}
	return done
}

// redact takes the secrets out of a text. What may be the beginning of one is left over, unless the text ends there.
func (r *Redactor) redact(text []byte, ends bool) (done, rest []byte) {
	for i := 0; i < len(text); {
		found, begins := r.at(text[i:])
		switch {
		case begins && !ends:
			return done, text[i:]
		case found > 0:
			done = append(done, r.mark(found)...)
			i += found
		default:
			done = append(done, text[i])
			i++
		}
	}
	return done, nil
}

// mark stands for a secret of some length.
func (r *Redactor) mark(length int) string {
	if r.blank {
		return strings.Repeat("*", length)
	}
	return redacted
}

// at is the length of the secret that a text begins with, 0 where there is none, and whether a longer one may begin
// there that the text has only a part of.
func (r *Redactor) at(text []byte) (found int, begins bool) {
	for _, secret := range r.by[text[0]] {
		switch {
		case len(text) < len(secret) && strings.HasPrefix(secret, string(text)):
			begins = true
		case bytes.HasPrefix(text, []byte(secret)):
			return len(secret), begins
		}
	}
	return 0, begins
}

// Writer passes on what is written to it without the secrets, also those that come in pieces: so it has to stand before
// whatever cuts a text. Close passes on the end; to stays open.
func (r *Redactor) Writer(to io.Writer) io.WriteCloser { return &redactingWriter{redactor: r, to: to} }

type redactingWriter struct {
	redactor *Redactor
	to       io.Writer
	rest     []byte // what may be the beginning of a secret
}

func (w *redactingWriter) Write(p []byte) (int, error) { return len(p), w.pass(p, false) }

func (w *redactingWriter) Close() error { return w.pass(nil, true) }

func (w *redactingWriter) pass(p []byte, ends bool) error {
	text := append(w.rest, p...)
	done, rest := text, []byte(nil)
	if w.redactor != nil {
		done, rest = w.redactor.redact(text, ends)
	}
	w.rest = bytes.Clone(rest)
	if len(done) == 0 {
		return nil
	}
	_, err := w.to.Write(done)
	return err
}
