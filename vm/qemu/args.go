package qemu

import (
	"strings"

	"wskharness/settings"
	"wskharness/strictyaml"
)

// refused are options that the user's arguments can't have: where they want something that a key says, or would take away what
// the harness stands on. All others are his own.
var refused = map[string]struct{ want, why string }{
	"daemonize":  {"", "QEMU would leave the process that ends it"},
	"runas":      {"", "QEMU would not end any more with the process that has started it"},
	"run-with":   {"", "QEMU would not end any more with the process that has started it"},
	"chroot":     {"", "QEMU would not find the guest's files any more"},
	"S":          {"", "the guest would never start"},
	"preconfig":  {"", "the guest would never start"},
	"incoming":   {"", "the guest would wait for another QEMU, and never start"},
	"loadvm":     {"warm: true", "it is the harness that decides from what a guest starts"},
	"snapshot":   {"", "each guest has an overlay of its own, and writes to no image"},
	"action":     {"memory_dump", "what follows on a crash is decided here: QEMU's own default would take away Windows' dump"},
	"no-reboot":  {"", "a guest that crashes has to boot again"},
	"nographic":  {"", "QEMU's output is no terminal; the serial console is kept anyway: wskharness vm console"},
	"curses":     {"", "QEMU's output is no terminal"},
	"readconfig": {"its options in args", "what the file has nobody has looked at"},
	"accel":      {"accel", "a key of the target says it"},
	"enable-kvm": {"accel: kvm", "a key of the target says it"},
	"no-kvm":     {"accel: tcg", "a key of the target says it"},
	"cpu":        {"cpu", "a key of the target says it"},
	"m":          {"memory", "a key of the target says it"},
	"smp":        {"cpus", "a key of the target says it"},
	"bios":       {"firmware_code and firmware_vars", "keys of the target say it"},
	"pflash":     {"firmware_code and firmware_vars", "keys of the target say it"},
	"name":       {"", "the guest's id is its name"},
	"h":          {"", "QEMU would print its options, and end"},
	"help":       {"", "QEMU would print its options, and end"},
	"version":    {"", "QEMU would print its version, and end"},
}

// readArgs reads the user's arguments, each a word of its own.
func readArgs(to *[]string) settings.Value {
	return settings.Value{Schema: settings.List(settings.Refer("text")), Read: func(r *settings.Reader, n *strictyaml.Node, what string) {
		for _, item := range r.Items(n, what) { // words may repeat
			word, ok := r.Line(item, "a word of "+what)
			if !ok {
				continue
			}
			*to = append(*to, word)
			option, isOption := strings.CutPrefix(word, "-")
			option, values, whole := strings.Cut(strings.TrimPrefix(option, "-"), " ")
			if !isOption {
				checkValue(r, item, word, *to)
				continue
			}
			if whole && values != "" {
				r.At(item, "a word for each: [-"+option+", "+strings.TrimSpace(values)+"]", "%s has an option and its value in one word", what)
			}
			if no, found := refused[option]; found {
				want := "args without it"
				if no.want != "" {
					want = no.want + " of the target, and args without it"
				}
				r.At(item, want, "%s has -%s: %s", what, option, no.why)
			}
		}
	}}
}

// checkValue looks at what stands behind an option.
func checkValue(r *settings.Reader, n *strictyaml.Node, value string, words []string) {
	if len(words) < 2 {
		return
	}
	switch option := strings.TrimLeft(words[len(words)-2], "-"); {
	case (option == "machine" || option == "M") && strings.Contains(value, "accel="):
		r.At(n, "accel of the target, and args without it", "args has -%s accel=: a key of the target says it", option)
	case (option == "serial" || option == "monitor" || option == "qmp" || option == "chardev") && (value == "stdio" || value == "mon:stdio" || strings.HasPrefix(value, "stdio,")):
		r.At(n, "a socket or a file", "args has -%s stdio: QEMU's output is no terminal", option)
	}
}

// readCPU reads the processor.
func readCPU(to *string) settings.Value {
	return settings.Value{Schema: settings.Refer("text"), Read: func(r *settings.Reader, n *strictyaml.Node, what string) {
		*to, _ = r.Line(n, what)
		if strings.Contains(strings.ReplaceAll(*to, "_", "-"), "hv-passthrough") {
			r.At(n, "the features that are wanted, one by one", "%s has hv_passthrough, which is whatever this machine has: a snapshot, and what a guest does, would depend on it", what)
		}
	}}
}
