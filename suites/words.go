package suites

import (
	"fmt"
	"strings"
	"time"

	"wskharness/driver/abi"
	"wskharness/winerr"
)

// format writes a value as people read it.
func (v value) format(number uint64) string {
	switch v.kind {
	case valueBool:
		switch number {
		case 0:
			return "false"
		case 1:
			return "true"
		}
	case valueVersion:
		if number <= 0xFFFF {
			return versionString(number)
		}
	case valueStatus:
		return winerr.NTStatus(number).Name()
	case valueName:
		for _, n := range v.names {
			if n.code == number {
				return n.name
			}
		}
	case valueSlots:
		var set []string
		for _, n := range v.names {
			if number&n.code != 0 {
				set = append(set, n.name)
			}
		}
		if len(set) == 0 {
			return "none"
		}
		return strings.Join(set, " ")
	case valueBytes:
		return byteSize(number)
	case valueTime, valueSpan:
		return elapsed(number)
	case valueExit:
		return exitCode(number)
	}
	return fmt.Sprint(number)
}

func versionString(version uint64) string { return fmt.Sprintf("%d.%d", version>>8, version&0xFF) }

func byteSize(n uint64) string {
	for _, unit := range []struct {
		shift uint
		name  string
	}{{30, "GiB"}, {20, "MiB"}, {10, "KiB"}} {
		if n >= 1<<unit.shift {
			if n&(1<<unit.shift-1) == 0 {
				return fmt.Sprintf("%d%s", n>>unit.shift, unit.name)
			}
			return fmt.Sprintf("%.1f%s", float64(n)/float64(uint64(1)<<unit.shift), unit.name)
		}
	}
	return fmt.Sprintf("%dB", n)
}

// elapsed writes a duration in nanoseconds with three digits that matter.
func elapsed(ns uint64) string {
	if ns > 1<<62 {
		ns = 1 << 62
	}
	d := time.Duration(ns)
	switch {
	case d >= 10*time.Second:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d >= time.Second:
		return fmt.Sprintf("%.2fs", d.Seconds())
	case d >= 10*time.Millisecond:
		return fmt.Sprintf("%dms", d.Milliseconds())
	case d >= time.Microsecond*100:
		return fmt.Sprintf("%.1fms", float64(d)/1e6)
	case d >= time.Microsecond:
		return fmt.Sprintf("%.1fµs", float64(d)/1e3)
	}
	return fmt.Sprintf("%dns", ns)
}

// statusList writes statuses as an expectation: "STATUS_SUCCESS or STATUS_NOINTERFACE".
func statusList(codes []winerr.NTStatus) string {
	names := make([]string, len(codes))
	for i, c := range codes {
		names[i] = c.Name()
	}
	return strings.Join(names, " or ")
}

// OriginName says where a step's status comes from, in a word.
func OriginName(origin uint32) string {
	switch origin {
	case abi.OriginCall:
		return "call"
	case abi.OriginRefused:
		return "refused"
	case abi.OriginTimeout:
		return "timeout"
	case abi.OriginAsync:
		return "started"
	case abi.OriginSkipped:
		return "skipped"
	}
	return fmt.Sprintf("origin %d", origin)
}

// sentence gathers the words of a step: "capture a, no wait".
type sentence struct{ parts []string }

func (w *sentence) add(text string) { w.parts = append(w.parts, text) }

// object adds a word to the part before: "capture" becomes "capture a".
func (w *sentence) object(text string) { w.parts[len(w.parts)-1] += " " + text }

// socket adds a socket by the role that it has: "accept l", "to c".
func (w *sentence) socket(name string, a argument) {
	if a.name == "socket" {
		w.object(name)
		return
	}
	w.add(a.name + " " + name)
}

func (w *sentence) String() string { return strings.Join(w.parts, ", ") }
