package strictyaml

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The readers turn a node into a value of a kind. Each reports what is wrong and what was expected,
// and says whether the value can be used. what names the value in messages.

const maxText = 1000

// durationText leaves out what else Go would read: a sign, 0, µs, a number without digits before its point.
var durationText = regexp.MustCompile(`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`)

// Value reports whether n is a single value that is not empty.
func (r *Reporter) Value(n *Node, what, want string) bool {
	if n.Kind != ScalarKind || n.IsNull() {
		r.At(n, want, "%s is %s", what, n.Describe())
		return false
	}
	return true
}

// Sure reports whether n is a single value, and, where it stands without quotes, one that no reader of YAML takes for
// anything but the text that was typed.
func (r *Reporter) Sure(n *Node, what, want string) bool {
	switch {
	case !r.Value(n, what, want):
		return false
	case n.Doubt != "":
		r.At(n, n.inQuotes(), "%s is %s", what, n.doubted())
		return false
	}
	return true
}

// Text reads 1 to 1000 bytes of text, as they were typed; a block of text ends with its last letter.
func (r *Reporter) Text(n *Node, what string) (string, bool) {
	if !r.Sure(n, what, "text") {
		return "", false
	}
	const want = "1 to 1000 bytes of text"
	text := n.Text
	if n.Block {
		text = strings.TrimSpace(text)
	}
	switch {
	case strings.TrimSpace(text) == "":
		r.At(n, want, "%s is %s", what, n.Describe())
		return "", false
	case strings.ContainsRune(text, 0):
		r.At(n, "text without it", "%s has a NUL in it", what)
		return "", false
	case len(text) > maxText:
		r.At(n, want, "%s has %d bytes", what, len(text))
		return "", false
	}
	return text, true
}

// Raw reads text that may be empty, in quotes, and is of whatever length and characters.
func (r *Reporter) Raw(n *Node, what string) (string, bool) {
	if n.IsNull() {
		r.At(n, "text; '' where it is empty", "%s is %s", what, n.Describe())
		return "", false
	}
	return n.Text, r.Sure(n, what, "text")
}

// Bool reads true or false.
func (r *Reporter) Bool(n *Node, what string) (value, ok bool) {
	if n.Kind == ScalarKind && n.Tag == "!!bool" {
		switch n.Text {
		case "true":
			return true, true
		case "false":
			return false, true
		}
	}
	want := "true or false"
	if n.Kind == ScalarKind && !n.Plain && (n.Text == "true" || n.Text == "false") {
		want += " without quotes"
	}
	r.At(n, want, "%s is %s", what, n.Describe())
	return false, false
}

// WholeNumber reports whether n is written as a whole number about which readers of YAML agree: in decimal without a
// leading zero, or 0x and hexadecimal digits; no sign, no blank, no other base.
func (n *Node) WholeNumber() bool {
	return n.Kind == ScalarKind && n.Plain && wholeNumber.MatchString(n.Text)
}

// Number reads a whole number between two bounds, which belong to it.
func (r *Reporter) Number(n *Node, what string, lowest, highest uint64) (uint64, bool) {
	want := fmt.Sprintf("a whole number from %d to %d", lowest, highest)
	if highest == 1<<64-1 {
		want = "a whole number"
	}
	is := n.Describe()
	switch {
	case n.WholeNumber():
		number, err := strconv.ParseUint(n.Text, 0, 64)
		if err == nil && number >= lowest && number <= highest {
			return number, true
		}
	case n.Kind != ScalarKind:
	case n.Doubt != "":
		want, is = want+", in decimal without a leading zero, or as 0x and hexadecimal digits", n.doubted()
	case !n.Plain && wholeNumber.MatchString(n.Text):
		want += ", without quotes"
	}
	r.At(n, want, "%s is %s", what, is)
	return 0, false
}

// Duration reads whole milliseconds, at least one, such as 500ms or 2s.
func (r *Reporter) Duration(n *Node, what string, highest time.Duration) (time.Duration, bool) {
	if n.Kind == ScalarKind {
		d, err := time.ParseDuration(n.Text)
		switch {
		case err != nil || !durationText.MatchString(n.Text):
		case d < time.Millisecond || d > highest || d%time.Millisecond != 0:
			r.At(n, "whole milliseconds from 1ms to "+ShortDuration(highest), "%s is %s", what, n.Text)
			return 0, false
		default:
			return d, true
		}
	}
	r.At(n, "a duration such as 500ms or 2s", "%s is %s", what, n.Describe())
	return 0, false
}

// Items returns the items of a list that is not empty.
func (r *Reporter) Items(n *Node, what string) []*Node {
	if n.Kind != SequenceKind || len(n.Items) == 0 {
		r.At(n, "a list of at least one", "%s is %s", what, n.CountOrKind())
		return nil
	}
	return n.Items
}

// Texts reads a list of different texts.
func (r *Reporter) Texts(n *Node, what string) []string {
	var all []string
	for _, item := range r.Items(n, what) {
		text, ok := r.Text(item, "an entry of "+what)
		switch {
		case !ok:
		case slices.Contains(all, text):
			r.At(item, "each of them once", "%s has %q twice", what, text)
		default:
			all = append(all, text)
		}
	}
	return all
}

// OneOf reads one of the given words.
func (r *Reporter) OneOf(n *Node, what string, words ...string) (string, bool) {
	want := "one of " + strings.Join(words, ", ")
	if !r.Value(n, what, want) {
		return "", false
	}
	if slices.Contains(words, n.Text) {
		return n.Text, true
	}
	r.At(n, want, "%s is %s%s", what, n.Describe(), Hint(n.Text, words))
	return "", false
}

// ShortDuration writes 1m40s, 2s, 500ms: without the zero units of time.Duration's own text.
func ShortDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// Line reads a text of one line, without control characters: a path, a name, a word of a command. In double quotes "C:\new"
// has an end of line in it.
func (r *Reporter) Line(n *Node, what string) (string, bool) {
	text, ok := r.Text(n, what)
	if !ok {
		return "", false
	}
	if at := strings.IndexFunc(text, unicode.IsControl); at >= 0 {
		char, _ := utf8.DecodeRuneInString(text[at:])
		want := "text of one line"
		if !n.Plain && !n.Block {
			want += `; in double quotes \ begins an escape, in single quotes it is a backslash`
		}
		r.At(n, want, "%s is %s, with the control character U+%04X", what, n.Describe(), char)
		return "", false
	}
	return text, true
}

// Within is the place of a part of a text that stands on one line: of its character at that index, from 0.
func (n *Node) Within(character int) *Node {
	own := *n
	switch {
	case n.Block:
	case n.Plain:
		own.Column += character
	default:
		own.Column += 1 + character
	}
	return &own
}
