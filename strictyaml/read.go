package strictyaml

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The readers turn a node into a value of a kind. Each reports what is wrong and what was expected,
// and says whether the value can be used. what names the value in messages.

const maxText = 1000

// Value reports whether n is a single value that is not empty.
func (r *Reporter) Value(n *Node, what, want string) bool {
	if n.Kind != ScalarKind || n.IsNull() {
		r.At(n, want, "%s is %s", what, n.Describe())
		return false
	}
	return true
}

// Text reads 1 to 1000 bytes of text, without the spaces around it.
func (r *Reporter) Text(n *Node, what string) (string, bool) {
	if !r.Value(n, what, "text") {
		return "", false
	}
	const want = "1 to 1000 bytes of text"
	text := strings.TrimSpace(n.Text)
	switch {
	case text == "":
		r.At(n, want, "%s is %s", what, n.Describe())
		return "", false
	case len(text) > maxText:
		r.At(n, want, "%s has %d bytes", what, len(text))
		return "", false
	}
	return text, true
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
	r.At(n, "true or false", "%s is %s", what, n.Describe())
	return false, false
}

// Number reads a whole number between two bounds, which belong to it.
func (r *Reporter) Number(n *Node, what string, lowest, highest uint64) (uint64, bool) {
	want := fmt.Sprintf("a whole number from %d to %d", lowest, highest)
	if highest == 1<<64-1 {
		want = "a whole number"
	}
	if n.Kind == ScalarKind && n.Tag == "!!int" {
		number, err := strconv.ParseUint(n.Text, 0, 64)
		if err == nil && number >= lowest && number <= highest {
			return number, true
		}
	}
	r.At(n, want, "%s is %s", what, n.Describe())
	return 0, false
}

// Duration reads whole milliseconds, at least one, such as 500ms or 2s.
func (r *Reporter) Duration(n *Node, what string, highest time.Duration) (time.Duration, bool) {
	if n.Kind == ScalarKind {
		d, err := time.ParseDuration(n.Text)
		switch {
		case err != nil || n.Tag != "!!str":
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
