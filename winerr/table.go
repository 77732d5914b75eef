package winerr

import (
	"fmt"
	"strconv"
	"strings"
)

// table is a list of codes with their names.
type table[C ~uint32] struct {
	order []string // the names, as they are listed
	names map[C]string
	codes map[string]C
}

// read takes a text that is part of this program, and that a test has read.
func read[C ~uint32](file, text string, base int) *table[C] {
	t, err := parse[C](text, base)
	if err != nil {
		panic("winerr/" + file + ": " + err.Error())
	}
	return t
}

// parse reads lines of a code and its name. Where two names share a code, the first is the one that the code is called by.
func parse[C ~uint32](text string, base int) (*table[C], error) {
	t := &table[C]{names: map[C]string{}, codes: map[string]C{}}
	number := 0
	for line := range strings.Lines(text) {
		number++
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		digits, name, _ := strings.Cut(line, " ")
		parsed, err := strconv.ParseUint(digits, base, 32)
		if err != nil || name == "" || strings.Contains(name, " ") {
			return nil, fmt.Errorf("line %d: %q is no code with its name", number, line)
		}
		code := C(parsed)
		if _, twice := t.codes[name]; twice {
			return nil, fmt.Errorf("line %d: %s is listed already", number, name)
		}
		t.order, t.codes[name] = append(t.order, name), code
		if t.names[code] == "" {
			t.names[code] = name
		}
	}
	return t, nil
}
