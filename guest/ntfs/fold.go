package ntfs

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"
)

//go:embed upcase.txt
var runs string

// table has for each UTF-16 unit the one that it is compared as.
type table [1 << 16]uint16

var upcase = sync.OnceValue(func() *table {
	t, err := parse(runs)
	if err != nil {
		panic("guest/ntfs/upcase.txt: " + err.Error()) // it is part of this program, and held by a test
	}
	return t
})

// parse reads the runs of a table: FIRST LAST STEP ±ADDED, in hex.
func parse(text string) (*table, error) {
	t := &table{}
	for unit := range t {
		t[unit] = uint16(unit)
	}
	number := 0
	for line := range strings.Lines(text) {
		number++
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		var first, last, step uint16
		var added int
		if n, err := fmt.Sscanf(line, "%x %x %x %x", &first, &last, &step, &added); n != 4 {
			return nil, fmt.Errorf("line %d: %q is no run: %w", number, line, err)
		}
		if step == 0 || last < first {
			return nil, fmt.Errorf("line %d: the run %q has no end", number, line)
		}
		for unit := int(first); unit <= int(last); unit += int(step) {
			t[unit] = uint16(unit + added)
		}
	}
	return t, nil
}

// Fold makes names, or paths, comparable: two are the same to NTFS when what this gives is. What is no UTF-8 stays as it is.
func Fold(name string) string {
	t := upcase()
	var b strings.Builder
	b.Grow(len(name))
	for len(name) > 0 {
		r, size := utf8.DecodeRuneInString(name)
		if r == utf8.RuneError && size == 1 || r >= 1<<16 {
			b.WriteString(name[:size])
		} else {
			b.WriteRune(rune(t[r]))
		}
		name = name[size:]
	}
	return b.String()
}
