package harness

import (
	"time"

	"wskharness/guest"
	"wskharness/suites"
	"wskharness/vm"
)

// describeGuest names a guest as every verdict on it does: a reader must see that a pass on Wine
// is not one on Windows.
func describeGuest(stack vm.Stack, f guest.Facts) string {
	switch {
	case stack.Label != "":
		return f.Describe() + ", " + stack.Label
	case f.Kind() == guest.KindWine:
		return f.Describe() + ", Wine's own netio.sys"
	}
	return f.Describe()
}

// issueKind is the word by which known issues call a guest.
func issueKind(stack vm.Stack, f guest.Facts) string {
	if stack.Issues != "" {
		return stack.Issues
	}
	return f.Kind()
}

// capabilities lists what cases may require and this guest has.
func capabilities(stack vm.Stack, f guest.Facts) []string {
	has := f.Capabilities()
	if stack.Documented || f.Kind() == guest.KindWindows {
		has = append(has, suites.CapabilityQuery, suites.CapabilityRundown, suites.CapabilitySocketRaces)
	}
	if f.Kind() == guest.KindWindows {
		has = append(has, suites.CapabilityEventLog)
	}
	if stack.Controllable {
		has = append(has, suites.CapabilityProviderControl)
	}
	return has
}

// describeStart tells how long a machine took to be ready, where it says.
func describeStart(m vm.Machine) string {
	if s, ok := m.(vm.Starter); ok {
		if d := s.ReadyAfter(); d > 0 {
			return "ready after " + d.Round(time.Millisecond).String()
		}
	}
	return ""
}
