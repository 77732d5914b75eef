package crashdump

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

//go:embed stopcodes.txt
var namesText string

// names are the symbolic names of stop codes, of all that there is a name for.
var names = sync.OnceValue(func() map[uint32]string {
	all, err := parseNames(namesText)
	if err != nil {
		panic("crashdump/stopcodes.txt: " + err.Error()) // it is part of this program, and held by a test
	}
	return all
})

// parseNames reads lines of a code in hex and its name.
func parseNames(text string) (map[uint32]string, error) {
	all := map[uint32]string{}
	number := 0
	for line := range strings.Lines(text) {
		number++
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		hex, name, _ := strings.Cut(line, " ")
		code, err := strconv.ParseUint(hex, 16, 32)
		if err != nil || name == "" || strings.Contains(name, " ") {
			return nil, fmt.Errorf("line %d: %q is no code with its name", number, line)
		}
		if other, twice := all[uint32(code)]; twice {
			return nil, fmt.Errorf("line %d: 0x%X is %s already", number, code, other)
		}
		all[uint32(code)] = name
	}
	return all, nil
}
