package static

import (
	"context"

	"wskharness/vm"
	"wskharness/vm/static/power"
)

// capable is the machine as one that can do what its power can, and nothing else: whoever asks for a vm.Resetter gets none that
// always fails.
func (m *machine) capable() vm.Machine {
	if m.opts.Power == nil {
		return m
	}
	reset, turn, nmi := resetter{m.opts.Power}, switcher{m.opts.Power}, injector{m.opts.Power}
	resets, turns, interrupts := m.opts.Power.Can(power.Reset), m.opts.Power.Can(power.On) && m.opts.Power.Can(power.Off), m.opts.Power.Can(power.NMI)
	switch { // what can be turned off and on can be reset
	case turns && interrupts:
		return struct {
			*machine
			resetter
			switcher
			injector
		}{m, reset, turn, nmi}
	case turns:
		return struct {
			*machine
			resetter
			switcher
		}{m, reset, turn}
	case resets && interrupts:
		return struct {
			*machine
			resetter
			injector
		}{m, reset, nmi}
	case resets:
		return struct {
			*machine
			resetter
		}{m, reset}
	case interrupts:
		return struct {
			*machine
			injector
		}{m, nmi}
	}
	return m
}

var (
	_ vm.Resetter    = resetter{}
	_ vm.Switch      = switcher{}
	_ vm.NMIInjector = injector{}
)

type resetter struct{ control *power.Control }

// Reset turns the machine off and on. That this was done is all that is known then: whether the machine is up again, its boot id
// tells.
func (r resetter) Reset(ctx context.Context) error { return r.control.Do(ctx, power.Reset) }

type switcher struct{ control *power.Control }

func (s switcher) TurnOn(ctx context.Context) error            { return s.control.Do(ctx, power.On) }
func (s switcher) TurnOff(ctx context.Context) error           { return s.control.Do(ctx, power.Off) }
func (s switcher) Power(ctx context.Context) (vm.Power, error) { return s.control.State(ctx) }

type injector struct{ control *power.Control }

// InjectNMI has the machine's kernel interrupted. Whether it crashes of that, its settings say.
func (i injector) InjectNMI(ctx context.Context) error { return i.control.Do(ctx, power.NMI) }
