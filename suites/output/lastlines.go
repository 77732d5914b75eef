package output

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
)

// Bounds of what is shown of a stream: its end, where a program says why it fails.
const (
	lastLines     = 16
	lastLineBytes = 300
)

// sequence is a control sequence of a terminal: colours, mostly.
var sequence = regexp.MustCompile(`\x1b\[[0-9;?]*[ -/]*[@-~]`)

// LastLines are the ends of what was written to a stream, several lines: why a program fails it says there. "" where nothing was.
func (o Outputs) LastLines(s Stream) string {
	data, total := o.of(s)
	end := endOf(data, *o.End(s.String()), total)
	text := sequence.ReplaceAllString(o.Decode(end.data), "")
	all := strings.Split(strings.TrimRight(text, " \t\n"), "\n")
	if len(all) == 1 && all[0] == "" {
		return ""
	}
	if end.cut && len(all) > 1 {
		all = all[1:] // of which the beginning is missing
	}
	left := len(all) - lastLines
	if left > 0 {
		all = all[left:]
	}
	for i, line := range all {
		all[i] = clipLine(strings.ReplaceAll(strings.TrimRight(line, " \t\r"), "\t", "    "))
	}
	switch {
	case end.short:
		all = append(all, fmt.Sprintf("… (the guest has kept the first %d bytes, of which these are the last lines)", len(end.data)))
	case end.cut:
		all = append([]string{"…"}, all...)
	case left > 0:
		all = append([]string{fmt.Sprintf("… (%d lines before)", left)}, all...)
	}
	return strings.Join(all, "\n")
}

// ending is the end of a stream.
type ending struct {
	data  []byte
	cut   bool // more is before it
	short bool // the guest has kept no more than the beginning
}

func endOf(beginning, last []byte, total uint64) ending {
	const most = 16 << 10 // nobody wants to read more
	e := ending{data: beginning}
	switch gap := int64(total) - int64(len(beginning)) - int64(len(last)); {
	case len(last) == 0:
		e.short = total > uint64(len(beginning))
	case gap > 0:
		e.data, e.cut = last, true
		if at := total - uint64(len(last)); at%2 == 1 && wide(beginning) {
			e.data = last[1:] // characters of two bytes each
		}
	default:
		e.data = append(beginning[:len(beginning):len(beginning)], last...)
	}
	if left := len(e.data) - most; left > 0 {
		e.data, e.cut = e.data[left+left%2:], true
	}
	return e
}

// wide reports whether a text is of two bytes a character.
func wide(data []byte) bool {
	return bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) || bytes.IndexByte(data[:min(len(data), 64)], 0) >= 0
}

func clipLine(line string) string {
	if len(line) <= lastLineBytes {
		return line
	}
	return strings.ToValidUTF8(line[:lastLineBytes], "") + "…"
}
