package report

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
)

// Printable makes a text that anybody may have written fit for one line of a terminal: what is not
// printed as itself (control characters, invalid bytes, marks that change the direction or have
// no width) is spelt out.
func Printable(s string) string {
	if strings.IndexFunc(s, unprintable) < 0 && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && size <= 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteByte(' ')
		case r < 0x80 && unprintable(r):
			fmt.Fprintf(&b, `\x%02x`, r)
		case unprintable(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
		s = s[size:]
	}
	return b.String()
}

// unprintable also tells the format characters, among which are the directional overrides, and
// the separators of lines.
func unprintable(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }

// lines divides a text at its line ends, without empty lines at the end; each is made plain. At
// most limit lines come back, the last of which then says how many are missing.
func lines(s string, limit int) []string {
	s = strings.TrimRight(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	if s == "" {
		return nil
	}
	all := strings.Split(s, "\n")
	if len(all) > limit {
		rest := len(all) - limit + 1
		all = append(all[:limit-1:limit-1], fmt.Sprintf("… (%d more lines)", rest))
	}
	for i := range all {
		all[i] = Printable(all[i])
	}
	return all
}

// fit cuts a plain text to a width in terminal columns.
func fit(s string, width int) string {
	if width <= 0 {
		return ""
	}
	return runewidth.Truncate(s, width, "…")
}

// pad fills a plain text up to a width in terminal columns.
func pad(s string, width int) string { return s + strings.Repeat(" ", max(0, width-columns(s))) }

// columns is the width of a text that has no control characters but its colours.
func columns(s string) int {
	width := 0
	for {
		before, after, painted := strings.Cut(s, "\x1b[")
		width += runewidth.StringWidth(before)
		if !painted {
			return width
		}
		_, s, _ = strings.Cut(after, "m")
	}
}

// wrap breaks a plain text at spaces into lines of a width in columns. A word that is longer
// stands alone, uncut: it may be a path or a command that somebody wants to copy.
func wrap(s string, width int) []string { return pack(strings.Fields(s), " ", width) }

// pack puts as many parts into each line as fit.
func pack(parts []string, separator string, width int) []string {
	var out []string
	for _, part := range parts {
		last := len(out) - 1
		if last >= 0 && (width <= 0 || columns(out[last])+columns(separator)+columns(part) <= width) {
			out[last] += separator + part
			continue
		}
		out = append(out, part)
	}
	return out
}

// Duration writes a time as a person wants it, in three figures or so: 850µs, 1.9ms, 504ms,
// 6.82s, 2m05s.
func Duration(d time.Duration) string {
	switch {
	case d <= 0:
		return "0s"
	case d < time.Microsecond:
		return fmt.Sprintf("%dns", d)
	case d < 999500*time.Nanosecond:
		return fmt.Sprintf("%dµs", d.Round(time.Microsecond)/time.Microsecond)
	case d < 9950*time.Microsecond:
		return fmt.Sprintf("%.1fms", float64(d)/float64(time.Millisecond))
	case d < 999500*time.Microsecond:
		return fmt.Sprintf("%dms", d.Round(time.Millisecond)/time.Millisecond)
	case d < 9995*time.Millisecond:
		return fmt.Sprintf("%.2fs", d.Seconds())
	case d < 59950*time.Millisecond:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Hour-500*time.Millisecond:
		d = d.Round(time.Second)
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	}
	d = d.Round(time.Minute)
	return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
}

// Bytes writes a size as a person wants it.
func Bytes(n int64) string {
	const unit = 1024
	switch {
	case n < unit:
		return fmt.Sprintf("%d bytes", n)
	case n < unit*unit:
		return fmt.Sprintf("%.1f KiB", float64(n)/unit)
	case n < unit*unit*unit:
		return fmt.Sprintf("%.1f MiB", float64(n)/(unit*unit))
	}
	return fmt.Sprintf("%.1f GiB", float64(n)/(unit*unit*unit))
}

// count writes a number with its noun.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
