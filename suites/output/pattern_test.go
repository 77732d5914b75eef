package output

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
)

func TestPatterns(t *testing.T) {
	for _, test := range []struct {
		digits, data string
		is, in       bool
	}{
		{"", "", true, true},
		{"", "00", false, true},
		{"00", "", false, false},
		{"01??03", "01ff03", true, true},
		{"01??03", "01ff0302", false, true},
		{"01??03", "0001ff", false, false},
		{"?1", "f1", true, true},
		{"?1", "1f", false, false},
		{"1?", "1f", true, true},
		{"??", "", false, false},
		{"0102", "010102", false, true},
		{"ff", "00fF", false, true},
	} {
		data, _ := hex.DecodeString(test.data)
		if is, in := patternIs(test.digits, data), patternIn(test.digits, data); is != test.is || in != test.in {
			t.Errorf("%s of %s: %v, %v", test.digits, test.data, is, in)
		}
	}
}

// FuzzPattern: open digits match whatever they stand for, and what is not open nothing else.
func FuzzPattern(f *testing.F) {
	f.Add([]byte("abc"), []byte("b"), uint16(1))
	f.Fuzz(func(t *testing.T, data, part []byte, open uint16) {
		digits := []byte(hex.EncodeToString(part))
		if patternIn(string(digits), data) != bytes.Contains(data, part) || patternIs(string(digits), data) != bytes.Equal(data, part) {
			t.Fatalf("%x of %x", part, data)
		}
		for i := range digits {
			if open&(1<<(i%16)) != 0 {
				digits[i] = '?'
			}
		}
		if !patternIs(string(digits), part) || bytes.Contains(data, part) && !patternIn(string(digits), data) {
			t.Fatalf("%s of %x", digits, data)
		}
		all := strings.Repeat("?", len(digits))
		if patternIn(all, data) != (len(part) <= len(data)) {
			t.Fatalf("%d open digits of %d bytes", len(all), len(data))
		}
	})
}
