package wine

import (
	"regexp"
	"strconv"
	"strings"
)

// entryLine is what Wine's ntoskrnl prints of a DriverEntry that failed.
var entryLine = regexp.MustCompile(`^[0-9a-f:]{10,18}err:ntoskrnl:ZwLoadDriver failed to create driver L"\\\\Registry\\\\Machine\\\\System\\\\CurrentControlSet\\\\Services\\\\([^"\\]+)": ([0-9a-f]{1,8})\s*$`)

// EntryStatus is the NTSTATUS with which the service's DriverEntry failed last, by the guest's console. See vm.EntryTeller.
func (m *Machine) EntryStatus(service string) (status uint32, ok bool) {
	text, err := m.Console()
	if err != nil {
		return 0, false
	}
	return entryStatus(string(text), service)
}

func entryStatus(console, service string) (status uint32, ok bool) {
	for line := range strings.Lines(console) {
		m := entryLine.FindStringSubmatch(strings.TrimRight(line, "\r\n"))
		if m == nil || !strings.EqualFold(m[1], service) {
			continue
		}
		if n, err := strconv.ParseUint(m[2], 16, 32); err == nil {
			status, ok = uint32(n), true
		}
	}
	return status, ok
}
