package power

import (
	"context"
	"fmt"
	"strings"

	"wskharness/vm"
)

// hooks are programs of the user's: a plug, a hypervisor's own tool.
type hooks struct {
	programs map[Action]*Program // those that there are
	status   *Program            // nil: there is none
}

func (h *hooks) name() string      { return "by the target's program" }
func (h *hooks) can(a Action) bool { return h.programs[a] != nil }
func (h *hooks) tellsState() bool  { return h.status != nil }

// do runs a program. That it ended well is all that is known then.
func (h *hooks) do(ctx context.Context, a Action) error {
	return h.programs[a].Run(ctx)
}

func (h *hooks) state(ctx context.Context) (vm.Power, error) {
	if h.status == nil {
		return vm.Unknown, nil
	}
	said, shown, err := h.status.run(ctx)
	if err != nil {
		return vm.Unknown, err
	}
	if state := stateOf(said); state != vm.Unknown {
		return state, nil
	}
	return vm.Unknown, fmt.Errorf("the status program said %q: its last word has to be on or off", shown[max(0, len(shown)-200):])
}

// stateOf reads what tools say of a machine: the last word decides. "Chassis Power is on" (ipmitool), "running" and "shut off"
// (virsh domstate), "Power state: OFF".
func stateOf(said string) vm.Power {
	words := strings.FieldsFunc(strings.ToLower(said), func(r rune) bool { return r < 'a' || r > 'z' })
	if len(words) == 0 {
		return vm.Unknown
	}
	switch words[len(words)-1] {
	case "on", "running":
		return vm.On
	case "off", "stopped", "poweroff":
		return vm.Off
	}
	return vm.Unknown
}
