//go:build linux

package wine

import (
	"context"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"wskharness/winerr"
)

// entryLine is what Wine's ntoskrnl prints of a DriverEntry that failed.
var entryLine = regexp.MustCompile(`^[0-9a-f:]{10,18}err:ntoskrnl:ZwLoadDriver failed to create driver L"\\\\Registry\\\\Machine\\\\System\\\\CurrentControlSet\\\\Services\\\\([^"\\]+)": ([0-9a-f]{1,8})\s*$`)

// A mark is a place in the console of a boot: the boot's number, and how much the boot had printed.
const markFormat = "%d.%d"

// EntryMark is the end of what the guest's console has by now. See vm.EntryTeller.
func (m *Machine) EntryMark() (string, error) {
	a, err := m.hear(request{Do: doHear, Printed: math.MaxInt64})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf(markFormat, a.Boot, a.Printed), nil
}

// EntryStatus is the NTSTATUS with which the service's DriverEntry has failed last since the mark, by the guest's console.
// See vm.EntryTeller.
func (m *Machine) EntryStatus(service, since string) (status winerr.NTStatus, ok bool) {
	r := request{Do: doHear}
	if n, err := fmt.Sscanf(since, markFormat, &r.Boot, &r.Printed); err != nil || n != 2 {
		return 0, false
	}
	a, err := m.hear(r)
	if err != nil {
		return 0, false
	}
	return entryStatus(string(a.Console), service)
}

func (m *Machine) hear(r request) (answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return ask(ctx, m.state.Control, r)
}

// heard is what the boot that is up has printed until now, from the place on that the request names; of another boot than
// the request is about, all that it has printed.
func (s *server) heard(r request) (a answer) {
	s.mu.Lock()
	b, boot := s.boot, s.state.Boots
	s.mu.Unlock()
	if b == nil {
		return answer{Boot: boot}
	}
	b.hearAll()
	text, dropped := b.printed()
	a = answer{Boot: boot, Printed: dropped + int64(len(text)), Console: text}
	if r.Boot == boot || r.Printed == math.MaxInt64 {
		a.Console = text[min(max(0, r.Printed-dropped), int64(len(text))):]
	}
	return a
}

func entryStatus(console, service string) (status winerr.NTStatus, ok bool) {
	for line := range strings.Lines(console) {
		m := entryLine.FindStringSubmatch(strings.TrimRight(line, "\r\n"))
		if m == nil || !strings.EqualFold(m[1], service) {
			continue
		}
		if n, err := strconv.ParseUint(m[2], 16, 32); err == nil {
			status, ok = winerr.NTStatus(n), true
		}
	}
	return status, ok
}
