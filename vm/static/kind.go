package static

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"wskharness/child"
	"wskharness/settings"
	"wskharness/vm"
	"wskharness/vm/access"
	"wskharness/vm/static/power"
)

// Kind is the machine that is just there.
func Kind() vm.Kind { return vm.Kind{Name: "static", Form: form} }

// target is what a target says.
type target struct {
	access.Access
	power        power.Settings
	bootWithin   time.Duration // how long it may take from being turned on, or reset, until it is up; zero: bootLimit
	revert       []string      // a program of this machine, with its arguments; may be empty
	revertEnv    []string      // environment variables that it gets beyond what every one gets
	revertWithin time.Duration // zero: revertLimit
	revertWhen   string        // "acquired" or "tainted"
}

func form() vm.Form {
	t := &target{revertWhen: "acquired"}
	keys := t.Table()
	beside := []settings.Rule{{Key: "revert", Want: "revert: [the program, its arguments] beside it"}}
	keys.Doc = "A machine that answers WinRM, which the harness neither makes nor looks after."
	keys.Keys = append(append(keys.Keys, t.power.Keys()...),
		settings.Key{Name: "boot_within", Doc: "How long the machine may take to be up from being turned on, or reset; 10m unless given.", Value: settings.Duration(&t.bootWithin, settings.LongestTime)},
		settings.Key{Name: "revert", Doc: "A program here, with its arguments, that brings the machine back to its clean state, and ends when that is done: from then on it is waited for.",
			Value: settings.Command(&t.revert)},
		settings.Key{Name: "revert_env", Doc: "Environment variables that this program gets beyond what every program gets; none that is a password_env.", Beside: beside, Value: settings.Variables(&t.revertEnv)},
		settings.Key{Name: "revert_within", Doc: "How long this program may take; 1h unless given.", Beside: beside, Value: settings.Duration(&t.revertWithin, settings.LongestTime)},
		settings.Key{Name: "revert_when", Doc: "Whether every run begins with a revert, or only a machine is reverted that a run has left in disorder.", Beside: beside,
			Value: settings.Word(&t.revertWhen, "acquired", "tainted")},
	)
	return vm.Form{Keys: keys, Define: t.define}
}

func (t *target) define(r *settings.Reader, given settings.Given) vm.Definition {
	t.Check(r, given)
	return vm.Definition{
		Description: fmt.Sprintf("%s as %s", t.URL, t.User), Provider: t.provider, Shared: t.Address(), Check: t.checkPrograms,
		BootWithin: cmp.Or(t.bootWithin, bootLimit), Endpoint: t.Endpoint, Secrets: t.secrets(),
	}
}

// checkPrograms says why a program of the target's can't be started.
func (t *target) checkPrograms() error {
	err := t.power.Check()
	if len(t.revert) > 0 {
		err = errors.Join(err, (&power.Program{Words: t.revert}).Check())
	}
	return err
}

// secrets are the machine's and its management controller's.
func (t *target) secrets() vm.Secrets {
	machine, controller := t.Secrets(), t.power.Secrets()
	if controller.Values == nil {
		return machine
	}
	return machine.With(controller)
}

func (t *target) provider(h vm.Host) (vm.Provider, error) {
	endpoint, err := t.Endpoint(h.Getenv)
	if err != nil {
		return nil, err
	}
	control, err := t.power.Control(h)
	if err != nil {
		return nil, err
	}
	o := Options{Endpoint: endpoint, Power: control, BootWithin: t.bootWithin, RevertWithin: t.revertWithin, RevertTainted: t.revertWhen == "tainted", Tell: h.Tell, Logger: h.Logger}
	if len(t.revert) > 0 {
		o.Revert = &power.Program{Words: t.revert, Environment: child.Environment{Also: t.revertEnv, Never: h.Never}, Redactor: h.Redactor, Logger: h.Logger}
	}
	return New(o)
}
