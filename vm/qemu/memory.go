package qemu

import (
	"regexp"
	"strconv"

	"wskharness/settings"
	"wskharness/strictyaml"
)

var memoryText = regexp.MustCompile(`^([1-9][0-9]{0,6})([MG])$`)

// Bounds of a guest's memory, in MiB.
const (
	leastMemory = 64
	mostMemory  = 4 << 20 // 4 TiB
)

// readMemory reads a size such as 4G or 512M, into MiB.
func readMemory(to *int64) settings.Value {
	return settings.Value{Schema: settings.Pattern(memoryText.String()), Read: func(r *settings.Reader, n *strictyaml.Node, what string) {
		const want = "a size from 64M to 4096G, such as 4G"
		if !r.Value(n, what, want) {
			return
		}
		m := memoryText.FindStringSubmatch(n.Text)
		if m == nil {
			r.At(n, want, "%s is %s", what, n.Describe())
			return
		}
		size, _ := strconv.ParseInt(m[1], 10, 64) // of seven digits
		if m[2] == "G" {
			size <<= 10
		}
		if size < leastMemory || size > mostMemory {
			r.At(n, want, "%s is %s", what, n.Describe())
		}
		*to = size
	}}
}
