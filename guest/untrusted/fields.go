package untrusted

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// MaxMillis bounds a time in milliseconds: some 8,900 years.
const MaxMillis = 1 << 48

// DecodeOne decodes one JSON object, and refuses anything behind it.
func DecodeOne(said []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(said))
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("not the JSON object that was expected: %w (it starts %q)", err, Clip(string(said[:min(len(said), 200)]), 80))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one JSON object")
	}
	return nil
}

// Number is an unsigned 64-bit number as a guest writes it: decimal, or a string "0x…".
type Number uint64

// UnmarshalJSON is of json.Unmarshaler.
func (n *Number) UnmarshalJSON(b []byte) error {
	text, base := string(b), 10
	if inner, ok := strings.CutPrefix(text, `"0x`); ok && strings.HasSuffix(inner, `"`) {
		text, base = strings.TrimSuffix(inner, `"`), 16
	}
	v, err := strconv.ParseUint(text, base, 64)
	if err != nil {
		return fmt.Errorf(`%s is neither an unsigned number nor "0x…"`, Clip(string(b), 40))
	}
	*n = Number(v)
	return nil
}

// Fields checks the fields of one object, and collects every mistake. A nil field is one that is missing, which is a
// mistake. Each method returns the field's value, and the zero value of a field that is wrong. The zero Fields is ready.
type Fields struct{ mistakes []error }

// Err is all mistakes that were found; nil where there are none.
func (f *Fields) Err() error { return errors.Join(f.mistakes...) }

// Wrong notes a mistake.
func (f *Fields) Wrong(format string, args ...any) {
	f.mistakes = append(f.mistakes, fmt.Errorf(format, args...))
}

// Text is any text.
func (f *Fields) Text(name string, v *string) string {
	if v == nil {
		f.Wrong("%s is missing", name)
		return ""
	}
	return *v
}

// Word is one of these words.
func (f *Fields) Word(name string, v *string, words ...string) string {
	s := f.Text(name, v)
	if slices.Contains(words, s) {
		return s
	}
	if v != nil {
		f.Wrong("%s is %q; expected one of %s", name, Clip(s, 40), strings.Join(words, ", "))
	}
	return ""
}

// SHA256 is a hash in lower-case hex.
func (f *Fields) SHA256(name string, v *string) string {
	s := f.Text(name, v)
	if err := CheckSHA256(s); v != nil && err != nil {
		f.Wrong("%s: %w", name, err)
		return ""
	}
	return s
}

// GUID is one with or without braces.
func (f *Fields) GUID(name string, v *string) string {
	id := f.Text(name, v)
	bare := id
	if strings.HasPrefix(id, "{") && strings.HasSuffix(id, "}") {
		bare = id[1 : len(id)-1]
	}
	if v != nil && !IsGUID(bare) {
		f.Wrong("%s %q is no GUID", name, Clip(id, 60))
		return ""
	}
	return id
}

// Count is a number up to most.
func (f *Fields) Count(name string, v *Number, most uint64) uint64 {
	if v == nil || uint64(*v) > most {
		f.Wrong("%s is not a number up to %d", name, most)
		return 0
	}
	return uint64(*v)
}

// Index is a number that counts things of a plan; a plan of the largest size holds fewer.
func (f *Fields) Index(name string, v *int) int { return f.Within(name, v, 0, 1<<20) }

// Within is a number from least to most.
func (f *Fields) Within(name string, v *int, least, most int) int {
	if v == nil || *v < least || *v > most {
		f.Wrong("%s is not a number from %d to %d", name, least, most)
		return 0
	}
	return *v
}

// Code is an NTSTATUS, a Win32 error, or another number of 32 bits.
func Code[C ~uint32](f *Fields, name string, v *C) C {
	if v == nil {
		f.Wrong("%s is missing", name)
		return 0
	}
	return *v
}

// Flag is 0 or 1.
func (f *Fields) Flag(name string, v *Number) bool {
	if v == nil || *v > 1 {
		f.Wrong("%s is neither 0 nor 1", name)
		return false
	}
	return *v == 1
}

// Duration is a time in units.
func (f *Fields) Duration(name string, v *Number, unit time.Duration) time.Duration {
	return time.Duration(f.Count(name, v, uint64((1<<63-1)/unit))) * unit
}
